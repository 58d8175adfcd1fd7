//! The settlement chain as the node holds it: what is read from its contract, and ordering on it.
//!
//! One settlement block carries the settlement transactions of its pool and at most one proposal; the proposal's payload
//! is kept in the same atomic, durable batch. So an ordered block is never without its payload, and the execution chain,
//! which follows from both, needs no durability of its own.

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, TxKind, keccak256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use ivm_chain::{BuildRequest, CallRequest, Chain, ChainError, CommittedBlock, ExecutionResult, ExtraWrite};
use ivm_contracts::{ProposerState, Settlement as Contract};

use crate::{NodeError, payload::Payload, proposer::Signing};

/// Gas of `propose`, with room to spare (measured: below 100,000).
const PROPOSE_GAS: u64 = 300_000;

/// Final blocks whose payloads are forgotten at once: before that, the execution chain must be durable.
pub(crate) const FORGET_BATCH: u64 = 64;

/// The settlement chain and its contract.
#[derive(Clone, Debug)]
pub(crate) struct Settlement {
    pub(crate) chain: Chain,
    pub(crate) contract: Address,
}

/// What is ordered so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    /// Number of the newest final block.
    pub(crate) finalized: u64,
}

/// A block that is to be ordered.
pub(crate) struct Order<'a> {
    pub(crate) proposer: &'a PrivateKeySigner,
    pub(crate) block: &'a Block<TxEnvelope>,
    pub(crate) block_hash: B256,
    pub(crate) payload: Payload,
}

/// What became of an order.
pub(crate) enum Ordered {
    /// The settlement block carries it.
    Yes(CommittedBlock),
    /// The contract does not take it; the settlement block was made without it.
    No { reason: String },
}

impl Settlement {
    /// Asks the contract, on the state of the head.
    fn ask<C: SolCall>(&self, call: &C) -> Result<C::Return, NodeError> {
        let transaction = TransactionRequest {
            to: Some(TxKind::Call(self.contract)),
            input: Bytes::from(call.abi_encode()).into(),
            ..Default::default()
        };
        let request = CallRequest { transaction, block: BlockId::latest(), ..Default::default() };
        match self.chain.call(request, revm::inspector::NoOpInspector)? {
            ExecutionResult::Success { output, .. } => C::abi_decode_returns(output.data())
                .map_err(|error| NodeError::Settlement(format!("{}: {error}", C::SIGNATURE))),
            other => Err(NodeError::Settlement(format!("{} failed: {other:?}", C::SIGNATURE))),
        }
    }

    pub(crate) fn tip(&self) -> Result<Tip, NodeError> {
        let tip = self.ask(&Contract::tipCall {})?;
        let finalized = self.ask(&Contract::finalizedNumberCall {})?;
        Ok(Tip { number: tip.number, hash: tip.hash, finalized })
    }

    pub(crate) fn canonical_hash(&self, number: u64) -> Result<B256, NodeError> {
        self.ask(&Contract::canonicalHashCall { number })
    }

    pub(crate) fn is_active(&self, proposer: Address) -> Result<bool, NodeError> {
        let info = self.ask(&Contract::proposerInfoCall { proposer })?;
        Ok(ProposerState::from_byte(info.state) == Some(ProposerState::Active))
    }

    /// The period in which a challenge is answered, in settlement blocks.
    pub(crate) fn prover_period_blocks(&self) -> Result<u64, NodeError> {
        Ok(self.ask(&Contract::parametersCall {})?.proverPeriodBlocks)
    }

    /// What a proposer signs of a header.
    pub(crate) fn header_digest(&self, header: &Header, block_hash: B256) -> Result<B256, NodeError> {
        let (parent_hash, number) = (header.parent_hash, header.number);
        self.ask(&Contract::proposedHeaderDigestCall {
            blockHash: block_hash,
            parentHash: parent_hash,
            number,
        })
    }

    pub(crate) fn payload(&self, block_hash: B256) -> Result<Option<Payload>, NodeError> {
        Payload::read(&self.chain, block_hash)
    }

    /// Makes a settlement block, with the order in it where there is one and the contract takes it.
    pub(crate) fn order(
        &self,
        order: Option<&Order<'_>>,
        timestamp: u64,
        validator: Address,
        mut extra: Vec<ExtraWrite>,
    ) -> Result<Ordered, NodeError> {
        let request = BuildRequest {
            timestamp,
            beneficiary: validator,
            prev_randao: keccak256(self.chain.head().block.hash()),
            ..Default::default()
        };
        let Some(order) = order else {
            let built = self.chain.build_block(request)?;
            return Ok(Ordered::Yes(self.chain.commit(built, extra)?));
        };
        let propose = self.propose_transaction(order)?;
        let with_order = BuildRequest { leading_transactions: vec![propose], ..request.clone() };
        let built = self.chain.build_block(with_order)?;
        let refusal = match (built.rejected_leading().first(), built.receipts().first()) {
            (Some(rejected), _) => Some(rejected.reason.clone()),
            (None, Some(receipt)) if receipt.status() => None,
            _ => Some(self.why_not(order)),
        };
        match refusal {
            None => {
                extra.push(order.payload.write(order.block_hash));
                Ok(Ordered::Yes(self.chain.commit(built, extra)?))
            }
            Some(reason) => {
                let built = self.chain.build_block(request)?;
                self.chain.commit(built, extra)?;
                Ok(Ordered::No { reason })
            }
        }
    }

    fn propose_transaction(&self, order: &Order<'_>) -> Result<TxEnvelope, NodeError> {
        let chain = &self.chain;
        let nonce =
            chain.state_at(BlockId::latest())?.nonce(order.proposer.address()).map_err(ChainError::from)?;
        let mut signing = Signing::new(order.proposer, chain.config().chain_id, chain.next_base_fee(), nonce);
        Ok(signing.call(self.contract, propose_call(order).abi_encode(), PROPOSE_GAS)?)
    }

    /// Why the contract reverts the proposal, as far as it says.
    fn why_not(&self, order: &Order<'_>) -> String {
        let transaction = TransactionRequest {
            from: Some(order.proposer.address()),
            to: Some(TxKind::Call(self.contract)),
            input: Bytes::from(propose_call(order).abi_encode()).into(),
            ..Default::default()
        };
        let request = CallRequest { transaction, block: BlockId::latest(), ..Default::default() };
        match self.chain.call(request, revm::inspector::NoOpInspector) {
            Ok(ExecutionResult::Revert { output, .. }) => {
                match <Contract::SettlementErrors as alloy_sol_types::SolInterface>::abi_decode(&output) {
                    Ok(error) => format!("{error:?}"),
                    Err(_) => format!("the settlement contract reverts with {output}"),
                }
            }
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        }
    }
}

fn propose_call(order: &Order<'_>) -> Contract::proposeCall {
    Contract::proposeCall { header: alloy_rlp::encode(&order.block.header).into() }
}

/// Tells of what settlement transactions decided, and whether a challenge was opened.
pub(crate) fn log_decisions(block: &CommittedBlock, contract: Address) -> bool {
    let mut challenged = false;
    let number = block.block.number();
    for log in block.receipts.iter().flat_map(|receipt| receipt.logs()).filter(|log| log.address == contract)
    {
        if let Ok(event) = Contract::ClaimChallenged::decode_log(log) {
            challenged = true;
            tracing::warn!(
                target: "settlement",
                "settlement block {number}: {} challenges the claim about job {} in block {}, to be answered by settlement block {}",
                event.challenger, event.jobId, event.blockHash, event.deadlineBlock
            );
        } else if let Ok(event) = Contract::BlockInvalidated::decode_log(log) {
            tracing::warn!(
                target: "settlement",
                "settlement block {number}: block {} ({}) is invalidated, with all that follow it",
                event.number, event.hash
            );
        } else if let Ok(event) = Contract::ProposerSlashed::decode_log(log) {
            tracing::warn!(
                target: "settlement",
                "settlement block {number}: proposer {} is slashed: {} wei, of which {} burned",
                event.proposer, event.bondWei, event.burnedWei
            );
        }
    }
    challenged
}
