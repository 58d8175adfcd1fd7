//! Why a proof, or a program to verify proofs of, is refused.

use alloy_primitives::B256;
use thiserror::Error;

use crate::{MAX_PROOF_SIZE_BYTES, VM_CONFIG_ID};

/// Why a proof is refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// Larger than the limit.
    #[error("proof is {got} bytes, the limit is {MAX_PROOF_SIZE_BYTES}")]
    TooLarge {
        /// Size found, in bytes.
        got: usize,
    },
    /// Made for another VM.
    #[error("proof is for VM {got:?}, expected {VM_CONFIG_ID:?}")]
    WrongVm {
        /// VM named by the proof.
        got: String,
    },
    /// Its bytes are not a proof.
    #[error("proof does not decode: {0}")]
    Malformed(String),
    /// The cryptography does not hold.
    #[error("proof does not verify: {0}")]
    Invalid(#[from] InvalidProof),
    /// A valid proof, but about another program or input.
    #[error("proof is about execution {got}, expected {expected} (another program, or another input)")]
    WrongExecution {
        /// Commitment to code, initial memory and start pc in the proof.
        got: B256,
        /// The one this program and input have.
        expected: B256,
    },
    /// A valid proof of another outcome.
    #[error("proof shows outcome {got}, expected {expected}")]
    WrongOutcome {
        /// Outcome hash the proof shows.
        got: B256,
        /// Outcome hash asked about.
        expected: B256,
    },
}

/// What does not hold in a proof that decodes.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum InvalidProof {
    /// It has no segments.
    #[error("it has no segments")]
    NoSegments,
    /// A STARK does not verify.
    #[error("STARK {index}: {reason}")]
    Stark {
        /// Which, from 0.
        index: usize,
        /// What the proof system says.
        reason: String,
    },
    /// A STARK's public values are not those of the circuit, though it verifies.
    #[error("STARK {index} lacks the public values of {part}")]
    Shape {
        /// Which, from 0.
        index: usize,
        /// Part of the circuit.
        part: &'static str,
    },
    /// A segment runs other code than the first.
    #[error("segment {index} runs other code than the first")]
    OtherCode {
        /// Which, from 0.
        index: usize,
    },
    /// A segment does not start where the one before it ended.
    #[error("segment {index} starts at pc {got:#x}, the one before it ended at {expected:#x}")]
    PcGap {
        /// Which, from 0.
        index: usize,
        /// Where it starts.
        got: u32,
        /// Where it has to.
        expected: u32,
    },
    /// A segment does not start with the memory that the one before it left.
    #[error("segment {index} starts with another memory than the one before it left")]
    MemoryGap {
        /// Which, from 0.
        index: usize,
    },
    /// The run ends before the last segment, or not with it.
    #[error("segment {index} says is_terminate = {got}, expected {expected}")]
    End {
        /// Which, from 0.
        index: usize,
        /// What it says.
        got: u32,
        /// 1 for the last, else 0.
        expected: u32,
    },
    /// The run ended with another exit code than 0, or an inner segment has another code than the one that stands for
    /// "goes on".
    #[error("segment {index} has exit code {got}, expected {expected}")]
    ExitCode {
        /// Which, from 0.
        index: usize,
        /// Code found.
        got: u32,
        /// Code wanted.
        expected: u32,
    },
    /// The public values are not in the final memory, or not 32 bytes.
    #[error("public values: {0}")]
    PublicValues(&'static str),
    /// An aggregated proof was not made by the circuits that aggregate our VM's proofs.
    #[error("aggregation: {0}")]
    Aggregation(&'static str),
    /// The proof system's code panicked on it.
    #[error("the proof system panicked: {0}")]
    Panicked(String),
}

/// Why bytes are not a program to verify proofs of.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a program to verify proofs of: {0}")]
pub struct ProgramDecodeError(pub(crate) &'static str);
