//! The zkVM behind one trait.
//!
//! [`Zkvm`] is what the rest of InfinityVM knows of proving: admit a program, execute it, prove an execution, verify
//! a proof. [`OpenVm`] implements it: `ivm-engine` decides outcomes, OpenVM 2.0 proves them, [`ivm_verifier`] (which
//! also says what a proof shows) verifies.
//!
//! **The rule.** *An outcome is right if and only if the run terminates with exit code 0 within its cycles, and the 32
//! public value bytes it leaves are `keccak256(status ‖ bytes)` of that outcome.* [`Zkvm::check`] is this rule;
//! [`Zkvm::prove`] proves every run that ends so; [`Zkvm::execute`] finds the outcome that it proposes by registers
//! `a0`, `a1` and `a2`, which hold status, address and size of the bytes at the end. They are a convention between a
//! program and whoever runs it, not a part of the rule.
//!
//! **Program id:** the commitment that the program would have with an input that cannot exist, as eight big-endian
//! words: it binds code, data, start pc, and where inputs go. It takes about a second to derive; see [`Zkvm::admit`].

#![forbid(unsafe_code)]

mod aggregate;
pub mod config;
mod error;
mod exe;
mod execute;
mod keys;
mod openvm;
mod peer;
mod program;
mod progress;
mod prove;
#[cfg(test)]
mod tests;

pub use error::{AdmitError, CheckError, ExecuteError, KeyError, NoOutcome, ProveError};
pub use execute::Execution;
pub use ivm_engine::Reach;
pub use ivm_verifier::{MAX_PROOF_SIZE_BYTES, Proof, ProofKind, VerifyError, VerifyingProgram};
pub use openvm::OpenVm;
pub use peer::{Peer, PeerRun};
pub use program::{Admission, AdmittedProgram};
pub use progress::{ProveEstimate, ProveProgress};

use std::ops::ControlFlow;

use alloy_primitives::B256;
use ivm_primitives::JobInput;

/// A zkVM: what can run programs, prove what they did, and check such proofs.
pub trait Zkvm: Send + Sync {
    /// Checks an ELF file and derives its program id. About a second of work: do it off the block path.
    ///
    /// # Errors
    /// [`AdmitError`] when the file is not an admissible program.
    fn admit(&self, elf: &[u8]) -> Result<AdmittedProgram, AdmitError>;

    /// Takes a program that was admitted before and then forgotten: milliseconds, since nothing is derived again.
    ///
    /// # Errors
    /// [`AdmitError`] when the file is not the one that was admitted.
    fn readmit(&self, elf: &[u8], admission: &Admission) -> Result<AdmittedProgram, AdmitError>;

    /// Runs a program on an input for at most `max_cycles`.
    ///
    /// # Errors
    /// [`ExecuteError::NoOutcome`] when the run ends without a provable outcome, [`ExecuteError::Broken`] when it is not
    /// known how it ends: nothing may be posted in either case.
    fn execute(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
    ) -> Result<Execution, ExecuteError> {
        self.execute_within(program, input, max_cycles, Reach::Whole)
    }

    /// Runs a program as [`execute`](Self::execute) does, within reach of so much memory. What is beyond is past the end
    /// of memory to the run, so it may be without an outcome that it has in the whole of it; it never has another.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    fn execute_within(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
        reach: Reach,
    ) -> Result<Execution, ExecuteError>;

    /// Checks an outcome that someone else claims, by running the program; returns the cycles it took.
    ///
    /// It agrees with what a proof can show: `Ok` if and only if the run terminates with exit code 0 within `max_cycles`
    /// and reveals `claimed_hash`. [`execute`](Self::execute) is for proposing: it also has to find the outcome's bytes,
    /// so it can fail where this one tells a claim to be right.
    ///
    /// # Errors
    /// [`CheckError`] when the claim is wrong, or ([`CheckError::Broken`]) when it is not known to be right.
    fn check(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
        claimed_hash: B256,
    ) -> Result<u64, CheckError>;

    /// Proves what a program reveals on an input. Long work; `progress` is called before each step of it, and cancels
    /// it by returning [`ControlFlow::Break`]: the step under way is finished (a segment takes many seconds), no other
    /// is begun.
    ///
    /// Any run that terminates with exit code 0 is proven: see [`check`](Self::check).
    ///
    /// # Errors
    /// [`ProveError`] when there is nothing to prove, on cancel, or when proving fails.
    fn prove(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
        kind: ProofKind,
        progress: &mut dyn FnMut(ProveProgress) -> ControlFlow<()>,
    ) -> Result<Proof, ProveError>;

    /// Checks that `proof` shows the outcome with hash `outcome_hash` for this program on this input.
    ///
    /// # Errors
    /// [`VerifyError`] for any bytes that do not.
    fn verify(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        outcome_hash: B256,
        proof: &Proof,
    ) -> Result<(), VerifyError>;
}
