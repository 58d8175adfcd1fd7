//! `kill -9` while blocks are committed: the data opens with the last whole block, and the chain goes on.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use alloy_consensus::TxEnvelope;
use alloy_eips::BlockId;
use alloy_primitives::{B256, U256};
use common::*;
use ivm_chain::{Chain, ChainError, ExtraWrite, Storage};
use ivm_state::kv::StoreError;

const DIRECTORY: &str = "IVM_CRASH_TEST_DIR";
const ROUNDS: u64 = 8;

fn open(path: &Path) -> Chain {
    Chain::open(config(), Storage::Path(path.to_path_buf())).expect("opens")
}

/// The block after the head: a deployment first, then a store of the block's number, and transfers.
fn commit_next(chain: &Chain) {
    let view = chain.state_at(BlockId::latest()).expect("known");
    let number = chain.head().block.number() + 1;
    let nonce = view.nonce(signer(0).address()).expect("reads");
    let contract = signer(0).address().create(0);
    let first = match nonce {
        0 => create(0, &STORE_INITCODE),
        nonce => call(nonce, contract, B256::from(U256::from(number))),
    };
    let mut leading: Vec<TxEnvelope> = vec![sign(first, 0)];
    let nonce = view.nonce(signer(1).address()).expect("reads");
    leading.extend((nonce..nonce + 3).map(|nonce| sign(transfer(nonce), 1)));
    let built = chain.build_block(request(leading)).expect("builds");
    assert_eq!(built.rejected_leading(), []);
    let extra = ExtraWrite { key: b"last".to_vec(), value: Some(number.to_be_bytes().to_vec()) };
    chain.commit(built, vec![extra]).expect("commits");
}

/// Everything the store says of the head fits together.
fn check(chain: &Chain) {
    let head = chain.head();
    let number = head.block.number();
    let view = chain.state_at(BlockId::latest()).expect("known");
    assert_eq!(view.root(), head.block.header().state_root);
    let extra = chain
        .extra(b"last")
        .expect("reads")
        .map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().expect("eight bytes")));
    assert_eq!(extra, number, "the node's own writes are those of the head");
    assert_eq!(view.nonce(signer(1).address()).expect("reads"), 3 * number);
    let contract = signer(0).address().create(0);
    let stored = if number > 1 { U256::from(number) } else { U256::ZERO };
    assert_eq!(view.storage(contract, U256::ZERO).expect("reads"), stored);
    // Flat tables and trie agree.
    let proof = view.proof(contract, &[U256::ZERO]).expect("proves");
    assert_eq!(proof.account, view.account(contract).expect("reads"));
    assert_eq!(proof.storage[0].value, stored);
    assert_eq!(chain.block_by_number(number + 1).expect("reads"), None);
    for number in 1..=number {
        let block = chain.block_by_number(number).expect("reads").expect("is there");
        let receipts = chain.receipts(block.hash()).expect("reads").expect("are there");
        assert_eq!((block.transactions().len(), receipts.len()), (4, 4));
        for transaction in block.transactions() {
            let mined = chain.transaction(*transaction.inner().tx_hash()).expect("reads").expect("is there");
            assert_eq!(mined.block_hash, block.hash());
        }
    }
}

/// Not a test of its own: the process that is killed.
#[test]
fn crash_child() {
    let Some(path) = std::env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let chain = open(&path);
    check(&chain);
    println!("\nstarted");
    loop {
        commit_next(&chain);
        println!("block {}", chain.head().block.number());
    }
}

#[test]
fn killed_at_any_moment_the_head_is_a_whole_block() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut last = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("own path"))
            .args(["--exact", "crash_child", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut lines = output.lines().map(|line| line.expect("readable"));
        lines.find(|line| line == "started").expect("the child starts");
        // After some blocks, and then at a moment that differs every round.
        let mut told = last;
        for line in lines.by_ref().take(1 + round as usize) {
            told = line.strip_prefix("block ").and_then(|number| number.parse().ok()).expect("a block");
        }
        std::thread::sleep(Duration::from_micros(700 * round * round));
        child.kill().expect("SIGKILL");
        child.wait().expect("ends");
        for line in lines {
            // A line cut short is no promise.
            if let Some(number) = line.strip_prefix("block ").and_then(|number| number.parse().ok()) {
                told = told.max(number);
            }
        }

        let chain = open(directory.path());
        check(&chain);
        last = chain.head().block.number();
        assert!(last >= told, "block {told} was committed, the head is {last}");
        commit_next(&chain);
        check(&chain);
    }
}

#[test]
fn a_data_directory_belongs_to_one_process_and_one_chain() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let storage = Storage::Path(directory.path().to_path_buf());
    let chain = open(directory.path());
    let error = Chain::open(config(), storage.clone()).expect_err("in use");
    assert!(matches!(error, ChainError::Store(StoreError::Locked { .. })), "{error}");
    drop(chain);
    let mut other = config();
    other.alloc.clear();
    let error = Chain::open(other, storage).expect_err("another chain");
    assert!(matches!(error, ChainError::Store(StoreError::WrongGenesis { .. })), "{error}");
    open(directory.path());
}
