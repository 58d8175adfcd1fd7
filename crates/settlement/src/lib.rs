//! The settlement chain: the ledger that never reorgs, with the order of execution blocks, bonds, challenges and verdicts.
//!
//! * [`SettlementGenesis`]: the embedded chain from its start, with the contract in its genesis;
//! * [`native`]: the contract that verifies proofs in its EVM;
//! * [`evidence`]: the claims of an execution block, and what shows one to the contract;
//! * [`signed_header`]: headers as proposers sign them, and equivocation;
//! * [`leading`], [`session`]: what else a proposer signs;
//! * [`fork_choice`]: the execution chain by the contract's events, and which of its blocks a node follows;
//! * [`verdict`]: what arbitration decides;
//! * [`SettlementChain`]: access to a settlement chain, [`EmbeddedSettlement`] or [`RpcSettlement`].
//!
//! All but the last are functions without I/O, clock or randomness.

#![forbid(unsafe_code)]

mod chain;
mod embedded;
mod error;
mod events;
pub mod evidence;
pub mod fork_choice;
mod genesis;
pub mod leading;
pub mod native;
mod parameters;
mod rpc;
pub mod session;
pub mod signed_header;
#[cfg(feature = "test-utils")]
pub mod testing;
pub mod verdict;

pub use chain::{SettlementChain, SettlementReceipt};
pub use embedded::EmbeddedSettlement;
pub use error::SettlementError;
pub use events::{SettlementEvent, SettlementLog};
pub use evidence::{Claim, EvidenceError, ReceiptedBlock, challenge_id, claim_id};
pub use fork_choice::{BlockRef, FollowMode, Followed, ForkChoice, ForkChoiceError, Judged, follow};
pub use genesis::{
    DEFAULT_SETTLEMENT_CHAIN_ID, DEFAULT_SETTLEMENT_GAS_LIMIT, SETTLEMENT_ADDRESS, SettlementGenesis,
    SettlementGenesisError,
};
pub use leading::{Call, LeadingTerms};
pub use native::{PROOF_VERIFIER_ADDRESS, Payloads, ProofLocator, ProofVerifier};
pub use parameters::{
    MAX_PERIOD_BLOCKS, MAX_TIMESTAMP_DRIFT_SECONDS, ParametersError, SettlementParameters, WHOLE_BPS,
};
pub use rpc::RpcSettlement;
pub use session::{MAX_SESSION_BLOCKS, Session, SessionError};
pub use signed_header::{Equivocation, SignedHeader, SignedHeaderError, header_domain};
