//! Blocks of proposers that are processes of their own (`ivm proposer`): they hold the keys, this node builds and orders.
//!
//! 1. *Prepare.* When a block is due and none of the node's own proposers may make it, a proposer that waits is told what to
//!    post: its *duty*.
//! 2. *Assemble.* The proposer gives the duty's calls, signed, and gets the block and its receipts, to check the claims.
//! 3. *Propose.* The proposer gives the block, its signature of the header and the settlement transaction. The node checks
//!    the block as a validator does, claims included, and orders it.
//!
//! The node keeps the block that it assembled last, so that one proposed at once is not executed again. Any other block
//! that follows the head is as good: a proposer offers again what it signed and what was not ordered.

use std::{collections::BTreeMap, time::Instant};

use alloy_consensus::{Block, Transaction, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::Decodable;
use alloy_sol_types::SolCall;
use ivm_chain::ChainError;
use ivm_contracts::Settlement as Contract;
use ivm_rpc::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, ClaimedJob, IvmError, LeadingCall, NewProgram,
    OrderedBlock,
};
use ivm_settlement::{Call, SETTLEMENT_ADDRESS, SignedHeader};
use tokio::sync::oneshot;

use crate::{
    NodeError,
    config::Diligence,
    payload::Payload,
    producer::{Outcome, Producer},
    proposing::{Executed, Leading, Proposal},
    refusals::Refusal,
};

/// Most proposers that wait for a duty.
const MAX_WAITING_PROPOSERS: usize = 64;

/// Times that a block on the same parent is built for a proposer.
const MAX_ASSEMBLIES: u32 = 8;

/// Who gets a duty, when there is one.
type DutyReply = oneshot::Sender<Result<BlockDuty, IvmError>>;

/// What the producer remembers of proposers elsewhere.
#[derive(Default)]
pub(crate) struct Offering {
    /// In the order in which they came.
    waiting: Vec<(Address, DutyReply)>,
    /// The duty given last.
    duty: Option<Duty>,
    /// The block built last, encoded.
    assembled: Option<(Bytes, Executed)>,
    /// The parent on which blocks were built last, and how many.
    assemblies: (B256, u32),
}

struct Duty {
    proposer: Address,
    parent_hash: B256,
    leading: Leading,
}

fn internal(error: impl std::fmt::Display) -> IvmError {
    IvmError::Internal(error.to_string())
}

fn refused(reason: impl std::fmt::Display) -> IvmError {
    IvmError::BlockRefused { reason: reason.to_string() }
}

impl Producer {
    /// Has a proposer wait for a duty; one that waited already waits no longer.
    pub(crate) fn enlist(&mut self, proposer: Address, reply: DutyReply) {
        let waiting = &mut self.offering.waiting;
        waiting.retain(|(other, reply)| *other != proposer && !reply.is_closed());
        if waiting.len() < MAX_WAITING_PROPOSERS {
            waiting.push((proposer, reply));
            self.shared.wake.notify_one();
            return;
        }
        let busy = IvmError::Busy { what: "proposers that wait for a duty", limit: MAX_WAITING_PROPOSERS };
        // Whoever asked may be gone.
        let _ = reply.send(Err(busy));
    }

    /// Whether somebody waits for a duty.
    pub(crate) fn has_enlisted(&self) -> bool {
        self.offering.waiting.iter().any(|(_, reply)| !reply.is_closed())
    }

    /// Gives the next block to a proposer that waits. False when there is none.
    pub(crate) fn offer_duty(&mut self, timestamp: Option<u64>) -> Result<bool, NodeError> {
        let parent = self.shared.chain.head().block;
        while !self.offering.waiting.is_empty() {
            let (proposer, reply) = self.offering.waiting.remove(0);
            if reply.is_closed() {
                continue;
            }
            if !self.shared.settlement.is_active(proposer)? {
                let _ = reply.send(Err(no_proposer(proposer)));
                continue;
            }
            let leading = self.leading(proposer, None)?;
            let call = |call: &Call| LeadingCall {
                to: call.to,
                input: call.input.clone(),
                gas_limit: call.gas_limit,
            };
            let duty = BlockDuty {
                parent_hash: parent.hash(),
                number: parent.number() + 1,
                timestamp: timestamp.unwrap_or_else(|| self.now()).max(parent.header().timestamp),
                nonce: leading.nonce,
                base_fee_per_gas: leading.base_fee_wei,
                calls: leading.calls.iter().map(|(made, _)| call(made)).collect(),
            };
            self.offering.duty = Some(Duty { proposer, parent_hash: parent.hash(), leading });
            if reply.send(Ok(duty)).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Builds a block with the transactions that its proposer signed.
    pub(crate) fn assemble(
        &mut self,
        proposer: Address,
        request: AssembleRequest,
    ) -> Result<AssembledBlock, IvmError> {
        let expected = self.shared.chain.head().block.hash();
        if request.parent_hash != expected {
            return Err(IvmError::OtherParent { got: request.parent_hash, expected });
        }
        let Some(duty) =
            self.offering.duty.take_if(|duty| duty.proposer == proposer && duty.parent_hash == expected)
        else {
            return Err(refused("it is no duty that was given: ivm_prepareBlock gives one"));
        };
        self.count_assembly(expected)?;
        let transactions = signed_calls(proposer, &duty.leading, &request.transactions)?;
        let purposes = duty.leading.purposes(&transactions);
        let request = self.build_request(proposer, request.timestamp, transactions);
        let built = self.shared.chain.build_block(request).map_err(internal)?;
        let executed = self.executed(built, purposes).map_err(internal)?;
        let executed = executed.ok_or_else(|| refused("results are split, prepare it again"))?;
        // The proposer fetches inputs, to check the claims.
        self.shared.keep_payloads(&executed.changes).map_err(internal)?;
        let assembled = view(&executed);
        self.offering.assembled = Some((assembled.block.clone(), executed));
        Ok(assembled)
    }

    /// Bounds the work that proposers can make on one parent.
    fn count_assembly(&mut self, parent: B256) -> Result<(), IvmError> {
        let (last, count) = &mut self.offering.assemblies;
        if *last != parent {
            (*last, *count) = (parent, 0);
        }
        *count += 1;
        match *count {
            0..=MAX_ASSEMBLIES => Ok(()),
            _ => {
                Err(IvmError::Busy { what: "blocks built on the newest one", limit: MAX_ASSEMBLIES as usize })
            }
        }
    }

    /// Checks a block, and orders it.
    pub(crate) fn take_offer(&mut self, offer: &BlockOffer) -> Result<OrderedBlock, IvmError> {
        self.follow().map_err(internal)?;
        let (signed, block) = self.read_offer(offer)?;
        let proposer = signed.signer(self.shared.settlement.domain()).map_err(refused)?;
        if !self.shared.settlement.is_active(proposer).map_err(internal)? {
            return Err(no_proposer(proposer));
        }
        let propose = propose_transaction(offer, &signed, proposer)?;
        let tip = self.shared.settlement.tip().map_err(internal)?;
        let head = self.shared.chain.head().block.hash();
        let got = block.header.parent_hash;
        if let Some(expected) = [tip.hash, head].into_iter().find(|expected| *expected != got) {
            return Err(IvmError::OtherParent { got, expected });
        }
        self.check_timestamp(block.header.timestamp)?;
        let block_hash = signed.hash();
        let started = Instant::now();
        let executed = self.execute_offered(&offer.block, &block, block_hash)?;
        self.object(&executed, block_hash)?;
        let payload = Payload::new(&block, offer.signature.clone());
        let proposal = Proposal {
            block,
            block_hash,
            payload,
            proposer,
            propose,
            executed: Some(executed),
            lie: None,
            told: Vec::new(),
        };
        match self.order(proposal, None, &tip, started.elapsed()).map_err(internal)? {
            Outcome::Ordered { settlement_block } => Ok(OrderedBlock { block_hash, settlement_block }),
            Outcome::NotOrdered { reason } => Err(refused(reason)),
        }
    }

    /// Refuses a block from the future. The settlement block that orders it would be of its time, and all after it.
    fn check_timestamp(&self, got: u64) -> Result<(), IvmError> {
        let parent = self.shared.chain.head().block.header().timestamp;
        let drift = self.shared.settlement.max_timestamp_drift_seconds().map_err(internal)?;
        let limit = parent.max(self.now().saturating_add(drift));
        match got <= limit {
            true => Ok(()),
            false => Err(refused(format!("timestamp {got}, expected at most {limit}"))),
        }
    }

    fn read_offer(&self, offer: &BlockOffer) -> Result<(SignedHeader, Block<TxEnvelope>), IvmError> {
        let mut rest = &offer.block[..];
        let block = Block::<TxEnvelope>::decode(&mut rest).map_err(refused)?;
        if !rest.is_empty() {
            return Err(refused(format!("{} bytes follow the block", rest.len())));
        }
        let header = alloy_rlp::encode(&block.header);
        let signed = SignedHeader::from_bytes(&header, &offer.signature).map_err(refused)?;
        Ok((signed, block))
    }

    /// The block as it was assembled, or executed now. Its hash does not tell whether it is that one: the body is to be the
    /// same too.
    fn execute_offered(
        &mut self,
        encoded: &Bytes,
        block: &Block<TxEnvelope>,
        hash: B256,
    ) -> Result<Executed, IvmError> {
        if let Some((_, executed)) = self.offering.assembled.take_if(|(assembled, _)| assembled == encoded) {
            return Ok(executed);
        }
        let built = match self.shared.chain.verify(block.clone()) {
            Ok(built) => built,
            Err(ChainError::InvalidBlock(error)) => return Err(self.refuse_offer(block, hash, &error)),
            Err(error) => return Err(internal(error)),
        };
        match self.executed(built, BTreeMap::new()).map_err(internal)? {
            Some(executed) => {
                self.shared.keep_payloads(&executed.changes).map_err(internal)?;
                Ok(executed)
            }
            None => Err(refused("a receipt in it is too large to challenge its claims")),
        }
    }

    /// Refuses a block whose claims are wrong, unless this node orders anything.
    fn object(&self, executed: &Executed, hash: B256) -> Result<(), IvmError> {
        if self.diligence == Diligence::Lazy {
            return Ok(());
        }
        match self.objection(executed).map_err(internal)? {
            None => Ok(()),
            Some(reason) => Err(self.refuse_offer(&executed.built.block().to_block(), hash, &reason)),
        }
    }

    fn refuse_offer(
        &self,
        block: &Block<TxEnvelope>,
        block_hash: B256,
        reason: &dyn std::fmt::Display,
    ) -> IvmError {
        let (number, reason) = (block.header.number, reason.to_string());
        let error = refused(&reason);
        self.shared.refuse(Refusal { block_hash, number, reason, ordered: false, receipts: None });
        error
    }
}

fn no_proposer(proposer: Address) -> IvmError {
    IvmError::NotProposer { reason: format!("{proposer} is not bonded, or leaving, or jailed") }
}

/// The duty's calls as transactions of the proposer, in order and no others.
fn signed_calls(
    proposer: Address,
    leading: &Leading,
    transactions: &[Bytes],
) -> Result<Vec<TxEnvelope>, IvmError> {
    let (got, expected) = (transactions.len(), leading.calls.len());
    if got != expected {
        return Err(refused(format!("{got} transactions, the duty has {expected} calls")));
    }
    let mut signed = Vec::with_capacity(transactions.len());
    for (index, (bytes, (call, _))) in transactions.iter().zip(&leading.calls).enumerate() {
        let fault = |reason: &dyn std::fmt::Display| refused(format!("transaction {index}: {reason}"));
        let transaction = TxEnvelope::decode_2718_exact(bytes).map_err(|error| fault(&error))?;
        let signer = transaction.recover_signer().map_err(|error| fault(&error))?;
        if signer != proposer {
            return Err(fault(&format!("signed by {signer}, expected {proposer}")));
        }
        let made = transaction.to() == Some(call.to)
            && *transaction.input() == call.input
            && transaction.gas_limit() == call.gas_limit;
        if !made {
            return Err(fault(&"it is not the duty's call"));
        }
        signed.push(transaction);
    }
    Ok(signed)
}

/// The settlement transaction of an offer: the proposer's, proposing this header and nothing else.
fn propose_transaction(
    offer: &BlockOffer,
    signed: &SignedHeader,
    proposer: Address,
) -> Result<TxEnvelope, IvmError> {
    let transaction = TxEnvelope::decode_2718_exact(&offer.transaction).map_err(refused)?;
    let signer = transaction.recover_signer().map_err(refused)?;
    let expected = Contract::proposeCall { header: signed.header_bytes() }.abi_encode();
    if signer != proposer || transaction.to() != Some(SETTLEMENT_ADDRESS) || *transaction.input() != expected
    {
        return Err(refused(format!(
            "the settlement transaction of {signer} does not propose it for {proposer}"
        )));
    }
    Ok(transaction)
}

/// What a proposer is shown of a block.
fn view(executed: &Executed) -> AssembledBlock {
    let built = &executed.built;
    let jobs = executed.changes.jobs.iter().map(|(job_id, job)| ClaimedJob {
        job_id: *job_id,
        program_id: job.program_id,
        onchain_input_hash: job.onchain_input_hash,
        offchain_input_hash: job.offchain_input_hash,
    });
    let programs = executed.changes.programs.iter();
    AssembledBlock {
        block: alloy_rlp::encode(built.block().to_block()).into(),
        receipts: built.receipts().iter().map(|receipt| receipt.encoded_2718().into()).collect(),
        jobs: jobs.collect(),
        programs: programs
            .map(|(program_id, program)| NewProgram { program_id: *program_id, elf_hash: program.elf_hash })
            .collect(),
    }
}
