//! Access to a settlement chain, whichever it is: the embedded one in this process, or any EVM chain over JSON-RPC.

use std::fmt::Debug;

use alloy_consensus::{Header, SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, TxHash, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use async_trait::async_trait;
use ivm_contracts::{ISettlement, Settlement};

use crate::error::SettlementError;
use crate::events::SettlementLog;
use crate::fork_choice::{BlockRef, ForkChoice};
use crate::parameters::SettlementParameters;

/// Blocks asked for at once in a log query.
const LOG_STEP_BLOCKS: u64 = 1_000;
/// Tip of every transaction, in wei.
const TIP_WEI: u128 = 1_000_000_000;
/// A transaction gets this much more gas than estimated, in percent: what it finds when it is executed may be a longer
/// list than at the head.
const GAS_MARGIN_PERCENT: u64 = 30;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementReceipt {
    /// The transaction.
    pub transaction_hash: TxHash,
    /// Its settlement block.
    pub block_number: u64,
    /// Whether the contract did what was asked.
    pub succeeded: bool,
    /// Gas it used.
    pub gas_used: u64,
}

/// A chain that never reorgs, with the settlement contract on it.
///
/// What is common to all of them is in the methods of `dyn SettlementChain`.
#[async_trait]
pub trait SettlementChain: Debug + Send + Sync {
    /// Where the contract is.
    fn contract(&self) -> Address;

    /// The chain's id.
    fn chain_id(&self) -> u64;

    /// Number of the head.
    ///
    /// # Errors
    /// [`SettlementError`].
    async fn block_number(&self) -> Result<u64, SettlementError>;

    /// Calls the contract at the head.
    ///
    /// # Errors
    /// [`SettlementError::Reverted`] when it refuses.
    async fn call(&self, calldata: Bytes) -> Result<Bytes, SettlementError>;

    /// Calls the contract after a block, which is the head or was lately.
    ///
    /// # Errors
    /// [`SettlementError::Reverted`] when it refuses.
    async fn call_after(&self, block: u64, calldata: Bytes) -> Result<Bytes, SettlementError>;

    /// The contract's events from one block to another, both included, in order.
    ///
    /// # Errors
    /// [`SettlementError`], also when there are more than the chain gives at once.
    async fn logs(&self, from: u64, to: u64) -> Result<Vec<SettlementLog>, SettlementError>;

    /// Signs a transaction to the contract and sends it. One that would fail at the head is not sent.
    ///
    /// # Errors
    /// [`SettlementError::Reverted`] when the contract would refuse it, [`SettlementError::Rejected`].
    async fn send(
        &self,
        signer: &PrivateKeySigner,
        value: U256,
        calldata: Bytes,
    ) -> Result<TxHash, SettlementError>;

    /// Signs a transaction that proposes a block, for whoever orders it: it is to be the account's next one, and is not sent.
    ///
    /// # Errors
    /// [`SettlementError`].
    async fn propose_transaction(
        &self,
        signer: &PrivateKeySigner,
        header: &Header,
    ) -> Result<TxEnvelope, SettlementError>;

    /// How a transaction ended; `None` while it is in no block.
    ///
    /// # Errors
    /// [`SettlementError`].
    async fn receipt(&self, hash: TxHash) -> Result<Option<SettlementReceipt>, SettlementError>;

    /// Whether transactions of the account wait for a block, as far as this chain's node knows.
    ///
    /// # Errors
    /// [`SettlementError`].
    async fn has_pending(&self, account: Address) -> Result<bool, SettlementError>;

    /// Waits until the head has this number or a higher one, and gives it.
    ///
    /// # Errors
    /// [`SettlementError`].
    async fn wait_for_block(&self, number: u64) -> Result<u64, SettlementError>;
}

impl dyn SettlementChain + '_ {
    /// Reads from the contract at the head.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn read<C: SolCall>(&self, call: C) -> Result<C::Return, SettlementError> {
        let output = self.call(call.abi_encode().into()).await?;
        decode_return::<C>(&output)
    }

    /// The newest block of the execution chain.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn tip(&self) -> Result<BlockRef, SettlementError> {
        let tip = self.read(Settlement::tipCall {}).await?;
        Ok(BlockRef { number: tip.number, hash: tip.hash })
    }

    /// Height of the newest final block.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn finalized_number(&self) -> Result<u64, SettlementError> {
        self.read(Settlement::finalizedNumberCall {}).await
    }

    /// The block at a height; `None` when there is none.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn canonical_hash(&self, number: u64) -> Result<Option<B256>, SettlementError> {
        let hash = self.read(Settlement::canonicalHashCall { number }).await?;
        Ok(Some(hash).filter(|hash| !hash.is_zero()))
    }

    /// What is known of a block.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn block_info(&self, hash: B256) -> Result<ISettlement::BlockInfo, SettlementError> {
        self.read(Settlement::blockInfoCall { blockHash: hash }).await
    }

    /// What is known of a claim.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn claim_info(&self, claim_id: B256) -> Result<ISettlement::ClaimInfo, SettlementError> {
        self.read(Settlement::claimInfoCall { claimId: claim_id }).await
    }

    /// What is known of a challenge.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn challenge_info(
        &self,
        challenge_id: B256,
    ) -> Result<ISettlement::ChallengeInfo, SettlementError> {
        self.read(Settlement::challengeInfoCall { id: challenge_id }).await
    }

    /// What is known of a proposer.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn proposer_info(
        &self,
        proposer: Address,
    ) -> Result<ISettlement::ProposerInfo, SettlementError> {
        self.read(Settlement::proposerInfoCall { proposer }).await
    }

    /// The rules.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn parameters(&self) -> Result<SettlementParameters, SettlementError> {
        Ok(self.read(Settlement::parametersCall {}).await?.into())
    }

    /// What an account may withdraw, in wei.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn balance_of(&self, account: Address) -> Result<U256, SettlementError> {
        self.read(Settlement::balanceOfCall { account }).await
    }

    /// The contract's events from one block to another, in as many queries as it takes.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn all_logs(&self, from: u64, to: u64) -> Result<Vec<SettlementLog>, SettlementError> {
        let mut found = Vec::new();
        let (mut next, mut step) = (from, LOG_STEP_BLOCKS);
        while next <= to {
            let last = to.min(next.saturating_add(step - 1));
            match self.logs(next, last).await {
                Ok(logs) => {
                    found.extend(logs);
                    next = last.saturating_add(1);
                    step = step.saturating_mul(2).min(LOG_STEP_BLOCKS);
                }
                // There may be too many of them.
                Err(SettlementError::Unreachable(reason)) if last > next => {
                    tracing::debug!(from = next, to = last, reason, "asking for logs of fewer blocks");
                    step = (step / 2).max(1);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The execution chain as the contract has it at the head, and the head: all of one moment, however long reading takes.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn fork_choice(&self) -> Result<(u64, ForkChoice), SettlementError> {
        let head = self.block_number().await?;
        let finalized = self.read_after(head, Settlement::finalizedNumberCall {}).await?;
        let tip = self.read_after(head, Settlement::tipCall {}).await?.number;
        let mut hashes = Vec::new();
        for number in finalized..=tip {
            hashes.push(self.read_after(head, Settlement::canonicalHashCall { number }).await?);
        }
        Ok((head, read_fork_choice(finalized, tip, hashes)?))
    }

    async fn read_after<C: SolCall>(&self, block: u64, call: C) -> Result<C::Return, SettlementError> {
        let output = self.call_after(block, call.abi_encode().into()).await?;
        decode_return::<C>(&output)
    }
}

/// Joins what the contract's views give.
pub(crate) fn read_fork_choice(
    finalized: u64,
    tip: u64,
    hashes: Vec<B256>,
) -> Result<ForkChoice, SettlementError> {
    let expected = tip.checked_sub(finalized).map(|blocks| blocks + 1);
    let mut hashes = hashes.into_iter();
    match hashes.next() {
        Some(hash) if expected == Some(hashes.len() as u64 + 1) => {
            Ok(ForkChoice::starting_at(BlockRef { number: finalized, hash }, hashes))
        }
        _ => Err(SettlementError::nonsense(
            "canonicalHash",
            format!("blocks {finalized} to {tip} are not all there"),
        )),
    }
}

pub(crate) fn decode_return<C: SolCall>(output: &[u8]) -> Result<C::Return, SettlementError> {
    C::abi_decode_returns_validate(output).map_err(|error| SettlementError::nonsense(C::SIGNATURE, error))
}

/// Gas limit of a proposal, several times what it takes.
const PROPOSE_GAS_LIMIT: u64 = 500_000;

/// What a transaction to the contract takes beside what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) chain_id: u64,
    pub(crate) contract: Address,
    pub(crate) nonce: u64,
    /// Base fee of the next block, in wei.
    pub(crate) base_fee_wei: u128,
    pub(crate) tip_wei: u128,
    pub(crate) gas_limit: u64,
}

impl Terms {
    /// Room for the base fee to double, and a tip.
    pub(crate) const fn tip() -> u128 {
        TIP_WEI
    }

    /// Gas limit for an estimate.
    pub(crate) fn gas_limit(estimate: u64, block_gas_limit: u64) -> u64 {
        let margin = estimate.saturating_mul(GAS_MARGIN_PERCENT) / 100;
        estimate.saturating_add(margin).min(block_gas_limit).max(estimate)
    }

    /// Signs a proposal of a block. Who orders it asks for no tip.
    pub(crate) fn propose(
        self,
        signer: &PrivateKeySigner,
        header: &Header,
    ) -> Result<TxEnvelope, SettlementError> {
        let calldata = Settlement::proposeCall { header: alloy_rlp::encode(header).into() }.abi_encode();
        let terms = Self { tip_wei: 0, gas_limit: PROPOSE_GAS_LIMIT, ..self };
        terms.sign(signer, U256::ZERO, calldata.into())
    }

    pub(crate) fn sign(
        self,
        signer: &PrivateKeySigner,
        value: U256,
        calldata: Bytes,
    ) -> Result<TxEnvelope, SettlementError> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.base_fee_wei.saturating_mul(2).saturating_add(self.tip_wei),
            max_priority_fee_per_gas: self.tip_wei,
            to: TxKind::Call(self.contract),
            value,
            input: calldata,
            ..TxEip1559::default()
        };
        let signature = signer.sign_hash_sync(&transaction.signature_hash())?;
        Ok(transaction.into_signed(signature).into())
    }
}
