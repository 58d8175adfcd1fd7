//! An agent's account on the settlement chain.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ivm_contracts::Settlement;
use ivm_settlement::{SettlementChain, SettlementError};

/// Signs and sends what an agent does.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) chain: Arc<dyn SettlementChain>,
    signer: PrivateKeySigner,
}

impl Sender {
    pub(crate) fn new(chain: Arc<dyn SettlementChain>, signer: PrivateKeySigner) -> Self {
        Self { chain, signer }
    }

    pub(crate) fn address(&self) -> Address {
        self.signer.address()
    }

    /// Sends a call. That the contract refuses it is not an error: somebody else was first, or the situation changed since it
    /// was read; the next look at the chain tells.
    pub(crate) async fn send<C: SolCall>(
        &self,
        about: B256,
        value: U256,
        call: C,
    ) -> Result<(), SettlementError> {
        let (name, _) = C::SIGNATURE.split_once('(').unwrap_or((C::SIGNATURE, ""));
        match self.chain.send(&self.signer, value, call.abi_encode().into()).await {
            Ok(hash) => tracing::info!(call = name, %about, transaction = %hash, "sent"),
            Err(SettlementError::Reverted { reason, .. }) => {
                tracing::info!(call = name, %about, reason, "not sent, the contract would refuse it");
            }
            Err(SettlementError::Rejected(reason)) => {
                tracing::warn!(call = name, %about, reason, "not taken by the settlement chain");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes all that the account may withdraw.
    pub(crate) async fn withdraw(&self, to: Address) -> Result<(), SettlementError> {
        let amount = self.chain.balance_of(self.address()).await?;
        if amount.is_zero() {
            return Ok(());
        }
        self.send(B256::ZERO, U256::ZERO, Settlement::withdrawCall { to, amountWei: amount }).await
    }
}
