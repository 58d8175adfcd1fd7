//! Whether a request is worth running: what the contract would say, and what the payer still covers.

use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use ivm_chain::{CallRequest, Chain, ExecutionResult};
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager, JobParameterFields, JobParameters, RequestFault};
use ivm_rpc::IvmError;
use revm::inspector::NoOpInspector;

use crate::{
    NodeError,
    signed::{SignedBook, SignedJob},
};

/// Gas of a call that checks a request: its calldata, its hashing, and the consumer's check of the signature.
const CHECK_GAS: u64 = 16_000_000;

/// Reads the job manager at the head.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    chain: &'a Chain,
}

/// What a request may cost, and what its payer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Funds {
    pub(crate) fee_wei: U256,
    balance_wei: U256,
    /// `None` when the consumer pays for itself.
    allowance_wei: Option<U256>,
}

impl<'a> Admission<'a> {
    pub(crate) const fn new(chain: &'a Chain) -> Self {
        Self { chain }
    }

    fn call<C: SolCall>(&self, call: &C) -> Result<C::Return, NodeError> {
        let transaction = TransactionRequest {
            to: Some(TxKind::Call(JOB_MANAGER_ADDRESS)),
            input: Bytes::from(call.abi_encode()).into(),
            gas: Some(CHECK_GAS),
            ..TransactionRequest::default()
        };
        let request = CallRequest { transaction, block: BlockId::latest(), ..CallRequest::default() };
        let answer = match self.chain.call(request, NoOpInspector)? {
            ExecutionResult::Success { output, .. } => output.into_data(),
            other => return Err(NodeError::JobManager { reason: format!("{other:?}") }),
        };
        C::abi_decode_returns(&answer).map_err(|error| NodeError::JobManager { reason: error.to_string() })
    }

    /// The number that is next among a consumer's ordered requests.
    pub(crate) fn ordered_nonce(&self, consumer: Address) -> Result<u64, NodeError> {
        self.call(&JobManager::orderedNonceOfCall { consumer })
    }

    /// Prices and bounds of jobs.
    pub(crate) fn parameters(&self) -> Result<JobParameters, NodeError> {
        let parameters = self.call(&JobManager::parametersCall {})?;
        let fields = JobParameterFields {
            min_cycle_price_wei: parameters.minCyclePriceWei,
            callback_gas_price_wei: parameters.callbackGasPriceWei,
            max_deadline_blocks: parameters.maxDeadlineBlocks.try_into().unwrap_or(u32::MAX),
            retained_bps: parameters.retainedBps,
            target_cycles_per_block: parameters.targetCyclesPerBlock,
            max_sync_cycles_per_block: parameters.maxSyncCyclesPerBlock,
            prover_share_bps: parameters.proverShareBps,
            prover_account: parameters.proverAccount,
        };
        JobParameters::new(fields).map_err(|error| NodeError::JobManager { reason: error.to_string() })
    }

    /// What the contract has against a request now; `None` when it would take it.
    pub(crate) fn fault(&self, job: &SignedJob) -> Result<Option<RequestFault>, NodeError> {
        let (request, signature) = (job.request.clone(), job.signature.clone());
        let fault = self.call(&JobManager::checkRequestCall { request, signature })?;
        let fault = RequestFault::from_byte(fault)
            .ok_or_else(|| NodeError::JobManager { reason: format!("fault {fault}, which has no name") })?;
        Ok((fault != RequestFault::None).then_some(fault))
    }

    /// What the request may cost, and what there is to pay for it.
    pub(crate) fn funds(&self, job: &SignedJob) -> Result<Funds, NodeError> {
        let (payer, consumer) = (job.request.feePayer, job.request.consumer);
        let signature_size = U256::from(job.signature.len());
        let request = job.request.clone();
        let fee_wei = self.call(&JobManager::quoteRequestCall { request, signatureSize: signature_size })?;
        let balance_wei = self.call(&JobManager::balanceOfCall { account: payer })?;
        let allowance_wei = if payer == consumer {
            None
        } else {
            Some(self.call(&JobManager::allowanceCall { payer, consumer })?)
        };
        Ok(Funds { fee_wei, balance_wei, allowance_wei })
    }
}

impl Funds {
    /// Refuses a request that its payer does not cover beside those taken before.
    pub(crate) fn check(&self, book: &SignedBook, job: &SignedJob) -> Result<(), IvmError> {
        let (payer, consumer) = (job.request.feePayer, job.request.consumer);
        let (due_of_payer, due_of_spender) = book.due_wei(payer, consumer);
        let expected = due_of_payer.saturating_add(self.fee_wei);
        if self.balance_wei < expected {
            let got = self.balance_wei;
            return Err(IvmError::RequestRefused {
                fault: RequestFault::InsufficientFunds.name(),
                reason: format!(
                    "the account of {payer} holds {got} wei, expected {expected}, of which {due_of_payer} are for \
                     requests taken before: pay in with JobManager.deposit"
                ),
            });
        }
        let expected = due_of_spender.saturating_add(self.fee_wei);
        match self.allowance_wei {
            Some(got) if got < expected => Err(IvmError::RequestRefused {
                fault: RequestFault::AllowanceTooLow.name(),
                reason: format!(
                    "{payer} allows {consumer} to spend {got} wei, expected {expected}, of which {due_of_spender} are \
                     for requests taken before: allow more with JobManager.approve"
                ),
            }),
            _ => Ok(()),
        }
    }
}

/// What a fault means, for whoever sent the request.
pub(crate) fn refusal(fault: RequestFault, job: &SignedJob, head: u64) -> IvmError {
    let request = &job.request;
    let consumer = request.consumer;
    let reason = match fault {
        RequestFault::NonceTooLarge => format!("number {}, expected below 2^62", request.nonce),
        RequestFault::NonceUsed => format!("number {} of {consumer} has been used", request.nonce),
        RequestFault::NotNextInOrder => format!("number {} of {consumer} is not the next", request.nonce),
        RequestFault::DeadlinePassed => {
            format!("deadline block {}, expected at least {}", request.deadlineBlock, head + 1)
        }
        RequestFault::DeadlineTooFar => {
            format!("deadline block {} is too far ahead of block {head}", request.deadlineBlock)
        }
        RequestFault::UnknownProgram => {
            format!("program {} is not registered: ivm_submitProgram", request.programId)
        }
        RequestFault::ConsumerWithoutCode => format!("there is no contract at {consumer}"),
        RequestFault::BadSignature => format!("{consumer} does not take the signature for its own"),
        RequestFault::FeeOverMax => {
            format!("it may cost more than the {} wei that it allows: ivm_estimateJob", request.maxFeeWei)
        }
        RequestFault::AllowanceTooLow => {
            format!("{} does not allow {consumer} to spend enough: JobManager.approve", request.feePayer)
        }
        RequestFault::InsufficientFunds => {
            format!("the account of {} does not hold enough: JobManager.deposit", request.feePayer)
        }
        RequestFault::MaxCyclesZero => "maxCycles is 0, expected at least 1".into(),
        RequestFault::MaxCyclesTooHigh | RequestFault::CallbackGasTooHigh | RequestFault::InputTooLarge => {
            "over a limit of the protocol: ivm_nodeInfo".into()
        }
        RequestFault::None
        | RequestFault::StatusInvalid
        | RequestFault::CyclesOverMax
        | RequestFault::OutputTooLarge => "the outcome is not one that the contract takes".into(),
    };
    IvmError::RequestRefused { fault: fault.name(), reason }
}
