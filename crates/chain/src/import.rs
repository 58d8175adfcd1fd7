//! Importing a block: executing it again and refusing it when anything differs.

use alloy_consensus::{Block, Header, TxEnvelope};

use crate::block::{CommittedBlock, SealedBlock};
use crate::build::{BuiltBlock, extra_data_too_long};
use crate::chain::{Chain, Tip};
use crate::config::{MAX_BLOCK_SIZE_BYTES, MAX_EXTRA_DATA_SIZE_BYTES};
use crate::error::{BlockError, ChainError};
use crate::header::{self, BodyFacts, Chosen, field};
use crate::ommers::check_ommers;
use crate::recover::RecoveredBlock;
use crate::seal::Unsealed;

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
        self.verify_recovered(tip, RecoveredBlock::new(block, &self.config().rules))
    }

    /// Price of a unit of blob gas in the block with this header, in wei; `None` before Cancun.
    pub fn blob_base_fee(&self, header: &Header) -> Option<u128> {
        header.blob_fee(self.config().rules.blob_params(header.timestamp)?)
    }

    /// Verifies a block that follows another one, and whose senders have been recovered.
    fn verify_recovered(&self, tip: Tip, block: RecoveredBlock) -> Result<BuiltBlock, ChainError> {
        let state = tip.state.clone();
        self.execute_recovered(tip, block)?.seal(&state)
    }

    /// Does the half of it that needs no root of a state.
    pub(crate) fn execute_recovered(&self, tip: Tip, block: RecoveredBlock) -> Result<Unsealed, ChainError> {
        let parent = &tip.block;
        self.check_body(parent, &block)?;
        self.check_choices(parent, &block.header)?;
        let expected = header::next_header(self.config(), parent, Chosen::of(&block.header), &block.facts);
        header::check_environment(&block.header, expected.clone())?;
        if let Some(place) = header::ethereum_place(&self.config().rules, parent)
            && !place.merged
        {
            check_ommers(place.schedule, &tip, &block.ommers)?;
        }
        let got = block.header.clone();
        self.rebuild(tip, got, expected, block.into_content()?)
    }

    /// Size, ommers and withdrawals are there as the rules have them.
    pub(crate) fn check_body(&self, parent: &SealedBlock, block: &RecoveredBlock) -> Result<(), BlockError> {
        let place = header::ethereum_place(&self.config().rules, parent);
        let timestamp = block.header.timestamp;
        let most = place.map_or(MAX_BLOCK_SIZE_BYTES, |place| place.max_size_bytes(timestamp));
        if block.size_bytes > most {
            return Err(field("size", block.size_bytes, format!("at most {most}")));
        }
        let has_ommers = place.is_some_and(|place| !place.merged);
        if !has_ommers && !block.ommers.is_empty() {
            return Err(field("uncles", format!("{} headers", block.ommers.len()), "none"));
        }
        let has_withdrawals = place.is_none_or(|place| place.has_withdrawals(timestamp));
        match (has_withdrawals, &block.withdrawals) {
            (true, None) => Err(field("withdrawals", "missing", "a list")),
            (false, Some(some)) => {
                Err(field("withdrawals", format!("{} withdrawals", some.len()), "no list before Shanghai"))
            }
            (true, Some(some)) if place.is_none() && !some.is_empty() => {
                Err(field("withdrawals", format!("{} withdrawals", some.len()), "none"))
            }
            _ => Ok(()),
        }
    }

    /// What the proposer chooses is within bounds.
    fn check_choices(&self, parent: &SealedBlock, got: &Header) -> Result<(), BlockError> {
        if got.parent_hash != parent.hash() {
            return Err(field("parentHash", got.parent_hash, parent.hash()));
        }
        if let Some(place) = header::ethereum_place(&self.config().rules, parent) {
            return place.check_choices(got);
        }
        if got.extra_data.len() > MAX_EXTRA_DATA_SIZE_BYTES {
            return Err(extra_data_too_long(got.extra_data.len()));
        }
        if got.timestamp < parent.header().timestamp {
            return Err(field("timestamp", got.timestamp, format!("at least {}", parent.header().timestamp)));
        }
        match got.parent_beacon_block_root {
            Some(_) => Ok(()),
            None => Err(field("parentBeaconBlockRoot", "missing", "a hash")),
        }
    }
}

impl RecoveredBlock {
    /// What the body gives to the header.
    pub(crate) fn body_facts(block: &Block<TxEnvelope>) -> BodyFacts {
        let body = &block.body;
        BodyFacts::new(body.transactions.iter(), &body.ommers, body.withdrawals.as_ref())
    }
}
