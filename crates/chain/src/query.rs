//! Logs and fees of past blocks.

use alloy_consensus::{ReceiptEnvelope, Transaction};
use alloy_eips::BlockId;
use alloy_primitives::{B256, Log, TxHash};
use alloy_rpc_types_eth::Filter;

use crate::block::SealedBlock;
use crate::chain::Chain;
use crate::error::{ChainError, QueryError};
use crate::header;
use crate::store;

/// Blocks a log query spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRange {
    /// One block, by its hash.
    Block(B256),
    /// The chain's blocks from one number to another, both included; what is past the head is empty.
    Numbers {
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
    },
}

/// A log query: a range, and the addresses and topics of `filter` (whose own range is not looked at).
#[derive(Clone, Debug)]
pub struct LogQuery {
    /// The blocks.
    pub range: LogRange,
    /// The addresses and topics.
    pub filter: Filter,
}

/// A log and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinedLog {
    /// The log.
    pub log: Log,
    /// Hash of its block.
    pub block_hash: B256,
    /// Number of its block.
    pub block_number: u64,
    /// Timestamp of its block.
    pub block_timestamp: u64,
    /// Hash of its transaction.
    pub transaction_hash: TxHash,
    /// Position of its transaction in the block, from 0.
    pub transaction_index: u64,
    /// Its position in the block, from 0.
    pub log_index: u64,
}

/// What `eth_feeHistory` is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeeHistory {
    /// Number of the first block.
    pub oldest_block: u64,
    /// Base fee of each block, and of the one after the last.
    pub base_fee_per_gas: Vec<u128>,
    /// Gas used and gas limit of each block.
    pub gas_used_and_limit: Vec<(u64, u64)>,
    /// Of each block, one effective tip per percentile asked for; empty when none was.
    pub rewards: Vec<Vec<u128>>,
}

/// How far back a chain goes that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldestKept {
    /// Number of the first block from which on all blocks are kept.
    pub block: u64,
    /// Number of the first block whose state is kept.
    pub state: u64,
}

impl Chain {
    /// How far back blocks and states are kept. A chain that was restored from a snapshot has few blocks before its head;
    /// that it has the genesis block too does not count.
    ///
    /// # Errors
    /// When the store fails.
    pub fn oldest_kept(&self) -> Result<OldestKept, ChainError> {
        let head = self.head().block.number();
        let state = self.published().state.oldest()?;
        let has = |number: u64| Ok::<_, ChainError>(self.block_hash(number.into())?.is_some());
        if head == 0 || has(1)? {
            return Ok(OldestKept { block: 0, state });
        }
        // Kept are all from some number on.
        let (mut missing, mut kept) = (1, head);
        while missing + 1 < kept {
            let middle = missing + (kept - missing) / 2;
            if has(middle)? {
                kept = middle;
            } else {
                missing = middle;
            }
        }
        Ok(OldestKept { block: kept, state })
    }

    /// Logs that match, in order.
    ///
    /// # Errors
    /// [`ChainError::Query`] when the range is too wide or the logs too many, [`ChainError::UnknownBlock`].
    pub fn logs(&self, query: &LogQuery) -> Result<Vec<MinedLog>, ChainError> {
        let mut found = Vec::new();
        match query.range {
            LogRange::Block(hash) => {
                let id = BlockId::hash(hash);
                let block = self.block(id)?.ok_or(ChainError::UnknownBlock(id))?;
                self.block_logs(&block, &query.filter, &mut found)?;
            }
            LogRange::Numbers { from, to } => {
                if from > to {
                    return Err(QueryError::EmptyRange { from, to }.into());
                }
                let to = to.min(self.head().block.number());
                let got = to.saturating_sub(from).saturating_add(1);
                let limit = self.config().limits.log_blocks;
                if got > limit {
                    return Err(QueryError::RangeTooWide { got, limit }.into());
                }
                for number in from..=to {
                    let id = BlockId::number(number);
                    let header = self.header(id)?.ok_or(ChainError::UnknownBlock(id))?;
                    if query.filter.matches_bloom(header.logs_bloom) {
                        let block = self.block(id)?.ok_or(ChainError::UnknownBlock(id))?;
                        self.block_logs(&block, &query.filter, &mut found)?;
                    }
                }
            }
        }
        Ok(found)
    }

    fn block_logs(
        &self,
        block: &SealedBlock,
        filter: &Filter,
        found: &mut Vec<MinedLog>,
    ) -> Result<(), ChainError> {
        let receipts =
            self.receipts(block.hash())?.ok_or_else(|| store::missing("receipts", block.hash()))?;
        let limit = self.config().limits.log_results;
        let mut log_index = 0;
        for ((transaction_index, transaction), receipt) in
            (0..).zip(block.transactions()).zip(receipts.iter())
        {
            for log in receipt.logs() {
                if filter.matches(log) {
                    if found.len() >= limit {
                        return Err(QueryError::TooManyLogs { limit }.into());
                    }
                    found.push(MinedLog {
                        log: log.clone(),
                        block_hash: block.hash(),
                        block_number: block.number(),
                        block_timestamp: block.header().timestamp,
                        transaction_hash: *transaction.inner().tx_hash(),
                        transaction_index,
                        log_index,
                    });
                }
                log_index += 1;
            }
        }
        Ok(())
    }

    /// Fees of the `blocks` blocks up to `newest`, fewer when the chain or the limit has fewer. `percentiles` are whole
    /// percents, 0 to 100, rising.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], or the store's error.
    pub fn fee_history(
        &self,
        blocks: u64,
        newest: BlockId,
        percentiles: &[u8],
    ) -> Result<FeeHistory, ChainError> {
        let last = self.header(newest)?.ok_or(ChainError::UnknownBlock(newest))?;
        let blocks = blocks.min(self.config().limits.fee_history_blocks).min(last.number + 1);
        let mut history = FeeHistory { oldest_block: last.number + 1 - blocks, ..FeeHistory::default() };
        for number in history.oldest_block..=last.number {
            let id = BlockId::number(number);
            let header = self.header(id)?.ok_or(ChainError::UnknownBlock(id))?;
            history.base_fee_per_gas.push(u128::from(header.base_fee_per_gas.unwrap_or_default()));
            history.gas_used_and_limit.push((header.gas_used, header.gas_limit));
            if !percentiles.is_empty() {
                let block = self.block(id)?.ok_or(ChainError::UnknownBlock(id))?;
                let receipts =
                    self.receipts(block.hash())?.ok_or_else(|| store::missing("receipts", block.hash()))?;
                history.rewards.push(rewards(&block, &receipts, percentiles));
            }
        }
        let next = header::next_base_fee(&self.config().rules, &last).unwrap_or_default();
        history.base_fee_per_gas.push(u128::from(next));
        Ok(history)
    }
}

/// The effective tip at each percentile of the block's gas, transactions ordered by tip.
fn rewards(block: &SealedBlock, receipts: &[ReceiptEnvelope], percentiles: &[u8]) -> Vec<u128> {
    let base_fee = block.header().base_fee_per_gas.unwrap_or_default();
    let mut before = 0;
    let mut tips: Vec<(u128, u64)> = block
        .transactions()
        .iter()
        .zip(receipts)
        .map(|(transaction, receipt)| {
            let gas = receipt.cumulative_gas_used() - before;
            before = receipt.cumulative_gas_used();
            (transaction.effective_tip_per_gas(base_fee).unwrap_or_default(), gas)
        })
        .collect();
    tips.sort_unstable();
    percentiles
        .iter()
        .map(|percent| {
            let threshold = u128::from(block.header().gas_used) * u128::from(*percent) / 100;
            let mut gas_below = 0;
            let reached = tips.iter().find(|(_, gas)| {
                gas_below += u128::from(*gas);
                gas_below >= threshold
            });
            reached.or(tips.last()).map_or(0, |(tip, _)| *tip)
        })
        .collect()
}
