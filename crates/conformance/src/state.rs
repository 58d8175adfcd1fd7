//! State vectors: one transaction on a state, at every fork.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::{Header, TxEnvelope};
use alloy_eips::{BlockId, Decodable2718};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Log, U256, keccak256};
use ivm_chain::{Chain, ChainConfig, Storage, recover_sender};
use ivm_evm::{BlockHashes, CallError};
use serde::Deserialize;
use serde_json::Value;

use crate::hex::{HexBytes, Number};
use crate::network::{Network, NetworkError, TestConfig};
use crate::report::{Outcome, Skip};

#[derive(Debug, Deserialize)]
struct Vector {
    env: Env,
    pre: BTreeMap<Address, GenesisAccount>,
    post: BTreeMap<String, Vec<Expected>>,
    #[serde(default)]
    config: TestConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Address,
    current_gas_limit: Number,
    current_number: Number,
    current_timestamp: Number,
    current_difficulty: Option<Number>,
    current_random: Option<Number>,
    current_base_fee: Option<Number>,
    current_excess_blob_gas: Option<Number>,
}

#[derive(Debug, Deserialize)]
struct Expected {
    hash: B256,
    logs: B256,
    txbytes: Option<HexBytes>,
    #[serde(rename = "expectException")]
    exception: Option<String>,
}

/// Blocks before that of a state test have the hash of their number in decimal.
#[derive(Debug)]
struct NumberHashes;

impl BlockHashes for NumberHashes {
    fn block_hash(&self, number: u64) -> Result<B256, ivm_evm::StateError> {
        Ok(keccak256(number.to_string()))
    }
}

/// Runs a test at each of its forks, with each of its transactions.
pub(crate) fn run(test: Value) -> Vec<(String, Outcome)> {
    let vector: Vector = match serde_json::from_value(test) {
        Ok(vector) => vector,
        Err(error) => return vec![(String::new(), Outcome::Failed(error.to_string()))],
    };
    let mut outcomes = Vec::new();
    for (fork, expectations) in &vector.post {
        let network = Network::named(fork);
        for (index, expected) in expectations.iter().enumerate() {
            let outcome = match (&network, &expected.txbytes) {
                (Err(NetworkError::Unknown(name)), _) => Outcome::Skipped(Skip::UnknownNetwork(name.clone())),
                (Err(error), _) => Outcome::Failed(error.to_string()),
                (Ok(_), None) => Outcome::Skipped(Skip::NoSignedTransaction),
                (Ok(_), Some(_)) if has_storage_only_account(&vector.pre) => {
                    Outcome::Skipped(Skip::StorageOnlyAccount)
                }
                (Ok(network), Some(encoded)) => {
                    Outcome::of(check(&vector, network.clone(), expected, &encoded.0))
                }
            };
            outcomes.push((format!("{fork}/{index}"), outcome));
        }
    }
    outcomes
}

/// Whether an account has storage and neither code nor nonce.
pub(crate) fn has_storage_only_account(accounts: &BTreeMap<Address, GenesisAccount>) -> bool {
    accounts.values().any(|account| {
        account.nonce.unwrap_or_default() == 0
            && account.non_empty_code().is_none()
            && account.storage_slots().any(|(_, value)| !value.is_zero())
    })
}

fn check(vector: &Vector, network: Network, expected: &Expected, encoded: &[u8]) -> Result<(), String> {
    let network = network.with(&vector.config)?;
    let header = header(&vector.env, network.merged)?;
    let config = ChainConfig {
        chain_id: network.config.chain_id,
        rules: network.rules().map_err(|error| error.to_string())?,
        alloc: vector.pre.clone(),
        ..ChainConfig::default()
    };
    let chain = Chain::open(config, Storage::Memory).map_err(|error| error.to_string())?;
    let got = execute(&chain, header, encoded)?;
    match (&got.refusal, &expected.exception) {
        (Some(refusal), None) => return Err(format!("refused: {refusal}; expected to be valid")),
        (None, Some(exception)) => return Err(format!("valid, expected {exception}")),
        _ => {}
    }
    if got.logs_hash != expected.logs {
        return Err(format!("hash of the logs is {}, expected {}", got.logs_hash, expected.logs));
    }
    match got.state_root == expected.hash {
        true => Ok(()),
        false => Err(format!("state root is {}, expected {}", got.state_root, expected.hash)),
    }
}

fn header(env: &Env, merged: bool) -> Result<Header, String> {
    let optional = |number: Option<Number>| number.map(Number::to_u64).transpose();
    Ok(Header {
        beneficiary: env.current_coinbase,
        gas_limit: env.current_gas_limit.to_u64()?,
        number: env.current_number.to_u64()?,
        timestamp: env.current_timestamp.to_u64()?,
        difficulty: match merged {
            true => U256::ZERO,
            // Zero would mean proof of stake.
            false => env.current_difficulty.unwrap_or_default().0.max(U256::from(1)),
        },
        mix_hash: env.current_random.unwrap_or_default().0.into(),
        base_fee_per_gas: optional(env.current_base_fee)?,
        excess_blob_gas: optional(env.current_excess_blob_gas)?,
        ..Header::default()
    })
}

/// What a transaction led to.
struct Transition {
    refusal: Option<String>,
    logs_hash: B256,
    state_root: B256,
}

fn execute(chain: &Chain, header: Header, encoded: &[u8]) -> Result<Transition, String> {
    let refused = |reason: String| {
        let state_root = chain.head().block.header().state_root;
        Ok(Transition { refusal: Some(reason), logs_hash: logs_hash(&[]), state_root })
    };
    let transaction = match TxEnvelope::decode_2718_exact(encoded) {
        Ok(transaction) => transaction,
        Err(error) => return refused(error.to_string()),
    };
    let transaction = match recover_sender(transaction, &chain.config().rules, header.number) {
        Ok(transaction) => transaction,
        Err(error) => return refused(error.to_string()),
    };
    let mut context = chain.call_context(BlockId::earliest()).map_err(|error| error.to_string())?;
    context.header = header;
    context.database = context.database.with_block_hashes(Arc::new(NumberHashes));
    match context.execute(&transaction) {
        Ok((result, changes)) => {
            let state = chain.changeable_state(&chain.head().block).map_err(|error| error.to_string())?;
            let update = state.ok_or("the head moved")?.prepare(&changes);
            let state_root = update.map_err(|error| error.to_string())?.root();
            Ok(Transition { refusal: None, logs_hash: logs_hash(result.logs()), state_root })
        }
        Err(CallError::Request(reason)) => refused(reason),
        Err(error) => Err(error.to_string()),
    }
}

fn logs_hash(logs: &[Log]) -> B256 {
    let mut encoded = Vec::new();
    alloy_rlp::encode_list(logs, &mut encoded);
    keccak256(encoded)
}
