//! `kill -9` while blocks are committed: the data opens with the last whole block, and the chain goes on.

mod common;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use alloy_consensus::TxEnvelope;
use alloy_eips::BlockId;
use alloy_primitives::{B256, U256};
use common::*;
use ivm_chain::{Chain, ChainConfig, ChainError, ExtraWrite, ImportProgress, Retention, Storage};
use ivm_state::kv::StoreError;

const DIRECTORY: &str = "IVM_CRASH_TEST_DIR";
/// What the child does: [`BACK_AND_FORTH`], or import the file with this name, or else add blocks.
const MODE: &str = "IVM_CRASH_TEST_MODE";
const BACK_AND_FORTH: &str = "back and forth";
const ROUNDS: u64 = 8;
/// Blocks whose states are kept while the chain goes back and forth: enough to go back, few enough to prune all the time.
const KEPT: u64 = 3;

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

/// Everything the store says of the head fits together, and the node's own writes are those of the head.
fn check(chain: &Chain) {
    check_chain(chain);
    let extra = chain
        .extra(b"last")
        .expect("reads")
        .map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().expect("eight bytes")));
    assert_eq!(extra, chain.head().block.number());
}

fn check_chain(chain: &Chain) {
    let head = chain.head();
    let number = head.block.number();
    let view = chain.state_at(BlockId::latest()).expect("known");
    assert_eq!(view.root(), head.block.header().state_root);
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
    match std::env::var(MODE).as_deref() {
        Ok(BACK_AND_FORTH) => return back_and_forth(&path),
        Ok(file) => return import(&path, Path::new(file)),
        Err(_) => {}
    }
    let chain = open(&path);
    check(&chain);
    println!("\nstarted");
    loop {
        commit_next(&chain);
        println!("block {}", chain.head().block.number());
    }
}

/// The child that imports a file.
fn import(path: &Path, file: &Path) {
    let chain = open(path);
    check_chain(&chain);
    println!("\nstarted");
    let file = std::fs::File::open(file).expect("opens");
    let mut told = |progress: &ImportProgress| println!("block {}", progress.block_number);
    chain.import_file(BufReader::new(file), &mut told).expect("imports");
    // There is nothing left to kill it at; it waits to be.
    loop {
        std::thread::park();
    }
}

fn open_forgetful(path: &Path) -> Chain {
    let config = ChainConfig { retention: Retention::Blocks(KEPT), ..config() };
    Chain::open(config, Storage::Path(path.to_path_buf())).expect("opens")
}

/// The child that goes back two blocks and forth again after every three, and prunes all the while.
fn back_and_forth(path: &Path) {
    let chain = open_forgetful(path);
    check_chain(&chain);
    println!("\nstarted");
    loop {
        for _ in 0..3 {
            commit_next(&chain);
            println!("block {}", chain.head().block.number());
        }
        let head = chain.head().block;
        let back = chain.block_by_number(head.number() - 2).expect("reads").expect("is there");
        for block in [back, head] {
            chain.reorg_to(block.hash()).expect("moves");
            println!("block {}", block.number());
        }
    }
}

#[test]
fn killed_while_it_goes_back_and_forth_the_head_is_a_whole_block_near_the_one_told() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mode = Some(OsStr::new(BACK_AND_FORTH));
    for round in 0..ROUNDS {
        let told = run_and_kill(directory.path(), 4 + round as usize, 500 * round * round, mode);
        let chain = open_forgetful(directory.path());
        check_chain(&chain);
        let number = chain.head().block.number();
        if let Some(told) = told.last() {
            // At most two steps on: the line that was not counted, and the step under way. A step is a block more, two
            // back, or two forth, and not two of the latter follow each other.
            assert!(number + 2 >= *told && number <= *told + 3, "told {told}, the head is {number}");
        }
        // Undoing works on what is there, as far back as is kept.
        let oldest = chain.state_at(BlockId::latest()).expect("known").oldest().expect("reads");
        assert!(oldest <= number, "{oldest} {number}");
        let back = chain.block_by_number(oldest).expect("reads").expect("is there");
        let head = chain.head().block.hash();
        chain.reorg_to(back.hash()).expect("goes back");
        check_chain(&chain);
        chain.reorg_to(head).expect("goes on");
        commit_next(&chain);
        check_chain(&chain);
    }
}

/// Runs the child until it has told of some blocks and a while longer: all it told.
fn run_and_kill(path: &Path, blocks: usize, then_micros: u64, mode: Option<&OsStr>) -> Vec<u64> {
    let mut command = Command::new(std::env::current_exe().expect("own path"));
    command
        .args(["--exact", "crash_child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(mode) = mode {
        command.env(MODE, mode);
    }
    let mut child = command.spawn().expect("starts");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let mut lines = output.lines().map(|line| line.expect("readable"));
    lines.find(|line| line == "started").expect("the child starts");
    let number = |line: &String| line.strip_prefix("block ").and_then(|number| number.parse().ok());
    let mut told: Vec<u64> =
        lines.by_ref().take(blocks).map(|line| number(&line).expect("a block")).collect();
    std::thread::sleep(Duration::from_micros(then_micros));
    child.kill().expect("SIGKILL");
    child.wait().expect("ends");
    // A line cut short is no promise: such a number may be a shorter one.
    let rest: Vec<_> = lines.collect();
    told.extend(rest.iter().take(rest.len().saturating_sub(1)).filter_map(number));
    told
}

#[test]
fn killed_at_any_moment_the_head_is_a_whole_block() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut last = 0;
    for round in 0..ROUNDS {
        // After some blocks, and then at a moment that differs every round.
        let told = run_and_kill(directory.path(), 1 + round as usize, 700 * round * round, None);
        let told = told.into_iter().max().unwrap_or(last);

        let chain = open(directory.path());
        check(&chain);
        last = chain.head().block.number();
        assert!(last >= told, "block {told} was committed, the head is {last}");
        commit_next(&chain);
        check(&chain);
    }
}

#[test]
fn killed_while_it_imports_a_file_the_head_is_a_whole_block_and_the_rest_follows() {
    let source = Chain::open(config(), Storage::Memory).expect("opens");
    for _ in 0..400 {
        commit_next(&source);
    }
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("blocks.rlp");
    let mut blocks = Vec::new();
    source.export_file(&mut blocks, 1..=400, &mut |_| {}).expect("exports");
    std::fs::write(&file, &blocks).expect("writes");
    for round in 0..ROUNDS {
        let data = directory.path().join(round.to_string());
        let told = run_and_kill(&data, 1 + 50 * round as usize, 700 * round * round, Some(file.as_os_str()));
        let told = told.into_iter().max().expect("told of some");
        let chain = open(&data);
        check_chain(&chain);
        // What was told of is there: only a crash of the machine could lose it.
        let number = chain.head().block.number();
        assert!(number >= told, "block {told} was told of, the head is {number}");
        let done = chain.import_file(blocks.as_slice(), &mut |_| {}).expect("imports");
        assert_eq!((done.known_blocks, done.imported_blocks), (number, 400 - number));
        check_chain(&chain);
        assert_eq!(chain.head(), source.head());
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
