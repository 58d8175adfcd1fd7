//! Both stores: what they hold, and whom they refuse.

use alloy_primitives::B256;
use ivm_state::StateError;
use ivm_state::kv::{
    DiskStore, Durability, KeyValueStore, MemoryStore, Overlay, Reader, SCHEMA_VERSION, StoreError, Table,
    WriteBatch, must_reopen,
};
use proptest::prelude::*;

const FRUIT: Table = Table::new("fruit");
const STONES: Table = Table::new("stones");
const GENESIS: B256 = B256::repeat_byte(1);

fn exercise(store: &dyn KeyValueStore) {
    let mut batch = WriteBatch::default();
    batch.put(FRUIT, b"a1", b"apple");
    batch.put(FRUIT, b"a2", b"apricot");
    batch.put(FRUIT, b"b1", b"banana");
    batch.put(STONES, b"a1", b"agate");
    batch.put(FRUIT, b"b1", b"blackberry");
    batch.delete(FRUIT, b"a2");
    store.commit(batch, Durability::Synced).expect("commits");
    assert_eq!(store.get(FRUIT, b"a1").expect("reads"), Some(b"apple".to_vec()));
    assert_eq!(store.get(FRUIT, b"a2").expect("reads"), None);
    assert_eq!(store.get(FRUIT, b"b1").expect("reads"), Some(b"blackberry".to_vec()));
    assert_eq!(store.get(STONES, b"a1").expect("reads"), Some(b"agate".to_vec()));

    let mut batch = WriteBatch::default();
    for index in 0..10u8 {
        batch.put(STONES, [b's', index], [index]);
    }
    store.commit(batch, Durability::Synced).expect("commits");
    let scanned = store.scan(STONES, b"s", 3).expect("scans");
    assert_eq!(scanned, [0u8, 1, 2].map(|index| (vec![b's', index], vec![index])));
    assert_eq!(store.scan(STONES, b"s", 100).expect("scans").len(), 10);

    let unknown = Table::new("unknown");
    assert!(matches!(store.get(unknown, b"x"), Err(StoreError::UnknownTable { name: "unknown" })));
    let mut batch = WriteBatch::default();
    batch.put(FRUIT, b"z", b"never");
    batch.put(unknown, b"x", b"y");
    store.commit(batch, Durability::Synced).expect_err("unknown table");
    assert_eq!(store.get(FRUIT, b"z").expect("reads"), None, "all of a batch or nothing");
}

fn put(store: &dyn KeyValueStore, writes: &[(&[u8], Option<&[u8]>)]) {
    let mut batch = WriteBatch::default();
    for (key, value) in writes {
        batch.write(FRUIT, key.to_vec(), value.map(<[u8]>::to_vec));
    }
    store.commit(batch, Durability::Buffered).expect("commits");
}

fn all(reader: &dyn Reader) -> Vec<(Vec<u8>, Vec<u8>)> {
    reader.scan(FRUIT, b"", usize::MAX).expect("scans")
}

fn snapshots(store: &dyn KeyValueStore) {
    put(store, &[(b"a", Some(b"1")), (b"b", Some(b"1"))]);
    let first = store.snapshot();
    put(store, &[(b"a", Some(b"2")), (b"b", None), (b"c", Some(b"2")), (b"never", None)]);
    let second = store.snapshot();
    put(store, &[(b"a", None), (b"b", Some(b"3")), (b"c", None)]);
    let entry = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
    let check_first = |first: &dyn Reader| {
        assert_eq!(all(first), [entry(b"a", b"1"), entry(b"b", b"1")]);
        assert_eq!(first.get(FRUIT, b"c").expect("reads"), None);
        assert_eq!(first.seek(FRUIT, b"", b"aa").expect("seeks"), Some(entry(b"b", b"1")));
        assert_eq!(first.seek(FRUIT, b"a", b"aa").expect("seeks"), None);
    };
    check_first(first.as_ref());
    assert_eq!(all(second.as_ref()), [entry(b"a", b"2"), entry(b"c", b"2")]);
    drop(second);
    check_first(first.as_ref());
    assert_eq!(all(store), [entry(b"b", b"3")]);
    let shared = first.clone();
    drop(first);
    check_first(shared.as_ref());
    drop(shared);
    assert_eq!(all(store), [entry(b"b", b"3")]);
    store.sync().expect("syncs");
}

#[test]
fn a_snapshot_stays_what_it_is() {
    snapshots(&MemoryStore::new(&[FRUIT], GENESIS).expect("opens"));
    let dir = tempfile::tempdir().expect("temporary directory");
    snapshots(&DiskStore::open(dir.path(), &[FRUIT], GENESIS).expect("opens"));
}

#[test]
fn versions_that_no_snapshot_reaches_are_dropped() {
    let store = MemoryStore::new(&[FRUIT], GENESIS).expect("opens");
    for round in 0..100u8 {
        let snapshot = store.snapshot();
        put(&store, &[(b"a", Some(&[round])), (&[round], Some(b"x")), (b"gone", None)]);
        put(&store, &[(&[round], None)]);
        drop(snapshot);
    }
    let text = format!("{store:?}");
    assert!(text.len() < 500, "{text}");
}

#[test]
fn keys_that_no_table_takes_are_refused() {
    let store = MemoryStore::new(&[FRUIT], GENESIS).expect("opens");
    for length in [0, usize::from(u16::MAX) + 1] {
        let mut batch = WriteBatch::default();
        batch.put(FRUIT, b"a", b"never");
        batch.put(FRUIT, vec![1; length], b"x");
        let error = store.commit(batch, Durability::Synced).expect_err("refused");
        assert!(matches!(error, StoreError::KeyLength { table: "fruit", got } if got == length), "{error}");
    }
    assert_eq!(all(&store), []);
}

type Writes = std::collections::BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn writes() -> impl Strategy<Value = Writes> {
    let key = proptest::collection::vec(0u8..3, 1..4);
    proptest::collection::btree_map(key, proptest::option::of(any::<[u8; 1]>().prop_map(Vec::from)), 0..12)
}

proptest! {
    #[test]
    fn an_overlay_reads_as_the_store_with_its_writes(
        below in writes(), above in proptest::collection::vec(writes(), 0..3),
        prefix in proptest::collection::vec(0u8..3, 0..2), from in proptest::collection::vec(0u8..3, 0..4), limit in 0usize..8,
    ) {
        let (store, merged) = (MemoryStore::new(&[FRUIT], GENESIS)?, MemoryStore::new(&[FRUIT], GENESIS)?);
        let batch = |writes: &Writes| {
            let mut batch = WriteBatch::default();
            for (key, value) in writes {
                batch.write(FRUIT, key.clone(), value.clone());
            }
            batch
        };
        store.commit(batch(&below), Durability::Synced)?;
        merged.commit(batch(&below), Durability::Synced)?;
        let overlay = Overlay::new(store.snapshot());
        for writes in &above {
            overlay.apply(batch(writes));
            merged.commit(batch(writes), Durability::Synced)?;
        }
        prop_assert_eq!(
            overlay.range(FRUIT, &prefix, &from, limit)?,
            merged.range(FRUIT, &prefix, &from, limit)?
        );
        for key in below.keys().chain(above.iter().flat_map(|writes| writes.keys())) {
            prop_assert_eq!(overlay.get(FRUIT, key)?, merged.get(FRUIT, key)?);
        }
        let size: usize = overlay.size_bytes();
        let batch = overlay.into_batch();
        let entries = batch.tables().values().flatten();
        let expected: usize = entries.map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        prop_assert_eq!(size, expected);
        store.commit(batch, Durability::Synced)?;
        prop_assert_eq!(all(&store), all(&merged));
    }
}

#[test]
fn memory_store() {
    exercise(&MemoryStore::new(&[FRUIT, STONES], GENESIS).expect("opens"));
}

#[test]
fn disk_store_keeps_its_content() {
    let dir = tempfile::tempdir().expect("temporary directory");
    exercise(&DiskStore::open(dir.path(), &[FRUIT, STONES], GENESIS).expect("opens"));
    let store = DiskStore::open(dir.path(), &[FRUIT, STONES], GENESIS).expect("opens again");
    assert_eq!(store.get(FRUIT, b"a1").expect("reads"), Some(b"apple".to_vec()));
}

#[test]
fn a_data_directory_opens_once() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let _first = DiskStore::open(dir.path(), &[FRUIT], GENESIS).expect("opens");
    let error = DiskStore::open(dir.path(), &[FRUIT], GENESIS).expect_err("locked");
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("is in use by another process"), "{error}");
}

#[test]
fn another_chains_data_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    drop(DiskStore::open(dir.path(), &[FRUIT], GENESIS).expect("opens"));
    let other = B256::repeat_byte(2);
    let error = DiskStore::open(dir.path(), &[FRUIT], other).expect_err("another chain");
    assert_eq!(
        error.to_string(),
        format!("data belongs to the chain with genesis {GENESIS}, expected genesis {other}")
    );
}

#[test]
fn another_layout_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = DiskStore::open(dir.path(), &[FRUIT], GENESIS).expect("opens");
    let mut batch = WriteBatch::default();
    batch.put(Table::new("stamp"), b"version", (SCHEMA_VERSION + 1).to_be_bytes());
    store.commit(batch, Durability::Synced).expect("commits");
    drop(store);
    let error = DiskStore::open(dir.path(), &[FRUIT], GENESIS).expect_err("another layout");
    assert_eq!(
        error.to_string(),
        format!(
            "data has layout version {}, this software reads version {SCHEMA_VERSION}",
            SCHEMA_VERSION + 1
        )
    );
}

#[test]
fn a_store_that_takes_no_more_writes_is_told_from_one_that_failed_once() {
    let poisoned = || StoreError::from(fjall::Error::Poisoned);
    assert!(must_reopen(&poisoned()));
    assert!(must_reopen(&StateError::from(poisoned())));
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    assert!(!must_reopen(&StoreError::from(full())));
    assert!(!must_reopen(&StoreError::from(fjall::Error::from(full()))));
}
