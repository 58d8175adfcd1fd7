//! Importing blocks, and the same transactions executed by bare revm.

use std::time::{Duration, Instant};

use alloy_evm::{Evm, EvmEnv, EvmFactory};
use alloy_primitives::{KECCAK256_EMPTY, U256, keccak256};
use ivm_chain::{Chain, ChainConfig, SealedBlock, Storage};
use revm::context::{BlockEnv, CfgEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::hardfork::SpecId;
use revm::state::{AccountInfo, Bytecode};
use serde::Serialize;

use super::BlockSet;
use crate::BenchError;

/// What importing costs.
#[derive(Clone, Debug, Serialize)]
pub struct ImportReport {
    /// Blocks imported.
    pub blocks: usize,
    /// Their transactions.
    pub transactions: usize,
    /// Gas they use, in millions.
    pub mgas: f64,
    /// Bare revm: execution alone, in memory, senders known, without roots, receipts or system calls.
    pub bare_revm_mgas_per_second: f64,
    /// Import into a store on disk, from RLP as `ivm import` does: senders recovered, executed, every root and field
    /// checked, committed, synced at the end.
    pub import_mgas_per_second: f64,
    /// The second by the first.
    pub ratio_to_bare_revm: f64,
    /// Processor time of bare revm. On a machine that others use too, this and the next say more than rates do.
    pub bare_revm_processor_seconds: f64,
    /// Processor time of the import, of all threads.
    pub import_processor_seconds: f64,
}

/// Imports a set of blocks on disk, and executes the same by bare revm; the faster of two runs each.
///
/// # Errors
/// When a block is refused or both disagree, which is a bug.
pub fn measure_import(set: &BlockSet) -> Result<ImportReport, BenchError> {
    let mut bare = Spent::MAX;
    let mut imported = Spent::MAX;
    for _ in 0..2 {
        bare = bare.min(execute_bare(set)?);
        imported = imported.min(import(set)?);
    }
    let mgas = set.gas_used() as f64 / 1e6;
    let bare_revm_mgas_per_second = mgas / bare.clock.as_secs_f64();
    let import_mgas_per_second = mgas / imported.clock.as_secs_f64();
    Ok(ImportReport {
        blocks: set.blocks.len(),
        transactions: set.transactions(),
        mgas,
        bare_revm_mgas_per_second,
        import_mgas_per_second,
        ratio_to_bare_revm: import_mgas_per_second / bare_revm_mgas_per_second,
        bare_revm_processor_seconds: bare.processors.as_secs_f64(),
        import_processor_seconds: imported.processors.as_secs_f64(),
    })
}

/// Time by the clock, and of processors.
#[derive(Clone, Copy)]
struct Spent {
    clock: Duration,
    processors: Duration,
}

impl Spent {
    const MAX: Self = Self { clock: Duration::MAX, processors: Duration::MAX };

    fn min(self, other: Self) -> Self {
        Self { clock: self.clock.min(other.clock), processors: self.processors.min(other.processors) }
    }
}

/// Since when time is spent.
struct Start {
    clock: Instant,
    processors: Duration,
}

impl Start {
    fn now() -> Self {
        Self { processors: processor_time(), clock: Instant::now() }
    }

    fn spent(&self) -> Spent {
        let clock = self.clock.elapsed();
        Spent { clock, processors: processor_time().saturating_sub(self.processors) }
    }
}

/// Processor time of this process so far, to a hundredth of a second; zero where the system does not tell.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the process, in brackets, may hold spaces.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    // Hundredths of a second in user mode and in the kernel.
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

fn import(set: &BlockSet) -> Result<Spent, BenchError> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::open(set.config.clone(), Storage::Path(folder.path().join("chain")))?;
    let file: Vec<u8> = set.blocks.iter().flat_map(|block| alloy_rlp::encode(block.to_block())).collect();
    let started = Start::now();
    chain.import_file(file.as_slice(), &mut |_| {}).map_err(|error| BenchError::Different {
        what: "the import",
        got: error.to_string(),
        expected: "no error".to_owned(),
    })?;
    let taken = started.spent();
    let (got, expected) = (chain.head().block.hash(), set.blocks.last().map(SealedBlock::hash));
    if Some(got) != expected {
        let expected = format!("{expected:?}");
        return Err(BenchError::Different {
            what: "the head after the import",
            got: got.to_string(),
            expected,
        });
    }
    Ok(taken)
}

fn execute_bare(set: &BlockSet) -> Result<Spent, BenchError> {
    let mut database = genesis(&set.config);
    let started = Start::now();
    for block in &set.blocks {
        let mut evm = alloy_evm::EthEvmFactory::default().create_evm(database, environment(set, block));
        let mut gas_used = 0;
        for transaction in block.transactions() {
            let result = evm.transact_commit(transaction).map_err(|error| BenchError::Different {
                what: "bare execution",
                got: error.to_string(),
                expected: "a result".to_owned(),
            })?;
            gas_used += result.tx_gas_used();
        }
        if gas_used != block.header().gas_used {
            let (got, expected) = (gas_used.to_string(), block.header().gas_used.to_string());
            return Err(BenchError::Different { what: "gas used by bare execution", got, expected });
        }
        database = evm.into_db();
    }
    Ok(started.spent())
}

fn environment(set: &BlockSet, block: &SealedBlock) -> EvmEnv {
    let header = block.header();
    let configuration = CfgEnv::new_with_spec(SpecId::PRAGUE).with_chain_id(set.config.chain_id);
    let block = BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        prevrandao: Some(header.mix_hash),
        ..BlockEnv::default()
    };
    EvmEnv::new(configuration, block)
}

fn genesis(config: &ChainConfig) -> CacheDB<EmptyDB> {
    let mut database = CacheDB::new(EmptyDB::default());
    for (address, account) in &config.alloc {
        let code = account.code.clone().unwrap_or_default();
        let code_hash = if code.is_empty() { KECCAK256_EMPTY } else { keccak256(&code) };
        let info = AccountInfo {
            balance: account.balance,
            nonce: account.nonce.unwrap_or_default(),
            code_hash,
            account_id: None,
            code: Some(Bytecode::new_raw(code)),
        };
        database.insert_account_info(*address, info);
    }
    database
}
