//! Jobs asked for by signature.

use alloy_primitives::{Address, B256, Bytes, FixedBytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_signer::SignerSync;
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager, JobNonce};
use ivm_rpc_types::{EstimateRequest, SubmittedJob};
use jsonrpsee::rpc_params;

use crate::{Client, ClientError, JobRequest, SignedJobRequest, digest};

/// Blocks until a request's deadline when the draft does not say.
const DEFAULT_DEADLINE_BLOCKS: u64 = 300;

/// Length of the client's signatures, in bytes.
const SIGNATURE_SIZE_BYTES: u64 = 65;

/// How many times the quoted fee a request may be charged when the draft does not say: the price moves with the load.
const DEFAULT_FEE_MARGIN: u64 = 2;

/// How a request is numbered, and so in what order results come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// In any order, with a random number.
    Random,
    /// In any order, with this number, which the consumer has not used.
    Unordered(u64),
    /// In strict order, with the consumer's next number. It is read from the chain, so that the request before has to
    /// be in a block already.
    Next,
    /// In strict order, with this number.
    Ordered(u64),
}

/// A request to be: what an app decides, and what is filled in for it where it is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobDraft {
    /// Contract that is called back.
    pub consumer: Address,
    /// Program to run.
    pub program_id: B256,
    /// Gas of the callback.
    pub callback_gas_limit: u64,
    /// Input that the chain carries.
    pub onchain_input: Bytes,
    /// Input that goes to the node with the request.
    pub offchain_input: Option<Bytes>,
    /// Its number.
    pub numbering: Numbering,
    /// Most cycles; the node runs the job to find out.
    pub max_cycles: Option<u64>,
    /// Last block that may carry it; 300 from now.
    pub deadline_block: Option<u64>,
    /// Who pays; the consumer.
    pub fee_payer: Option<Address>,
    /// Most that may be charged, in wei; twice what it costs now.
    pub max_fee_wei: Option<U256>,
}

impl JobDraft {
    /// A request without inputs, in any order.
    pub const fn new(consumer: Address, program_id: B256, callback_gas_limit: u64) -> Self {
        Self {
            consumer,
            program_id,
            callback_gas_limit,
            onchain_input: Bytes::new(),
            offchain_input: None,
            numbering: Numbering::Random,
            max_cycles: None,
            deadline_block: None,
            fee_payer: None,
            max_fee_wei: None,
        }
    }
}

impl JobDraft {
    /// What to run to see what the job takes.
    fn to_estimate(&self) -> EstimateRequest {
        EstimateRequest {
            program_id: self.program_id,
            onchain_input: self.onchain_input.clone(),
            offchain_input: self.offchain_input.clone().unwrap_or_default(),
            max_cycles: self.max_cycles,
            callback_gas_limit: Some(self.callback_gas_limit),
        }
    }
}

impl Client {
    /// A whole request: the draft with what it leaves out filled in.
    ///
    /// # Errors
    /// [`ClientError::NumberTooLarge`]; [`ClientError::Call`] or [`ClientError::Abi`].
    pub async fn prepare_job_request(&self, draft: &JobDraft) -> Result<JobRequest, ClientError> {
        let (ordered, nonce) = self.number(draft).await?;
        let mut request = JobRequest {
            consumer: draft.consumer,
            nonce,
            ordered,
            programId: draft.program_id,
            onchainInput: draft.onchain_input.clone(),
            offchainInputHash: draft.offchain_input.as_ref().map_or(KECCAK256_EMPTY, keccak256),
            maxCycles: match draft.max_cycles {
                Some(cycles) => cycles,
                None => self.estimate_job(&draft.to_estimate()).await?.max_cycles,
            },
            callbackGasLimit: draft.callback_gas_limit,
            deadlineBlock: match draft.deadline_block {
                Some(block) => block,
                None => self.block_number("latest").await?.saturating_add(DEFAULT_DEADLINE_BLOCKS),
            },
            feePayer: draft.fee_payer.unwrap_or(draft.consumer),
            maxFeeWei: U256::ZERO,
        };
        request.maxFeeWei = match draft.max_fee_wei {
            Some(fee) => fee,
            None => {
                let quote = JobManager::quoteRequestCall {
                    request: request.clone(),
                    signatureSize: U256::from(SIGNATURE_SIZE_BYTES),
                };
                let fee = self.call(JOB_MANAGER_ADDRESS, quote).await?;
                fee.saturating_mul(U256::from(DEFAULT_FEE_MARGIN))
            }
        };
        Ok(request)
    }

    /// Whether a draft is ordered, and its number.
    async fn number(&self, draft: &JobDraft) -> Result<(bool, u64), ClientError> {
        let (ordered, number) = match draft.numbering {
            Numbering::Random => (false, u64::from_be_bytes(FixedBytes::<8>::random().0) % JobNonce::NUMBERS),
            Numbering::Unordered(number) => (false, number),
            Numbering::Ordered(number) => (true, number),
            Numbering::Next => {
                let call = JobManager::orderedNonceOfCall { consumer: draft.consumer };
                (true, self.call(JOB_MANAGER_ADDRESS, call).await?)
            }
        };
        if number < JobNonce::NUMBERS {
            Ok((ordered, number))
        } else {
            Err(ClientError::NumberTooLarge(number))
        }
    }

    /// Signs a request with the client's key. Nothing is sent.
    ///
    /// # Errors
    /// [`ClientError::Sign`].
    pub fn sign_job_request(&self, request: JobRequest) -> Result<SignedJobRequest, ClientError> {
        let signature = self.signer.sign_hash_sync(&digest(&request, self.chain_id))?;
        Ok(SignedJobRequest { request, signature: signature.as_bytes().into() })
    }

    /// Asks the node for a job with a signed request. The node checks it before any work; from then on
    /// [`Client::find_job`] knows the job. Its offchain input goes along, unless the node holds it already.
    ///
    /// # Errors
    /// [`ClientError::Call`]: [`ClientError::rpc_error`] tells why the node refuses.
    pub async fn submit_job(
        &self,
        signed: &SignedJobRequest,
        offchain_input: Option<&Bytes>,
    ) -> Result<SubmittedJob, ClientError> {
        self.request("ivm_submitJob", rpc_params![signed.with_input(offchain_input)]).await
    }

    /// Prepares a request, signs it and submits it: all of asking for a job by signature.
    ///
    /// # Errors
    /// As [`Client::prepare_job_request`], [`Client::sign_job_request`] and [`Client::submit_job`].
    pub async fn request_offchain_job(&self, draft: &JobDraft) -> Result<SubmittedJob, ClientError> {
        let request = self.prepare_job_request(draft).await?;
        let signed = self.sign_job_request(request)?;
        self.submit_job(&signed, draft.offchain_input.as_ref()).await
    }
}
