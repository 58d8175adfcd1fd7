//! Blocks that the node found wrong: it does not follow them, and says so loudly.

use std::{collections::VecDeque, sync::Arc};

use alloy_consensus::ReceiptEnvelope;
use alloy_primitives::B256;

/// Refused blocks remembered, the newest. One that is forgotten and met again is refused again.
const MAX_REFUSALS: usize = 256;

/// Refused blocks whose receipts are kept, so that a challenger can show their claims.
const MAX_REFUSALS_WITH_RECEIPTS: usize = 16;

/// A block that the node found wrong.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) block_hash: B256,
    pub(crate) number: u64,
    /// What the node found.
    pub(crate) reason: String,
    /// Whether it was ordered all the same.
    pub(crate) ordered: bool,
    /// Its receipts, when it is a valid block with a false claim.
    pub(crate) receipts: Option<Arc<Vec<ReceiptEnvelope>>>,
}

/// The newest refusals.
#[derive(Debug, Default)]
pub(crate) struct Refusals(VecDeque<Refusal>);

impl Refusals {
    /// Takes note of a refusal, and raises the alarm.
    pub(crate) fn add(&mut self, refusal: Refusal) {
        let Refusal { block_hash, number, reason, .. } = &refusal;
        if refusal.ordered {
            tracing::error!(
                target: "settlement",
                "ALARM: block {number} ({block_hash}) was ordered and is WRONG; this node does not follow it: {reason}"
            );
        } else {
            tracing::error!(
                target: "settlement",
                "block {number} ({block_hash}) was proposed and is refused, it will not be ordered: {reason}"
            );
        }
        self.0.retain(|known| known.block_hash != refusal.block_hash);
        if self.0.len() >= MAX_REFUSALS {
            self.0.pop_front();
        }
        self.0.push_back(refusal);
        if let Some(index) = self.0.len().checked_sub(MAX_REFUSALS_WITH_RECEIPTS + 1) {
            self.0[index].receipts = None;
        }
    }

    /// Why a block was refused after it was ordered.
    pub(crate) fn get(&self, block_hash: B256) -> Option<&Refusal> {
        self.0.iter().find(|refusal| refusal.block_hash == block_hash)
    }

    /// All of them, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Refusal> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(number: u64) -> Refusal {
        let receipts = Some(Arc::default());
        let block_hash = B256::left_padding_from(&number.to_be_bytes());
        Refusal { block_hash, number, reason: "wrong".into(), ordered: true, receipts }
    }

    #[test]
    fn they_are_bounded() {
        let mut refusals = Refusals::default();
        for number in 0..300 {
            refusals.add(refusal(number));
            refusals.add(refusal(number));
        }
        assert_eq!(refusals.iter().count(), MAX_REFUSALS);
        assert_eq!(refusals.iter().filter(|refusal| refusal.receipts.is_some()).count(), 16);
        assert!(refusals.get(refusal(299).block_hash).is_some_and(|found| found.receipts.is_some()));
        assert!(refusals.get(refusal(43).block_hash).is_none());
        assert!(refusals.get(refusal(44).block_hash).is_some_and(|found| found.receipts.is_none()));
    }
}
