//! Simulated blocks as JSON.

use alloy_consensus::transaction::TransactionInfo;
use alloy_consensus::{Block as ConsensusBlock, BlockBody, TxEnvelope};
use alloy_primitives::{B256, U256};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth::simulate::{SimCallResult, SimulateError as CallFailure, SimulatedBlock as Answer};
use alloy_rpc_types_eth::{Block, BlockTransactions, Header, Log, Transaction};
use ivm_chain::{ExecutionResult, SimulatedBlock, SimulatedCall};
use serde_json::value::{RawValue, to_raw_value};

use super::error::{CALL_HALTED, CALL_REVERTED};
use crate::error::{RpcError, RpcResult};
use crate::revert::revert_message;

/// How a block shows its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transactions {
    Hashes,
    Full,
}

impl Transactions {
    pub(super) const fn new(full: bool) -> Self {
        if full { Self::Full } else { Self::Hashes }
    }
}

/// A block with its calls.
pub(super) fn block(
    simulated: SimulatedBlock,
    hash: B256,
    plain: Vec<TxEnvelope>,
    transactions: Transactions,
) -> RpcResult<Box<RawValue>> {
    let SimulatedBlock { header, calls, .. } = simulated;
    let withdrawals = header.withdrawals_root.map(|_| Default::default());
    let body = BlockBody { transactions: plain, ommers: Vec::new(), withdrawals };
    let encoded = ConsensusBlock { header: header.clone(), body };
    let transactions = match transactions {
        Transactions::Hashes => {
            BlockTransactions::Hashes(encoded.body.transactions.iter().map(|tx| *tx.tx_hash()).collect())
        }
        Transactions::Full => {
            let shown = (0..).zip(&calls).map(|(index, call)| transaction(call, index, hash, &header));
            BlockTransactions::Full(shown.collect())
        }
    };
    let calls = (0..).zip(&calls).map(|(index, call)| result(call, index, hash, &header)).collect();
    let header =
        Header { hash, inner: header, total_difficulty: None, size: Some(U256::from(encoded.length())) };
    let inner = Block { header, uncles: Vec::new(), transactions, withdrawals: encoded.body.withdrawals };
    to_raw_value(&Answer { inner, calls }).map_err(|error| RpcError::Unfinished { reason: error.to_string() })
}

fn transaction(
    call: &SimulatedCall,
    index: u64,
    hash: B256,
    header: &alloy_consensus::Header,
) -> Transaction {
    let info = TransactionInfo {
        hash: Some(*call.transaction.inner().tx_hash()),
        index: Some(index),
        block_hash: Some(hash),
        block_number: Some(header.number),
        base_fee: header.base_fee_per_gas,
        block_timestamp: Some(header.timestamp),
    };
    Transaction::from_transaction(call.transaction.clone(), info)
}

fn result(call: &SimulatedCall, index: u64, hash: B256, header: &alloy_consensus::Header) -> SimCallResult {
    let logs = call.logs.iter().map(|indexed| Log {
        inner: indexed.log.clone(),
        block_hash: Some(hash),
        block_number: Some(header.number),
        block_timestamp: Some(header.timestamp),
        transaction_hash: Some(*call.transaction.inner().tx_hash()),
        transaction_index: Some(index),
        log_index: Some(indexed.index),
        removed: false,
    });
    let (return_data, error) = match &call.result {
        ExecutionResult::Success { output, .. } => (output.data().clone(), None),
        ExecutionResult::Revert { output, .. } => {
            let message = revert_message(output);
            let data = Some(output.clone());
            (Default::default(), Some(CallFailure { code: CALL_REVERTED, message, data }))
        }
        ExecutionResult::Halt { reason, .. } => {
            let message = call.last_step.halt_message(reason);
            (Default::default(), Some(CallFailure { code: CALL_HALTED, message, data: None }))
        }
    };
    SimCallResult {
        return_data,
        logs: logs.collect(),
        gas_used: call.result.tx_gas_used(),
        max_used_gas: Some(call.max_used_gas()),
        status: call.result.is_success(),
        error,
    }
}
