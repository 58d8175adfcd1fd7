//! A settlement chain with the real contract, and mocks of the execution chain and of the zkVM, all of which let others go
//! first at every call, so that tests can stop an agent there.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use alloy_consensus::{Header, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, TxHash, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use async_trait::async_trait;
use ivm_agents::{
    Challenger, ChallengerConfig, ExecutionSource, JobInfo, Judge, ProgramInfo, ProgressSink, Proposal,
    ProveProgress, ProvenRun, Prover, ProverConfig, Run, SourceError,
};
use ivm_contracts::{BlockState, ChallengeState, ClaimState, ProposerState, Settlement};
use ivm_primitives::{JobInput, ProgramId};
use ivm_settlement::testing::{ClaimLog, TestSettlement, execution_block, signer};
use ivm_settlement::{
    EmbeddedSettlement, ReceiptedBlock, SettlementChain, SettlementError, SettlementEvent, SettlementLog,
    SettlementParameters, SettlementReceipt, SignedHeader,
};
use ivm_verifier::ProofKind;
use parking_lot::Mutex;

pub(crate) const PROGRAM: B256 = B256::repeat_byte(0xaa);
const ELF: &[u8] = b"an ELF";

/// Short periods: a dispute is over in some twenty blocks.
pub(crate) const PARAMETERS: SettlementParameters = SettlementParameters {
    challenge_period_blocks: 6,
    prover_period_blocks: 8,
    ..SettlementParameters::development()
};

/// Lets others go first, once.
pub(crate) fn pass() -> impl Future<Output = ()> {
    let mut passed = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut passed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Polls a future so many times; `None` when it is not done by then, and it is dropped.
pub(crate) fn drop_after<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
    }
    None
}

/// Polls a future to its end. It must not wait for anything but its turn.
pub(crate) fn drive<T>(future: impl Future<Output = T>) -> T {
    let mut future: Pin<Box<dyn Future<Output = T>>> = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("the future waits for something that does not come");
}

/// The settlement chain, letting others go first.
#[derive(Debug)]
struct MockPassingChain(EmbeddedSettlement);

macro_rules! pass_around {
    ($call:expr) => {{
        pass().await;
        let result = $call.await;
        pass().await;
        result
    }};
}

#[async_trait]
impl SettlementChain for MockPassingChain {
    fn contract(&self) -> Address {
        self.0.contract()
    }
    fn chain_id(&self) -> u64 {
        self.0.chain_id()
    }
    async fn block_number(&self) -> Result<u64, SettlementError> {
        pass_around!(self.0.block_number())
    }
    async fn call(&self, calldata: Bytes) -> Result<Bytes, SettlementError> {
        pass_around!(self.0.call(calldata))
    }
    async fn call_after(&self, block: u64, calldata: Bytes) -> Result<Bytes, SettlementError> {
        pass_around!(self.0.call_after(block, calldata))
    }
    async fn logs(&self, from: u64, to: u64) -> Result<Vec<SettlementLog>, SettlementError> {
        pass_around!(self.0.logs(from, to))
    }
    async fn send(
        &self,
        signer: &PrivateKeySigner,
        value: U256,
        calldata: Bytes,
    ) -> Result<TxHash, SettlementError> {
        pass_around!(self.0.send(signer, value, calldata))
    }
    async fn propose_transaction(
        &self,
        signer: &PrivateKeySigner,
        header: &Header,
    ) -> Result<TxEnvelope, SettlementError> {
        pass_around!(SettlementChain::propose_transaction(&self.0, signer, header))
    }
    async fn receipt(&self, hash: TxHash) -> Result<Option<SettlementReceipt>, SettlementError> {
        pass_around!(self.0.receipt(hash))
    }
    async fn has_pending(&self, account: Address) -> Result<bool, SettlementError> {
        pass_around!(self.0.has_pending(account))
    }
    async fn wait_for_block(&self, number: u64) -> Result<u64, SettlementError> {
        pass_around!(self.0.wait_for_block(number))
    }
}

/// What a run really comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Reveals { outcome: u8, cycles: u64 },
    Traps,
    NeverEnds,
}

/// What a claim says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) outcome: u8,
    pub(crate) cycles: u64,
}

/// The execution node.
#[derive(Debug, Default)]
pub(crate) struct MockExecution {
    pub(crate) proposals: Mutex<HashMap<B256, Proposal>>,
    pub(crate) jobs: Mutex<HashMap<B256, JobInfo>>,
    pub(crate) payloads: Mutex<HashMap<B256, Bytes>>,
    pub(crate) headers: Mutex<Vec<SignedHeader>>,
    /// So many calls fail before one succeeds again.
    pub(crate) failures: Mutex<u32>,
}

impl MockExecution {
    async fn answer<T>(&self, value: T) -> Result<T, SourceError> {
        pass().await;
        let mut failures = self.failures.lock();
        if *failures > 0 {
            *failures -= 1;
            return Err(SourceError::Unreachable("connection refused".into()));
        }
        Ok(value)
    }

    fn put(&self, payload: Bytes) -> B256 {
        let hash = keccak256(&payload);
        self.payloads.lock().insert(hash, payload);
        hash
    }
}

#[async_trait]
impl ExecutionSource for MockExecution {
    async fn proposal(&self, block_hash: B256) -> Result<Option<Proposal>, SourceError> {
        let proposal = self.proposals.lock().get(&block_hash).cloned();
        self.answer(proposal).await
    }
    async fn job(&self, job_id: B256) -> Result<Option<JobInfo>, SourceError> {
        let job = self.jobs.lock().get(&job_id).copied();
        self.answer(job).await
    }
    async fn program(&self, program_id: B256) -> Result<Option<ProgramInfo>, SourceError> {
        self.answer((program_id == PROGRAM).then(|| ProgramInfo { elf_hash: keccak256(ELF) })).await
    }
    async fn payload(&self, hash: B256) -> Result<Option<Bytes>, SourceError> {
        let payload = self.payloads.lock().get(&hash).cloned();
        self.answer(payload).await
    }
    async fn submit_payload(&self, payload: Bytes) -> Result<B256, SourceError> {
        self.answer(self.put(payload)).await
    }
    async fn signed_headers(&self, number: u64) -> Result<Vec<SignedHeader>, SourceError> {
        let headers =
            self.headers.lock().iter().filter(|signed| signed.header().number == number).cloned().collect();
        self.answer(headers).await
    }
}

/// The zkVM: it knows what every run comes to.
#[derive(Debug, Default)]
pub(crate) struct MockJudge {
    pub(crate) truths: Mutex<HashMap<Bytes, Truth>>,
    /// Inputs in the order in which their runs were proven.
    pub(crate) proven: Mutex<Vec<Bytes>>,
    /// How long a proof is said to take.
    pub(crate) estimate: Mutex<Option<Duration>>,
}

#[async_trait]
impl Judge for MockJudge {
    async fn run(&self, program_id: ProgramId, elf: Bytes, input: JobInput, max_cycles: u64) -> Run {
        pass().await;
        assert_eq!((program_id, &elf[..]), (PROGRAM, ELF));
        match self.truths.lock().get(input.onchain()) {
            Some(Truth::Reveals { cycles, .. }) if *cycles > max_cycles => Run::OverCycles,
            Some(Truth::Reveals { outcome, cycles }) => {
                Run::Reveals { outcome_hash: B256::repeat_byte(*outcome), cycles: *cycles }
            }
            Some(Truth::Traps) => Run::NoOutcome("trap".into()),
            Some(Truth::NeverEnds) => Run::OverCycles,
            None => Run::Cannot("nothing is known of this input".into()),
        }
    }

    async fn prove(
        &self,
        program_id: ProgramId,
        elf: Bytes,
        input: JobInput,
        max_cycles: u64,
        _kind: ProofKind,
        progress: ProgressSink,
    ) -> Result<ProvenRun, String> {
        let run = self.run(program_id, elf, input.clone(), max_cycles).await;
        progress(ProveProgress { percent: 50, time_left: Some(Duration::from_secs(1)) });
        pass().await;
        self.proven.lock().push(input.onchain().clone());
        match run {
            Run::Reveals { outcome_hash, .. } => Ok(ProvenRun {
                outcome_hash,
                proof: [b"proof of ".as_slice(), input.onchain()].concat().into(),
                verifying_program: Bytes::from_static(b"a verifying program"),
            }),
            other => Err(format!("{other:?}")),
        }
    }

    fn prove_estimate(&self, _cycles: u64, _kind: ProofKind) -> Option<Duration> {
        *self.estimate.lock()
    }
}

/// Everything together.
pub(crate) struct World {
    pub(crate) test: TestSettlement,
    pub(crate) execution: Arc<MockExecution>,
    pub(crate) judge: Arc<MockJudge>,
    headers: Mutex<HashMap<B256, Header>>,
    salt: Mutex<u64>,
}

impl World {
    pub(crate) fn new(proposers: &[PrivateKeySigner]) -> Self {
        let test = TestSettlement::new(PARAMETERS, proposers);
        let headers = Mutex::new(HashMap::from([(test.genesis.hash_slow(), test.genesis.clone())]));
        let execution = Arc::new(MockExecution::default());
        execution.put(Bytes::from_static(ELF));
        Self { test, execution, judge: Arc::default(), headers, salt: Mutex::new(0) }
    }

    /// A block on the tip whose claims say something of jobs with these truths; the node has it.
    pub(crate) fn block(&self, claims: &[(Truth, Said)]) -> ReceiptedBlock {
        let logs = claims.iter().map(|(truth, said)| {
            let salt = {
                let mut salt = self.salt.lock();
                *salt += 1;
                *salt
            };
            let input = JobInput::onchain_only(format!("input {salt}").into_bytes()).unwrap();
            self.judge.truths.lock().insert(input.onchain().clone(), *truth);
            if let Truth::Reveals { outcome, .. } = truth {
                self.test.verifier.tell(PROGRAM, input.commitment(), B256::repeat_byte(*outcome));
            }
            let job_id = keccak256(salt.to_be_bytes());
            let info = JobInfo {
                program_id: PROGRAM,
                onchain_input_hash: self.execution.put(input.onchain().clone()),
                offchain_input_hash: keccak256([]),
            };
            self.execution.jobs.lock().insert(job_id, info);
            let claim = ClaimLog {
                job_id,
                program_id: PROGRAM,
                input_commitment: input.commitment(),
                max_cycles: 1_000,
                outcome_hash: B256::repeat_byte(said.outcome),
                cycles: said.cycles,
            };
            vec![claim.log()]
        });
        let logs: Vec<_> = logs.collect();
        let salt = {
            let mut salt = self.salt.lock();
            *salt += 1;
            *salt
        };
        let tip = self.test.settlement.fork_choice_at_head().unwrap().tip();
        let parent = self.headers.lock()[&tip.hash].clone();
        let block = execution_block(&parent, salt, logs);
        self.headers.lock().insert(block.hash(), block.header().clone());
        let proposal = Proposal {
            header: block.header().clone(),
            receipts: Some(block.receipts().to_vec()),
            refusal: None,
        };
        self.execution.proposals.lock().insert(block.hash(), proposal);
        block
    }

    /// Takes note of a block that somebody else made on the tip.
    pub(crate) fn remember(&self, header: &Header) {
        self.headers.lock().insert(header.hash_slow(), header.clone());
    }

    /// Has a proposer propose a block, in a settlement block of its own.
    pub(crate) fn propose(&self, proposer: &PrivateKeySigner, claims: &[(Truth, Said)]) -> ReceiptedBlock {
        let block = self.block(claims);
        self.test.propose(proposer, block.header());
        block
    }

    pub(crate) fn chain(&self) -> Arc<dyn SettlementChain> {
        Arc::new(MockPassingChain(self.test.settlement.clone()))
    }

    pub(crate) async fn start_challenger(&self, key: u8) -> Challenger {
        let config = ChallengerConfig::default();
        let (source, judge) = (self.execution.clone(), self.judge.clone());
        Challenger::start(self.chain(), source, judge, signer(key), config).await.unwrap()
    }

    pub(crate) fn challenger(&self, key: u8) -> Challenger {
        drive(self.start_challenger(key))
    }

    pub(crate) fn prover_with(&self, key: u8, config: ProverConfig) -> Prover {
        let (source, judge) = (self.execution.clone(), self.judge.clone());
        drive(Prover::start(self.chain(), source, judge, signer(key), config)).unwrap()
    }

    pub(crate) fn prover(&self, key: u8) -> Prover {
        self.prover_with(key, ProverConfig::default())
    }

    pub(crate) fn head(&self) -> u64 {
        self.test.settlement.chain().head().block.number()
    }

    pub(crate) fn claim_state(&self, block: &ReceiptedBlock, index: u64) -> ClaimState {
        let id = block.claims(ivm_contracts::JOB_MANAGER_ADDRESS)[index as usize].id();
        ClaimState::from_byte(self.test.read(Settlement::claimInfoCall { claimId: id }).state).unwrap()
    }

    pub(crate) fn block_state(&self, block: &ReceiptedBlock) -> BlockState {
        let info = self.test.read(Settlement::blockInfoCall { blockHash: block.hash() });
        BlockState::from_byte(info.state).unwrap()
    }

    pub(crate) fn proposer_state(&self, key: u8) -> ProposerState {
        let info = self.test.read(Settlement::proposerInfoCall { proposer: signer(key).address() });
        ProposerState::from_byte(info.state).unwrap()
    }

    pub(crate) fn balance(&self, key: u8) -> U256 {
        self.test.read(Settlement::balanceOfCall { account: signer(key).address() })
    }

    pub(crate) fn events(&self) -> Vec<SettlementEvent> {
        let chain: &dyn SettlementChain = &self.test.settlement;
        drive(chain.all_logs(0, self.head())).unwrap().into_iter().map(|log| log.event).collect()
    }

    /// Ends of challenges, in order.
    pub(crate) fn closed(&self) -> Vec<(Address, ChallengeState)> {
        let closed = self.events().into_iter().filter_map(|event| match event {
            SettlementEvent::ChallengeClosed(event) => {
                Some((event.challenger, ChallengeState::from_byte(event.state).unwrap()))
            }
            _ => None,
        });
        closed.collect()
    }

    /// Makes sure that the contract holds what it owes, once all challenges are closed: bonds and balances.
    pub(crate) fn check_funds(&self, accounts: impl IntoIterator<Item = u8>) {
        let state = self.test.settlement.chain().state_at(alloy_eips::BlockId::latest()).unwrap();
        let held = state.balance(ivm_settlement::SETTLEMENT_ADDRESS).unwrap();
        let proposers = self.test.read(Settlement::proposersCall {});
        let bonds = proposers
            .into_iter()
            .map(|proposer| self.test.read(Settlement::proposerInfoCall { proposer }).bondWei);
        let balances = accounts.into_iter().map(|key| self.balance(key));
        let owed: U256 = bonds.chain(balances).fold(U256::ZERO, |sum, part| sum + part);
        assert_eq!(held, owed, "what the contract holds is not what it owes");
        assert_eq!(state.balance(Address::ZERO).unwrap(), self.test.read(Settlement::burnedWeiCall {}));
    }
}

/// One round of a challenger: it looks, works, and acts on what it found.
pub(crate) async fn challenge_round(challenger: &mut Challenger) {
    let _ = challenger.tick().await;
    while challenger.work().await {}
    let _ = challenger.tick().await;
}

/// One round of a prover.
pub(crate) async fn prove_round(prover: &mut Prover) {
    let _ = prover.tick().await;
    while prover.work().await {}
    let _ = prover.tick().await;
}

pub(crate) fn share(bps: u16) -> U256 {
    U256::from(PARAMETERS.proposer_bond_wei) * U256::from(bps) / U256::from(10_000)
}

pub(crate) const TRUE: (Truth, Said) =
    (Truth::Reveals { outcome: 1, cycles: 5 }, Said { outcome: 1, cycles: 5 });
pub(crate) const WRONG: (Truth, Said) =
    (Truth::Reveals { outcome: 1, cycles: 5 }, Said { outcome: 2, cycles: 5 });
pub(crate) const TRAPS: (Truth, Said) = (Truth::Traps, Said { outcome: 2, cycles: 5 });
pub(crate) const NEVER_ENDS: (Truth, Said) = (Truth::NeverEnds, Said { outcome: 2, cycles: 5 });
pub(crate) const OVER_LIMIT: (Truth, Said) =
    (Truth::Reveals { outcome: 1, cycles: 5_000 }, Said { outcome: 1, cycles: 1_000 });
