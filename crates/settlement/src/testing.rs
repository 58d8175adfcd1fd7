//! For tests: a settlement chain in memory with the real contract and a mock verifier, and execution blocks with claims.

#![allow(clippy::unwrap_used, reason = "this is part of tests")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_consensus::proofs::calculate_receipt_root;
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, Receipt, ReceiptEnvelope};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bytes, Log, TxHash, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use ivm_chain::{
    BuildRequest, Chain, CommittedBlock, NativeCall, NativeContract, NativeFault, NativeReturn, Storage,
};
use ivm_contracts::IProofVerifier::verifyCall;
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager, Settlement};
use parking_lot::Mutex;

use crate::chain::SettlementChain;
use crate::embedded::EmbeddedSettlement;
use crate::error::SettlementError;
use crate::evidence::ReceiptedBlock;
use crate::genesis::SettlementGenesis;
use crate::native::PROOF_VERIFIER_ADDRESS;
use crate::parameters::SettlementParameters;

/// Timestamp of both genesis blocks.
pub const GENESIS_TIMESTAMP: u64 = 1_700_000_000;
/// Gas that the mock takes.
pub const MOCK_VERIFY_GAS: u64 = 10_000;

/// A key; those with the same number are one.
pub fn signer(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap()
}

/// Stands in for a verifier of proofs: a "proof" is any bytes, and shows exactly the truth.
#[derive(Debug, Default)]
pub struct MockVerifier {
    truths: Mutex<HashMap<(B256, B256), B256>>,
}

impl MockVerifier {
    /// Says what a program makes of an input. Of what it was not told there is no proof.
    pub fn tell(&self, program_id: B256, input_commitment: B256, outcome_hash: B256) {
        self.truths.lock().insert((program_id, input_commitment), outcome_hash);
    }
}

impl NativeContract for MockVerifier {
    fn address(&self) -> Address {
        PROOF_VERIFIER_ADDRESS
    }

    fn name(&self) -> &'static str {
        "MOCK_VERIFIER"
    }

    fn call(
        &self,
        &NativeCall { input, gas_limit, .. }: &NativeCall<'_>,
    ) -> Result<NativeReturn, NativeFault> {
        if gas_limit < MOCK_VERIFY_GAS {
            return Err(NativeFault::OutOfGas);
        }
        let malformed = |_| NativeFault::Reverted { gas_used: MOCK_VERIFY_GAS, output: Bytes::new() };
        let call = verifyCall::abi_decode(input).map_err(malformed)?;
        let truth = self.truths.lock().get(&(call.programId, call.inputCommitment)).copied();
        let output = verifyCall::abi_encode_returns(&(truth == Some(call.outcomeHash)));
        Ok(NativeReturn { gas_used: MOCK_VERIFY_GAS, output: output.into() })
    }
}

/// What a claim of a made-up execution block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimLog {
    /// The job.
    pub job_id: B256,
    /// The program.
    pub program_id: B256,
    /// Commitment to its inputs.
    pub input_commitment: B256,
    /// Most cycles.
    pub max_cycles: u64,
    /// The outcome.
    pub outcome_hash: B256,
    /// Cycles used.
    pub cycles: u64,
}

impl ClaimLog {
    /// The log that posts it.
    pub fn log(&self) -> Log {
        let event = JobManager::ClaimPosted {
            jobId: self.job_id,
            programId: self.program_id,
            inputCommitment: self.input_commitment,
            maxCycles: self.max_cycles,
            outcomeHash: self.outcome_hash,
            cycles: self.cycles,
        };
        Log { address: JOB_MANAGER_ADDRESS, data: event.encode_log_data() }
    }
}

/// The header of a made-up genesis block of the execution chain.
pub fn execution_genesis() -> Header {
    let block = execution_block(&Header::default(), 0, Vec::new());
    Header { number: 0, parent_hash: B256::ZERO, ..block.header().clone() }
}

/// A made-up execution block with a transaction for each list of logs. Blocks with different salts differ.
pub fn execution_block(parent: &Header, salt: u64, logs: Vec<Vec<Log>>) -> ReceiptedBlock {
    let receipts: Vec<ReceiptEnvelope> = (1..)
        .zip(logs)
        .map(|(index, logs)| {
            let receipt = Receipt { status: true.into(), cumulative_gas_used: 100_000 * index, logs };
            ReceiptEnvelope::Eip1559(receipt.with_bloom())
        })
        .collect();
    let header = Header {
        parent_hash: parent.hash_slow(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        state_root: B256::from(U256::from(salt)),
        receipts_root: calculate_receipt_root(&receipts),
        number: parent.number + 1,
        gas_limit: 30_000_000,
        timestamp: parent.timestamp.max(GENESIS_TIMESTAMP),
        base_fee_per_gas: Some(7),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    };
    ReceiptedBlock::new(header, receipts).unwrap()
}

/// A settlement chain in memory, with the real contract. Blocks come when the test says so.
#[derive(Clone, Debug)]
pub struct TestSettlement {
    /// The chain.
    pub settlement: EmbeddedSettlement,
    /// Judges proofs on it.
    pub verifier: Arc<MockVerifier>,
    /// Header of the execution chain's genesis.
    pub genesis: Header,
}

impl TestSettlement {
    /// Starts one. Accounts of the keys 1 to 40 have funds.
    pub fn new(parameters: SettlementParameters, proposers: &[PrivateKeySigner]) -> Self {
        let verifier = Arc::new(MockVerifier::default());
        Self { verifier: verifier.clone(), ..Self::with_verifier(parameters, proposers, verifier) }
    }

    /// Starts one with another verifier than the mock, which then judges nothing.
    pub fn with_verifier(
        parameters: SettlementParameters,
        proposers: &[PrivateKeySigner],
        verifier: Arc<dyn NativeContract>,
    ) -> Self {
        let genesis = execution_genesis();
        let ether = U256::from(1_000_000_000_000_000_000_u128);
        let funds: BTreeMap<_, _> =
            (1..=40).map(|number| (signer(number).address(), ether * U256::from(10_000))).collect();
        let config = SettlementGenesis {
            chain_id: 4957,
            block_gas_limit: 60_000_000,
            timestamp: GENESIS_TIMESTAMP,
            parameters,
            owner: signer(1).address(),
            job_manager: JOB_MANAGER_ADDRESS,
            execution_genesis_hash: genesis.hash_slow(),
            execution_genesis_number: genesis.number,
            execution_genesis_timestamp: genesis.timestamp,
            proposers: proposers.iter().map(PrivateKeySigner::address).collect(),
            funds,
        }
        .chain_config(verifier)
        .unwrap();
        let chain = Chain::open(config, Storage::Memory).unwrap();
        Self { settlement: EmbeddedSettlement::new(chain), verifier: Arc::default(), genesis }
    }

    /// Makes a settlement block of what waits.
    pub fn mine(&self) -> CommittedBlock {
        let chain = self.settlement.chain();
        let request = BuildRequest {
            timestamp: chain.head().block.header().timestamp + 1,
            beneficiary: Address::repeat_byte(0xcc),
            ..BuildRequest::default()
        };
        let built = chain.build_block(request).unwrap();
        assert!(built.dropped_from_pool().is_empty(), "{:?}", built.dropped_from_pool());
        chain.commit(built, Vec::new()).unwrap()
    }

    /// Makes so many settlement blocks.
    pub fn mine_blocks(&self, count: u64) {
        for _ in 0..count {
            self.mine();
        }
    }

    /// Sends a call of the contract; it is in the next block.
    ///
    /// # Errors
    /// When the contract would refuse it.
    pub fn send(
        &self,
        signer: &PrivateKeySigner,
        value: U256,
        call: &impl SolCall,
    ) -> Result<TxHash, SettlementError> {
        ready(self.settlement.send(signer, value, call.abi_encode().into()))
    }

    /// Sends a call, makes a block, and expects it to succeed.
    pub fn transact(&self, signer: &PrivateKeySigner, value: U256, call: &impl SolCall) -> u64 {
        let hash = self.send(signer, value, call).unwrap();
        self.mine();
        let receipt = ready(self.settlement.receipt(hash)).unwrap().unwrap();
        assert!(receipt.succeeded, "{receipt:?}");
        receipt.gas_used
    }

    /// Proposes a block, in a settlement block of its own.
    pub fn propose(&self, proposer: &PrivateKeySigner, header: &Header) -> u64 {
        let call = Settlement::proposeCall { header: alloy_rlp::encode(header).into() };
        self.transact(proposer, U256::ZERO, &call)
    }

    /// Reads from the contract.
    pub fn read<C: SolCall>(&self, call: C) -> C::Return {
        self.settlement.read_at(alloy_eips::BlockId::latest(), call).unwrap()
    }
}

/// The result of a future that does not wait.
///
/// # Panics
/// When it does.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}
