//! The settlement chain as the node holds it: what is read from its contract, and ordering on it.
//!
//! One settlement block carries the settlement transactions of its pool and at most one proposal; the proposal's payload
//! is kept in the same atomic, durable batch. So an ordered block is never without its payload, and the execution chain,
//! which follows from both, needs no durability of its own.

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, TxHash, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolCall, SolEvent};
use ivm_chain::{BuildRequest, BuiltBlock, Chain, CommittedBlock, ExtraWrite};
use ivm_contracts::{ProposerState, Settlement as Contract};
use ivm_coprocessor::ToldRun;
use ivm_settlement::{EmbeddedSettlement, SETTLEMENT_ADDRESS, header_domain};

use crate::{NodeError, payload::Payload, told};

/// Final blocks whose payloads are forgotten at once: before that, the execution chain must be durable.
pub(crate) const FORGET_BATCH: u64 = 64;

/// Times that a settlement block is built anew without transactions that propose blocks and lack their payloads. One
/// proposer's come one after another, by their nonces.
const MAX_BARE_PROPOSALS: usize = 64;

/// The settlement chain and its contract.
#[derive(Clone, Debug)]
pub(crate) struct Settlement {
    pub(crate) chain: Chain,
    embedded: EmbeddedSettlement,
    domain: Eip712Domain,
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
    pub(crate) proposer: Address,
    /// The transaction that proposes it.
    pub(crate) propose: TxEnvelope,
    pub(crate) block: &'a Block<TxEnvelope>,
    pub(crate) block_hash: B256,
    pub(crate) payload: Payload,
    /// What the proposer tells of runs in it.
    pub(crate) told: &'a [ToldRun],
}

/// What became of an order.
pub(crate) enum Ordered {
    /// The settlement block carries it.
    Yes(CommittedBlock),
    /// The contract does not take it; the settlement block was made without it.
    No { reason: String },
}

impl Settlement {
    /// The contract of a chain that a `SettlementGenesis` made.
    pub(crate) fn new(chain: Chain) -> Self {
        let domain = header_domain(chain.config().chain_id, SETTLEMENT_ADDRESS);
        Self { embedded: EmbeddedSettlement::new(chain.clone()), chain, domain }
    }

    /// What proposers sign headers for.
    pub(crate) const fn domain(&self) -> &Eip712Domain {
        &self.domain
    }

    /// Asks the contract, on the state of the head.
    fn ask<C: SolCall>(&self, call: C) -> Result<C::Return, NodeError> {
        Ok(self.embedded.read_at(BlockId::latest(), call)?)
    }

    pub(crate) fn tip(&self) -> Result<Tip, NodeError> {
        let tip = self.ask(Contract::tipCall {})?;
        let finalized = self.ask(Contract::finalizedNumberCall {})?;
        Ok(Tip { number: tip.number, hash: tip.hash, finalized })
    }

    pub(crate) fn canonical_hash(&self, number: u64) -> Result<B256, NodeError> {
        self.ask(Contract::canonicalHashCall { number })
    }

    pub(crate) fn is_active(&self, proposer: Address) -> Result<bool, NodeError> {
        let info = self.ask(Contract::proposerInfoCall { proposer })?;
        Ok(ProposerState::from_byte(info.state) == Some(ProposerState::Active))
    }

    /// The period in which a challenge is answered, in settlement blocks.
    pub(crate) fn prover_period_blocks(&self) -> Result<u64, NodeError> {
        Ok(self.ask(Contract::parametersCall {})?.proverPeriodBlocks)
    }

    /// How far a block's time may be ahead, in seconds.
    pub(crate) fn max_timestamp_drift_seconds(&self) -> Result<u64, NodeError> {
        Ok(self.ask(Contract::parametersCall {})?.maxTimestampDriftSeconds)
    }

    /// The longest that a claim may be in dispute after its block was proposed, in settlement blocks.
    pub(crate) fn dispute_blocks(&self) -> Result<u64, NodeError> {
        let parameters = self.ask(Contract::parametersCall {})?;
        Ok(parameters.challengePeriodBlocks.saturating_add(parameters.proverPeriodBlocks))
    }

    /// Signs the transaction that proposes a block after the newest settlement block.
    pub(crate) fn propose_transaction(
        &self,
        proposer: &PrivateKeySigner,
        header: &Header,
    ) -> Result<TxEnvelope, NodeError> {
        Ok(self.embedded.propose_transaction(proposer, header)?)
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
            let built = self.build(request, None)?;
            return Ok(Ordered::Yes(self.chain.commit(built, extra)?));
        };
        let with_order =
            BuildRequest { leading_transactions: vec![order.propose.clone()], ..request.clone() };
        let built = self.build(with_order, Some(order.block_hash))?;
        let refusal = match (built.rejected_leading().first(), built.receipts().first()) {
            (Some(rejected), _) => Some(rejected.reason.clone()),
            (None, Some(receipt)) if receipt.status() => None,
            _ => Some(self.why_not(order)),
        };
        match refusal {
            None => {
                extra.push(order.payload.write(order.block_hash));
                extra.extend(told::write(order.block_hash, order.told));
                Ok(Ordered::Yes(self.chain.commit(built, extra)?))
            }
            Some(reason) => {
                let built = self.build(request, None)?;
                self.chain.commit(built, extra)?;
                Ok(Ordered::No { reason })
            }
        }
    }

    /// Builds a settlement block that proposes the block whose payload comes with it, and no other: nobody could follow one
    /// without its payload. Transactions that would propose others leave the pool.
    fn build(&self, request: BuildRequest, ordered: Option<B256>) -> Result<BuiltBlock, NodeError> {
        for _ in 0..MAX_BARE_PROPOSALS {
            let built = self.chain.build_block(request.clone())?;
            let bare = bare_proposals(&built, ordered);
            if bare.is_empty() {
                return Ok(built);
            }
            for hash in bare {
                tracing::warn!(
                    target: "settlement",
                    "transaction {hash} leaves the settlement chain's pool: it proposes a block without its payload"
                );
                self.chain.drop_from_pool(hash);
            }
        }
        Err(NodeError::BareProposals { limit: MAX_BARE_PROPOSALS })
    }

    /// Why the contract reverts the proposal, as far as it says.
    fn why_not(&self, order: &Order<'_>) -> String {
        let call = Contract::proposeCall { header: alloy_rlp::encode(&order.block.header).into() };
        match self.embedded.call_as(order.proposer, BlockId::latest(), call.abi_encode().into()) {
            Ok(_) => "the contract takes it now, and did not before".into(),
            Err(error) => error.to_string(),
        }
    }
}

/// Transactions that propose another block than the one that is being ordered.
fn bare_proposals(built: &BuiltBlock, ordered: Option<B256>) -> Vec<TxHash> {
    let proposes_other = |log: &alloy_primitives::Log| {
        log.address == SETTLEMENT_ADDRESS
            && Contract::BlockProposed::decode_log(log).is_ok_and(|event| Some(event.hash) != ordered)
    };
    let transactions = built.block().transactions().iter().zip(built.receipts());
    transactions
        .filter(|(_, receipt)| receipt.logs().iter().any(proposes_other))
        .map(|(transaction, _)| *transaction.inner().tx_hash())
        .collect()
}

/// Tells of what settlement transactions decided, and whether a challenge was opened.
pub(crate) fn log_decisions(block: &CommittedBlock) -> bool {
    let mut challenged = false;
    let number = block.block.number();
    for log in block
        .receipts
        .iter()
        .flat_map(|receipt| receipt.logs())
        .filter(|log| log.address == SETTLEMENT_ADDRESS)
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
