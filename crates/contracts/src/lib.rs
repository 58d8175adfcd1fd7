//! The contracts of both chains as Rust sees them: ABI types, code, and what genesis places where.
//!
//! Everything comes from `contracts/artifacts`, which `contracts/scripts/artifacts` writes and CI holds to the Solidity.
//! A generated module such as [`JobManager`] has the calls, events, errors, `BYTECODE` (what creates the contract) and
//! `DEPLOYED_BYTECODE` (what runs); the structs of jobs are in [`IJobManager`], [`IOffchainJobs`] and [`ISyncJobs`], those
//! of [`Settlement`] in [`ISettlement`].

#![forbid(unsafe_code)]

pub mod bindings;
pub mod enums;
pub mod fees;
pub mod genesis;
pub mod job;
pub mod load;

pub use bindings::{
    DynamicFeePool, EchoConsumer, ExampleToken, IConsumer, IDynamicFeePool, IJobManager, IOffchainJobs,
    IProofVerifier, ISettlement, ISyncJobs, InstantSquareRoot, JobManager, LedgerConsumer,
    OffchainPriceConsumer, PrizeConsumer, ProgramRegistry, Settlement, SquareRootConsumer, VolatilityOracle,
    hostile,
};
pub use bindings::{IOffchainJobs::JobRequest, IOffchainJobs::OffchainResult};
pub use enums::{
    BlockState, ChallengeKind, ChallengeState, ClaimState, JobState, NoOutcomeReason, ProposerState,
    RequestFault, SkipReason,
};
pub use fees::{GAS_PER_BYTE, INCLUSION_GAS, SIGNATURE_CHECK_GAS};
pub use genesis::{
    DEFAULT_PROVER_ACCOUNT, GenesisAccount, JobParameterFields, JobParameters, JobParametersError,
    genesis_accounts,
};
pub use job::{JobKind, JobNonce, job_id, request_domain};
pub use load::{LOAD_SLOT, LoadWord};

use alloy_primitives::{Address, address};

/// Where genesis places `JobManager` (`contracts/src/Predeploys.sol`).
pub const JOB_MANAGER_ADDRESS: Address = address!("4956000000000000000000000000000000000001");

/// Where genesis places `ProgramRegistry` (`contracts/src/Predeploys.sol`).
pub const PROGRAM_REGISTRY_ADDRESS: Address = address!("4956000000000000000000000000000000000002");

/// Where `JobManager.execute` has the node run programs (`contracts/src/Predeploys.sol`). There is no code: the address
/// is the node's own, and answers the job manager alone.
pub const EXECUTOR_ADDRESS: Address = address!("0000000000000000000000000000000000004957");
