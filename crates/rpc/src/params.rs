//! Parameters in Ethereum's JSON: hex strings and blocks, refused in the words of geth, which are those of Go.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, hex};
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

/// What is wrong with a hex string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum HexError {
    #[error("hex string without 0x prefix")]
    MissingPrefix,
    #[error("hex string of odd length")]
    OddLength,
    #[error("invalid hex string")]
    Syntax,
    #[error("empty hex string")]
    Empty,
    #[error("hex string \"0x\"")]
    EmptyNumber,
    #[error("hex number with leading zero digits")]
    LeadingZero,
    #[error("hex number > 64 bits")]
    TooLarge,
}

/// A value that JSON writes as one string.
trait FromText: Sized {
    /// Name of the type in Go, which geth's messages say.
    const GO_TYPE: &'static str;

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>>;
}

fn unmarshal_error<T: FromText>(reason: impl fmt::Display) -> Cow<'static, str> {
    format!("json: cannot unmarshal {reason} into Go value of type {}", T::GO_TYPE).into()
}

fn decode<T: FromText>(text: &str) -> Result<Vec<u8>, Cow<'static, str>> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = match digits {
        Some(digits) => digits,
        None if text.is_empty() => "",
        None => return Err(unmarshal_error::<T>(HexError::MissingPrefix)),
    };
    if digits.len() % 2 != 0 {
        return Err(unmarshal_error::<T>(HexError::OddLength));
    }
    hex::decode(digits).map_err(|_| unmarshal_error::<T>(HexError::Syntax))
}

fn decode_fixed<T: FromText, const LENGTH: usize>(text: &str) -> Result<[u8; LENGTH], Cow<'static, str>> {
    let bytes = decode::<T>(text)?;
    let got = bytes.len() * 2;
    let wrong = |_| format!("hex string has length {got}, want {} for {}", LENGTH * 2, T::GO_TYPE).into();
    bytes.try_into().map_err(wrong)
}

/// A quantity as block numbers are written.
fn decode_number(text: &str) -> Result<u64, HexError> {
    if text.is_empty() {
        return Err(HexError::Empty);
    }
    let digits =
        text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).ok_or(HexError::MissingPrefix)?;
    match digits.as_bytes() {
        [] => Err(HexError::EmptyNumber),
        [b'0', _, ..] => Err(HexError::LeadingZero),
        digits if !digits.iter().all(u8::is_ascii_hexdigit) => Err(HexError::Syntax),
        _ => u64::from_str_radix(digits, 16).map_err(|_| HexError::TooLarge),
    }
}

fn block_number(text: &str) -> Result<BlockNumberOrTag, Cow<'static, str>> {
    Ok(match text {
        "earliest" => BlockNumberOrTag::Earliest,
        "latest" => BlockNumberOrTag::Latest,
        "pending" => BlockNumberOrTag::Pending,
        "safe" => BlockNumberOrTag::Safe,
        "finalized" => BlockNumberOrTag::Finalized,
        number => match decode_number(number).map_err(|error| error.to_string())? {
            number if i64::try_from(number).is_ok() => BlockNumberOrTag::Number(number),
            _ => return Err("block number larger than int64".into()),
        },
    })
}

/// A hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HashArg(pub(crate) B256);

impl FromText for HashArg {
    const GO_TYPE: &'static str = "common.Hash";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        decode_fixed::<Self, 32>(text).map(|bytes| Self(bytes.into()))
    }
}

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressArg(pub(crate) Address);

impl FromText for AddressArg {
    const GO_TYPE: &'static str = "common.Address";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        decode_fixed::<Self, 20>(text).map(|bytes| Self(bytes.into()))
    }
}

/// Bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BytesArg(pub(crate) Bytes);

impl FromText for BytesArg {
    const GO_TYPE: &'static str = "hexutil.Bytes";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        if text.is_empty() {
            return Err(unmarshal_error::<Self>(HexError::Empty));
        }
        decode::<Self>(text).map(|bytes| Self(bytes.into()))
    }
}

/// The number of a block, or a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumberArg(pub(crate) BlockNumberOrTag);

impl FromText for NumberArg {
    const GO_TYPE: &'static str = "rpc.BlockNumber";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        block_number(text).map(Self)
    }
}

/// A block by its number, a tag, its hash, or an object with one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockArg(pub(crate) BlockId);

impl FromText for BlockArg {
    const GO_TYPE: &'static str = "string";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        const HASH_LENGTH: usize = 66;
        if text.len() == HASH_LENGTH {
            return HashArg::from_text(text).map(|hash| Self(hash.0.into()));
        }
        block_number(text).map(|number| Self(number.into()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockObject {
    block_hash: Option<HashArg>,
    block_number: Option<NumberArg>,
    require_canonical: Option<bool>,
}

impl BlockObject {
    fn id(self) -> Result<BlockId, &'static str> {
        match (self.block_hash, self.block_number) {
            (Some(_), Some(_)) => {
                Err("cannot specify both BlockHash and BlockNumber, choose one or the other")
            }
            (Some(hash), None) => Ok(BlockId::Hash(alloy_eips::RpcBlockHash {
                block_hash: hash.0,
                require_canonical: self.require_canonical,
            })),
            (None, Some(number)) => Ok(number.0.into()),
            (None, None) => Err("invalid arguments; neither block nor hash specified"),
        }
    }
}

/// Reads strings, and refuses everything else as Go does.
struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> TextVisitor<T> {
    fn wrong<E: de::Error>() -> Result<T, E> {
        Err(E::custom(unmarshal_error::<T>("non-string")))
    }
}

impl<'de, T: FromText> Visitor<'de> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string for {}", T::GO_TYPE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<T, E> {
        Self::wrong()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<T, E> {
        Self::wrong()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<T, E> {
        Self::wrong()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        Self::wrong()
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Self::wrong()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        Self::wrong()
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        Self::wrong()
    }
}

macro_rules! deserialize_text {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextVisitor(PhantomData))
            }
        }
    )*};
}

deserialize_text!(HashArg, AddressArg, BytesArg, NumberArg);

impl<'de> Deserialize<'de> for BlockArg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BlockVisitor;

        impl<'de> Visitor<'de> for BlockVisitor {
            type Value = BlockArg;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a block number, tag, hash or object")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<BlockArg, E> {
                BlockArg::from_text(text).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BlockArg, A::Error> {
                let object = BlockObject::deserialize(de::value::MapAccessDeserializer::new(map))?;
                object.id().map(BlockArg).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(BlockVisitor)
    }
}

/// A slot of storage as clients write it: up to 32 bytes of hex, with or without a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotKey {
    pub(crate) slot: B256,
    /// Bytes that were written.
    pub(crate) length: usize,
}

impl SlotKey {
    /// Reads a key.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const MAX_DIGITS: usize = 64;
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let padded: Cow<'_, str> =
            if digits.len().is_multiple_of(2) { digits.into() } else { format!("0{digits}").into() };
        if padded.len() > MAX_DIGITS {
            return Err("hex string too long, want at most 32 bytes");
        }
        let bytes = hex::decode(padded.as_bytes()).map_err(|_| "hex string invalid")?;
        Ok(Self { slot: B256::left_padding_from(&bytes), length: bytes.len() })
    }
}

/// Reads a parameter from a part of another.
pub(crate) fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn refusal<T: DeserializeOwned + fmt::Debug>(json: &str) -> String {
        let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
        error.split(" at line").next().unwrap().to_owned()
    }

    #[test]
    fn blocks_are_numbers_tags_hashes_or_objects() {
        let read = |json: &str| serde_json::from_str::<BlockArg>(json).unwrap().0;
        assert_eq!(read("\"latest\""), BlockId::latest());
        assert_eq!(read("\"0x10\""), BlockId::number(16));
        assert_eq!(read("{\"blockNumber\":\"0x10\"}"), BlockId::number(16));
        let hash = B256::repeat_byte(7);
        assert_eq!(read(&format!("\"{hash}\"")), BlockId::hash(hash));
        assert!(
            matches!(read(&format!("{{\"blockHash\":\"{hash}\",\"requireCanonical\":true}}")), BlockId::Hash(id)
            if id.block_hash == hash && id.require_canonical == Some(true))
        );
    }

    #[test]
    fn refusals_are_those_of_go() {
        let hash = "json: cannot unmarshal hex string without 0x prefix into Go value of type common.Hash";
        assert_eq!(refusal::<HashArg>(&format!("\"{}\"", "1".repeat(64))), hash);
        assert_eq!(refusal::<HashArg>("\"0x00\""), "hex string has length 2, want 64 for common.Hash");
        assert_eq!(
            refusal::<AddressArg>("\"0x123\""),
            "json: cannot unmarshal hex string of odd length into Go value of type common.Address"
        );
        assert_eq!(
            refusal::<AddressArg>("7"),
            "json: cannot unmarshal non-string into Go value of type common.Address"
        );
        assert_eq!(
            refusal::<BytesArg>("\"0xzz\""),
            "json: cannot unmarshal invalid hex string into Go value of type hexutil.Bytes"
        );
        assert_eq!(refusal::<NumberArg>("\"2\""), "hex string without 0x prefix");
        assert_eq!(refusal::<NumberArg>("\"0x\""), "hex string \"0x\"");
        assert_eq!(refusal::<NumberArg>("\"0x01\""), "hex number with leading zero digits");
        assert_eq!(refusal::<NumberArg>("\"0x1ffffffffffffffff\""), "hex number > 64 bits");
        assert_eq!(refusal::<NumberArg>("\"0xffffffffffffffff\""), "block number larger than int64");
        assert_eq!(
            refusal::<BlockArg>(&format!("{{\"blockHash\":\"{}\",\"blockNumber\":\"0x1\"}}", B256::ZERO)),
            "cannot specify both BlockHash and BlockNumber, choose one or the other"
        );
    }

    #[test]
    fn slots_are_padded() {
        assert_eq!(SlotKey::parse("0x1").unwrap(), SlotKey { slot: B256::with_last_byte(1), length: 1 });
        assert_eq!(SlotKey::parse("01").unwrap().length, 1);
        assert_eq!(SlotKey::parse("0xasdf").unwrap_err(), "hex string invalid");
        let long = format!("0x{}", "0".repeat(65));
        assert_eq!(SlotKey::parse(&long).unwrap_err(), "hex string too long, want at most 32 bytes");
    }
}
