//! Importing a block: executing it again and refusing it when anything differs.

use alloy_consensus::proofs::calculate_transaction_root;
use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_rlp::Encodable;

use crate::block::{CommittedBlock, SealedBlock, recover};
use crate::build::{BuiltBlock, extra_data_too_long};
use crate::chain::{Chain, Tip};
use crate::config::{MAX_BLOCK_SIZE_BYTES, MAX_EXTRA_DATA_SIZE_BYTES};
use crate::error::{BlockError, ChainError};
use crate::header::{self, Chosen};

impl Chain {
    /// Executes a block on the head's state, checks every field of its header, and makes it the head.
    ///
    /// # Errors
    /// [`ChainError::InvalidBlock`] names what is wrong with the block; it is then not part of the chain.
    pub fn import(&self, block: Block<TxEnvelope>) -> Result<CommittedBlock, ChainError> {
        let built = self.verify(block)?;
        self.commit(built, Vec::new())
    }

    /// Does all of [`Chain::import`] but the commit: for a node that checks claims, or votes, before it commits.
    ///
    /// # Errors
    /// As [`Chain::import`].
    pub fn verify(&self, block: Block<TxEnvelope>) -> Result<BuiltBlock, ChainError> {
        self.verify_on(self.tip(), block)
    }

    /// Verifies a block that follows another one.
    pub(crate) fn verify_on(&self, tip: Tip, block: Block<TxEnvelope>) -> Result<BuiltBlock, ChainError> {
        let size = block.length();
        if size > MAX_BLOCK_SIZE_BYTES {
            return Err(field("size", size, format!("at most {MAX_BLOCK_SIZE_BYTES}")).into());
        }
        let Block { header: got, body } = block;
        if !body.ommers.is_empty() {
            return Err(field("uncles", format!("{} headers", body.ommers.len()), "none").into());
        }
        match body.withdrawals.as_deref() {
            Some(none) if none.is_empty() => {}
            Some(some) => {
                return Err(field("withdrawals", format!("{} withdrawals", some.len()), "none").into());
            }
            None => return Err(field("withdrawals", "missing", "an empty list").into()),
        }
        let mut expected = self.expected_header(&tip.block, &got)?;
        expected.transactions_root = calculate_transaction_root(&body.transactions);
        header::check_environment(&got, expected.clone())?;

        let transactions = body
            .transactions
            .into_iter()
            .enumerate()
            .map(|(index, transaction)| {
                let hash = *transaction.tx_hash();
                let reason = "invalid signature".to_owned();
                recover(transaction).ok_or(BlockError::Transaction { index, hash, reason })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let built = self.rebuild(tip, expected, transactions)?;
        header::check_equal(&got, built.block().header())?;
        Ok(built)
    }

    /// The header the block must have, with what is the proposer's to choose taken from it.
    fn expected_header(&self, parent: &SealedBlock, got: &Header) -> Result<Header, BlockError> {
        if got.extra_data.len() > MAX_EXTRA_DATA_SIZE_BYTES {
            return Err(extra_data_too_long(got.extra_data.len()));
        }
        if got.parent_hash != parent.hash() {
            return Err(field("parentHash", got.parent_hash, parent.hash()));
        }
        if got.timestamp < parent.header().timestamp {
            return Err(field("timestamp", got.timestamp, format!("at least {}", parent.header().timestamp)));
        }
        let Some(parent_beacon_block_root) = got.parent_beacon_block_root else {
            return Err(field("parentBeaconBlockRoot", "missing", "a hash"));
        };
        let chosen = Chosen {
            timestamp: got.timestamp,
            beneficiary: got.beneficiary,
            prev_randao: got.mix_hash,
            parent_beacon_block_root,
            extra_data: got.extra_data.clone(),
        };
        Ok(header::next_header(parent.hash(), parent.header(), self.config().block_gas_limit, chosen))
    }
}

fn field(field: &'static str, got: impl ToString, expected: impl ToString) -> BlockError {
    BlockError::Field { field, got: got.to_string(), expected: expected.to_string() }
}
