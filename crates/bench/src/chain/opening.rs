//! Opening a chain with many accounts.

use std::time::Instant;

use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, U256, address, hex};
use ivm_chain::{Chain, Storage};
use serde::Serialize;

use super::blocks::{commit, config};
use crate::BenchError;
use crate::accounts::Account;

/// Accounts made by one transaction, alone in its block.
const ACCOUNTS_PER_BLOCK: u64 = 50_000;
/// Gas of such a transaction.
const GAS: u64 = ACCOUNTS_PER_BLOCK * 40_000;
/// Where the contract that makes accounts is.
const MAKER: Address = address!("00000000000000000000000000000000000acc75");
/// Its code: sends 1 wei to each of so many addresses (second word) after an address (first word).
const MAKER_CODE: [u8; 35] = hex!("6000356020355b8015602157600080808060018587016000f150600190036006565b00");

/// What opening costs.
#[derive(Clone, Debug, Serialize)]
pub struct OpeningReport {
    /// Accounts of the state.
    pub accounts: u64,
    /// Opening the data folder, until blocks and state can be read.
    pub open_ms: f64,
    /// Accounts into the state and its root, a second, over all blocks that made them: execution and commits included.
    pub accounts_per_second: f64,
}

/// Makes so many accounts in blocks, closes the chain and opens it again.
///
/// # Errors
/// When the chain refuses something, which is a bug.
pub fn measure_opening(accounts: u64) -> Result<OpeningReport, BenchError> {
    let folder = tempfile::tempdir()?;
    let storage = Storage::Path(folder.path().join("chain"));
    let mut config = config()?;
    config.block_gas_limit = 2 * GAS;
    let funds = U256::from(accounts);
    let maker = GenesisAccount {
        code: Some(Bytes::from_static(&MAKER_CODE)),
        nonce: Some(1),
        balance: funds,
        ..GenesisAccount::default()
    };
    config.alloc.insert(MAKER, maker);
    let mut sender = Account::numbered(0, config.chain_id)?;
    let chain = Chain::open(config.clone(), storage.clone())?;
    let started = Instant::now();
    let mut made = 0;
    while made < accounts {
        let count = ACCOUNTS_PER_BLOCK.min(accounts - made);
        let words = [(1 << 40) + made, count].map(|word| U256::from(word).to_be_bytes::<32>());
        commit(&chain, vec![sender.sign(MAKER.into(), U256::ZERO, words.concat(), GAS)?])?;
        made += count;
    }
    let making = started.elapsed();
    let expected = chain.head().block.hash();
    let left = chain.state_at(Default::default())?.balance(MAKER).map_err(ivm_chain::ChainError::from)?;
    if !left.is_zero() {
        let (got, expected) = (format!("{left} not made"), "0 not made".to_owned());
        return Err(BenchError::Different { what: "accounts", got, expected });
    }
    drop(chain);
    let started = Instant::now();
    let chain = Chain::open(config, storage)?;
    let got = chain.head().block.hash();
    let open_ms = started.elapsed().as_secs_f64() * 1e3;
    if got != expected {
        let (got, expected) = (got.to_string(), expected.to_string());
        return Err(BenchError::Different { what: "the head", got, expected });
    }
    Ok(OpeningReport { accounts, open_ms, accounts_per_second: accounts as f64 / making.as_secs_f64() })
}
