//! Transaction vectors: what a signed transaction is at every fork.

use std::collections::BTreeMap;

use alloy_consensus::{Header, TxEnvelope};
use alloy_eips::Decodable2718;
use alloy_primitives::{Address, B256, U256};
use ivm_chain::recover_sender;
use ivm_evm::check_transaction;
use serde::Deserialize;
use serde_json::Value;

use crate::hex::{self, Number};
use crate::network::{Network, NetworkError};
use crate::report::{Outcome, Skip};
use crate::rlp::{self, Item};

/// Bytes of the greatest price.
const PRICE_SIZE_BYTES: usize = 16;

#[derive(Debug, Deserialize)]
struct Vector {
    txbytes: String,
    result: BTreeMap<String, Expected>,
}

#[derive(Debug, Deserialize)]
struct Expected {
    hash: Option<B256>,
    sender: Option<Address>,
    #[serde(rename = "intrinsicGas")]
    intrinsic_gas: Option<Number>,
    exception: Option<String>,
}

/// What a transaction turned out to be.
struct Valid {
    hash: B256,
    sender: Address,
    intrinsic_gas: u64,
}

/// Runs a test at each of its forks.
pub(crate) fn run(test: Value) -> Vec<(String, Outcome)> {
    let vector: Vector = match serde_json::from_value(test) {
        Ok(vector) => vector,
        Err(error) => return vec![(String::new(), Outcome::Failed(error.to_string()))],
    };
    let outcome = |fork: &str, expected: &Expected| match Network::named(fork) {
        Err(NetworkError::Unknown(name)) => Outcome::Skipped(Skip::UnknownNetwork(name)),
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(_) if expected.exception.is_none() && has_huge_price(&vector.txbytes) => {
            Outcome::Skipped(Skip::PriceOver128Bits)
        }
        Ok(network) => Outcome::of(check(&vector.txbytes, &network, expected)),
    };
    vector.result.iter().map(|(fork, expected)| (fork.clone(), outcome(fork, expected))).collect()
}

/// Whether a transaction names a price per gas of more than 128 bits.
fn has_huge_price(encoded: &str) -> bool {
    let Ok(bytes) = hex::bytes(encoded) else {
        return false;
    };
    // Where prices are among the fields of each type.
    let (list, prices) = match bytes.first() {
        Some(1) => (&bytes[1..], 2..3),
        Some(2..=4) => (&bytes[1..], 2..4),
        _ => (&bytes[..], 1..2),
    };
    match rlp::decode(list) {
        Ok(Item::List(fields)) => {
            let prices = fields.get(prices).unwrap_or_default();
            prices.iter().any(|price| matches!(price, Item::String(bytes) if bytes.len() > PRICE_SIZE_BYTES))
        }
        _ => false,
    }
}

fn check(encoded: &str, network: &Network, expected: &Expected) -> Result<(), String> {
    match (validate(encoded, network), &expected.exception) {
        (Err(_), Some(_)) => Ok(()),
        (Err(reason), None) => Err(format!("refused: {reason}; expected to be valid")),
        (Ok(_), Some(exception)) => Err(format!("valid, expected {exception}")),
        (Ok(valid), None) => {
            equal("hash", Some(valid.hash), expected.hash)?;
            equal("sender", Some(valid.sender), expected.sender)?;
            equal(
                "intrinsic gas",
                Some(U256::from(valid.intrinsic_gas)),
                expected.intrinsic_gas.map(|gas| gas.0),
            )
        }
    }
}

fn validate(encoded: &str, network: &Network) -> Result<Valid, String> {
    let rules = network.rules().map_err(|error| error.to_string())?;
    let bytes = hex::bytes(encoded)?;
    let transaction = TxEnvelope::decode_2718_exact(&bytes).map_err(|error| error.to_string())?;
    let hash = *transaction.tx_hash();
    let header = Header {
        number: 1,
        timestamp: 1,
        gas_limit: u64::MAX,
        difficulty: U256::from(u8::from(!network.merged)),
        base_fee_per_gas: Some(0),
        excess_blob_gas: Some(0),
        ..Header::default()
    };
    let transaction =
        recover_sender(transaction, &rules, header.number).map_err(|error| error.to_string())?;
    let gas = check_transaction(&transaction, &header, &rules, network.config.chain_id)
        .map_err(|error| error.to_string())?;
    Ok(Valid { hash, sender: transaction.signer(), intrinsic_gas: gas.initial })
}

fn equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    got: Option<T>,
    expected: Option<T>,
) -> Result<(), String> {
    match expected {
        Some(_) if got != expected => Err(format!("{what} is {got:?}, expected {expected:?}")),
        _ => Ok(()),
    }
}
