//! Outcomes: what running a program on an input yields (DESIGN "Outcome").
//!
//! An outcome is `Success(output)` or `Panicked(message)`; both are provable. Anything else a run can end with (a trap,
//! the cycle limit, a broken bound) is *no outcome*: it is never posted.
//!
//! **Commitment.** `outcome_hash = keccak256(status ‖ bytes)` with `status` one byte ([`OutcomeStatus`]) and `bytes` the
//! output or the message. It is what a guest reveals as its 32 public value bytes and what a claim carries on chain.

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, Keccak256};

/// The status byte of an outcome, as hashed and as passed to Solidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum OutcomeStatus {
    /// The program ran to its end and gave an output.
    Success = 0,
    /// The program panicked; the message is what it said.
    Panicked = 1,
}

impl OutcomeStatus {
    /// The status a byte stands for, or `None` when it stands for none.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Success),
            1 => Some(Self::Panicked),
            _ => None,
        }
    }

    /// The byte that is hashed and sent to Solidity.
    pub const fn as_byte(self) -> u8 {
        self as u8
    }
}

/// What running a program on an input yields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "status", content = "data", rename_all = "snake_case"))]
pub enum Outcome {
    /// The program ran to its end with this output.
    Success(Bytes),
    /// The program panicked with this message (UTF-8 by convention, not by rule).
    Panicked(Bytes),
}

impl Outcome {
    /// Builds an outcome from its status and bytes.
    pub fn new(status: OutcomeStatus, bytes: Bytes) -> Self {
        match status {
            OutcomeStatus::Success => Self::Success(bytes),
            OutcomeStatus::Panicked => Self::Panicked(bytes),
        }
    }

    /// The status.
    pub const fn status(&self) -> OutcomeStatus {
        match self {
            Self::Success(_) => OutcomeStatus::Success,
            Self::Panicked(_) => OutcomeStatus::Panicked,
        }
    }

    /// The output, or the panic message.
    pub const fn bytes(&self) -> &Bytes {
        match self {
            Self::Success(bytes) | Self::Panicked(bytes) => bytes,
        }
    }

    /// `keccak256(status ‖ bytes)`: what a guest reveals and a claim carries.
    pub fn hash(&self) -> B256 {
        outcome_hash(self.status(), self.bytes())
    }
}

/// `keccak256(status ‖ bytes)`, for bytes that are not an [`Outcome`] yet.
pub fn outcome_hash(status: OutcomeStatus, bytes: &[u8]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update([status.as_byte()]);
    hasher.update(bytes);
    hasher.finalize()
}

impl From<Outcome> for Vec<u8> {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success(bytes) | Outcome::Panicked(bytes) => bytes.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloy_primitives::keccak256;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn status_bytes() {
        assert_eq!(OutcomeStatus::from_byte(0), Some(OutcomeStatus::Success));
        assert_eq!(OutcomeStatus::from_byte(1), Some(OutcomeStatus::Panicked));
        assert!((2..=255).all(|byte| OutcomeStatus::from_byte(byte).is_none()));
        assert_eq!(OutcomeStatus::Success.as_byte(), 0);
        assert_eq!(OutcomeStatus::Panicked.as_byte(), 1);
    }

    #[test]
    fn a_panic_is_not_an_output_of_the_same_bytes() {
        let bytes = Bytes::from_static(b"same");
        assert_ne!(Outcome::Success(bytes.clone()).hash(), Outcome::Panicked(bytes).hash());
    }

    proptest! {
        #[test]
        fn the_hash_is_of_status_and_bytes(panicked in any::<bool>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let status = if panicked { OutcomeStatus::Panicked } else { OutcomeStatus::Success };
            let mut preimage = vec![u8::from(panicked)];
            preimage.extend(&bytes);
            let outcome = Outcome::new(status, bytes.clone().into());
            prop_assert_eq!(outcome.hash(), keccak256(preimage));
            prop_assert_eq!(outcome_hash(status, &bytes), outcome.hash());
            prop_assert_eq!(outcome.status(), status);
            prop_assert_eq!(outcome.bytes().as_ref(), bytes.as_slice());
            prop_assert_eq!(Vec::from(outcome), bytes);
        }
    }
}
