//! The past: reading it, undoing blocks, forgetting it.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;
use common::{Change, Model, apply, change, check_view};
use ivm_state::kv::{DiskStore, Durability, KeyValueStore, MemoryStore, Reader, Table, Tracking, WriteBatch};
use ivm_state::{FIRST_FREE_TRACKING, PruneProgress, StateDb, StateError, StateView};
use proptest::prelude::*;

const NOTES: Table = Table::tracked("notes", Tracking::Undo(FIRST_FREE_TRACKING));
const CODE: &str = "code";

fn tables() -> Vec<Table> {
    StateDb::TABLES.into_iter().chain([NOTES]).collect()
}

fn memory() -> Arc<dyn KeyValueStore> {
    Arc::new(MemoryStore::new(&tables(), B256::ZERO).expect("opens"))
}

type Content = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// Everything in a store but code, which is never removed.
fn content(reader: &dyn Reader) -> Content {
    let tables = tables().into_iter().filter(|table| table.name() != CODE);
    tables
        .flat_map(|table| {
            let entries = reader.scan(table, &[], usize::MAX).expect("scans");
            entries.into_iter().map(move |(key, value)| ((table.name(), key), value))
        })
        .collect()
}

/// The writes beside a block: two notes that change with it, and one that comes and goes.
fn notes(number: u64) -> WriteBatch {
    let mut writes = WriteBatch::default();
    writes.put(NOTES, b"newest", number.to_be_bytes());
    writes.put(NOTES, number.to_be_bytes(), b"a block");
    if number.is_multiple_of(2) {
        writes.put(NOTES, b"even", b"");
    } else {
        writes.delete(NOTES, b"even");
    }
    writes
}

fn blocks(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<BTreeMap<u8, Change>>> {
    proptest::collection::vec(proptest::collection::btree_map(0u8..8, change(), 1..6), count)
}

/// A block's content, model, and a view taken when it was the head.
type Past = Vec<(Content, Model, StateView)>;

fn commit_all(state: &StateDb, store: &dyn KeyValueStore, blocks: &[BTreeMap<u8, Change>]) -> Past {
    let mut model = Model::new();
    let mut past = Vec::new();
    for (number, block) in (0..).zip(blocks) {
        let update = state.prepare(&apply(&mut model, block)).expect("prepares");
        state.commit(update, notes(number)).expect("commits");
        past.push((content(store), model.clone(), state.head()));
    }
    past
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn undoing_restores_every_byte(blocks in blocks(2..10), steps in 1usize..9, disk in proptest::bool::weighted(0.1)) {
        let directory = tempfile::tempdir().expect("temporary directory");
        let store: Arc<dyn KeyValueStore> = if disk {
            Arc::new(DiskStore::open(directory.path(), &tables(), B256::ZERO).expect("opens"))
        } else {
            memory()
        };
        let state = StateDb::open(store.clone()).expect("opens");
        let past = commit_all(&state, store.as_ref(), &blocks);
        let steps = steps.min(blocks.len() - 1);
        let mut branch = state.branch();
        for step in 1..=steps {
            branch.undo().expect("undoes");
            let (expected, model, _) = &past[blocks.len() - 1 - step];
            prop_assert_eq!(&content(branch.reader().as_ref()), expected);
            check_view(&branch.view(), model);
        }
        let target = blocks.len() - 1 - steps;
        let mut together = state.branch();
        while together.number() > target as u64 {
            together.undo_towards(target as u64).expect("undoes");
        }
        prop_assert_eq!(&content(together.reader().as_ref()), &past[target].0);
        check_view(&together.view(), &past[target].1);
        prop_assert_eq!(&content(store.as_ref()), &past[blocks.len() - 1].0, "nothing is written yet");
        state.commit_branch(branch, Durability::Synced).expect("commits");
        prop_assert_eq!(&content(store.as_ref()), &past[blocks.len() - 1 - steps].0);
        // Views taken before read on; the blocks can be applied again.
        for (_, model, view) in &past {
            check_view(view, model);
        }
        let mut model = past[blocks.len() - 1 - steps].1.clone();
        for (number, block) in (0..).zip(&blocks).skip(blocks.len() - steps) {
            let update = state.prepare(&apply(&mut model, block)).expect("prepares");
            state.commit(update, notes(number)).expect("commits");
        }
        prop_assert_eq!(&content(store.as_ref()), &past[blocks.len() - 1].0);
    }

    #[test]
    fn pruning_forgets_what_it_says_and_nothing_else(blocks in blocks(3..10), oldest in 1u64..9, parts in 1usize..4) {
        let store = memory();
        let state = StateDb::open(store.clone()).expect("opens");
        let past = commit_all(&state, store.as_ref(), &blocks);
        let head = blocks.len() as u64 - 1;
        let oldest = oldest.min(head);
        let before = state.head();
        let mut calls = 1;
        while state.prune(oldest, parts).expect("prunes") == PruneProgress::More {
            calls += 1;
        }
        // Genesis has no records, every other block one part here.
        prop_assert!(calls >= (oldest as usize).div_ceil(parts));
        prop_assert_eq!(state.prune(oldest, parts).expect("prunes"), PruneProgress::Done);
        let mut branch = state.branch();
        let view = branch.view();
        for (number, (_, model, old_view)) in (0..).zip(&past) {
            check_view(old_view, model);
            check_view(&before.at(number).expect("its snapshot has all"), model);
            // A snapshot taken now.
            let now = StateDb::open(store.clone()).expect("opens").view(number);
            if number < oldest {
                let error = now.expect_err("pruned");
                prop_assert_eq!(
                    error.to_string(),
                    format!("state of block {number} is pruned, the oldest kept is {oldest}")
                );
            } else {
                check_view(&now.expect("kept"), model);
            }
        }
        drop(view);
        let kept = content(store.as_ref());
        for (table, key) in kept.keys() {
            if *table == "history" {
                let block = u64::from_be_bytes(key[key.len() - 8..].try_into().expect("eight bytes"));
                prop_assert!(block > oldest);
            }
            if *table == "changes" {
                let block = u64::from_be_bytes(key[..8].try_into().expect("eight bytes"));
                prop_assert!(block > oldest);
            }
        }
        let reopened = StateDb::open(store.clone()).expect("opens");
        branch = reopened.branch();
        for _ in oldest..head {
            branch.undo().expect("undoes");
        }
        check_view(&branch.view(), &past[oldest as usize].1);
        let error = branch.undo().expect_err("pruned");
        prop_assert!(matches!(error, StateError::Pruned { .. }), "{}", error);
    }
}

#[test]
fn the_first_block_is_not_undone() {
    let state = StateDb::open(memory()).expect("opens");
    let first = BTreeMap::from([(1, Change::Write { nonce: 1, balance: 1, slots: vec![(1, 1)] })]);
    let update = state.prepare(&apply(&mut Model::new(), &first)).expect("prepares");
    state.commit(update, WriteBatch::default()).expect("commits");
    let error = state.branch().undo().expect_err("genesis");
    assert!(matches!(error, StateError::Pruned { block: 0, oldest: 0 }), "{error}");
    assert!(state.branch().undo_towards(0).expect("it is there already").is_empty());
}

#[test]
fn a_branch_of_another_head_is_refused() {
    let store = memory();
    let state = StateDb::open(store).expect("opens");
    let block = |balance| BTreeMap::from([(1, Change::Write { nonce: 1, balance, slots: Vec::new() })]);
    let mut model = Model::new();
    let update = state.prepare(&apply(&mut model, &block(1))).expect("prepares");
    state.commit(update, WriteBatch::default()).expect("commits");
    let stale = state.branch();
    let update = state.prepare(&apply(&mut model, &block(2))).expect("prepares");
    state.commit(update, WriteBatch::default()).expect("commits");
    let error = state.commit_branch(stale, Durability::Synced).expect_err("stale");
    assert!(matches!(error, StateError::NotAtHead { .. }), "{error}");
    check_view(&state.head(), &model);
    let past = state.view(0).expect("kept");
    let error = past.prepare(&apply(&mut model, &block(3))).expect_err("not at the head");
    assert!(matches!(error, StateError::NotAtHead { .. }), "{error}");
}
