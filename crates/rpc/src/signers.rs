//! The keys of a development chain's accounts.

use std::fmt;

use alloy_primitives::{Address, B256, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;

/// Keys the node signs with for whoever can reach it: those of accounts that a development chain funds, which everyone
/// knows. A node of any other chain has none. They are not shown by `Debug`.
#[derive(Clone, Default)]
pub struct DevSigners(Vec<PrivateKeySigner>);

impl DevSigners {
    /// Addresses of the accounts, in order.
    pub fn addresses(&self) -> Vec<Address> {
        self.0.iter().map(PrivateKeySigner::address).collect()
    }

    /// Whether an account is among them.
    pub(crate) fn contains(&self, account: Address) -> bool {
        self.0.iter().any(|signer| signer.address() == account)
    }

    /// An account's signature of a hash; `None` for one that is not among them.
    pub(crate) fn sign(&self, account: Address, hash: B256) -> Option<alloy_signer::Result<Signature>> {
        let signer = self.0.iter().find(|signer| signer.address() == account)?;
        Some(signer.sign_hash_sync(&hash))
    }
}

impl FromIterator<PrivateKeySigner> for DevSigners {
    fn from_iter<T: IntoIterator<Item = PrivateKeySigner>>(signers: T) -> Self {
        Self(signers.into_iter().collect())
    }
}

impl fmt::Debug for DevSigners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DevSigners").field(&self.addresses()).finish()
    }
}

impl PartialEq for DevSigners {
    fn eq(&self, other: &Self) -> bool {
        self.addresses() == other.addresses()
    }
}

impl Eq for DevSigners {}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let key = B256::repeat_byte(0x5a);
        let signers: DevSigners = [PrivateKeySigner::from_bytes(&key).unwrap()].into_iter().collect();
        let shown = format!("{signers:?}").to_lowercase();
        assert!(shown.contains(&signers.addresses()[0].to_string().to_lowercase()), "{shown}");
        assert!(!shown.contains("5a5a5a5a") && !shown.contains("90, 90, 90"), "{shown}");
        assert!(signers.sign(Address::ZERO, key).is_none());
    }
}
