//! Ommers: headers of blocks that lost, for which an Ethereum chain rewarded miners before the merge.

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::Header;
use alloy_primitives::B256;
use ivm_evm::ForkSchedule;

use crate::chain::Tip;
use crate::error::{BlockError, ChainError};
use crate::ethereum::Place;
use crate::header::{self, BodyFacts, Chosen, field};
use crate::store::BlockStore;

/// Most ommers of a block.
const MAX_OMMERS: usize = 2;
/// An ommer's parent is at most this many blocks back.
const MAX_DEPTH: usize = 7;

/// Checks the ommers of the block of proof of work after the tip: that they are few, related, new and valid.
pub(crate) fn check_ommers(schedule: &ForkSchedule, tip: &Tip, ommers: &[Header]) -> Result<(), ChainError> {
    if ommers.is_empty() {
        return Ok(());
    }
    if ommers.len() > MAX_OMMERS {
        return Err(uncles(format!("{} headers", ommers.len()), format!("at most {MAX_OMMERS}")).into());
    }
    let parent = &tip.block;
    let Family { ancestors, mut included } = family(tip)?;
    for ommer in ommers {
        let hash = ommer.hash_slow();
        if ancestors.contains_key(&hash) {
            return Err(uncles(hash, "no block of the chain itself").into());
        }
        if !included.insert(hash) {
            return Err(uncles(hash, "none that is included already").into());
        }
        let ommer_parent = ancestors.get(&ommer.parent_hash).filter(|_| ommer.parent_hash != parent.hash());
        let Some(ommer_parent) = ommer_parent else {
            let expected = format!("a child of one of the {} blocks before the parent", MAX_DEPTH - 1);
            return Err(uncles(format!("child of {}", ommer.parent_hash), expected).into());
        };
        let place = Place { schedule, parent_hash: ommer.parent_hash, parent: ommer_parent, merged: false };
        check_header(&place, ommer).map_err(|error| BlockError::Ommer { hash, error: Box::new(error) })?;
    }
    Ok(())
}

/// The last blocks up to the tip, and the ommers they include.
fn family(tip: &Tip) -> Result<Family, ChainError> {
    let blocks = BlockStore::new(tip.state.shared_reader());
    let mut family = Family::default();
    let mut next = Some(tip.block.clone());
    while let Some(block) = next.filter(|_| family.ancestors.len() < MAX_DEPTH) {
        family.included.extend(block.ommers().iter().map(Header::hash_slow));
        family.ancestors.insert(block.hash(), block.header().clone());
        next = match block.number() {
            0 => None,
            _ => blocks.block(block.header().parent_hash)?,
        };
    }
    Ok(family)
}

#[derive(Debug, Default)]
struct Family {
    ancestors: BTreeMap<B256, Header>,
    included: BTreeSet<B256>,
}

/// An ommer's header is valid after its parent; what executing it would give is not looked at.
fn check_header(place: &Place<'_>, got: &Header) -> Result<(), BlockError> {
    place.check_choices(got)?;
    let body = BodyFacts {
        transactions_root: got.transactions_root,
        ommers_hash: got.ommers_hash,
        ..BodyFacts::default()
    };
    header::check_environment(got, place.next_header(Chosen::of(got), &body))
}

fn uncles(got: impl ToString, expected: impl ToString) -> BlockError {
    field("uncles", got, expected)
}
