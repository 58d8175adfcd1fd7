//! How a proposer that is a process of its own shows a node who it is: a signed statement, good for some settlement blocks.
//!
//! A session lets its holder have blocks built, which is work; it moves no funds and signs no block.

use alloy_primitives::{Address, Bytes, Signature, SignatureError};
use alloy_signer::SignerSync;
use alloy_sol_types::{Eip712Domain, SolStruct, sol};

/// Most settlement blocks that a session is good for.
pub const MAX_SESSION_BLOCKS: u64 = 1024;

sol! {
    /// What a proposer signs.
    #[derive(Debug, PartialEq, Eq)]
    struct ProposerSession {
        address proposer;
        uint64 untilBlock;
    }
}

/// Why a session is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// It is over, or is to be good for too long.
    #[error("session is good until settlement block {got}, expected one from {head} to {limit}")]
    Window {
        /// Its last settlement block.
        got: u64,
        /// The head.
        head: u64,
        /// The last block that it may name.
        limit: u64,
    },
    /// Not a signature.
    #[error("session signature: {0}")]
    Signature(String),
    /// Another key signed it.
    #[error("session is signed by {got}, expected {expected}")]
    Signer {
        /// Who did.
        got: Address,
        /// Whom it names.
        expected: Address,
    },
}

impl From<SignatureError> for SessionError {
    fn from(error: SignatureError) -> Self {
        Self::Signature(error.to_string())
    }
}

/// Who wants blocks, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The proposer.
    pub proposer: Address,
    /// The last settlement block for which it is good.
    pub until_block: u64,
    /// The proposer's EIP-712 signature under the domain of headers: r, s, v.
    pub signature: Bytes,
}

impl Session {
    /// Signs one.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn sign(
        proposer: Address,
        until_block: u64,
        domain: &Eip712Domain,
        signer: &impl SignerSync,
    ) -> Result<Self, alloy_signer::Error> {
        let statement = ProposerSession { proposer, untilBlock: until_block };
        let signature = signer.sign_hash_sync(&statement.eip712_signing_hash(domain))?;
        Ok(Self { proposer, until_block, signature: signature.as_bytes().to_vec().into() })
    }

    /// Whether the proposer signed it, and it is good while `head` is the newest settlement block.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn check(&self, head: u64, domain: &Eip712Domain) -> Result<(), SessionError> {
        let limit = head.saturating_add(MAX_SESSION_BLOCKS);
        if !(head..=limit).contains(&self.until_block) {
            return Err(SessionError::Window { got: self.until_block, head, limit });
        }
        let statement = ProposerSession { proposer: self.proposer, untilBlock: self.until_block };
        let signature = Signature::from_raw(&self.signature)?;
        let got = signature.recover_address_from_prehash(&statement.eip712_signing_hash(domain))?;
        match got == self.proposer {
            true => Ok(()),
            false => Err(SessionError::Signer { got, expected: self.proposer }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloy_signer_local::PrivateKeySigner;

    use super::*;
    use crate::header_domain;

    fn signer(byte: u8) -> PrivateKeySigner {
        PrivateKeySigner::from_slice(&[byte; 32]).unwrap()
    }

    #[test]
    fn a_session_is_its_signers_for_its_blocks_on_its_chain() {
        let (me, other) = (signer(1), signer(2));
        let domain = header_domain(7, Address::repeat_byte(9));
        let session = Session::sign(me.address(), 100, &domain, &me).unwrap();
        assert_eq!(session.check(100, &domain), Ok(()));
        assert_eq!(session.check(0, &domain), Ok(()));
        assert!(matches!(session.check(101, &domain), Err(SessionError::Window { got: 100, head: 101, .. })));
        let long = Session::sign(me.address(), MAX_SESSION_BLOCKS + 1, &domain, &me).unwrap();
        assert!(matches!(long.check(0, &domain), Err(SessionError::Window { .. })));
        let forged = Session::sign(me.address(), 100, &domain, &other).unwrap();
        assert_eq!(
            forged.check(1, &domain),
            Err(SessionError::Signer { got: other.address(), expected: me.address() })
        );
        let elsewhere = header_domain(8, Address::repeat_byte(9));
        assert!(matches!(session.check(1, &elsewhere), Err(SessionError::Signer { .. })));
        let longer = Session { until_block: 200, ..session.clone() };
        assert!(matches!(longer.check(1, &domain), Err(SessionError::Signer { .. })));
        for signature in [Bytes::new(), Bytes::from_static(&[0; 65]), Bytes::from_static(&[1; 4096])] {
            let session = Session { signature, ..session.clone() };
            assert!(matches!(
                session.check(1, &domain),
                Err(SessionError::Signature(_) | SessionError::Signer { .. })
            ));
        }
    }
}
