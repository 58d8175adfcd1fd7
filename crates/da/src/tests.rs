#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, Bytes, hex, keccak256};
use proptest::prelude::*;

use super::*;

const NOTHING: [B256; 0] = [];

fn bytes(fill: u8, size: usize) -> Bytes {
    Bytes::from(vec![fill; size])
}

fn last_block(store: &PayloadStore, hash: B256) -> Option<u64> {
    store.info(hash).unwrap().unwrap().retention.last_block()
}

/// A store of each kind, and the folder of the second.
fn stores(limit_bytes: u64) -> ([PayloadStore; 2], tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let stores =
        [PayloadStore::in_memory(limit_bytes), PayloadStore::open(folder.path(), limit_bytes).unwrap()];
    (stores, folder)
}

fn check(store: &PayloadStore) {
    let payload = Bytes::from_static(b"a payload");
    let hash = store.put(&payload).unwrap();
    assert_eq!(hash, keccak256(&payload));
    assert_eq!(store.get(hash).unwrap(), Some(payload.clone()));
    assert_eq!(store.get(B256::ZERO).unwrap(), None);
    store.put(&payload).unwrap();
    assert_eq!(store.size_bytes(), payload.len() as u64);
    let refused = store.put(&bytes(1, 100)).unwrap_err();
    assert!(matches!(refused, DaError::Full { got: 109, limit: 64 }), "{refused}");
    let refused = store.put(&bytes(0, MAX_PAYLOAD_SIZE_BYTES + 1)).unwrap_err();
    assert!(matches!(refused, DaError::TooLarge { .. }), "{refused}");
    assert_eq!(store.size_bytes(), payload.len() as u64);
}

#[test]
fn keeps_payloads_in_memory() {
    check(&PayloadStore::in_memory(64));
}

#[test]
fn keeps_payloads_in_a_folder_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    check(&PayloadStore::open(folder.path(), 64).unwrap());
    let store = PayloadStore::open(folder.path(), 64).unwrap();
    assert_eq!(store.size_bytes(), 9);
    let hash = keccak256(b"a payload");
    assert_eq!(store.get(hash).unwrap(), Some(Bytes::from_static(b"a payload")));
}

#[test]
fn unpaid_payloads_get_half() {
    let store = PayloadStore::in_memory(100);
    store.put(&bytes(1, 49)).unwrap();
    assert!(store.takes_unpaid());
    store.put(&bytes(2, 1)).unwrap();
    assert!(!store.takes_unpaid());
    store.put(&bytes(3, 50)).unwrap();
}

#[test]
fn notices_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = PayloadStore::open(folder.path(), 1024).unwrap();
    let hash = store.put(&Bytes::from_static(b"truth")).unwrap();
    std::fs::write(folder.path().join(hex::encode(hash)), b"lies!").unwrap();
    assert!(matches!(store.get(hash), Err(DaError::Damaged { expected, .. }) if expected == hash));
}

#[test]
fn forgets_what_was_not_finished_and_leaves_what_is_not_its_own() {
    let folder = tempfile::tempdir().unwrap();
    drop(PayloadStore::open(folder.path(), 1024).unwrap());
    std::fs::write(folder.path().join(".tmp-half"), b"half a payl").unwrap();
    std::fs::write(folder.path().join("notes.txt"), b"an operator's").unwrap();
    assert_eq!(PayloadStore::open(folder.path(), 1024).unwrap().totals(), StoreTotals::default());
    assert!(!folder.path().join(".tmp-half").exists());
    assert!(folder.path().join("notes.txt").exists());
}

#[test]
fn a_refused_payload_takes_no_room() {
    for store in &stores(100).0 {
        store.put(&bytes(1, 60)).unwrap();
        store.put(&bytes(2, 60)).unwrap_err();
        store.put(&bytes(3, 40)).unwrap();
        assert_eq!(store.size_bytes(), 100);
    }
}

#[test]
fn what_a_block_needs_stays_to_the_end_of_the_last() {
    for store in &stores(1024).0 {
        let hash = store.put(&bytes(1, 10)).unwrap();
        store.keep_until(&[hash], 7).unwrap();
        store.keep_until(&[hash, hash], 3).unwrap();
        assert_eq!(last_block(store, hash), Some(7), "a mark is never taken back");
        assert_eq!(store.prune(7, 10).unwrap(), NOTHING);
        assert_eq!(store.prune(8, 10).unwrap(), [hash]);
        assert_eq!((store.get(hash).unwrap(), store.totals()), (None, StoreTotals::default()));
        assert!(!store.remove(hash).unwrap());
    }
}

#[test]
fn what_is_kept_for_ever_outlives_every_block() {
    for store in &stores(1024).0 {
        let hash = store.put(&bytes(1, 10)).unwrap();
        store.keep_until(&[hash], u64::MAX).unwrap();
        assert_eq!(store.prune(u64::MAX, 10).unwrap(), NOTHING);
    }
}

#[test]
fn all_payloads_are_kept_or_none() {
    for store in &stores(1024).0 {
        let hash = store.put(&bytes(1, 10)).unwrap();
        let refused = store.keep_until(&[hash, B256::ZERO], 9).unwrap_err();
        assert!(matches!(refused, DaError::NotHeld { hash: B256::ZERO }), "{refused}");
        assert_eq!(store.info(hash).unwrap().unwrap().retention, Retention::Undated);
    }
}

#[test]
fn what_no_block_needs_goes_after_a_while() {
    let (stores, _folder) = stores(1024);
    for store in stores.map(|store| store.with_unpaid_retention_blocks(10)) {
        let early = store.put(&bytes(1, 10)).unwrap();
        assert_eq!(store.prune(1_000, 10).unwrap(), NOTHING, "its time begins with the first block told");
        assert_eq!(last_block(&store, early), Some(1_010));
        store.begin_block(1_005).unwrap();
        store.begin_block(900).unwrap();
        let late = store.put(&bytes(2, 10)).unwrap();
        assert_eq!(last_block(&store, late), Some(1_015));
        assert_eq!(store.prune(1_011, 10).unwrap(), [early]);
        store.put(&bytes(2, 10)).unwrap();
        assert_eq!(last_block(&store, late), Some(1_021), "sent again, it stays longer");
        store.keep_until(&[late], 1_012).unwrap();
        assert_eq!(last_block(&store, late), Some(1_021), "being needed never shortens its time");
    }
}

#[test]
fn pruning_is_bounded_and_takes_first_what_was_over_first() {
    for store in &stores(1024).0 {
        let hashes: Vec<_> = (0..5).map(|fill| store.put(&bytes(fill, 10)).unwrap()).collect();
        for (hash, last_block) in hashes.iter().zip([5, 3, 4, 9, 1]) {
            store.keep_until(&[*hash], last_block).unwrap();
        }
        assert_eq!(store.prune(6, 2).unwrap(), [hashes[4], hashes[1]]);
        assert_eq!(store.prune(6, 2).unwrap(), [hashes[2], hashes[0]]);
        assert_eq!(store.prune(6, 2).unwrap(), NOTHING);
        assert_eq!(store.page(None, 10).unwrap().len(), 1);
    }
}

#[test]
fn marks_and_replicas_survive_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let open = || PayloadStore::open(folder.path(), 1024).unwrap();
    let store = open();
    let [kept, unpaid, undated] = [1, 2, 3].map(|fill| store.put(&bytes(fill, 10)).unwrap());
    store.keep_until(&[kept], 70).unwrap();
    store.remove(unpaid).unwrap();
    store.begin_block(5).unwrap();
    store.put(&bytes(2, 10)).unwrap();
    store.start_replication("there").unwrap();
    store.set_replicated(kept, "there/kept").unwrap();
    let before = [kept, unpaid, undated].map(|hash| store.info(hash).unwrap());
    let totals = store.totals();
    drop(store);
    let store = open();
    assert_eq!([kept, unpaid, undated].map(|hash| store.info(hash).unwrap()), before);
    assert_eq!(store.totals(), totals);
    assert_eq!(store.locator(kept).unwrap().as_deref(), Some("there/kept"));
    assert_eq!(store.locator(unpaid).unwrap(), None);
}

#[test]
fn the_index_is_made_good_by_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = |hash: B256| folder.path().join(hex::encode(hash));
    let store = PayloadStore::open(folder.path(), 1024).unwrap();
    let [gone, kept] = [1, 2].map(|fill| store.put(&bytes(fill, 10)).unwrap());
    store.keep_until(&[gone, kept], 9).unwrap();
    drop(store);
    // As after a crash between a file and its entry, either way.
    std::fs::remove_file(file(gone)).unwrap();
    let found = Bytes::from_static(b"found");
    std::fs::write(file(keccak256(&found)), &found).unwrap();
    let store = PayloadStore::open(folder.path(), 1024).unwrap();
    assert_eq!(store.info(gone).unwrap(), None);
    assert_eq!(store.info(keccak256(&found)).unwrap().unwrap().retention, Retention::Undated);
    assert_eq!(store.totals(), StoreTotals { size_bytes: 15, payloads: 2, queued: 1, replicated: 0 });
    drop(store);
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let store = PayloadStore::open(folder.path(), 1024).unwrap();
    assert_eq!(store.totals(), StoreTotals { size_bytes: 15, payloads: 2, queued: 0, replicated: 0 });
    assert_eq!(store.get(kept).unwrap(), Some(bytes(2, 10)));
}

#[test]
fn opening_waits_for_a_process_that_is_ending() {
    let folder = tempfile::tempdir().unwrap();
    let first = PayloadStore::open(folder.path(), 1024).unwrap();
    let (opens, opened) = std::sync::mpsc::channel();
    let path = folder.path().to_owned();
    let second = std::thread::spawn(move || {
        let store = PayloadStore::open(&path, 1024).map(drop);
        opens.send(()).unwrap();
        store
    });
    // Nothing has to happen in this time for the test to hold.
    assert!(opened.recv_timeout(std::time::Duration::from_millis(100)).is_err());
    drop(first);
    second.join().unwrap().unwrap();
}

#[test]
fn pages_list_all_in_order() {
    for store in &stores(1024).0 {
        let mut expected: Vec<_> = (0..7).map(|fill| store.put(&bytes(fill, 3)).unwrap()).collect();
        expected.sort_unstable();
        let (mut listed, mut after) = (Vec::new(), None);
        while let Some((last, _)) = store.page(after, 3).unwrap().last().copied() {
            listed.extend(store.page(after, 3).unwrap().into_iter().map(|(hash, _)| hash));
            after = Some(last);
        }
        assert_eq!(listed, expected);
    }
}

#[test]
fn only_what_blocks_need_is_replicated() {
    for store in &stores(1024).0 {
        let [unpaid, kept] = [1, 2].map(|fill| store.put(&bytes(fill, 10)).unwrap());
        store.keep_until(&[kept], 5).unwrap();
        assert_eq!(store.queue(None, 10).unwrap(), [kept]);
        store.start_replication("here").unwrap();
        store.set_replicated(kept, "here/kept").unwrap();
        store.set_replicated(B256::ZERO, "here/nothing").unwrap();
        assert_eq!((store.totals().queued, store.totals().replicated), (0, 1));
        store.start_replication("here").unwrap();
        assert_eq!(store.queue(None, 10).unwrap(), NOTHING);
        store.start_replication("elsewhere").unwrap();
        assert_eq!(store.queue(None, 10).unwrap(), [kept], "at another place it is not yet");
        assert_eq!(store.locator(kept).unwrap(), None);
        assert_eq!(store.info(unpaid).unwrap().unwrap().replica, Replica::Unwanted);
    }
}

#[test]
fn what_waits_for_its_replica_stays_while_there_is_room() {
    for store in &stores(100).0 {
        let hash = store.put(&bytes(1, 10)).unwrap();
        store.start_replication("here").unwrap();
        store.keep_until(&[hash], 5).unwrap();
        assert_eq!(store.prune(6, 10).unwrap(), NOTHING);
        assert_eq!(store.prune(7, 10).unwrap(), NOTHING, "it is not looked at every block");
        let filler = store.put(&bytes(2, 50)).unwrap();
        store.keep_until(&[filler], u64::MAX).unwrap();
        assert_eq!(store.prune(2_000, 10).unwrap(), [hash], "a store that fills does not wait");
        let hash = store.put(&bytes(1, 10)).unwrap();
        store.remove(filler).unwrap();
        store.keep_until(&[hash], 2_000).unwrap();
        store.stop_replication();
        assert_eq!(store.prune(200_000, 10).unwrap(), [hash], "nor does one that nobody replicates");
    }
}

#[test]
fn threads_that_store_the_same_store_it_once() {
    let (stores, _folder) = stores(1_000_000);
    for store in stores.map(Arc::new) {
        let threads: Vec<_> = (0..8_u8)
            .map(|thread| {
                let store = store.clone();
                std::thread::spawn(move || {
                    for fill in 0..20 {
                        let hash = store.put(&bytes(fill, 100)).unwrap();
                        if thread == 0 {
                            store.remove(hash).unwrap();
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let listed = store.page(None, 100).unwrap();
        assert_eq!(store.totals().payloads, listed.len() as u64);
        assert_eq!(store.size_bytes(), 100 * listed.len() as u64);
        for (hash, _) in listed {
            assert!(store.get(hash).unwrap().is_some());
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8),
    Keep(u8, u64),
    Remove(u8),
    Begin(u64),
    Prune(u64, usize),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..8_u8).prop_map(Step::Put),
        3 => (0..8_u8, 0..60_u64).prop_map(|(fill, block)| Step::Keep(fill, block)),
        1 => (0..8_u8).prop_map(Step::Remove),
        2 => (0..60_u64).prop_map(Step::Begin),
        2 => (0..60_u64, 0..4_usize).prop_map(|(block, max)| Step::Prune(block, max)),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 0..40)
}

/// The rules of retention, as plainly as can be.
#[derive(Default)]
struct Model {
    payloads: BTreeMap<B256, Retention>,
    block: Option<u64>,
}

const MODEL_UNPAID_BLOCKS: u64 = 5;

impl Model {
    fn unpaid(&self) -> Retention {
        let from = |block| Retention::Unpaid { last_block: block + MODEL_UNPAID_BLOCKS };
        self.block.map_or(Retention::Undated, from)
    }

    fn put(&mut self, hash: B256) {
        let unpaid = self.unpaid();
        let retention = self.payloads.entry(hash).or_insert(unpaid);
        if matches!(retention, Retention::Unpaid { .. }) && unpaid.last_block() > retention.last_block() {
            *retention = unpaid;
        }
    }

    fn keep(&mut self, hash: B256, block: u64) -> bool {
        let Some(retention) = self.payloads.get_mut(&hash) else { return false };
        *retention = Retention::Kept { last_block: retention.last_block().max(Some(block)).unwrap() };
        true
    }

    fn begin(&mut self, block: u64) {
        self.block = self.block.max(Some(block));
        let unpaid = self.unpaid();
        for retention in self.payloads.values_mut().filter(|retention| **retention == Retention::Undated) {
            *retention = unpaid;
        }
    }

    fn prune(&mut self, block: u64, max: usize) -> Vec<B256> {
        self.begin(block);
        let over = |(hash, retention): (&B256, &Retention)| Some((retention.last_block()?, *hash));
        let mut over: Vec<_> =
            self.payloads.iter().filter_map(over).filter(|(last, _)| *last < block).collect();
        over.sort_unstable();
        over.truncate(max);
        let over: Vec<_> = over.into_iter().map(|(_, hash)| hash).collect();
        self.payloads.retain(|hash, _| !over.contains(hash));
        over
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn retention_is_what_its_rules_say(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let store = PayloadStore::open(folder.path(), 10_000).unwrap();
            store.with_unpaid_retention_blocks(MODEL_UNPAID_BLOCKS)
        };
        let (mut store, mut model) = (open(), Model::default());
        let hash = |fill| keccak256(bytes(fill, 20));
        for step in steps {
            match step {
                Step::Put(fill) => {
                    store.put(&bytes(fill, 20)).unwrap();
                    model.put(hash(fill));
                }
                Step::Keep(fill, block) => {
                    let kept = store.keep_until(&[hash(fill)], block).is_ok();
                    prop_assert_eq!(kept, model.keep(hash(fill), block));
                }
                Step::Remove(fill) => {
                    let removed = store.remove(hash(fill)).unwrap();
                    prop_assert_eq!(removed, model.payloads.remove(&hash(fill)).is_some());
                }
                Step::Begin(block) => {
                    store.begin_block(block).unwrap();
                    model.begin(block);
                }
                Step::Prune(block, max) => {
                    prop_assert_eq!(store.prune(block, max).unwrap(), model.prune(block, max));
                }
                Step::Reopen => {
                    drop(store);
                    store = open();
                    model.block = None;
                }
            }
            let held: BTreeMap<_, _> =
                store.page(None, 100).unwrap().into_iter().map(|(hash, info)| (hash, info.retention)).collect();
            prop_assert_eq!(&held, &model.payloads);
            prop_assert_eq!(store.size_bytes(), 20 * held.len() as u64);
        }
    }
}
