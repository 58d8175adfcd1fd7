//! Blocks of the execution chain that an agent looks at, each once.

use std::collections::HashMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use ivm_settlement::{BlockRef, Claim, ReceiptedBlock};

use crate::error::SourceError;
use crate::source::{ExecutionSource, Proposal};
use crate::watch::Watch;

/// What came of looking at a block.
#[derive(Clone, Copy, Debug, Default)]
struct Looks {
    /// It is done with.
    done: bool,
    /// How often its receipts were not there: a block that was proposed a moment ago has none yet.
    missed: u32,
    /// Whether it was told that something is wrong with it.
    alarmed: bool,
}

/// Looks at a block without receipts after which that is told.
const MISSED_LOOKS_TOLD: u32 = 2;

/// A claim and the block that shows it.
#[derive(Clone, Debug)]
pub(crate) struct ShownClaim {
    pub(crate) claim: Claim,
    pub(crate) block: Arc<ReceiptedBlock>,
}

/// Which blocks were looked at.
#[derive(Debug)]
pub(crate) struct Blocks {
    job_manager: Address,
    seen: HashMap<B256, Looks>,
}

impl Blocks {
    pub(crate) fn new(job_manager: Address) -> Self {
        Self { job_manager, seen: HashMap::new() }
    }

    /// Claims of blocks that are open and were not looked at. A block that the node cannot show is tried again next time.
    pub(crate) async fn new_claims(
        &mut self,
        watch: &Watch,
        source: &dyn ExecutionSource,
    ) -> Result<Vec<ShownClaim>, SourceError> {
        self.seen.retain(|hash, _| watch.is_open(*hash));
        let mut claims = Vec::new();
        for block in watch.fork_choice().path() {
            if self.seen.get(&block.hash).is_some_and(|looks| looks.done) {
                continue;
            }
            let proposal = match source.proposal(block.hash).await {
                Ok(proposal) => proposal,
                // What was found so far is worked on all the same.
                Err(error) if !claims.is_empty() => {
                    tracing::warn!(number = block.number, %error, "a proposed block cannot be had");
                    break;
                }
                Err(error) => return Err(error),
            };
            claims.extend(self.look(block, proposal));
        }
        Ok(claims)
    }

    /// Notes what the node says of a block.
    fn look(&mut self, block: BlockRef, proposal: Option<Proposal>) -> Vec<ShownClaim> {
        let BlockRef { number, hash } = block;
        let looks = self.seen.entry(hash).or_default();
        let refusal = proposal.as_ref().and_then(|proposal| proposal.refusal.as_ref());
        if let Some(reason) = refusal.filter(|_| !looks.alarmed) {
            looks.alarmed = true;
            tracing::error!(number, %hash, reason, "ALARM: the node refuses a block that was ordered");
        }
        let Some(Proposal { header, receipts: Some(receipts), .. }) = proposal else {
            looks.missed = looks.missed.saturating_add(1);
            if looks.missed == MISSED_LOOKS_TOLD {
                tracing::warn!(number, %hash, "the node cannot show the receipts of a proposed block yet");
            }
            return Vec::new();
        };
        // A node that shows something else may show the right thing another time: the block is asked for again.
        match ReceiptedBlock::new(header, receipts) {
            Ok(shown) if shown.hash() == hash => {
                looks.done = true;
                let block = Arc::new(shown);
                let claims = block.claims(self.job_manager);
                return claims.into_iter().map(|claim| ShownClaim { claim, block: block.clone() }).collect();
            }
            Ok(shown) if !looks.alarmed => {
                tracing::error!(%hash, got = %shown.hash(), "the node shows another block than was asked for");
            }
            Err(error) if !looks.alarmed => {
                tracing::error!(number, %hash, %error, "ALARM: the claims of a block cannot be shown");
            }
            Ok(_) | Err(_) => {}
        }
        looks.alarmed = true;
        Vec::new()
    }
}
