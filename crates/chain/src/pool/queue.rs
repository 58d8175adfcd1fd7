//! The pool's content: queues by sender, and the order in which transactions leave when it is full.

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use alloy_primitives::{Address, TxHash};

use super::sender::{Queued, SenderQueue, SenderState};
use super::validate::{Rules, check_overdraft, check_sender, check_static};
use super::{BestTransactions, PoolConfig, PoolContent, PoolError, PooledTransaction};

/// Where a transaction stands when one must leave. What waits for a gap to fill goes before anything that can be mined, so
/// that transactions which never pay push out none that would; then the lowest tip goes first, of equal ones the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_pending: bool,
    tip: u128,
    arrival: Reverse<u64>,
    sender: Address,
    nonce: u64,
}

impl Rank {
    fn of(queued: &Queued, is_pending: bool) -> Self {
        Self {
            is_pending,
            tip: queued.transaction.tip_cap(),
            arrival: Reverse(queued.arrival),
            sender: queued.transaction.sender(),
            nonce: queued.transaction.nonce(),
        }
    }
}

/// The content of a pool.
#[derive(Debug)]
pub(crate) struct PoolState {
    config: PoolConfig,
    senders: BTreeMap<Address, SenderQueue>,
    /// Looked up only, never walked.
    by_hash: HashMap<TxHash, Arc<PooledTransaction>>,
    ranks: BTreeSet<Rank>,
    size_bytes: usize,
    arrivals: u64,
}

impl PoolState {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            config,
            senders: BTreeMap::new(),
            by_hash: HashMap::new(),
            ranks: BTreeSet::new(),
            size_bytes: 0,
            arrivals: 0,
        }
    }

    /// Takes a transaction in. Gives the hashes of those that became pending by it.
    pub(crate) fn insert(
        &mut self,
        pooled: PooledTransaction,
        rules: &Rules,
        sender: SenderState,
    ) -> Result<Vec<TxHash>, PoolError> {
        if self.by_hash.contains_key(&pooled.hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        check_static(&pooled, rules)?;
        check_sender(&pooled, &sender)?;
        let address = pooled.sender();
        let nonce = pooled.nonce();
        let mut promoted = Vec::new();
        if self.senders.get(&address).is_some_and(|queue| queue.state() != sender) {
            promoted = self.update_sender(address, sender);
        }
        let mut pending_before = sender.nonce..sender.nonce;
        let mut replaced_size = None;
        if let Some(queue) = self.senders.get(&address) {
            pending_before = queue.pending();
            check_overdraft(&pooled, &sender, queue.cost_of_others(nonce))?;
            match queue.transactions().get(&nonce) {
                Some(old) => {
                    check_replacement(&pooled, &old.transaction, self.config.replacement_bump_percent)?;
                    replaced_size = Some(old.transaction.size_bytes());
                }
                None if queue.transactions().len() >= self.config.max_per_sender => {
                    return Err(PoolError::SenderLimit {
                        sender: address,
                        limit: self.config.max_per_sender,
                    });
                }
                None => {}
            }
        }
        self.make_room(&pooled, nonce <= pending_before.end, replaced_size)?;
        self.remove(address, nonce);

        let transaction = Arc::new(pooled);
        let arrival = self.arrivals;
        self.arrivals += 1;
        let queue = self.senders.entry(address).or_insert_with(|| SenderQueue::new(sender));
        queue.set_state(sender);
        // Room was made, and a transaction replaced, since: the run may be shorter than it was.
        let run_before = queue.pending();
        let queued = Queued { transaction: transaction.clone(), arrival };
        self.ranks.insert(Rank::of(&queued, run_before.contains(&nonce)));
        queue.insert(nonce, queued);
        let run = queue.pending();
        if run.contains(&nonce) {
            promoted.push(transaction.hash());
            let from = nonce.max(pending_before.end).saturating_add(1);
            let after_gap = queue.transactions().range(from.min(run.end)..run.end);
            promoted.extend(after_gap.map(|(_, queued)| queued.transaction.hash()));
        }
        self.rank_again(address, run_before);
        self.size_bytes += transaction.size_bytes();
        self.by_hash.insert(transaction.hash(), transaction);
        Ok(promoted)
    }

    /// Puts the transactions of a sender in their right place among those that may have to leave, after its pending run was
    /// another.
    fn rank_again(&mut self, address: Address, before: Range<u64>) {
        let Some(queue) = self.senders.get(&address) else {
            return;
        };
        let now = queue.pending();
        if now == before {
            return;
        }
        // Whatever is pending in one of both and not in the other lies between their starts or between their ends.
        let (starts, ends) = ((before.start, now.start), (before.end, now.end));
        for (one, other) in [starts, ends] {
            for (nonce, queued) in queue.transactions().range(one.min(other)..one.max(other)) {
                let (was_pending, is_pending) = (before.contains(nonce), now.contains(nonce));
                if was_pending != is_pending {
                    self.ranks.remove(&Rank::of(queued, was_pending));
                    self.ranks.insert(Rank::of(queued, is_pending));
                }
            }
        }
    }

    /// Lets transactions go that are worth less, until this one fits; none goes when it would not fit all the same.
    fn make_room(
        &mut self,
        pooled: &PooledTransaction,
        is_pending: bool,
        replaced: Option<usize>,
    ) -> Result<(), PoolError> {
        let full = PoolError::Full { limit: self.config.max_transactions };
        let mut count = self.by_hash.len() + 1 - usize::from(replaced.is_some());
        let mut size = self.size_bytes + pooled.size_bytes() - replaced.unwrap_or_default();
        let mut leaving = Vec::new();
        for Rank { is_pending: can_be_mined, tip, sender: address, nonce, .. } in &self.ranks {
            if count <= self.config.max_transactions && size <= self.config.max_size_bytes {
                break;
            }
            if (*can_be_mined, *tip) >= (is_pending, pooled.tip_cap()) {
                return Err(full);
            }
            // One of its own sender with a lower nonce carries it: letting that go would strand it.
            if *address == pooled.sender() && *nonce <= pooled.nonce() {
                continue;
            }
            let Some(queued) = self.senders.get(address).and_then(|queue| queue.transactions().get(nonce))
            else {
                continue;
            };
            count -= 1;
            size -= queued.transaction.size_bytes();
            leaving.push((*address, *nonce));
        }
        if count > self.config.max_transactions || size > self.config.max_size_bytes {
            return Err(full);
        }
        for (address, nonce) in leaving {
            self.remove(address, nonce);
        }
        Ok(())
    }

    /// Removes a transaction by its place.
    fn remove(&mut self, address: Address, nonce: u64) {
        let Entry::Occupied(mut queue) = self.senders.entry(address) else {
            return;
        };
        let before = queue.get().pending();
        let Some(queued) = queue.get_mut().remove(nonce) else {
            return;
        };
        if queue.get().transactions().is_empty() {
            queue.remove();
        }
        self.ranks.remove(&Rank::of(&queued, before.contains(&nonce)));
        self.size_bytes -= queued.transaction.size_bytes();
        self.by_hash.remove(&queued.transaction.hash());
        self.rank_again(address, before);
    }

    /// Removes a transaction by its hash.
    pub(crate) fn remove_hash(&mut self, hash: TxHash) {
        if let Some(transaction) = self.get(hash) {
            self.remove(transaction.sender(), transaction.nonce());
        }
    }

    /// Notes the new state of a sender: what is mined or cannot be paid leaves. Gives the hashes that became pending.
    pub(crate) fn update_sender(&mut self, address: Address, state: SenderState) -> Vec<TxHash> {
        let Some(queue) = self.senders.get_mut(&address) else {
            return Vec::new();
        };
        let before = queue.pending();
        let pending_before = before.end;
        queue.set_state(state);
        let leaving: Vec<_> = queue
            .transactions()
            .iter()
            .filter(|(_, queued)| check_sender(&queued.transaction, &state).is_err())
            .map(|(nonce, _)| *nonce)
            .collect();
        self.rank_again(address, before);
        for nonce in leaving {
            self.remove(address, nonce);
        }
        let Some(queue) = self.senders.get(&address) else {
            return Vec::new();
        };
        let start = pending_before.max(state.nonce);
        let end = queue.next_nonce();
        if start >= end {
            return Vec::new();
        }
        queue.transactions().range(start..end).map(|(_, queued)| queued.transaction.hash()).collect()
    }

    /// Whether the pool holds a transaction of this sender.
    pub(crate) fn has_sender(&self, address: Address) -> bool {
        self.senders.contains_key(&address)
    }

    /// Pending transactions, best first, at a base fee.
    pub(crate) fn best(&self, base_fee: u64) -> BestTransactions {
        let runs = self.senders.values().map(|queue| {
            let pending = queue.transactions().range(queue.pending());
            pending.map(|(_, queued)| (queued.transaction.clone(), queued.arrival)).collect()
        });
        BestTransactions::new(base_fee, runs)
    }

    pub(crate) fn get(&self, hash: TxHash) -> Option<Arc<PooledTransaction>> {
        self.by_hash.get(&hash).cloned()
    }

    /// Everything, in the order in which it came.
    pub(crate) fn by_arrival(&self) -> Vec<Arc<PooledTransaction>> {
        let queued = self.senders.values().flat_map(|queue| queue.transactions().values());
        let by_arrival: BTreeMap<_, _> =
            queued.map(|queued| (queued.arrival, queued.transaction.clone())).collect();
        by_arrival.into_values().collect()
    }

    pub(crate) fn next_nonce(&self, sender: Address) -> Option<u64> {
        let queue = self.senders.get(&sender)?;
        let next = queue.next_nonce();
        (next > queue.state().nonce).then_some(next)
    }

    pub(crate) fn content(&self) -> PoolContent {
        let mut content = PoolContent::default();
        for queue in self.senders.values() {
            split(queue, &mut content);
        }
        content
    }

    pub(crate) fn content_of(&self, sender: Address) -> PoolContent {
        let mut content = PoolContent::default();
        if let Some(queue) = self.senders.get(&sender) {
            split(queue, &mut content);
        }
        content
    }

    pub(crate) fn status(&self) -> (usize, usize) {
        let pending = self.senders.values().map(|queue| queue.pending().count()).sum();
        (pending, self.by_hash.len() - pending)
    }
}

fn split(queue: &SenderQueue, content: &mut PoolContent) {
    let next = queue.next_nonce();
    for (nonce, queued) in queue.transactions() {
        let part = if *nonce < next { &mut content.pending } else { &mut content.queued };
        part.push(queued.transaction.clone());
    }
}

/// A replacement must raise both fees by `percent`.
fn check_replacement(
    new: &PooledTransaction,
    old: &PooledTransaction,
    percent: u128,
) -> Result<(), PoolError> {
    let bumped = |fee: u128| fee.saturating_add((fee.saturating_mul(percent)).div_ceil(100));
    let (needed_fee, needed_tip) = (bumped(old.fee_cap()), bumped(old.tip_cap()));
    if new.fee_cap() < needed_fee || new.tip_cap() < needed_tip {
        return Err(PoolError::ReplacementUnderpriced {
            fee: new.fee_cap(),
            tip: new.tip_cap(),
            needed_fee,
            needed_tip,
        });
    }
    Ok(())
}
