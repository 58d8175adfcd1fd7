//! Compares a store with its replica.

use std::sync::Arc;

use alloy_primitives::B256;
use futures_util::{StreamExt, stream};

use super::{Listing, Remote, ReplicaError, blocking, with_retries};
use crate::{DaError, MAX_PAGE, PayloadInfo, PayloadStore, Replica};

/// How closely to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyDepth {
    /// At hashes and sizes, as the service lists them.
    #[default]
    Listing,
    /// At every byte, there and here.
    Contents,
}

/// What to do about a fault of the replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFault {
    /// Tell.
    #[default]
    Report,
    /// Tell, and have the payload replicated once more.
    ReplicateAgain,
}

/// What is wrong.
#[derive(Debug)]
pub enum Finding {
    /// A payload is noted as replicated, and its object is not there.
    Missing {
        /// Which.
        hash: B256,
    },
    /// An object has not the size of its payload.
    WrongSize {
        /// Which.
        hash: B256,
        /// Size that the service lists, in bytes.
        got: u64,
        /// Size of the payload, in bytes.
        expected: u64,
    },
    /// An object is not the payload that its key says, or cannot be read.
    Wrong {
        /// Which.
        hash: B256,
        /// Why.
        error: ReplicaError,
    },
    /// A payload held here cannot be read: restore it.
    DamagedHere {
        /// Which.
        hash: B256,
        /// Why.
        error: DaError,
    },
}

/// What came of comparing. Every payload, here or there, is counted once in one of the first five.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Payloads that are here and there, and the same as far as was looked.
    pub matching: u64,
    /// Payloads that are there only: pruned here, or lost.
    pub only_remote: u64,
    /// Payloads that wait for their replica.
    pub queued: u64,
    /// Payloads that no block needs, and that are not replicated for that.
    pub unwanted: u64,
    /// Payloads with which something is wrong.
    pub faults: u64,
    /// Other objects beside the replica.
    pub foreign: u64,
}

/// A payload, here, there or both.
struct Pair {
    hash: B256,
    here: Option<PayloadInfo>,
    there_size_bytes: Option<u64>,
}

enum Verdict {
    Matching,
    OnlyRemote,
    Queued,
    Unwanted,
    Fault(Finding),
}

/// Compares a store with its replica, and tells of each fault as it is found. Nothing is changed but, when so asked, the
/// queue.
///
/// # Errors
/// What concerns all objects, as for [`super::restore`].
pub async fn verify(
    store: &Arc<PayloadStore>,
    remote: &Remote,
    depth: VerifyDepth,
    on_fault: OnFault,
    mut on_finding: impl FnMut(&Finding),
) -> Result<VerifyReport, ReplicaError> {
    let listing = with_retries(remote, || remote.list()).await?;
    let mut report = VerifyReport { foreign: listing.foreign, ..VerifyReport::default() };
    let mut pairs = Pairs { store, listing: &listing, next_there: 0, after: None };
    while let Some(page) = pairs.page().await? {
        let judging = page.into_iter().map(|pair| judge(store, remote, depth, pair));
        let mut judging = stream::iter(judging).buffer_unordered(remote.config().max_concurrency);
        while let Some(verdict) = judging.next().await {
            match verdict? {
                Verdict::Matching => report.matching += 1,
                Verdict::OnlyRemote => report.only_remote += 1,
                Verdict::Queued => report.queued += 1,
                Verdict::Unwanted => report.unwanted += 1,
                Verdict::Fault(finding) => {
                    report.faults += 1;
                    on_finding(&finding);
                    if on_fault == OnFault::ReplicateAgain {
                        replicate_again(store, &finding).await?;
                    }
                }
            }
        }
    }
    Ok(report)
}

/// Payloads of a store and of its replica, side by side.
struct Pairs<'a> {
    store: &'a Arc<PayloadStore>,
    listing: &'a Listing,
    next_there: usize,
    after: Option<B256>,
}

impl Pairs<'_> {
    /// The next ones in order of their hashes; `None` at the end.
    async fn page(&mut self) -> Result<Option<Vec<Pair>>, ReplicaError> {
        let (store, after) = (self.store.clone(), self.after);
        let here = blocking(move || store.page(after, MAX_PAGE)).await??;
        let mut pairs = Vec::new();
        for (hash, info) in &here {
            self.take_there(&mut pairs, |there| there < *hash);
            if pairs.len() >= MAX_PAGE {
                return Ok(Some(pairs));
            }
            let there = self.listing.payloads.get(self.next_there).filter(|(there, _)| there == hash);
            self.next_there += usize::from(there.is_some());
            let there_size_bytes = there.map(|(_, size_bytes)| *size_bytes);
            pairs.push(Pair { hash: *hash, here: Some(*info), there_size_bytes });
            self.after = Some(*hash);
        }
        if here.is_empty() {
            self.take_there(&mut pairs, |_| true);
        }
        Ok((!pairs.is_empty()).then_some(pairs))
    }

    /// Takes what is there only, as far as a page goes.
    fn take_there(&mut self, pairs: &mut Vec<Pair>, is_wanted: impl Fn(B256) -> bool) {
        let rest = self.listing.payloads.get(self.next_there..).unwrap_or_default();
        let room = MAX_PAGE.saturating_sub(pairs.len());
        for (hash, size_bytes) in rest.iter().take_while(|(hash, _)| is_wanted(*hash)).take(room) {
            pairs.push(Pair { hash: *hash, here: None, there_size_bytes: Some(*size_bytes) });
            self.next_there += 1;
        }
    }
}

async fn judge(
    store: &Arc<PayloadStore>,
    remote: &Remote,
    depth: VerifyDepth,
    pair: Pair,
) -> Result<Verdict, ReplicaError> {
    let Pair { hash, here, there_size_bytes } = pair;
    let size_bytes = here.map_or(0, |info| info.size_bytes.into()).max(there_size_bytes.unwrap_or(0));
    let _room = match depth {
        VerifyDepth::Listing => None,
        VerifyDepth::Contents => Some(remote.room_for(size_bytes).await?),
    };
    if depth == VerifyDepth::Contents && here.is_some() {
        let store = store.clone();
        if let Err(error) = blocking(move || store.get(hash).map(drop)).await? {
            return Ok(Verdict::Fault(Finding::DamagedHere { hash, error }));
        }
    }
    let Some(got) = there_size_bytes else {
        return Ok(match here.map(|info| info.replica) {
            Some(Replica::Stored) => Verdict::Fault(Finding::Missing { hash }),
            Some(Replica::Queued) => Verdict::Queued,
            Some(Replica::Unwanted) | None => Verdict::Unwanted,
        });
    };
    if let Some(expected) = here.map(|info| u64::from(info.size_bytes)).filter(|expected| *expected != got) {
        return Ok(Verdict::Fault(Finding::WrongSize { hash, got, expected }));
    }
    if depth == VerifyDepth::Contents {
        match with_retries(remote, || remote.get(hash)).await {
            Ok(_) => {}
            Err(error) if error.is_of_one_object() => {
                return Ok(Verdict::Fault(Finding::Wrong { hash, error }));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(if here.is_some() { Verdict::Matching } else { Verdict::OnlyRemote })
}

async fn replicate_again(store: &Arc<PayloadStore>, finding: &Finding) -> Result<(), ReplicaError> {
    let hash = match finding {
        Finding::Missing { hash } | Finding::WrongSize { hash, .. } | Finding::Wrong { hash, .. } => *hash,
        Finding::DamagedHere { .. } => return Ok(()),
    };
    let store = store.clone();
    Ok(blocking(move || store.replicate_again(hash)).await??)
}
