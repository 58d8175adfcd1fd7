//! What a proposer posts at the head of its block: calls of the job contracts, as ordinary transactions (DESIGN §4).

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, Bytes, TxKind};
use alloy_signer::SignerSync;

/// A call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// What is asked of it.
    pub input: Bytes,
    /// Most gas it may use.
    pub gas_limit: u64,
}

/// What all transactions at the head of a block have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadingTerms {
    /// Chain id of the execution chain.
    pub chain_id: u64,
    /// What a unit of gas costs in the block, in wei.
    pub base_fee_wei: u64,
}

impl LeadingTerms {
    /// Signs a call. It pays the base fee and no tip: a tip would go to the proposer itself.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn sign(
        &self,
        signer: &impl SignerSync,
        nonce: u64,
        call: &Call,
    ) -> Result<TxEnvelope, alloy_signer::Error> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit: call.gas_limit,
            max_fee_per_gas: u128::from(self.base_fee_wei),
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(call.to),
            input: call.input.clone(),
            ..Default::default()
        };
        let signature = signer.sign_hash_sync(&transaction.signature_hash())?;
        Ok(transaction.into_signed(signature).into())
    }
}
