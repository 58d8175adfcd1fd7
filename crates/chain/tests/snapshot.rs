//! A chain as a file: what is exported is imported, and nothing else is.

mod common;

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U256};
use common::*;
use ivm_chain::{Chain, ChainConfig, ChainError, SnapshotError, SnapshotHeader, Storage};
use ivm_state::dump::{ChunkKind, SnapshotReader, SnapshotWriter};
use proptest::prelude::*;

/// A chain with code, storage and a few blocks.
fn busy_chain(blocks: u64) -> Chain {
    let chain = chain();
    submit(&chain, &sign(create(0, &STORE_INITCODE), 0)).expect("accepted");
    mine(&chain);
    for nonce in 1..blocks {
        let contract = signer(0).address().create(0);
        submit(&chain, &sign(call(nonce, contract, B256::with_last_byte(nonce as u8)), 0)).expect("accepted");
        submit(&chain, &sign(transfer(nonce - 1), 1)).expect("accepted");
        mine(&chain);
    }
    chain
}

fn file(chain: &Chain) -> Vec<u8> {
    let mut file = Vec::new();
    let header = chain.export_snapshot(&mut file).expect("exports");
    assert_eq!(header.block_hash, chain.head().block.hash());
    file
}

fn import(file: &[u8], storage: &Storage) -> Result<Chain, ChainError> {
    Chain::import_snapshot(config(), storage, file)
}

fn check_same(got: &Chain, expected: &Chain) {
    assert_eq!(got.head(), expected.head());
    let number = got.head().block.number();
    let (view, other) = (
        got.state_at(BlockId::latest()).expect("known"),
        expected.state_at(BlockId::latest()).expect("known"),
    );
    let contract = signer(0).address().create(0);
    for address in [contract, signer(0).address(), signer(1).address(), PROPOSER, Address::repeat_byte(0x77)]
    {
        let slots = [U256::ZERO, U256::from(1)];
        assert_eq!(
            view.proof(address, &slots).expect("proves"),
            other.proof(address, &slots).expect("proves")
        );
        assert_eq!(view.account(address).expect("reads"), other.account(address).expect("reads"));
        assert_eq!(view.code(address).expect("reads"), other.code(address).expect("reads"));
    }
    for number in (0..=number).filter(|other| *other == 0 || other + 256 >= number) {
        let block = expected.block_by_number(number).expect("reads").expect("is there");
        assert_eq!(got.block_by_number(number).expect("reads"), Some(block.clone()));
        let receipts = expected.receipts(block.hash()).expect("reads");
        assert_eq!(got.receipts(block.hash()).expect("reads"), receipts);
    }
}

#[test]
fn an_imported_chain_goes_on_as_the_one_it_came_from() {
    let chain = busy_chain(4);
    let bytes = file(&chain);
    let directory = tempfile::tempdir().expect("temporary directory");
    let storage = Storage::Path(directory.path().to_path_buf());
    let imported = import(&bytes, &storage).expect("imports");
    check_same(&imported, &chain);
    assert_eq!(file(&imported), bytes, "it exports the same file");
    let error = imported.state_at(BlockId::number(2)).expect_err("not in the file");
    assert!(error.to_string().contains("is pruned, the oldest kept is 4"), "{error}");
    let error = imported.reorg_to(imported.genesis_hash()).expect_err("not in the file");
    assert!(error.to_string().contains("is pruned"), "{error}");
    let next = mine(&chain);
    imported.import(next.block.to_block()).expect("the next block fits");
    check_same(&imported, &chain);
    drop(imported);
    let error = import(&bytes, &storage).expect_err("not empty");
    assert!(matches!(error, ChainError::Snapshot(SnapshotError::NotEmpty)), "{error}");
    check_same(&Chain::open(config(), storage).expect("opens"), &chain);
}

#[test]
fn of_a_long_chain_the_newest_blocks_are_kept() {
    let chain = chain();
    for _ in 0..300 {
        mine(&chain);
    }
    let imported = import(&file(&chain), &Storage::Memory).expect("imports");
    check_same(&imported, &chain);
    assert_eq!(imported.block_by_number(43).expect("reads"), None);
    let next = mine(&chain);
    imported.import(next.block.to_block()).expect("the next block fits");
    let again = import(&file(&imported), &Storage::Memory).expect("imports");
    check_same(&again, &chain);
}

#[test]
fn an_unfinished_import_does_not_open() {
    let bytes = file(&busy_chain(3));
    let directory = tempfile::tempdir().expect("temporary directory");
    let storage = Storage::Path(directory.path().to_path_buf());
    let error = import(&bytes[..bytes.len() - 40], &storage).expect_err("truncated");
    assert!(matches!(error, ChainError::Snapshot(SnapshotError::Truncated { .. })), "{error}");
    let error = Chain::open(config(), storage.clone()).expect_err("unfinished");
    assert!(error.to_string().contains("was not finished"), "{error}");
    let error = import(&bytes, &storage).expect_err("not empty");
    assert!(matches!(error, ChainError::Snapshot(SnapshotError::NotEmpty)), "{error}");
}

#[test]
fn files_of_others_are_refused() {
    let bytes = file(&busy_chain(2));
    let message = |bytes: &[u8], config: ChainConfig| {
        Chain::import_snapshot(config, &Storage::Memory, bytes).expect_err("refused").to_string()
    };
    assert_eq!(message(b"", config()), "not a snapshot file");
    assert_eq!(message(&[7; 100], config()), "not a snapshot file");
    let mut other = bytes.clone();
    other[11] += 1;
    assert_eq!(message(&other, config()), "snapshot has format version 2, this software reads version 1");
    let another = ChainConfig { chain_id: 7, ..config() };
    assert_eq!(message(&bytes, another), "snapshot is not valid: chain id 4956, expected 7");
    let another = ChainConfig { genesis_timestamp: 1, ..config() };
    assert!(message(&bytes, another).starts_with("snapshot is not valid: genesis block"));
    let mut longer = bytes;
    longer.push(0);
    assert!(message(&longer, config()).contains("something follows the end"));
}

/// The file with its entries changed and its checksums right.
fn forge(
    bytes: &[u8],
    header: impl FnOnce(&mut SnapshotHeader),
    change: impl Fn(ChunkKind, &mut Vec<u8>, &mut Vec<u8>) -> bool,
) -> Vec<u8> {
    let mut reader = SnapshotReader::new(bytes).expect("opens");
    let mut new_header = *reader.header();
    header(&mut new_header);
    let mut writer = SnapshotWriter::new(Vec::new(), &new_header).expect("writes");
    while let Some((kind, entries)) = reader.next_chunk().expect("reads") {
        for (mut key, mut value) in entries {
            if change(kind, &mut key, &mut value) {
                writer.entry(kind, &key, &value).expect("writes");
            }
        }
    }
    writer.finish().expect("writes")
}

#[test]
fn forged_files_are_refused() {
    let bytes = file(&busy_chain(3));
    assert_eq!(forge(&bytes, |_| {}, |_, _, _| true), bytes);
    let message = |bytes: Vec<u8>| import(&bytes, &Storage::Memory).expect_err("refused").to_string();
    let without = |dropped: ChunkKind| forge(&bytes, |_| {}, |kind, _, _| kind != dropped);
    assert!(message(without(ChunkKind::Code)).contains("to be in the file"));
    assert!(message(without(ChunkKind::Storage)).contains("accounts with their storage 0"));
    assert!(message(without(ChunkKind::Accounts)).contains("storage root"));
    assert!(message(without(ChunkKind::Blocks)).contains("last block None"));
    let flip = |wanted: ChunkKind| {
        forge(
            &bytes,
            |_| {},
            |kind, _, value| {
                if kind == wanted
                    && let Some(last) = value.last_mut()
                {
                    *last ^= 1;
                }
                true
            },
        )
    };
    for kind in [ChunkKind::Code, ChunkKind::Accounts, ChunkKind::Storage, ChunkKind::Blocks] {
        message(flip(kind));
    }
    assert!(message(forge(&bytes, |header| header.block_number += 1, |_, _, _| true)).contains("last block"));
    assert!(
        message(forge(&bytes, |header| header.state_root.0[0] ^= 1, |_, _, _| true)).contains("last block")
    );
    // One account richer, everything else right.
    let richer = forge(
        &bytes,
        |_| {},
        |kind, key, value| {
            if kind == ChunkKind::Accounts && *key == signer(1).address().as_slice() {
                let mut account: ivm_state::TrieAccount = alloy_rlp::decode_exact(&value).expect("decodes");
                account.balance += U256::from(1);
                *value = alloy_rlp::encode(account);
            }
            true
        },
    );
    assert!(message(richer).starts_with("snapshot is not valid: state root"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_file_is_refused(place in any::<proptest::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
        let mut bytes = file(&busy_chain(2));
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1 << bit;
        }
        prop_assert!(import(&bytes, &Storage::Memory).is_err());
    }
}
