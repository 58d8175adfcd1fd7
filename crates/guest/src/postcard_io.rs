//! Typed input and output over serde, encoded with postcard.

use serde::{Serialize, de::DeserializeOwned};

use crate::{offchain_input, onchain_input, output};

fn decode<T: DeserializeOwned>(which: &str, bytes: &[u8]) -> T {
    match postcard::from_bytes(bytes) {
        Ok(value) => value,
        Err(error) => panic!("{which} input is not the postcard encoding expected: {error}"),
    }
}

/// Decodes the onchain input.
///
/// # Panics
/// When the input is not such an encoding; the panic is the job's outcome.
pub fn onchain_serde_input<T: DeserializeOwned>() -> T {
    decode("onchain", &onchain_input())
}

/// Decodes the offchain input.
///
/// # Panics
/// When the input is not such an encoding; the panic is the job's outcome.
pub fn offchain_serde_input<T: DeserializeOwned>() -> T {
    decode("offchain", &offchain_input())
}

/// Gives a value as output.
///
/// # Panics
/// When the value cannot be encoded, or is too large.
pub fn serde_output<T: Serialize>(value: &T) {
    match postcard::to_stdvec(value) {
        Ok(bytes) => output(bytes),
        Err(error) => panic!("output cannot be encoded: {error}"),
    }
}
