//! Positional parameters, refused in geth's words.

use jsonrpsee::types::Params;
use serde::de::DeserializeOwned;
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
        Some(text) => serde_json::from_str(text).map_err(|error| {
            let reason = error.to_string();
            // The place in the argument means nothing to the client, who sent a whole request.
            let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
            ArgsError::invalid(position, reason)
        }),
    }
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
}
