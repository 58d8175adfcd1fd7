//! Following the settlement chain: the execution chain's head is a function of what is ordered there (DESIGN §3).
//!
//! The settlement contract keeps the order: its tip, with everything invalidated left out. The node walks from the tip to
//! the newest block its chain has, executes the blocks between, and moves its head there. The rules:
//!
//! * **A block found wrong is never followed**, nor one that follows it, whatever was ordered: the head is then the last
//!   good block before it, and the alarm is raised ([`Refusals`](crate::refusals::Refusals)). Every node executes blocks;
//!   a *validating* one also runs their jobs again ([`claims`](crate::claims)).
//! * **An optimistic node takes claims for right**, and leaves a block when the settlement chain invalidates it.
//! * Nothing else decides. After a crash the way is walked again.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use ivm_chain::{BranchRecords, ChainError, CommittedBlock, Durability, ExtraWrite, Reorg, Settled};
use ivm_primitives::ProgramId;
use ivm_settlement::{BlockRef, FollowMode, Judged, follow};

use crate::{
    NodeError,
    claims::{ClaimsError, ReadRecord},
    node::Shared,
    records::{self, Changes, JobRecord},
    refusals::Refusal,
    settlement::Tip,
    told,
};

/// Most blocks that one step follows: what they write is held in memory.
const MAX_FOLLOWED_AT_ONCE: usize = 256;

impl Shared {
    /// Moves the head to where the settlement chain says. Gives what changed, `None` when nothing did.
    pub(crate) fn follow(&self) -> Result<Option<Arc<Reorg>>, NodeError> {
        let mut all: Option<Arc<Reorg>> = None;
        loop {
            let tip = self.settlement.tip()?;
            let (target, more) = self.target(&tip)?;
            if target == self.chain.head().block.hash() {
                self.mark(&tip)?;
                return Ok(all);
            }
            let mut observe = |block: &CommittedBlock, before: &BranchRecords| self.observe(block, before);
            let moved = self.chain.reorg_to_with(target, Durability::Buffered, &mut observe);
            self.executor.forget_told();
            match moved {
                Ok(reorg) => {
                    all = Some(joined(all, reorg));
                    if !more {
                        self.mark(&tip)?;
                        return Ok(all);
                    }
                }
                // Refused blocks are kept in mind: the next target is before it.
                Err(ChainError::Refused { .. }) => {}
                Err(ChainError::InvalidBranch { number, hash, source }) => {
                    let reason = source.to_string();
                    self.refuse(Refusal { block_hash: hash, number, reason, ordered: true, receipts: None });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The block to move to, with all blocks on the way kept by the chain; and whether that is only a part of the way.
    fn target(&self, tip: &Tip) -> Result<(B256, bool), NodeError> {
        let mut way = Vec::new();
        let mut next = tip.hash;
        let mut number = tip.number;
        // Back to a block that is on the chain.
        while self.chain.block_hash(number.into())? != Some(next) {
            way.push(next);
            number = number
                .checked_sub(1)
                .ok_or(NodeError::OtherGenesis { got: self.chain.genesis_hash(), expected: next })?;
            next = self.settlement.canonical_hash(number)?;
        }
        let start = BlockRef { number, hash: next };
        let is_part = way.len() > MAX_FOLLOWED_AT_ONCE;
        let path: Vec<BlockRef> = (number + 1..)
            .zip(way.into_iter().rev().take(MAX_FOLLOWED_AT_ONCE))
            .map(|(number, hash)| BlockRef { number, hash })
            .collect();
        for block in &path {
            if self.judged(block.hash) != Judged::Good || !self.keep(block.hash)? {
                break;
            }
            self.executor.tell(block.number, told::read(&self.settlement.chain, block.hash)?);
        }
        let followed = follow(start, &path, |hash| self.judged(hash), self.follow_mode);
        Ok((followed.target.hash, is_part && followed.stopped_at.is_none()))
    }

    /// What the node has against a block. One that it has not looked at is looked at when it is executed on the way, and
    /// counts as good until then.
    fn judged(&self, hash: B256) -> Judged {
        match self.refusals.lock().get(hash) {
            Some(refusal) => Judged::Refused(refusal.reason.clone()),
            None => Judged::Good,
        }
    }

    /// Has the chain keep an ordered block. False when the block is refused.
    fn keep(&self, hash: B256) -> Result<bool, NodeError> {
        if self.chain.block_by_hash(hash)?.is_some() {
            return Ok(true);
        }
        let payload =
            self.settlement.payload(hash)?.ok_or(NodeError::PayloadWithheld { block_hash: hash })?;
        let malformed = |reason| NodeError::PayloadMalformed { block_hash: hash, reason };
        let block = payload.decode_block().map_err(malformed)?;
        let number = block.header.number;
        match self.chain.store_block(block) {
            Ok(_) => Ok(true),
            Err(ChainError::InvalidBlock(error)) => {
                let reason = error.to_string();
                self.refuse(Refusal { block_hash: hash, number, reason, ordered: true, receipts: None });
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Checks a block that is executed on the way, where this node does, and gives the node's records of it.
    fn observe(&self, block: &CommittedBlock, before: &BranchRecords) -> Result<Vec<ExtraWrite>, ChainError> {
        let read = |key: &[u8]| before.get(key).map_err(NodeError::from);
        let failed = |error: NodeError| ChainError::Execution(error.to_string());
        let changes = self.changes(block, &read).map_err(failed)?;
        if self.follow_mode == FollowMode::Validating {
            match self.checker.check(&block.block, &block.receipts, &changes, &read) {
                Ok(()) => {}
                Err(ClaimsError::Node(error)) => return Err(failed(error)),
                Err(ClaimsError::Wrong(objection)) => {
                    let (number, hash, reason) =
                        (block.block.number(), block.block.hash(), objection.to_string());
                    self.refuse(Refusal {
                        block_hash: hash,
                        number,
                        reason: reason.clone(),
                        ordered: true,
                        receipts: Some(block.receipts.clone()),
                    });
                    return Err(ChainError::Refused { number, hash, reason });
                }
            }
        }
        self.keep_payloads(&changes).map_err(failed)?;
        Ok(changes.writes())
    }

    /// What a block changes of the node's records, on those that `read` gives.
    pub(crate) fn changes(&self, block: &CommittedBlock, read: ReadRecord<'_>) -> Result<Changes, NodeError> {
        records::changes(&block.block, &block.receipts, |job_id| {
            let key = records::job_key(job_id);
            read(&key)?.map(|bytes| records::decode::<JobRecord>(&key, &bytes)).transpose()
        })
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        self.refusals.lock().add(refusal);
    }

    /// Which blocks are safe and final, once the head is where it is to be.
    pub(crate) fn settled(&self, tip: &Tip, head: u64) -> Settled {
        let finalized = tip.finalized.min(head);
        let safe = match self.follow_mode {
            FollowMode::Validating => head,
            FollowMode::Optimistic => finalized,
        };
        Settled { safe: Some(safe), finalized: Some(finalized) }
    }

    fn mark(&self, tip: &Tip) -> Result<(), NodeError> {
        let settled = self.settled(tip, self.chain.head().block.number());
        // It follows from the settlement chain, so it need not survive by itself.
        Ok(self.chain.set_marks(settled, Durability::Buffered)?)
    }
}

/// Two reorgs, one after the other, as one.
fn joined(first: Option<Arc<Reorg>>, second: Arc<Reorg>) -> Arc<Reorg> {
    let Some(first) = first else { return second };
    let (mut removed, mut added) = (first.removed.clone(), first.added.clone());
    for block in &second.removed {
        if added.last().is_some_and(|last| last.block.hash() == block.block.hash()) {
            added.pop();
        } else {
            removed.push(block.clone());
        }
    }
    added.extend(second.added.iter().cloned());
    Arc::new(Reorg { removed, added })
}

/// Programs that removed blocks registered and no record knows any more: they are to be registered again.
pub(crate) fn dropped_registrations(
    reorg: &Reorg,
    is_registered: impl Fn(ProgramId) -> Result<bool, NodeError>,
) -> Result<BTreeMap<ProgramId, (B256, u64)>, NodeError> {
    let mut dropped = BTreeMap::new();
    for block in &reorg.removed {
        let changes = records::changes(&block.block, &block.receipts, |_| Ok::<_, NodeError>(None))?;
        for (program_id, record) in changes.programs {
            if !is_registered(program_id)? {
                dropped.insert(program_id, (record.elf_hash, record.elf_size_bytes));
            }
        }
    }
    Ok(dropped)
}
