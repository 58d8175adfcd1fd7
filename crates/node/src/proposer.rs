//! The proposer's transactions.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, TxKind};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;

/// Signs what leads a block, with rising nonces.
#[derive(Debug)]
pub(crate) struct Signing<'a> {
    signer: &'a PrivateKeySigner,
    chain_id: u64,
    base_fee_wei: u64,
    nonce: u64,
}

impl<'a> Signing<'a> {
    /// Signing for the block after a state in which the proposer has this nonce.
    pub(crate) const fn new(
        signer: &'a PrivateKeySigner,
        chain_id: u64,
        base_fee_wei: u64,
        nonce: u64,
    ) -> Self {
        Self { signer, chain_id, base_fee_wei, nonce }
    }

    /// Signs a call. It pays the base fee and no tip: a tip would go to the proposer itself.
    pub(crate) fn call(
        &mut self,
        to: Address,
        input: Vec<u8>,
        gas_limit: u64,
    ) -> Result<TxEnvelope, alloy_signer::Error> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit,
            max_fee_per_gas: u128::from(self.base_fee_wei),
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(to),
            input: input.into(),
            ..Default::default()
        };
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash())?;
        self.nonce += 1;
        Ok(transaction.into_signed(signature).into())
    }
}
