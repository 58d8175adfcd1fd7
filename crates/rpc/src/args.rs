//! Positional parameters, refused in geth's words.

use std::fmt;
use std::marker::PhantomData;

use jsonrpsee::types::Params;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Why a call's parameters are refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgsError {
    /// The parameters are not a JSON array.
    #[error("non-array args")]
    NotAnArray,
    /// There are more than the method takes.
    #[error("too many arguments, want at most {limit}")]
    TooMany {
        /// Most that are taken.
        limit: usize,
    },
    /// One that must be there is not.
    #[error("missing value for required argument {position}")]
    Missing {
        /// Its position, from 0.
        position: usize,
    },
    /// One is not what it should be.
    #[error("invalid argument {position}: {reason}")]
    Invalid {
        /// Its position, from 0.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl ArgsError {
    pub(crate) fn invalid(position: usize, reason: impl ToString) -> Self {
        Self::Invalid { position, reason: reason.to_string() }
    }
}

/// A method's parameters: a tuple, whose `Option`s need not be given.
pub(crate) trait FromArgs: Sized {
    fn from_args(args: &[&RawValue]) -> Result<Self, ArgsError>;
}

/// Reads a call's parameters.
pub(crate) fn parse<A: FromArgs>(params: &Params<'_>) -> Result<A, ArgsError> {
    let Some(text) = params.as_str().filter(|text| !text.trim().is_empty()) else {
        return A::from_args(&[]);
    };
    let args: Option<Vec<&RawValue>> = serde_json::from_str(text).map_err(|_| ArgsError::NotAnArray)?;
    A::from_args(&args.unwrap_or_default())
}

/// Reads one parameter. One that is not given is read as `null`: good for an `Option`, for nothing else.
fn argument<T: DeserializeOwned>(args: &[&RawValue], position: usize) -> Result<T, ArgsError> {
    match args.get(position).map(|raw| raw.get()) {
        None | Some("null") => serde_json::from_str("null").map_err(|_| ArgsError::Missing { position }),
        // The place in the argument means nothing to the client, who sent a whole request.
        Some(text) => serde_json::from_str(text)
            .map_err(|error| ArgsError::invalid(position, without_place(&error.to_string()))),
    }
}

/// What serde_json says, without the line and the column.
fn without_place(reason: &str) -> &str {
    reason.rsplit_once(" at line ").map_or(reason, |(reason, _)| reason)
}

/// An object, and only that, whose refusal names the field that is wrong.
#[derive(Debug)]
pub(crate) struct ByField<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByField<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = ByField<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ByField<T>, A::Error> {
                let fields = MapAccessDeserializer::new(map);
                let read = serde_path_to_error::deserialize(fields).map(ByField);
                read.map_err(|error| {
                    let reason = error.inner().to_string();
                    let reason = without_place(&reason);
                    if error.path().iter().next().is_none() {
                        de::Error::custom(reason)
                    } else {
                        de::Error::custom(format_args!("{}: {reason}", error.path()))
                    }
                })
            }
        }

        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// Reads a whole body of JSON as the one parameter that it is.
pub(crate) fn parse_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyFault> {
    let reason = |error: serde_json::Error| without_place(&error.to_string()).to_owned();
    serde_json::from_slice(body).map(|ByField(value)| value).map_err(|error| {
        // Within a field, the parser does not tell one from the other.
        match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(_) => BodyFault::Value { reason: reason(error) },
            Err(error) => BodyFault::Syntax { reason: reason(error) },
        }
    })
}

/// Why a body is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    /// It is not JSON.
    #[error("the body is not JSON: {reason}")]
    Syntax {
        /// What the parser says.
        reason: String,
    },
    /// It is JSON, but not what it should be.
    #[error("invalid body: {reason}")]
    Value {
        /// What is wrong with it, by field.
        reason: String,
    },
}

macro_rules! from_args {
    ($count:literal $(, $name:ident $position:literal)*) => {
        impl<$($name: DeserializeOwned),*> FromArgs for ($($name,)*) {
            fn from_args(args: &[&RawValue]) -> Result<Self, ArgsError> {
                if args.len() > $count {
                    return Err(ArgsError::TooMany { limit: $count });
                }
                Ok(($(argument::<$name>(args, $position)?,)*))
            }
        }
    };
}

from_args!(0);
from_args!(1, A 0);
from_args!(2, A 0, B 1);
from_args!(3, A 0, B 1, C 2);
from_args!(4, A 0, B 1, C 2, D 3);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use alloy_primitives::{Address, Bytes};

    use super::*;

    fn read<A: FromArgs>(text: &str) -> Result<A, String> {
        parse(&Params::new(Some(text))).map_err(|error| error.to_string())
    }

    #[test]
    fn options_may_be_missing_or_null() {
        assert_eq!(read::<(u8, Option<u8>)>("[1]").unwrap(), (1, None));
        assert_eq!(read::<(u8, Option<u8>)>("[1,null]").unwrap(), (1, None));
        assert_eq!(read::<(u8, Option<u8>)>("[1, 2]").unwrap(), (1, Some(2)));
        assert!(parse::<()>(&Params::new(None)).is_ok());
    }

    #[test]
    fn refusals_name_the_argument() {
        let missing = read::<(Address, Option<u8>)>("[]").unwrap_err();
        assert_eq!(missing, "missing value for required argument 0");
        let missing = read::<(u8, Bytes)>("[1, null]").unwrap_err();
        assert_eq!(missing, "missing value for required argument 1");
        assert_eq!(read::<(u8,)>("[1,2]").unwrap_err(), "too many arguments, want at most 1");
        assert_eq!(read::<(u8,)>("{\"a\":1}").unwrap_err(), "non-array args");
        assert!(read::<(u8, Bytes)>("[1,\"0xzz\"]").unwrap_err().starts_with("invalid argument 1: "));
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        list: Vec<Address>,
    }

    #[test]
    fn objects_are_refused_by_the_name_of_the_field() {
        let read = |text: &str| parse_body::<Outer>(text.as_bytes()).map_err(|error| error.to_string());
        assert!(read(r#"{"inner":{"list":[]}}"#).unwrap().inner.list.is_empty());
        let cases = [
            (r#"{"inner":{"list":["0x12"]}}"#, "invalid body: inner.list[0]: "),
            (r#"{"inner":{"list":7}}"#, "invalid body: inner.list: invalid type: integer `7`"),
            (r#"{"inner":{}}"#, "invalid body: inner: missing field `list`"),
            (r#"{}"#, "invalid body: missing field `inner`"),
            (r#"{"inner":{"list":[],"more":1}}"#, "invalid body: inner.more: unknown field `more`"),
            (r#"{"inner":{"list":[]},"inner":{"list":[]}}"#, "invalid body: duplicate field `inner`"),
            (r#"[{"list":[]}]"#, "invalid body: invalid type: sequence, expected an object"),
            (r#"{"inner":"#, "the body is not JSON: EOF"),
            (r#"{"inner":{"list":[]}} x"#, "the body is not JSON: trailing characters"),
            ("", "the body is not JSON: EOF"),
        ];
        for (text, message) in cases {
            let refused = read(text).unwrap_err();
            assert!(refused.starts_with(message) && !refused.contains("at line"), "{text}: {refused}");
        }
    }
}
