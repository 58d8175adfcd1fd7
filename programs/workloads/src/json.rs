//! A JSON document, parsed into a tree.

use std::{borrow::Cow, fmt::Write};

use serde_json::Value;

use crate::data::{Digest, Generator};

/// A list of orders, of about that many bytes: objects, lists, names, texts with escapes, integers and fractions.
pub fn document(size_bytes: u32) -> String {
    const ORDER_SIZE_BYTES: usize = 200;
    let mut generator = Generator::new();
    let mut text = String::with_capacity(size_bytes as usize + 2 * ORDER_SIZE_BYTES);
    text.push('[');
    for id in 0.. {
        let (a, b) = (generator.next(), generator.next());
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{{\"id\": {id}, \"account\": \"0x{a:08x}{b:08x}\", \"side\": \"{}\", \"price\": {}.{:02}, \
             \"open\": {}, \"fills\": [{}, {}, -{}], \"memo\": \"r\\u00e9f \\\"{}\\\"\\n\", \"parent\": null}}",
            if a & 1 == 0 { "buy" } else { "sell" },
            a >> 20,
            b % 100,
            b & 1 == 0,
            a & 0xff,
            b >> 8,
            a % 1000,
            b % 10_000,
        );
        if text.len() + 1 >= size_bytes as usize {
            break;
        }
        text.push(',');
    }
    text.push(']');
    text
}

pub(crate) fn parse_and_walk(size_bytes: u32, data: &[u8]) -> u64 {
    let text =
        if data.is_empty() { Cow::Owned(document(size_bytes).into_bytes()) } else { Cow::Borrowed(data) };
    let value: Value = match serde_json::from_slice(&text) {
        Ok(value) => value,
        Err(error) => panic!("data is not a JSON document: {error}"),
    };
    let mut digest = Digest::new();
    walk(&value, &mut digest);
    digest.value()
}

/// The parser bounds how deep a document goes.
fn walk(value: &Value, digest: &mut Digest) {
    match value {
        Value::Null => digest.add(1),
        Value::Bool(value) => digest.add(2 + u32::from(*value)),
        Value::Number(number) => {
            let bits = number.as_i64().map(i64::cast_unsigned);
            let bits = bits.or_else(|| number.as_f64().map(f64::to_bits)).unwrap_or_default();
            digest.add(bits as u32);
            digest.add((bits >> 32) as u32);
        }
        Value::String(text) => {
            digest.add(text.len() as u32 ^ u32::from(text.as_bytes().last().copied().unwrap_or(0)))
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, digest)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            digest.add(name.len() as u32);
            walk(value, digest);
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_the_size_asked_for() {
        for size in [1_000, 10_000, 200_000] {
            let length = document(size).len();
            assert!(length.abs_diff(size as usize) < 400, "{length}");
        }
        let value: Value = serde_json::from_str(&document(1)).expect("a document");
        assert_eq!(value[0]["side"], "sell");
        assert_eq!(value[0]["fills"][2], -715);
    }

    #[test]
    #[should_panic(expected = "data is not a JSON document: EOF")]
    fn half_a_document_is_refused() {
        parse_and_walk(0, b"[1,");
    }
}
