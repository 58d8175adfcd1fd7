//! The contracts of both chains as Rust sees them: ABI types, code, and what genesis places where.
//!
//! Everything comes from `contracts/artifacts`, which `contracts/scripts/artifacts` writes and CI holds to the Solidity.
//! A generated module such as [`JobManager`] has the calls, events, errors, `BYTECODE` (what creates the contract) and
//! `DEPLOYED_BYTECODE` (what runs); the structs of jobs are in [`IJobManager`], those of [`Settlement`] in
//! [`ISettlement`].

#![forbid(unsafe_code)]

pub mod bindings;
pub mod enums;
pub mod genesis;
pub mod job;

pub use bindings::{
    DynamicFeePool, EchoConsumer, ExampleToken, IConsumer, IDynamicFeePool, IJobManager, IProofVerifier,
    ISettlement, JobManager, PrizeConsumer, ProgramRegistry, Settlement, SquareRootConsumer,
    VolatilityOracle, hostile,
};
pub use enums::{BlockState, ChallengeKind, ChallengeState, ClaimState, JobState, ProposerState, SkipReason};
pub use genesis::{GenesisAccount, JobParameters, JobParametersError, genesis_accounts};
pub use job::job_id;

use alloy_primitives::{Address, address};

/// Where genesis places `JobManager` (`contracts/src/Predeploys.sol`).
pub const JOB_MANAGER_ADDRESS: Address = address!("4956000000000000000000000000000000000001");

/// Where genesis places `ProgramRegistry` (`contracts/src/Predeploys.sol`).
pub const PROGRAM_REGISTRY_ADDRESS: Address = address!("4956000000000000000000000000000000000002");
