//! Watching the settlement chain for what happens to a block.

use std::time::Instant;

use alloy_primitives::B256;
use eyre::Result;
use ivm_node::Node;
use ivm_settlement::{EmbeddedSettlement, SettlementChain, SettlementEvent};

use super::wait_for;

/// An event, and when it was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) block_number: u64,
    pub(super) at: Instant,
    pub(super) event: SettlementEvent,
}

/// Reads the settlement contract's events as they come.
pub(super) struct Watch {
    settlement: EmbeddedSettlement,
    next: u64,
    pub(super) seen: Vec<Seen>,
}

impl Watch {
    pub(super) fn new(node: &Node) -> Self {
        Self { settlement: EmbeddedSettlement::new(node.settlement().clone()), next: 0, seen: Vec::new() }
    }

    /// Reads what is new.
    pub(super) async fn look(&mut self) -> Result<()> {
        let head = self.settlement.block_number().await?;
        if head < self.next {
            return Ok(());
        }
        let logs = self.settlement.logs(self.next, head).await?;
        let at = Instant::now();
        self.seen.extend(logs.into_iter().map(|log| Seen {
            block_number: log.block_number,
            at,
            event: log.event,
        }));
        self.next = head + 1;
        Ok(())
    }

    /// The first event that `wanted` takes, now or later.
    pub(super) async fn wait<T>(
        &mut self,
        what: &str,
        wanted: impl Fn(&SettlementEvent) -> Option<T>,
    ) -> Result<(T, Seen)> {
        wait_for(what, async || {
            self.look().await?;
            Ok(self.seen.iter().find_map(|seen| Some((wanted(&seen.event)?, seen.clone()))))
        })
        .await
    }

    /// When a block was ordered.
    pub(super) async fn ordered(&mut self, block_hash: B256) -> Result<Seen> {
        let is_it = |event: &SettlementEvent| match event {
            SettlementEvent::BlockProposed(proposed) if proposed.hash == block_hash => Some(()),
            _ => None,
        };
        Ok(self.wait("order of the block", is_it).await?.1)
    }
}
