//! Contracts that are part of the node: called at an address as Ethereum's precompiles are, written in Rust.

use std::fmt::Debug;
use std::sync::Arc;

use alloy_evm::Evm;
use alloy_evm::eth::EthEvmContext;
use alloy_evm::precompiles::{DynPrecompile, PrecompileInput};
use alloy_primitives::{Address, Bytes};
use revm::Inspector;
use revm::database::State;
use revm::precompile::{PrecompileError, PrecompileHalt, PrecompileId, PrecompileOutput};

use crate::call::ChainEvm;
use crate::database::ChainDatabase;

/// A contract that is part of the node.
///
/// What it answers is consensus: it must depend on the call alone, and so must the gas it takes. What a node may lack, for
/// instance a payload that is only named by its hash, is not an answer: see [`NativeFault::Unavailable`].
pub trait NativeContract: Debug + Send + Sync {
    /// Where it is called. From the start of a transaction on the address is warm, as those of precompiles are.
    fn address(&self) -> Address;

    /// What it is called in `eth_config` (EIP-7910), in capitals as precompiles are.
    fn name(&self) -> &'static str;

    /// Answers a call. It never uses more than the call's `gas_limit`.
    ///
    /// # Errors
    /// [`NativeFault`] when there is no answer.
    fn call(&self, call: &NativeCall<'_>) -> Result<NativeReturn, NativeFault>;
}

/// A call of a native contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NativeCall<'a> {
    /// What Solidity calls `msg.sender`.
    pub caller: Address,
    /// Whether `caller` itself called: in a `DELEGATECALL` or a `CALLCODE` it is whoever called the contract that does.
    pub is_direct: bool,
    /// Number of the block that is executed, or made up for a call.
    pub block_number: u64,
    /// The call's data.
    pub input: &'a [u8],
    /// Gas it may use.
    pub gas_limit: u64,
}

/// What a call of a native contract gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeReturn {
    /// Gas it used.
    pub gas_used: u64,
    /// What it returned.
    pub output: Bytes,
}

/// Why a call of a native contract gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NativeFault {
    /// It costs more than it was given, which is gone.
    #[error("out of gas")]
    OutOfGas,
    /// It refuses its input. The caller keeps the gas that is left.
    #[error("reverted with {} bytes after {gas_used} gas", output.len())]
    Reverted {
        /// Gas it used.
        gas_used: u64,
        /// The error, ABI-encoded.
        output: Bytes,
    },
    /// This node lacks data that others have, so that it does not know the answer: the transaction ends without a result,
    /// as it does when state cannot be read.
    #[error("{0}")]
    Unavailable(String),
}

/// Begins the EVM's error of a transaction that met [`NativeFault::Unavailable`]. It is how the error is told from one of
/// an inspector: revm hands both on as text.
const UNAVAILABLE: &str = "fatal: native contract has not its data: ";
/// As the EVM is given it: revm adds the first word.
const UNAVAILABLE_REASON: &str = "native contract has not its data: ";

/// What was lacking, if this is the EVM's error about it.
pub(crate) fn unavailable(error: &str) -> Option<&str> {
    error.strip_prefix(UNAVAILABLE)
}

/// Makes the EVM call a native contract at its address.
pub(crate) fn install<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
    evm: &mut ChainEvm<I>,
    contract: Arc<dyn NativeContract>,
) {
    let address = contract.address();
    let id = PrecompileId::Custom("native".into());
    let run = move |input: PrecompileInput<'_>| match contract.call(&NativeCall {
        caller: input.caller,
        is_direct: input.is_direct_call(),
        block_number: input.internals.block_number().saturating_to(),
        input: input.data,
        gas_limit: input.gas,
    }) {
        Ok(NativeReturn { gas_used, output }) => Ok(PrecompileOutput::new(gas_used, output, input.reservoir)),
        Err(NativeFault::OutOfGas) => Ok(PrecompileOutput::halt(PrecompileHalt::OutOfGas, input.reservoir)),
        Err(NativeFault::Reverted { gas_used, output }) => {
            Ok(PrecompileOutput::revert(gas_used, output, input.reservoir))
        }
        Err(NativeFault::Unavailable(reason)) => {
            Err(PrecompileError::Fatal(format!("{UNAVAILABLE_REASON}{reason}")))
        }
    };
    evm.components_mut().2.apply_precompile(&address, |_| Some(DynPrecompile::new(id, run)));
}
