//! Where an agent's key comes from. Keys are never printed: what `Debug` shows of a signer is its address.

use std::path::{Path, PathBuf};

use alloy_signer_local::{LocalSignerError, PrivateKeySigner};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The keystore file cannot be read, or the password is not its.
    #[error("keystore {path}: {source}")]
    Keystore {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: LocalSignerError,
    },
    /// The variable is not set.
    #[error("environment variable {0} is not set")]
    NoVariable(String),
    /// The variable does not hold a key. What it holds is not repeated.
    #[error("environment variable {0} is not a private key: 32 bytes in hex are expected")]
    NotAKey(String),
}

/// The key of a keystore file, as geth, cast and others write them.
///
/// # Errors
/// [`KeyError::Keystore`].
pub fn from_keystore(path: &Path, password: &str) -> Result<PrivateKeySigner, KeyError> {
    PrivateKeySigner::decrypt_keystore(path, password)
        .map_err(|source| KeyError::Keystore { path: path.into(), source })
}

/// The key in an environment variable, in hex.
///
/// # Errors
/// [`KeyError::NoVariable`], [`KeyError::NotAKey`].
pub fn from_environment(variable: &str) -> Result<PrivateKeySigner, KeyError> {
    let value = std::env::var(variable).map_err(|_| KeyError::NoVariable(variable.into()))?;
    from_hex(variable, &value)
}

fn from_hex(variable: &str, value: &str) -> Result<PrivateKeySigner, KeyError> {
    value.trim().parse().map_err(|_| KeyError::NotAKey(variable.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KEY: &str = "0x0123456789012345678901234567890123456789012345678901234567890123";

    #[test]
    fn keys_are_read_and_not_shown() {
        let signer = from_hex("KEY", KEY).unwrap();
        let shown = format!("{signer:?}");
        assert!(!shown.contains(&KEY[2..]), "{shown}");
        let not_a_key = from_hex("KEY", "0xsecret").unwrap_err();
        assert!(!format!("{not_a_key} {not_a_key:?}").contains("secret"));
        assert!(matches!(from_environment("IVM_NO_SUCH_VARIABLE"), Err(KeyError::NoVariable(_))));
    }

    #[test]
    fn keystores_open_with_their_password_alone() {
        // The example of the Web3 Secret Storage definition, with PBKDF2.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let keystore = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
            "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
            "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
            "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
            "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;
        std::fs::write(&path, keystore).unwrap();
        let signer = from_keystore(&path, "testpassword").unwrap();
        let expected: PrivateKeySigner =
            "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d".parse().unwrap();
        assert_eq!(signer.address(), expected.address());
        assert!(matches!(from_keystore(&path, "wrong"), Err(KeyError::Keystore { .. })));
        assert!(matches!(from_keystore(&folder.path().join("none"), "x"), Err(KeyError::Keystore { .. })));
    }
}
