//! Accounts of a measurement, and what they sign.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, b256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;

use crate::BenchError;

/// One gwei, in wei.
pub const GWEI: u128 = 1_000_000_000;
/// Most a transaction pays per gas. Enough for a base fee of a few wei that rises through two hundred full blocks.
pub const MAX_FEE_WEI: u128 = 100 * GWEI;
/// Gas of a transfer.
pub const TRANSFER_GAS: u64 = 21_000;
/// Most gas a token transfer may use; it uses 29,000 to 51,000.
pub const TOKEN_TRANSFER_GAS: u64 = 60_000;
/// The first account of the mnemonic every development node funds.
const DEV_KEY: B256 = b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

/// An account with its key and the nonce it uses next.
#[derive(Clone, Debug)]
pub struct Account {
    signer: PrivateKeySigner,
    chain_id: u64,
    nonce: u64,
}

impl Account {
    /// The first funded account of a development chain.
    ///
    /// # Errors
    /// None: the key is valid.
    pub fn dev(chain_id: u64) -> Result<Self, BenchError> {
        Self::from_key(DEV_KEY, chain_id)
    }

    /// The account of a number, the same in every run.
    ///
    /// # Errors
    /// None that a keccak256 has ever met: keys are almost all words.
    pub fn numbered(number: u64, chain_id: u64) -> Result<Self, BenchError> {
        Self::from_key(keccak256(number.to_be_bytes()), chain_id)
    }

    fn from_key(key: B256, chain_id: u64) -> Result<Self, BenchError> {
        Ok(Self {
            signer: PrivateKeySigner::from_bytes(&key).map_err(alloy_signer::Error::other)?,
            chain_id,
            nonce: 0,
        })
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Sets the nonce it uses next.
    pub fn set_nonce(&mut self, nonce: u64) {
        self.nonce = nonce;
    }

    /// The nonce it uses next.
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Signs the account's next transaction.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn sign(
        &mut self,
        to: TxKind,
        value: U256,
        input: impl Into<Bytes>,
        gas_limit: u64,
    ) -> Result<TxEnvelope, BenchError> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit,
            max_fee_per_gas: MAX_FEE_WEI,
            max_priority_fee_per_gas: 1,
            to,
            value,
            input: input.into(),
            ..TxEip1559::default()
        };
        self.nonce += 1;
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash())?;
        Ok(transaction.into_signed(signature).into())
    }
}
