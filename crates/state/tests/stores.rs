//! Both stores: what they hold, and whom they refuse.

use alloy_primitives::B256;
use ivm_state::kv::{
    DiskStore, Durability, KeyValueStore, MemoryStore, Reader, SCHEMA_VERSION, StoreError, Table, WriteBatch,
};

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
