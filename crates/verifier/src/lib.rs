//! Verifies proofs of outcomes, without a prover.
//!
//! **Statement:** *program P, started with input I in its initial memory, ends with outcome O.* A proof exposes a
//! commitment to (code, initial memory, start pc) and 32 public value bytes. [`verify`] recomputes the commitment from
//! the program and the input *bytes*, and compares the public values with the outcome's hash. The circuit has no hint
//! instruction, so a program has no other source of data and nobody can prove a second outcome.
//!
//! A proof shows that the run terminated with exit code 0 and revealed that hash. It does not show how many cycles the
//! run took: the circuit does not count them.
//!
//! Everything here is deterministic, bounded by the size of what is given, and does not panic on any bytes. It depends
//! on the proof system's verifier and on nothing that proves, and needs no key generation: the
//! [verifying keys](keys) are part of the crate.

#![forbid(unsafe_code)]

mod aggregated;
pub mod codec;
mod error;
pub mod keys;
mod memory_root;
mod program;
mod proof;
mod public_values;
mod segments;
mod stark;

use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy_primitives::B256;
pub use error::{InvalidProof, ProgramDecodeError, VerifyError};
use ivm_primitives::JobInput;
pub use memory_root::memory_root;
pub use program::VerifyingProgram;
pub use proof::{MAX_PROOF_SIZE_BYTES, Proof, ProofKind, VM_CONFIG_ID};
pub use stark::{Digest, F};

/// What a valid proof shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Commitment to the code, initial memory and start pc of the run.
    pub execution: B256,
    /// The 32 public value bytes that the run revealed.
    pub outcome_hash: B256,
}

/// Checks that `proof`, of either kind, shows the outcome with hash `outcome_hash` for this program on this input.
///
/// # Errors
/// [`VerifyError`] for any bytes that do not.
pub fn verify(
    program: &VerifyingProgram<'_>,
    input: &JobInput,
    outcome_hash: B256,
    proof: &Proof,
) -> Result<(), VerifyError> {
    let shown = inspect(proof)?;
    let expected = program.execution_commitment(input);
    if shown.execution != expected {
        return Err(VerifyError::WrongExecution { got: shown.execution, expected });
    }
    if shown.outcome_hash != outcome_hash {
        return Err(VerifyError::WrongOutcome { got: shown.outcome_hash, expected: outcome_hash });
    }
    Ok(())
}

/// Checks a proof by itself, and says what it shows. It is worth nothing before that is compared: see [`verify`].
///
/// # Errors
/// [`VerifyError`] for any bytes that are not a valid proof.
pub fn inspect(proof: &Proof) -> Result<Shown, VerifyError> {
    // The proof system's code asserts on data that hostile proofs can choose, and a node must not fall over one.
    catch_unwind(AssertUnwindSafe(|| codec::verify(proof.bytes()))).unwrap_or_else(|payload| {
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Err(InvalidProof::Panicked(message.into()).into())
    })
}
