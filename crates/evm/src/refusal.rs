//! Why a transaction is not valid on a state, in geth's words.

use std::fmt;

use alloy_evm::EvmEnv;
use alloy_primitives::Address;
use revm::context::TxEnv;
use revm::context::result::InvalidTransaction;

/// A transaction that Ethereum's rules refuse, with what geth's message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: InvalidTransaction,
    sender: Address,
    nonce: u64,
    gas_limit: u64,
    fee_cap: u128,
    tip_cap: u128,
    base_fee: u64,
    code_size: usize,
}

impl Refusal {
    /// Joins the reason with the transaction it is about and the block it was to run in.
    pub fn new(reason: InvalidTransaction, transaction: &TxEnv, environment: &EvmEnv) -> Self {
        Self {
            reason,
            sender: transaction.caller,
            nonce: transaction.nonce,
            gas_limit: transaction.gas_limit,
            fee_cap: transaction.gas_price,
            tip_cap: transaction.gas_priority_fee.unwrap_or(transaction.gas_price),
            base_fee: environment.block_env.basefee,
            code_size: transaction.data.len(),
        }
    }

    /// Gas the transaction was given.
    pub const fn supplied_gas(&self) -> u64 {
        self.gas_limit
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sender, nonce, fee_cap, tip_cap, base_fee, .. } = self;
        match &self.reason {
            InvalidTransaction::NonceTooLow { tx, state } => {
                write!(f, "nonce too low: address {sender}, tx: {tx} state: {state}")
            }
            InvalidTransaction::NonceTooHigh { tx, state } => {
                write!(f, "nonce too high: address {sender}, tx: {tx} state: {state}")
            }
            InvalidTransaction::NonceOverflowInTransaction => {
                write!(f, "nonce has max value: address {sender}, nonce: {nonce}")
            }
            InvalidTransaction::RejectCallerWithCode => write!(f, "sender not an eoa: address {sender}"),
            InvalidTransaction::GasPriceLessThanBasefee => write!(
                f,
                "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {fee_cap}, baseFee: \
                 {base_fee}"
            ),
            InvalidTransaction::PriorityFeeGreaterThanMaxFee => write!(
                f,
                "max priority fee per gas higher than max fee per gas: address {sender}, maxPriorityFeePerGas: \
                 {tip_cap}, maxFeePerGas: {fee_cap}"
            ),
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => write!(
                f,
                "insufficient funds for gas * price + value: address {sender} have {balance} want {fee}"
            ),
            InvalidTransaction::OverflowPaymentInTransaction => {
                write!(
                    f,
                    "insufficient funds for gas * price + value: address {sender} required balance exceeds 256 bits"
                )
            }
            InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
                write!(f, "intrinsic gas too low: have {gas_limit}, want {initial_gas}")
            }
            InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
                write!(f, "insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor}")
            }
            InvalidTransaction::CreateInitCodeSizeLimit => write!(
                f,
                "max initcode size exceeded: code size {} limit {}",
                self.code_size,
                crate::MAX_INITCODE_SIZE_BYTES
            ),
            InvalidTransaction::CallerGasLimitMoreThanBlock => f.write_str("gas limit reached"),
            InvalidTransaction::EmptyBlobs => f.write_str("blob transaction missing blob hashes"),
            InvalidTransaction::BlobCreateTransaction => f.write_str("blob transaction of type create"),
            InvalidTransaction::BlobGasPriceGreaterThanMax {
                block_blob_gas_price,
                tx_max_fee_per_blob_gas,
            } => {
                write!(
                    f,
                    "max fee per blob gas less than block blob gas fee: address {sender} blobGasFeeCap: \
                     {tx_max_fee_per_blob_gas}, blobBaseFee: {block_blob_gas_price}"
                )
            }
            InvalidTransaction::EmptyAuthorizationList => {
                write!(f, "EIP-7702 transaction with empty auth list (sender {sender})")
            }
            InvalidTransaction::AuthorizationListInvalidFields => {
                f.write_str("EIP-7702 transaction cannot be used to create contract")
            }
            InvalidTransaction::Eip2930NotSupported => unsupported(f, "access list", sender),
            InvalidTransaction::Eip1559NotSupported => unsupported(f, "dynamic fee", sender),
            InvalidTransaction::Eip4844NotSupported => unsupported(f, "blob", sender),
            InvalidTransaction::Eip7702NotSupported => unsupported(f, "setcode", sender),
            other => other.fmt(f),
        }
    }
}

/// Says that a kind of transaction is not of the block's fork.
fn unsupported(f: &mut fmt::Formatter<'_>, kind: &str, sender: &Address) -> fmt::Result {
    write!(f, "transaction type not supported: {kind} tx (sender {sender})")
}
