//! Measures account updates per second into the root, over a base of accounts:
//! `cargo run --release -p ivm-state --example trie_bench [ACCOUNTS] [SECONDS]`.
//!
//! `prepare` is what a block's producer waits for: flat reads, the trie, the root. `commit` adds what the store does: records
//! of what was overwritten, and the batch (buffered, not synced). Beside the rate by the clock stands the rate by processor
//! time of all threads (Linux), which says more on a machine that others use too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, TrieAccount};
use eth_trie::{EthTrie, MemoryDB, Trie as _};
use ivm_state::StateDb;
use ivm_state::kv::{DiskStore, Durability, KeyValueStore, MemoryStore, WriteBatch};
use revm::database::{AccountStatus, BundleAccount, BundleState};
use revm::state::AccountInfo;

/// What it measures is mostly small, short-lived buffers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

const BATCHES: [u64; 2] = [1_000, 10_000];
const BASE_BATCH: u64 = 50_000;

fn address(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

/// A sequence of accounts without pattern, the same in every run.
struct Picks(u64);

impl Picks {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn bundle(indices: impl Iterator<Item = u64>, balance: u64) -> BundleState {
    let mut bundle = BundleState::default();
    for index in indices {
        let info = AccountInfo {
            nonce: 1,
            balance: U256::from(balance + index),
            code_hash: KECCAK_EMPTY,
            account_id: None,
            code: None,
        };
        let account = BundleAccount {
            info: Some(info),
            original_info: None,
            storage: Default::default(),
            status: AccountStatus::Changed,
        };
        bundle.state.insert(address(index), account);
    }
    bundle
}

/// Time by the clock, and of processors.
#[derive(Clone, Copy, Default)]
struct Spent {
    clock: Duration,
    processors: Duration,
}

impl Spent {
    /// Runs something, and adds what it took.
    fn add<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (start, processors) = (Instant::now(), processor_time());
        let result = work();
        self.clock += start.elapsed();
        self.processors += processor_time().saturating_sub(processors);
        result
    }
}

/// Processor time of all threads of this process so far.
fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

fn report(name: &str, batch: u64, updates: u64, prepare: Spent, commit: Spent) {
    let rate = |time: Duration| updates as f64 / time.as_secs_f64();
    println!(
        "{name:<10} batches of {batch:>6}: {:>7.0} updates/s into the root ({:>7.0} per processor second), {:>7.0} with the \
         commit ({:>7.0})",
        rate(prepare.clock),
        rate(prepare.processors),
        rate(prepare.clock + commit.clock),
        rate(prepare.processors + commit.processors),
    );
}

fn ours(name: &str, store: Arc<dyn KeyValueStore>, accounts: u64, time: Duration) -> Result<(), Failure> {
    let state = StateDb::open(store)?;
    let start = Instant::now();
    for first in (0..accounts).step_by(BASE_BATCH as usize) {
        let update = state.prepare(&bundle(first..(first + BASE_BATCH).min(accounts), 1))?;
        let mut branch = state.branch();
        branch.apply(update, WriteBatch::default())?;
        state.commit_branch(branch, Durability::Buffered)?;
    }
    println!("{name:<10} base of {accounts} accounts in {:.1} s", start.elapsed().as_secs_f64());
    let mut picks = Picks(7);
    for batch in BATCHES {
        let (mut prepare, mut commit, mut updates) = (Spent::default(), Spent::default(), 0);
        while prepare.clock + commit.clock < time {
            let changes = bundle((0..batch).map(|_| picks.next(accounts)), updates + 2);
            let update = prepare.add(|| state.prepare(&changes))?;
            commit.add(|| {
                let mut branch = state.branch();
                branch.apply(update, WriteBatch::default())?;
                state.commit_branch(branch, Durability::Buffered)
            })?;
            updates += changes.state.len() as u64;
        }
        report(name, batch, updates, prepare, commit);
    }
    Ok(())
}

fn eth_trie(accounts: u64, time: Duration) -> Result<(), Failure> {
    let mut trie = EthTrie::new(Arc::new(MemoryDB::new(false)));
    let encoded = |balance| {
        alloy_rlp::encode(TrieAccount {
            nonce: 1,
            balance: U256::from(balance),
            storage_root: EMPTY_ROOT_HASH,
            code_hash: KECCAK_EMPTY,
        })
    };
    let start = Instant::now();
    for index in 0..accounts {
        trie.insert(keccak256(address(index)).as_slice(), &encoded(1 + index))?;
        if (index + 1) % BASE_BATCH == 0 {
            trie.root_hash()?;
        }
    }
    let _: B256 = trie.root_hash()?;
    println!("eth_trie   base of {accounts} accounts in {:.1} s", start.elapsed().as_secs_f64());
    let mut picks = Picks(7);
    for batch in BATCHES {
        let (mut spent, mut updates) = (Spent::default(), 0);
        while spent.clock < time {
            spent.add(|| {
                for _ in 0..batch {
                    let index = picks.next(accounts);
                    trie.insert(keccak256(address(index)).as_slice(), &encoded(updates + 2 + index))?;
                }
                trie.root_hash()
            })?;
            updates += batch;
        }
        report("eth_trie", batch, updates, spent, Spent::default());
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |number| number.parse());
    let (accounts, time) = (number(1_000_000)?, Duration::from_secs(number(5)?));
    let tables = StateDb::TABLES;
    ours("memory", Arc::new(MemoryStore::new(&tables, B256::ZERO)?), accounts, time)?;
    let directory = tempfile::tempdir()?;
    ours("disk", Arc::new(DiskStore::open(directory.path(), &tables, B256::ZERO)?), accounts, time)?;
    eth_trie(accounts, time)
}
