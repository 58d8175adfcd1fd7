//! The forms in which vectors write bytes and numbers.

use std::borrow::Cow;

use alloy_primitives::{Bytes, U256, hex};
use serde::de::{Deserialize, Deserializer, Error};

/// A number in hex, with or without leading zeros, or a JSON integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) U256);

impl Number {
    pub(crate) fn to_u64(self) -> Result<u64, String> {
        u64::try_from(self.0).map_err(|_| format!("{} is more than 64 bits", self.0))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        U256::deserialize(deserializer).map(Self)
    }
}

/// Bytes in hex, with or without `0x`.
pub(crate) fn bytes(text: &str) -> Result<Bytes, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).map(Bytes::from).map_err(|error| format!("not hex: {error}"))
}

/// Bytes in hex where the text begins with `0x`, else the text itself.
pub(crate) fn bytes_or_text(text: &str) -> Result<Cow<'_, [u8]>, String> {
    match text.starts_with("0x") {
        true => Ok(Cow::Owned(bytes(text)?.to_vec())),
        false => Ok(Cow::Borrowed(text.as_bytes())),
    }
}

/// Bytes in hex, for serde.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HexBytes(pub(crate) Bytes);

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        bytes(&text).map(Self).map_err(D::Error::custom)
    }
}
