//! The chain's blocks, transactions, receipts and logs as JSON-RPC shows them.

use alloy_consensus::transaction::{Recovered, TransactionInfo};
use alloy_consensus::{ReceiptEnvelope, Transaction as _, TxEnvelope};
use alloy_primitives::U256;
use alloy_rlp::Encodable;
use alloy_rpc_types_eth::{Block, BlockTransactions, Header, Log, Transaction, TransactionReceipt};
use ivm_chain::{MinedLog, MinedTransaction, PooledTransaction, SealedBlock};
use serde::Serialize;

pub(crate) type RpcReceipt = TransactionReceipt<ReceiptEnvelope<Log>>;

/// A header alone. It has no size: that is the block's.
pub(crate) fn header(block: &SealedBlock) -> Header {
    Header { hash: block.hash(), inner: block.header().clone(), total_difficulty: None, size: None }
}

/// A block with its transactions' hashes, or the `full` transactions.
pub(crate) fn block(block: &SealedBlock, full: bool) -> Block {
    let transactions = if full {
        let count = block.transactions().len();
        BlockTransactions::Full((0..count).filter_map(|index| transaction_at(block, index)).collect())
    } else {
        BlockTransactions::Hashes(block.transactions().iter().map(|tx| *tx.inner().tx_hash()).collect())
    };
    Block {
        header: Header { size: Some(U256::from(block.size_bytes())), ..header(block) },
        uncles: block.ommers().iter().map(|ommer| ommer.hash_slow()).collect(),
        transactions,
        withdrawals: block.withdrawals().cloned(),
    }
}

/// The ommer at a position in a block: its header alone.
pub(crate) fn uncle(block: &SealedBlock, index: usize) -> Option<Block> {
    let ommer = block.ommers().get(index)?;
    let size = alloy_consensus::Block::<TxEnvelope>::uncle(ommer.clone()).length();
    Some(Block {
        header: Header {
            hash: ommer.hash_slow(),
            inner: ommer.clone(),
            total_difficulty: None,
            size: Some(U256::from(size)),
        },
        uncles: Vec::new(),
        transactions: BlockTransactions::Uncle,
        withdrawals: None,
    })
}

/// The transaction at a position in a block.
pub(crate) fn transaction_at(block: &SealedBlock, index: usize) -> Option<Transaction> {
    let transaction = block.transactions().get(index)?;
    let info = TransactionInfo {
        hash: Some(*transaction.inner().tx_hash()),
        index: Some(index as u64),
        block_hash: Some(block.hash()),
        block_number: Some(block.number()),
        base_fee: block.header().base_fee_per_gas,
        block_timestamp: Some(block.header().timestamp),
    };
    Some(Transaction::from_transaction(transaction.clone(), info))
}

/// A transaction that waits in the pool: what it would have from a block is `null`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PendingTransaction {
    #[serde(flatten)]
    transaction: Transaction,
    /// Which the transaction leaves out when it has none.
    block_timestamp: (),
}

pub(crate) fn pooled_transaction(pooled: &PooledTransaction) -> PendingTransaction {
    let transaction = Transaction::from_transaction(pooled.transaction().clone(), TransactionInfo::default());
    PendingTransaction { transaction, block_timestamp: () }
}

/// A transaction, mined or not.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ShownTransaction {
    Mined(Box<Transaction>),
    Pending(Box<PendingTransaction>),
}

/// The receipts of a block, in order.
///
/// `blob_price` is the block's price of blob gas, in wei.
pub(crate) fn receipts(
    block: &SealedBlock,
    receipts: &[ReceiptEnvelope],
    blob_price: Option<u128>,
) -> Vec<RpcReceipt> {
    let mut gas_before = 0;
    let mut logs_before = 0;
    (0..)
        .zip(block.transactions().iter().zip(receipts))
        .map(|(index, (transaction, envelope))| {
            let position = Position { block, transaction, index, gas_before, logs_before, blob_price };
            gas_before = envelope.cumulative_gas_used();
            logs_before += envelope.logs().len() as u64;
            receipt(position, envelope)
        })
        .collect()
}

/// The receipt of one mined transaction; `None` when the block and its receipts do not have it.
pub(crate) fn mined_receipt(
    block: &SealedBlock,
    receipts: &[ReceiptEnvelope],
    mined: &MinedTransaction,
    blob_price: Option<u128>,
) -> Option<RpcReceipt> {
    let index = usize::try_from(mined.index).ok()?;
    let (before, from) = receipts.split_at_checked(index)?;
    let position = Position {
        block,
        transaction: block.transactions().get(index)?,
        index: mined.index,
        gas_before: before.last().map_or(0, |receipt| receipt.cumulative_gas_used()),
        logs_before: before.iter().map(|receipt| receipt.logs().len() as u64).sum(),
        blob_price,
    };
    Some(receipt(position, from.first()?))
}

/// A transaction in a block, and what came before it there.
struct Position<'a> {
    block: &'a SealedBlock,
    transaction: &'a Recovered<TxEnvelope>,
    index: u64,
    gas_before: u64,
    logs_before: u64,
    blob_price: Option<u128>,
}

fn receipt(position: Position<'_>, envelope: &ReceiptEnvelope) -> RpcReceipt {
    let Position { block, transaction, index, gas_before, logs_before, blob_price } = position;
    let hash = *transaction.inner().tx_hash();
    let sender = transaction.signer();
    let mut log_index = logs_before;
    let inner = envelope.clone().map_logs(|log| {
        let place = MinedLog {
            log,
            block_hash: block.hash(),
            block_number: block.number(),
            block_timestamp: block.header().timestamp,
            transaction_hash: hash,
            transaction_index: index,
            log_index,
        };
        log_index += 1;
        self::log(place)
    });
    TransactionReceipt {
        gas_used: envelope.cumulative_gas_used().saturating_sub(gas_before),
        inner,
        transaction_hash: hash,
        transaction_index: Some(index),
        block_hash: Some(block.hash()),
        block_number: Some(block.number()),
        effective_gas_price: transaction.effective_gas_price(block.header().base_fee_per_gas),
        blob_gas_used: transaction.blob_gas_used(),
        blob_gas_price: blob_price.filter(|_| transaction.is_eip4844()),
        from: sender,
        to: transaction.to(),
        contract_address: transaction.is_create().then(|| sender.create(transaction.nonce())),
    }
}

pub(crate) fn log(mined: MinedLog) -> Log {
    Log {
        inner: mined.log,
        block_hash: Some(mined.block_hash),
        block_number: Some(mined.block_number),
        block_timestamp: Some(mined.block_timestamp),
        transaction_hash: Some(mined.transaction_hash),
        transaction_index: Some(mined.transaction_index),
        log_index: Some(mined.log_index),
        removed: false,
    }
}

/// A log of a block that is the chain's no more.
pub(crate) fn removed(log: Log) -> Log {
    Log { removed: true, ..log }
}

/// A committed block's logs, with their places in it.
pub(crate) fn logs<'a>(
    block: &'a SealedBlock,
    receipts: &'a [ReceiptEnvelope],
) -> impl Iterator<Item = MinedLog> + 'a {
    let places = (0..).zip(block.transactions().iter().zip(receipts));
    let logs = places.flat_map(|(transaction_index, (transaction, receipt))| {
        let transaction_hash = *transaction.inner().tx_hash();
        receipt.logs().iter().map(move |log| (transaction_index, transaction_hash, log))
    });
    (0..).zip(logs).map(|(log_index, (transaction_index, transaction_hash, log))| MinedLog {
        log: log.clone(),
        block_hash: block.hash(),
        block_number: block.number(),
        block_timestamp: block.header().timestamp,
        transaction_hash,
        transaction_index,
        log_index,
    })
}
