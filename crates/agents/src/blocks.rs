//! Blocks of the execution chain that an agent looks at, each once.

use std::collections::HashMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use ivm_settlement::{BlockRef, Claim, ReceiptedBlock};

use crate::error::SourceError;
use crate::source::{ExecutionSource, Proposal};
use crate::watch::Watch;

/// Whether a block was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// It was, and is done with.
    Done,
    /// Its receipts are not there yet, which was told.
    Waited,
}

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
    seen: HashMap<B256, Seen>,
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
            if self.seen.get(&block.hash) == Some(&Seen::Done) {
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
        let first = !self.seen.contains_key(&hash);
        if let Some(reason) =
            proposal.as_ref().and_then(|proposal| proposal.refusal.as_ref()).filter(|_| first)
        {
            tracing::error!(number, %hash, reason, "ALARM: the node refuses a block that was ordered");
        }
        let Some(Proposal { header, receipts: Some(receipts), .. }) = proposal else {
            if first {
                tracing::warn!(number, %hash, "the node cannot show the receipts of a proposed block yet");
            }
            self.seen.insert(hash, Seen::Waited);
            return Vec::new();
        };
        // A node that shows something else may show the right thing another time: the block is asked for again.
        self.seen.insert(hash, Seen::Waited);
        match ReceiptedBlock::new(header, receipts) {
            Ok(shown) if shown.hash() == hash => {
                self.seen.insert(hash, Seen::Done);
                let block = Arc::new(shown);
                let claims = block.claims(self.job_manager);
                claims.into_iter().map(|claim| ShownClaim { claim, block: block.clone() }).collect()
            }
            Ok(shown) => {
                if first {
                    tracing::error!(%hash, got = %shown.hash(), "the node shows another block than was asked for");
                }
                Vec::new()
            }
            Err(error) => {
                if first {
                    tracing::error!(number, %hash, %error, "ALARM: the claims of a block cannot be shown");
                }
                Vec::new()
            }
        }
    }
}
