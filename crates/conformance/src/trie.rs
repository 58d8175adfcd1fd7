//! Trie vectors: the root of what is put in.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use alloy_trie::{HashBuilder, Nibbles};
use serde::Deserialize;
use serde_json::Value;

use crate::hex;
use crate::report::{Outcome, Skip};

/// Whether keys are hashed on the way in, as those of state are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// As they are.
    Plain,
    /// Hashed.
    Hashed,
}

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(rename = "in")]
    input: Value,
    root: B256,
}

/// Runs a test.
pub(crate) fn run(test: Value, keys: Keys) -> Outcome {
    let vector: Vector = match serde_json::from_value(test) {
        Ok(vector) => vector,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let entries = match entries(&vector.input, keys) {
        Ok(entries) => entries,
        Err(error) => return Outcome::Failed(error),
    };
    // Sorted, a key that begins another comes right before one that it begins.
    let mut pairs = entries.keys().zip(entries.keys().skip(1));
    if pairs.any(|(key, next)| next.starts_with(key)) {
        return Outcome::Skipped(Skip::TriePrefix);
    }
    let mut builder = HashBuilder::default();
    for (key, value) in &entries {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let got = builder.root();
    match got == vector.root {
        true => Outcome::Passed,
        false => Outcome::Failed(format!("root is {got}, expected {}", vector.root)),
    }
}

/// What is in the trie in the end: entries put in in any order, or in this order with some taken out again.
fn entries(input: &Value, keys: Keys) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, String> {
    let mut entries = BTreeMap::new();
    let mut set = |key: &str, value: &Value| {
        let key = hex::bytes_or_text(key)?;
        let key = match keys {
            Keys::Plain => key.to_vec(),
            Keys::Hashed => keccak256(key).to_vec(),
        };
        match value {
            Value::Null => entries.remove(&key),
            Value::String(value) => entries.insert(key, hex::bytes_or_text(value)?.to_vec()),
            other => return Err(format!("{other} is no value of a trie")),
        };
        Ok(())
    };
    match input {
        Value::Object(map) => map.iter().try_for_each(|(key, value)| set(key, value))?,
        Value::Array(steps) => {
            for step in steps {
                match step.as_array().map(Vec::as_slice) {
                    Some([Value::String(key), value]) => set(key, value)?,
                    _ => return Err(format!("{step} is no key and value")),
                }
            }
        }
        other => return Err(format!("{other} is no list of entries")),
    }
    Ok(entries)
}
