//! Checks of a transaction on its way into the pool: those that need no state first, cheapest first.

use alloy_consensus::transaction::{Recovered, SignerRecoverable};
use alloy_consensus::{Transaction, TxEnvelope, TxType};
use alloy_eips::Decodable2718;
use alloy_primitives::U256;
use ivm_evm::{MAX_INITCODE_SIZE_BYTES, intrinsic_gas};

use super::{BlobRules, PoolConfig, PoolError, PooledTransaction, SenderState, blobs};

/// What transactions are checked against, beside the state of their sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) chain_id: u64,
    pub(crate) block_gas_limit: u64,
    pub(crate) pool: PoolConfig,
    /// `None` where transactions have no blobs.
    pub(crate) blobs: Option<BlobRules>,
}

/// Decodes a transaction and recovers its sender. Blobs that come with it are checked, and are not part of what is given.
pub(crate) fn decode(raw: &[u8], rules: &Rules) -> Result<Recovered<TxEnvelope>, PoolError> {
    let blobs = match (raw.first() == Some(&u8::from(TxType::Eip4844)), rules.blobs) {
        (true, None) => return Err(PoolError::BlobTransaction),
        (true, blobs) => blobs,
        (false, _) => None,
    };
    let blobs_size = blobs.map_or(0, BlobRules::max_size_bytes);
    let limit = rules.pool.max_transaction_size_bytes.saturating_add(blobs_size);
    if raw.len() > limit {
        return Err(PoolError::Oversized { got: raw.len(), limit });
    }
    let transaction = TxEnvelope::decode_2718_exact(raw)
        .map_err(|error| PoolError::Malformed { reason: error.to_string() })?;
    // The chain id first: a signature for another chain may well recover, but to the wrong account.
    check_chain_id(&transaction, rules)?;
    let sender = transaction.recover_signer().map_err(|_| PoolError::InvalidSignature)?;
    let transaction = match blobs {
        Some(blobs) => blobs::check_and_leave(transaction, blobs)?,
        None => transaction,
    };
    Ok(Recovered::new_unchecked(transaction, sender))
}

fn check_chain_id(transaction: &TxEnvelope, rules: &Rules) -> Result<(), PoolError> {
    match transaction.chain_id() {
        None => Err(PoolError::NotReplayProtected),
        Some(got) if got != rules.chain_id => Err(PoolError::WrongChainId { got, expected: rules.chain_id }),
        Some(_) => Ok(()),
    }
}

/// The checks that need no state.
pub(crate) fn check_static(pooled: &PooledTransaction, rules: &Rules) -> Result<(), PoolError> {
    let transaction = pooled.transaction();
    if transaction.inner().is_eip4844() && rules.blobs.is_none() {
        return Err(PoolError::BlobTransaction);
    }
    let limit = rules.pool.max_transaction_size_bytes;
    if pooled.size_bytes() > limit {
        return Err(PoolError::Oversized { got: pooled.size_bytes(), limit });
    }
    check_chain_id(transaction.inner(), rules)?;
    let init_code = if transaction.is_create() { transaction.input().len() } else { 0 };
    if init_code > MAX_INITCODE_SIZE_BYTES {
        return Err(PoolError::InitCodeTooLarge { got: init_code, limit: MAX_INITCODE_SIZE_BYTES });
    }
    let got = transaction.gas_limit();
    if got > rules.block_gas_limit {
        return Err(PoolError::GasLimitTooHigh { got, limit: rules.block_gas_limit });
    }
    let (fee, tip) = (pooled.fee_cap(), pooled.tip_cap());
    if tip > fee {
        return Err(PoolError::TipAboveFeeCap { tip, fee });
    }
    if tip < rules.pool.min_tip_wei {
        return Err(PoolError::Underpriced { got: tip, minimum: rules.pool.min_tip_wei });
    }
    if transaction.authorization_list().is_some_and(<[_]>::is_empty) {
        return Err(PoolError::NoAuthorizations);
    }
    if transaction.nonce() == u64::MAX {
        return Err(PoolError::NonceMax { got: transaction.nonce() });
    }
    let intrinsic = intrinsic_gas(transaction);
    if got < intrinsic.initial {
        return Err(PoolError::IntrinsicGas { got, needed: intrinsic.initial });
    }
    if got < intrinsic.floor {
        return Err(PoolError::FloorDataGas { got, needed: intrinsic.floor });
    }
    Ok(())
}

/// The checks against the sender's account.
pub(crate) fn check_sender(pooled: &PooledTransaction, sender: &SenderState) -> Result<(), PoolError> {
    if pooled.nonce() < sender.nonce {
        return Err(PoolError::NonceTooLow { got: pooled.nonce(), next: sender.nonce });
    }
    if sender.has_code {
        return Err(PoolError::SenderHasCode { sender: pooled.sender() });
    }
    if sender.balance < pooled.cost() {
        return Err(PoolError::InsufficientFunds { balance: sender.balance, cost: pooled.cost() });
    }
    Ok(())
}

/// The check against the sender's other transactions in the pool, whose costs sum to `queued`.
pub(crate) fn check_overdraft(
    pooled: &PooledTransaction,
    sender: &SenderState,
    queued: U256,
) -> Result<(), PoolError> {
    if queued.saturating_add(pooled.cost()) > sender.balance {
        return Err(PoolError::Overdrawn { balance: sender.balance, queued, cost: pooled.cost() });
    }
    Ok(())
}
