//! RLP vectors: encodings both ways, and what is malformed.

use alloy_primitives::{Bytes, U512};
use alloy_rlp::{Decodable, Encodable, Header};
use serde::Deserialize;
use serde_json::Value;

use crate::hex;
use crate::report::Outcome;

/// Most lists within lists: more than any vector has, and few enough for the stack.
const MAX_DEPTH: usize = 128;

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(rename = "in")]
    input: Value,
    out: String,
}

/// A string or a list of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    String(Bytes),
    List(Vec<Item>),
}

/// Runs a test.
pub(crate) fn run(test: Value) -> Outcome {
    Outcome::of(check(test))
}

fn check(test: Value) -> Result<(), String> {
    let Vector { input, out } = serde_json::from_value(test).map_err(|error| error.to_string())?;
    let encoded = hex::bytes(&out)?;
    let decoded = decode(&encoded);
    match input.as_str() {
        Some("INVALID") => match decoded {
            Err(_) => Ok(()),
            Ok(item) => Err(format!("{out} decodes as {item:?}, expected to be malformed")),
        },
        Some("VALID") => decoded.map(drop).map_err(|error| format!("{out} does not decode: {error}")),
        _ => {
            let item = item(&input)?;
            let mut got = Vec::new();
            encode(&item, &mut got);
            if got != encoded {
                return Err(format!("encoded as {}, expected {encoded}", Bytes::from(got)));
            }
            let decoded = decoded.map_err(|error| format!("{out} does not decode: {error}"))?;
            if decoded != item {
                return Err(format!("decoded as {decoded:?}, expected {item:?}"));
            }
            Ok(())
        }
    }
}

/// The item that a vector writes as JSON.
fn item(value: &Value) -> Result<Item, String> {
    let number = |number: U512| Item::String(number.to_be_bytes_trimmed_vec().into());
    match value {
        Value::String(text) => match text.strip_prefix('#') {
            Some(digits) => {
                let value = digits.parse().map_err(|error| format!("{digits} is no number: {error}"))?;
                Ok(number(value))
            }
            None => Ok(Item::String(Bytes::copy_from_slice(text.as_bytes()))),
        },
        Value::Number(value) => {
            let value = value.as_u64().ok_or_else(|| format!("{value} is no number of 64 bits"))?;
            Ok(number(U512::from(value)))
        }
        Value::Array(items) => items.iter().map(item).collect::<Result<_, _>>().map(Item::List),
        other => Err(format!("{other} is no item")),
    }
}

fn encode(item: &Item, out: &mut Vec<u8>) {
    match item {
        Item::String(bytes) => bytes.encode(out),
        Item::List(items) => {
            let mut payload = Vec::new();
            for item in items {
                encode(item, &mut payload);
            }
            Header { list: true, payload_length: payload.len() }.encode(out);
            out.extend(payload);
        }
    }
}

/// Decodes one item, which must be all there is.
pub(crate) fn decode(encoded: &[u8]) -> alloy_rlp::Result<Item> {
    let mut rest = encoded;
    let item = decode_item(&mut rest, 0)?;
    match rest {
        [] => Ok(item),
        _ => Err(alloy_rlp::Error::UnexpectedLength),
    }
}

fn decode_item(rest: &mut &[u8], depth: usize) -> alloy_rlp::Result<Item> {
    if depth > MAX_DEPTH {
        return Err(alloy_rlp::Error::Custom("nested too deep"));
    }
    let mut ahead = *rest;
    if !Header::decode(&mut ahead)?.list {
        return Bytes::decode(rest).map(Item::String);
    }
    let mut payload = Header::decode_bytes(rest, true)?;
    let mut items = Vec::new();
    while !payload.is_empty() {
        items.push(decode_item(&mut payload, depth + 1)?);
    }
    Ok(Item::List(items))
}
