//! Proposing an execution block: results and registrations first, signed by the proposer, then users' transactions.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_consensus::{Block, TxEnvelope};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, TxHash, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ivm_chain::{BuildRequest, BuiltBlock};
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager, PROGRAM_REGISTRY_ADDRESS, ProgramRegistry};
use ivm_coprocessor::ToldRun;
use ivm_primitives::ProgramId;
use ivm_settlement::{Call, LeadingTerms, SignedHeader};

use crate::{
    NodeError,
    byzantine::{FalseResult, LieMode, tamper},
    claims::oversized_receipts,
    delivery::{PostingGas, batches},
    payload::Payload,
    producer::Producer,
    records::Changes,
    signed::{Admission, next_in_order, signed_batches},
};

/// Part of a block's gas that what the proposer posts may take; the rest is the users'.
const LEADING_GAS_DIVISOR: u64 = 2;

/// Gas of one registration, with room to spare.
const REGISTRATION_GAS: u64 = 150_000;

/// Most registrations in one block.
const MAX_REGISTRATIONS_PER_BLOCK: usize = 8;

/// Most jobs closed for being past their deadline in one block.
const MAX_EXPIRIES_PER_BLOCK: usize = 16;

/// Gas of closing one job beside the consumer's hook, which may use as much as its callback.
const EXPIRY_GAS: u64 = 150_000;

/// What a leading transaction is for.
pub(crate) enum Purpose {
    Results(Vec<B256>),
    Registration(ProgramId),
    Expiry(B256),
}

/// What the proposer of the next block is to post in it, in order.
pub(crate) struct Leading {
    pub(crate) calls: Vec<(Call, Purpose)>,
    /// The proposer's nonce, of the first call.
    pub(crate) nonce: u64,
    /// What a unit of gas costs in the block, in wei.
    pub(crate) base_fee_wei: u64,
}

/// Times a block is built anew, to have results go one by one.
const MAX_SPLITS: u32 = 3;

/// What building came to.
enum Built {
    Block(Box<Proposal>),
    /// Results were too many for one receipt: build again.
    Split,
}

/// A block to be ordered.
pub(crate) struct Proposal {
    pub(crate) block: Block<TxEnvelope>,
    pub(crate) block_hash: B256,
    pub(crate) payload: Payload,
    pub(crate) proposer: Address,
    /// The transaction that proposes it on the settlement chain.
    pub(crate) propose: TxEnvelope,
    /// The block as it was executed, where nothing was changed since.
    pub(crate) executed: Option<Executed>,
    /// The lie in it.
    pub(crate) lie: Option<LieMode>,
    /// What is told of runs in it.
    pub(crate) told: Vec<ToldRun>,
}

/// A block as it was executed.
pub(crate) struct Executed {
    pub(crate) built: BuiltBlock,
    pub(crate) changes: Changes,
    /// Purposes of leading transactions that failed.
    pub(crate) failed: Vec<Purpose>,
}

impl Producer {
    /// Builds and signs the next block; `None` when none of this node's proposers may.
    pub(crate) fn propose(&mut self, timestamp: Option<u64>) -> Result<Option<Proposal>, NodeError> {
        let Some((index, proposer)) = self.active_proposer()? else { return Ok(None) };
        for _ in 0..MAX_SPLITS {
            if let Built::Block(proposal) = self.build(index, proposer.clone(), timestamp)? {
                return Ok(Some(*proposal));
            }
        }
        tracing::error!(target: "block", "no block: results are too large to be challenged, however they are split");
        Ok(None)
    }

    fn build(
        &mut self,
        index: usize,
        proposer: PrivateKeySigner,
        timestamp: Option<u64>,
    ) -> Result<Built, NodeError> {
        // The first of a lying node's proposers is the liar.
        let lies = index == 0;
        let false_result = if lies { self.false_result() } else { None };
        let mut told = false_result.is_some();
        let leading = self.leading(proposer.address(), false_result)?;
        let transactions = leading.sign(&proposer, self.shared.chain.config().chain_id)?;
        let purposes = leading.purposes(&transactions);
        let timestamp = timestamp.unwrap_or_else(|| self.now());
        let request = self.build_request(proposer.address(), timestamp, transactions);
        let mut built = self.shared.chain.build_block(request.clone())?;
        let false_runs = match self.liar.as_mut().filter(|_| lies) {
            Some(liar) => liar.false_runs(built.receipts()),
            None => Vec::new(),
        };
        if !false_runs.is_empty() {
            told = true;
            self.shared.executor.tell(built.block().number(), false_runs.clone());
            let rebuilt = self.shared.chain.build_block(request);
            self.shared.executor.forget_told();
            built = rebuilt?;
        }
        let Some(executed) = self.executed(built, purposes)? else { return Ok(Built::Split) };
        let built = &executed.built;
        let block = built.block().to_block();
        let tampers = lies && self.liar.as_mut().is_some_and(|liar| liar.tampers(built.receipts()));
        let mode = self.liar.as_ref().map(|liar| liar.mode());
        match mode.filter(|_| told || tampers) {
            None => self.sign(block, proposer, Some(executed), None),
            Some(mode) if mode == LieMode::Equivocation => {
                let other = tamper(mode, block.clone(), &executed.built.committed().receipts);
                let other = self.sign(other, proposer.clone(), None, None)?;
                self.shared.signed_headers.lock().add(other.block.header, other.payload.signature);
                self.sign(block, proposer, Some(executed), Some(mode))
            }
            Some(mode) if tampers => {
                let block = tamper(mode, block, &executed.built.committed().receipts);
                self.sign(block, proposer, None, Some(mode))
            }
            Some(mode) => self.sign(block, proposer, Some(executed), Some(mode)),
        }
        .map(|proposal| Proposal { told: false_runs, ..proposal })
        .map(Box::new)
        .map(Built::Block)
    }

    /// Most gas that what the proposer posts uses.
    fn max_leading_gas(&self) -> u64 {
        self.shared.chain.config().block_gas_limit / LEADING_GAS_DIVISOR
    }

    /// What building a block takes, beside the transactions of the pool.
    pub(crate) fn build_request(
        &self,
        proposer: Address,
        timestamp: u64,
        leading_transactions: Vec<TxEnvelope>,
    ) -> BuildRequest {
        BuildRequest {
            leading_transactions,
            max_leading_gas: Some(self.max_leading_gas()),
            timestamp,
            beneficiary: proposer,
            prev_randao: keccak256(self.shared.chain.head().block.hash()),
            ..Default::default()
        }
    }

    /// Reads what a block that was just built does; `None` when results are too many for one receipt.
    pub(crate) fn executed(
        &self,
        built: BuiltBlock,
        purposes: BTreeMap<TxHash, Purpose>,
    ) -> Result<Option<Executed>, NodeError> {
        for rejected in built.rejected_leading() {
            tracing::error!(target: "block", "transaction {} of the proposer was left out: {}", rejected.hash, rejected.reason);
        }
        if built.leading_left_out() > 0 {
            tracing::debug!(target: "block", "{} posts wait for the next block", built.leading_left_out());
        }
        if self.split_oversized(&built, &purposes) {
            return Ok(None);
        }
        let read = |key: &[u8]| self.shared.chain.extra(key).map_err(NodeError::from);
        let changes = self.shared.changes(built.committed(), &read)?;
        let failed = failed_leading(&built, purposes);
        Ok(Some(Executed { built, changes, failed }))
    }

    /// Has results whose receipt would be too large go alone from now on, as after a failure; drops users' transactions that
    /// have such receipts. False when there are none.
    fn split_oversized(&self, built: &BuiltBlock, purposes: &BTreeMap<TxHash, Purpose>) -> bool {
        let mut splits = false;
        for (index, size_bytes) in oversized_receipts(built.receipts()) {
            let hash = built.block().transactions()[index].inner().tx_hash();
            if let Some(Purpose::Results(jobs)) = purposes.get(hash) {
                tracing::warn!(target: "block", "{} results have a receipt of {size_bytes} bytes: they go one by one", jobs.len());
                let mut open_jobs = self.shared.open_jobs.lock();
                for job_id in jobs {
                    open_jobs.post_failed(*job_id);
                }
            } else {
                tracing::warn!(target: "block", "transaction {hash} leaves the pool: its receipt of {size_bytes} bytes holds a claim");
                self.shared.chain.drop_from_pool(*hash);
            }
            splits = true;
        }
        splits
    }

    /// The first of this node's proposers that may propose now.
    fn active_proposer(&self) -> Result<Option<(usize, PrivateKeySigner)>, NodeError> {
        for (index, proposer) in self.proposers.iter().enumerate() {
            if self.shared.settlement.is_active(proposer.address())? {
                return Ok(Some((index, proposer.clone())));
            }
        }
        Ok(None)
    }

    fn false_result(&mut self) -> Option<FalseResult> {
        let next = self.shared.chain.head().block.number() + 1;
        let open_jobs = self.shared.open_jobs.lock();
        let lie = self.liar.as_mut()?.false_result(&self.shared, &open_jobs, next)?;
        tracing::warn!(
            target: "settlement",
            "the proposer lies in block {next}: job {} has outcome {:?}", lie.job_id, lie.execution.outcome
        );
        Some(lie)
    }

    /// Signs a block's header. The signature leaves the node with the settlement block that orders it, and not before: so
    /// an honest proposer shows no two headers for one parent, whatever happens in between.
    fn sign(
        &self,
        block: Block<TxEnvelope>,
        proposer: PrivateKeySigner,
        executed: Option<Executed>,
        lie: Option<LieMode>,
    ) -> Result<Proposal, NodeError> {
        let block_hash = block.header.hash_slow();
        let domain = self.shared.settlement.domain();
        let signed = SignedHeader::sign(block.header.clone(), domain, &proposer)?;
        let payload = Payload::new(&block, signed.signature_bytes());
        let propose = self.shared.settlement.propose_transaction(&proposer, &block.header)?;
        let proposer = proposer.address();
        Ok(Proposal { block, block_hash, payload, proposer, propose, executed, lie, told: Vec::new() })
    }

    /// The system's time, as far ahead as it was moved.
    pub(crate) fn now(&self) -> u64 {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        system.saturating_add(self.clock_ahead_seconds)
    }

    /// What the proposer posts in the next block.
    pub(crate) fn leading(
        &self,
        proposer: Address,
        false_result: Option<FalseResult>,
    ) -> Result<Leading, NodeError> {
        let chain = &self.shared.chain;
        let next = chain.head().block.number() + 1;
        let nonce =
            chain.state_at(BlockId::latest())?.nonce(proposer).map_err(ivm_chain::ChainError::from)?;
        let mut leading = Leading { calls: Vec::new(), nonce, base_fee_wei: chain.next_base_fee() };
        let mut posting = PostingGas::of_block(self.max_leading_gas());

        for (program_id, (elf_hash, elf_size_bytes)) in
            self.shared.registrations.lock().programs.iter().take(MAX_REGISTRATIONS_PER_BLOCK)
        {
            let call = ProgramRegistry::registerProgramCall {
                programId: *program_id,
                hash: *elf_hash,
                elfSizeBytes: u32::try_from(*elf_size_bytes).unwrap_or(u32::MAX),
            };
            let purpose = Purpose::Registration(*program_id);
            leading.push(PROGRAM_REGISTRY_ADDRESS, call.abi_encode(), REGISTRATION_GAS, purpose);
            posting.take(REGISTRATION_GAS);
        }
        let open_jobs = self.shared.open_jobs.lock();
        let in_time = open_jobs.ready().filter(|(job_id, record, ..)| {
            record.deadline_block >= next && false_result.as_ref().is_none_or(|lie| lie.job_id != *job_id)
        });
        let lies = false_result.iter().map(|lie| (lie.job_id, &lie.record, &lie.execution, 0));
        let in_time = lies.chain(in_time);
        for batch in batches(in_time, &mut posting) {
            leading.push(JOB_MANAGER_ADDRESS, batch.calldata, batch.gas_limit, Purpose::Results(batch.jobs));
        }
        let admission = Admission::new(chain);
        let signed = next_in_order(open_jobs.ready_signed(), |consumer| admission.ordered_nonce(consumer))?;
        for batch in signed_batches(signed, &mut posting) {
            leading.push(JOB_MANAGER_ADDRESS, batch.calldata, batch.gas_limit, Purpose::Results(batch.jobs));
        }
        for (job_id, record) in open_jobs.past_deadline(next).take(MAX_EXPIRIES_PER_BLOCK) {
            let gas = EXPIRY_GAS + record.callback_gas_limit + record.callback_gas_limit / 63;
            if !posting.take(gas) {
                break;
            }
            let call = JobManager::expireJobCall { job: record.to_job() };
            leading.push(JOB_MANAGER_ADDRESS, call.abi_encode(), gas, Purpose::Expiry(job_id));
        }
        Ok(leading)
    }
}

impl Leading {
    fn push(&mut self, to: Address, input: Vec<u8>, gas_limit: u64, purpose: Purpose) {
        self.calls.push((Call { to, input: input.into(), gas_limit }, purpose));
    }

    /// The transactions, with rising nonces.
    fn sign(&self, signer: &PrivateKeySigner, chain_id: u64) -> Result<Vec<TxEnvelope>, NodeError> {
        let terms = LeadingTerms { chain_id, base_fee_wei: self.base_fee_wei };
        let calls = (self.nonce..).zip(&self.calls);
        calls.map(|(nonce, (call, _))| Ok(terms.sign(signer, nonce, call)?)).collect()
    }

    /// What each of these transactions is for, which were signed in order.
    pub(crate) fn purposes(self, transactions: &[TxEnvelope]) -> BTreeMap<TxHash, Purpose> {
        let purposes = self.calls.into_iter().map(|(_, purpose)| purpose);
        transactions.iter().map(|transaction| *transaction.tx_hash()).zip(purposes).collect()
    }
}

/// Purposes of leading transactions that are in the block and failed.
fn failed_leading(built: &BuiltBlock, mut purposes: BTreeMap<TxHash, Purpose>) -> Vec<Purpose> {
    let mut failed = Vec::new();
    for (transaction, receipt) in built.block().transactions().iter().zip(built.receipts()) {
        let purpose = purposes.remove(transaction.inner().tx_hash());
        if !receipt.status()
            && let Some(purpose) = purpose
        {
            tracing::error!(target: "block", "transaction {} of the proposer reverted", transaction.inner().tx_hash());
            failed.push(purpose);
        }
    }
    failed
}
