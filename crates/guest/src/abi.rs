//! Typed input and output over Solidity ABI: what `abi.encode` and `abi.decode` speak on the other side.

use alloy_sol_types::{SolType, SolValue};

use crate::{offchain_input, onchain_input, output};

fn decode<T>(which: &str, bytes: &[u8]) -> T
where
    T: SolValue + From<<T::SolType as SolType>::RustType>,
{
    match T::abi_decode(bytes) {
        Ok(value) => value,
        Err(error) => panic!("{which} input is not the ABI encoding expected: {error}"),
    }
}

/// Decodes the onchain input, `abi.encode(value)` on the Solidity side.
///
/// # Panics
/// When the input is not such an encoding; the panic is the job's outcome.
pub fn onchain_abi_input<T>() -> T
where
    T: SolValue + From<<T::SolType as SolType>::RustType>,
{
    decode("onchain", &onchain_input())
}

/// Decodes the offchain input, `abi.encode(value)` on the Solidity side.
///
/// # Panics
/// When the input is not such an encoding; the panic is the job's outcome.
pub fn offchain_abi_input<T>() -> T
where
    T: SolValue + From<<T::SolType as SolType>::RustType>,
{
    decode("offchain", &offchain_input())
}

/// Gives a value as output, for `abi.decode` on the Solidity side.
pub fn abi_output<T>(value: &T)
where
    T: SolValue,
{
    output(value.abi_encode());
}
