//! The chain's side of its pool: transactions in, and their senders kept in step with the head.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::TxEnvelope;
use alloy_consensus::transaction::Recovered;
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Address, TxHash};

use crate::block::CommittedBlock;
use crate::chain::Chain;
use crate::error::ChainError;
use crate::event::{ChainEvent, Reorg};
use crate::pool::{BlobProofs, BlobRules, PoolError, PooledTransaction, Rules, SenderState, decode};

/// First bytes of the code of an account that delegates to a contract (EIP-7702).
const DELEGATION_PREFIX: [u8; 3] = [0xef, 0x01, 0x00];

impl Chain {
    /// Takes an encoded (EIP-2718) transaction into the pool.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn submit_transaction(&self, raw: &[u8]) -> Result<TxHash, PoolError> {
        self.submit_recovered(decode(raw, &self.rules())?)
    }

    /// Takes a transaction, whose sender is known, into the pool.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn submit_recovered(&self, transaction: Recovered<TxEnvelope>) -> Result<TxHash, PoolError> {
        self.submit_with(transaction, |sender| self.sender_state(sender))
    }

    fn submit_with(
        &self,
        transaction: Recovered<TxEnvelope>,
        state_of: impl FnOnce(Address) -> Result<SenderState, ChainError>,
    ) -> Result<TxHash, PoolError> {
        let pooled = PooledTransaction::new(transaction);
        let (hash, sender) = (pooled.hash(), pooled.sender());
        let mut pool = self.inner.pool.lock();
        // The state is read under the pool's lock: a block committed after this updates its senders in the pool later.
        let state = state_of(sender).map_err(|error| PoolError::State { reason: error.to_string() })?;
        let promoted = pool.insert(pooled, &self.rules(), state)?;
        let taken = pool.get(hash);
        drop(pool);
        if let Some(taken) = taken {
            self.inner.pool.write_down(&taken, &self.inner.config.pool);
        }
        self.announce(promoted);
        Ok(hash)
    }

    /// Drops a transaction from the pool, for a reason that its rules do not know.
    pub fn drop_from_pool(&self, hash: TxHash) {
        self.inner.pool.lock().remove_hash(hash);
    }

    /// Tells the pool of the accounts that a committed block touched. The block stands whatever happens here: an account
    /// that cannot be read keeps its queue, whose transactions the builder then finds invalid.
    pub(crate) fn update_pool(&self, touched: &[Address]) {
        let mut pool = self.inner.pool.lock();
        let mut promoted = Vec::new();
        for address in touched.iter().filter(|address| pool.has_sender(**address)).collect::<Vec<_>>() {
            match self.sender_state(*address) {
                Ok(state) => promoted.extend(pool.update_sender(*address, state)),
                Err(error) => {
                    tracing::error!(%address, %error, "sender of pooled transactions cannot be read")
                }
            }
        }
        drop(pool);
        self.announce(promoted);
    }

    /// Returns the transactions of removed blocks, but for those that are in added ones, in their order. Those that the pool
    /// does not take are gone; so are those that a block's own proposer put into it, which were about that block. The caller
    /// holds the head's lock.
    pub(crate) fn return_to_pool(&self, reorg: &Reorg) {
        let hashes = |block: &CommittedBlock| {
            let transactions = block.block.transactions().iter();
            transactions.map(|transaction| *transaction.inner().tx_hash()).collect::<Vec<_>>()
        };
        let kept: BTreeSet<_> = reorg.added.iter().flat_map(hashes).collect();
        let removed = reorg.removed.iter().rev().flat_map(|block| {
            let proposer = block.block.header().beneficiary;
            block.block.transactions().iter().filter(move |transaction| transaction.signer() != proposer)
        });
        // The head does not move meanwhile, and neither do its accounts.
        let mut states = BTreeMap::new();
        for transaction in removed.filter(|transaction| !kept.contains(transaction.inner().tx_hash())) {
            let state_of = |sender| match states.entry(sender) {
                Entry::Occupied(state) => Ok(*state.get()),
                Entry::Vacant(place) => Ok(*place.insert(self.sender_state(sender)?)),
            };
            if let Err(error) = self.submit_with(transaction.clone(), state_of) {
                let hash = transaction.inner().tx_hash();
                tracing::debug!(%hash, %error, "transaction of a removed block does not return to the pool");
            }
        }
    }

    fn sender_state(&self, address: Address) -> Result<SenderState, ChainError> {
        let view = self.tip().state;
        let Some(account) = view.account(address)? else {
            return Ok(SenderState::default());
        };
        let code = view.code_by_hash(account.code_hash)?;
        let has_code = !code.is_empty() && !code.starts_with(&DELEGATION_PREFIX);
        Ok(SenderState { nonce: account.nonce, balance: account.balance, has_code })
    }

    fn announce(&self, pending: Vec<TxHash>) {
        for hash in pending {
            // No receiver is no error.
            let _ = self.inner.events.send(ChainEvent::PendingTransaction(hash));
        }
    }

    fn rules(&self) -> Rules {
        let config = &self.inner.config;
        let head = self.head().block;
        let (block_gas_limit, timestamp) = (head.header().gas_limit, head.header().timestamp);
        let blobs = config.rules.schedule().and_then(|schedule| {
            let max_blobs = schedule.blob_params(timestamp)?.max_blobs_per_tx;
            let cells = schedule.is_active_at_time(EthereumHardfork::Osaka, timestamp);
            Some(BlobRules { max_blobs, proofs: if cells { BlobProofs::Cells } else { BlobProofs::Whole } })
        });
        Rules { chain_id: config.chain_id, block_gas_limit, pool: config.pool, blobs }
    }
}
