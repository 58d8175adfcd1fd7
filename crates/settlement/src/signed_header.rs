//! Headers that a proposer signs, when it offers a block to others. Two of them on one parent cost it its bond.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, Signature, SignatureError, U256};
use alloy_rlp::Decodable;
use alloy_signer::SignerSync;
use alloy_sol_types::{Eip712Domain, SolStruct, sol};
use ivm_contracts::Settlement::reportEquivocationCall;

/// Most bytes of a header's RLP. The largest that the settlement contract reads has 687.
pub const MAX_HEADER_SIZE_BYTES: usize = 1024;

sol! {
    /// What a proposer signs.
    #[derive(Debug, PartialEq, Eq)]
    struct ProposedHeader {
        bytes32 blockHash;
        bytes32 parentHash;
        uint64 number;
    }
}

/// The EIP-712 domain of headers.
pub fn header_domain(settlement_chain_id: u64, contract: Address) -> Eip712Domain {
    Eip712Domain::new(
        Some("InfinityVM Settlement".into()),
        Some("1".into()),
        Some(U256::from(settlement_chain_id)),
        Some(contract),
        None,
    )
}

/// Why bytes are not a signed header.
#[derive(Debug, thiserror::Error)]
pub enum SignedHeaderError {
    /// Too many bytes.
    #[error("header is {got} bytes, the limit is {MAX_HEADER_SIZE_BYTES}")]
    TooLarge {
        /// How many.
        got: usize,
    },
    /// Not a header.
    #[error("header does not decode: {0}")]
    Header(#[from] alloy_rlp::Error),
    /// Not a signature.
    #[error("header signature: {0}")]
    Signature(#[from] SignatureError),
    /// The other one of the two signatures that a key makes, which the contract refuses (EIP-2).
    #[error("header signature has a high s")]
    HighS,
    /// The key does not sign.
    #[error("header cannot be signed: {0}")]
    Sign(#[from] alloy_signer::Error),
}

/// A header and its proposer's signature of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeader {
    header: Header,
    hash: B256,
    signature: Signature,
}

impl SignedHeader {
    /// Signs a header. A proposer keeps what it signed, over restarts as well: a second header on the same parent costs it
    /// its bond.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn sign(
        header: Header,
        domain: &Eip712Domain,
        signer: &impl SignerSync,
    ) -> Result<Self, SignedHeaderError> {
        let hash = header.hash_slow();
        let signature = signer.sign_hash_sync(&digest(&header, hash, domain))?;
        Ok(Self { header, hash, signature })
    }

    /// Reads what came from outside. Whose it is, [`SignedHeader::signer`] says.
    ///
    /// # Errors
    /// [`SignedHeaderError`] when the bytes are not a header, in full, or not a signature.
    pub fn from_bytes(header: &[u8], signature: &[u8]) -> Result<Self, SignedHeaderError> {
        if header.len() > MAX_HEADER_SIZE_BYTES {
            return Err(SignedHeaderError::TooLarge { got: header.len() });
        }
        let mut rest = header;
        let header = Header::decode(&mut rest)?;
        if !rest.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength.into());
        }
        let signature = Signature::from_raw(signature)?;
        if signature.normalize_s().is_some() {
            return Err(SignedHeaderError::HighS);
        }
        Ok(Self { hash: header.hash_slow(), header, signature })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Hash of the block.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// RLP of the header.
    pub fn header_bytes(&self) -> Bytes {
        alloy_rlp::encode(&self.header).into()
    }

    /// The signature: r, s, v.
    pub fn signature_bytes(&self) -> Bytes {
        self.signature.as_bytes().to_vec().into()
    }

    /// Who signed it.
    ///
    /// # Errors
    /// When no key makes this signature.
    pub fn signer(&self, domain: &Eip712Domain) -> Result<Address, SignedHeaderError> {
        let digest = digest(&self.header, self.hash, domain);
        Ok(self.signature.recover_address_from_prehash(&digest)?)
    }
}

fn digest(header: &Header, hash: B256, domain: &Eip712Domain) -> B256 {
    let signed = ProposedHeader { blockHash: hash, parentHash: header.parent_hash, number: header.number };
    signed.eip712_signing_hash(domain)
}

/// Two headers of one signer on one parent at one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// Who signed both.
    pub signer: Address,
    /// One.
    pub one: SignedHeader,
    /// The other.
    pub other: SignedHeader,
}

impl Equivocation {
    /// Finds out whether two signed headers are an equivocation: not when they are one, have not the same parent and
    /// height, or are of two signers.
    pub fn of(one: &SignedHeader, other: &SignedHeader, domain: &Eip712Domain) -> Option<Self> {
        let differ = one.hash != other.hash;
        let (a, b) = (&one.header, &other.header);
        if !differ || a.parent_hash != b.parent_hash || a.number != b.number {
            return None;
        }
        let signer = one.signer(domain).ok()?;
        (other.signer(domain).ok()? == signer).then(|| Self {
            signer,
            one: one.clone(),
            other: other.clone(),
        })
    }

    /// The call that reports it.
    pub fn report(&self) -> reportEquivocationCall {
        reportEquivocationCall {
            headerA: self.one.header_bytes(),
            signatureA: self.one.signature_bytes(),
            headerB: self.other.header_bytes(),
            signatureB: self.other.signature_bytes(),
        }
    }
}
