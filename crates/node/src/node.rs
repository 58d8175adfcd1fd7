//! Starting and stopping.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use alloy_signer_local::PrivateKeySigner;
use ivm_chain::{Chain, ChainConfig, Reorg, RestoredPool, Rules, Storage as ChainStorage};
use ivm_contracts::JOB_MANAGER_ADDRESS;
use ivm_coprocessor::{Coprocessor, Executor, Notice, ProgramCache, ProgramRunner, Task, TaskEnd};
use ivm_da::{
    PayloadStore,
    replica::{Remote, ReplicaConfig, ReplicationStatus, Replicator},
};
use ivm_primitives::ProgramId;
use ivm_rpc::{DevControl, IvmBackend, RpcServer};
use ivm_settlement::{FollowMode, ProofVerifier, SETTLEMENT_ADDRESS};
use ivm_zkvm::{OpenVm, Zkvm};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, broadcast, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    NodeConfig, NodeError, SettlementConfig, Storage,
    backend::{Backend, SettlementControl},
    byzantine::Liar,
    claims::{ClaimChecker, MAX_CLAIM_RECEIPT_SIZE_BYTES},
    judge::ZkvmJudge,
    producer::{Command, Producer},
    progress::{OpenJobs, Stage},
    prover::{Prover, StopProofs},
    records::{self, JobRecord},
    refusals::Refusals,
    settlement::Settlement,
    signed_headers::SignedHeaders,
    timings::{Timings, TurnTimings},
};

/// Changes of jobs that a listener may be behind before it misses some.
const MAX_TOLD_JOB_CHANGES: usize = 4096;

/// Programs admitted that no block registers yet.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    pub(crate) programs: BTreeMap<ProgramId, (B256, u64)>,
}

/// What the parts of a node share.
pub(crate) struct Shared {
    pub(crate) chain: Chain,
    pub(crate) settlement: Settlement,
    pub(crate) follow_mode: FollowMode,
    pub(crate) checker: ClaimChecker,
    pub(crate) executor: Arc<Executor<ProgramRunner>>,
    pub(crate) refusals: Mutex<Refusals>,
    pub(crate) timings: Timings,
    pub(crate) signed_headers: Mutex<SignedHeaders>,
    pub(crate) zkvm: Arc<dyn Zkvm>,
    pub(crate) payloads: Arc<PayloadStore>,
    pub(crate) programs: Arc<ProgramCache>,
    pub(crate) open_jobs: Mutex<OpenJobs>,
    pub(crate) registrations: Mutex<Registrations>,
    /// Records that go into the next block's commit beside the block's own.
    pub(crate) writes: Arc<Mutex<Vec<ivm_chain::ExtraWrite>>>,
    /// There may be something to put in a block.
    pub(crate) wake: Notify,
    /// Number of the newest block.
    pub(crate) committed: watch::Sender<u64>,
    /// Jobs that changed.
    pub(crate) job_changes: broadcast::Sender<B256>,
}

impl Shared {
    /// A record of the node's own table.
    pub(crate) fn record<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, NodeError> {
        self.chain.extra(key)?.map(|bytes| records::decode(key, &bytes)).transpose()
    }

    /// Tells that a job has changed.
    pub(crate) fn tell(&self, job_id: B256) {
        // An error means that nobody listens.
        let _ = self.job_changes.send(job_id);
    }

    /// Tells of every job in the blocks that a reorg removed or added.
    pub(crate) fn tell_reorg(&self, reorg: &Reorg) {
        let blocks = reorg.removed.iter().chain(&reorg.added);
        let receipts = blocks.flat_map(|block| block.receipts.iter());
        let logs = receipts.flat_map(|receipt| receipt.logs());
        // What the job manager logs of a job begins with the job.
        let jobs: BTreeSet<B256> = logs
            .filter(|log| log.address == JOB_MANAGER_ADDRESS)
            .filter_map(|log| log.topics().get(1).copied())
            .collect();
        jobs.into_iter().for_each(|job_id| self.tell(job_id));
    }

    /// What workers tell.
    fn notice(&self, notice: Notice) {
        match notice {
            Notice::Started(job_id) => {
                self.open_jobs.lock().set_stage(job_id, Stage::Executing);
                self.tell(job_id);
            }
            Notice::Ended { task, end, run_time } => {
                let job_id = task.job_id;
                let mut open_jobs = self.open_jobs.lock();
                // After a reorg the job may be another.
                let is_same = open_jobs.get(job_id).is_some_and(|job| is_task_of(&task, &job.record));
                let stage = if is_same { ended(job_id, end, run_time) } else { Stage::Waiting };
                open_jobs.set_stage(job_id, stage);
                drop(open_jobs);
                self.tell(job_id);
                self.wake.notify_one();
            }
        }
    }
}

fn is_task_of(task: &Task, job: &JobRecord) -> bool {
    task.program_id == job.program_id
        && task.onchain_input_hash == job.onchain_input_hash
        && task.offchain_input_hash == job.offchain_input_hash
        && task.max_cycles == job.max_cycles
}

fn ended(job_id: B256, end: TaskEnd, run_time: std::time::Duration) -> Stage {
    match end {
        TaskEnd::Outcome(execution) => {
            let outcome = &execution.outcome;
            tracing::info!(
                target: "job",
                "job {job_id} executed: {:?}, {} bytes, {} cycles in {:.1} ms",
                outcome.status(),
                outcome.bytes().len(),
                execution.cycles,
                run_time.as_secs_f64() * 1e3
            );
            Stage::Executed { execution, failed_posts: 0 }
        }
        TaskEnd::NoOutcome(reason) => {
            tracing::warn!(target: "job", "job {job_id} has no outcome and will expire: {reason}");
            Stage::NoOutcome(reason)
        }
        TaskEnd::MissingPayload(hash) => {
            tracing::info!(target: "job", "job {job_id} waits for payload {hash} (ivm_submitPayload)");
            Stage::MissingPayload(hash)
        }
        end @ (TaskEnd::Program(_) | TaskEnd::Store(_) | TaskEnd::Broken(_)) => {
            tracing::error!(target: "job", "job {job_id} cannot be run by this node: {end}");
            Stage::CannotRun(end.to_string())
        }
    }
}

/// Takes the pool's transactions back. A node without them, or without a journal, is a node all the same.
fn restore_pool(chain: &Chain, journal: &Path) {
    match chain.keep_pool_journal(journal) {
        Ok(RestoredPool { restored: 0, refused: 0 }) => {}
        Ok(RestoredPool { restored, refused }) => {
            tracing::info!(target: "chain", "pool: {restored} transactions are back, {refused} are refused now");
        }
        Err(error) => {
            tracing::error!(target: "chain", "the pool's journal {} cannot be kept: {error}", journal.display());
        }
    }
}

/// Starts copying payloads to object storage, beside the node.
fn start_replicator(config: ReplicaConfig, payloads: Arc<PayloadStore>) -> Result<Replicator, NodeError> {
    let remote = Arc::new(Remote::new(config)?);
    tracing::info!(target: "da", "payloads that blocks need are copied to {}", remote.destination());
    Ok(Replicator::start(&tokio::runtime::Handle::current(), payloads, remote))
}

/// A running node.
pub struct Node {
    chain: Chain,
    settlement: Chain,
    rpc: RpcServer,
    settlement_rpc: RpcServer,
    commands: mpsc::Sender<Command>,
    producer: JoinHandle<Result<(), NodeError>>,
    stop_proofs: StopProofs,
    judge: ZkvmJudge,
    replicator: Option<Replicator>,
    shared: Arc<Shared>,
}

impl Node {
    /// Opens the data, starts the workers, block production and the JSON-RPC server.
    ///
    /// # Errors
    /// [`NodeError`], which says what cannot be had.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        if config.proposers.is_empty() && config.settlement.external_proposers.is_empty() {
            return Err(NodeError::NoProposer);
        }
        let storage = |name: &str| match &config.storage {
            Storage::Memory => ChainStorage::Memory,
            Storage::Folder(folder) => ChainStorage::Path(folder.join(name)),
        };
        let payloads = match &config.storage {
            Storage::Memory => PayloadStore::in_memory(config.max_payload_store_size_bytes),
            Storage::Folder(folder) => {
                PayloadStore::open(&folder.join("payloads"), config.max_payload_store_size_bytes)?
            }
        };
        let payloads = Arc::new(payloads);
        let zkvm = match &config.storage {
            Storage::Memory => OpenVm::new(),
            Storage::Folder(folder) => OpenVm::with_key_cache(folder.join("keys")),
        };
        let zkvm: Arc<dyn Zkvm> = Arc::new(zkvm.with_executor(config.executor));
        let programs =
            Arc::new(ProgramCache::new(zkvm.clone(), payloads.clone(), config.max_cached_programs));
        let runner = ProgramRunner::new(zkvm.clone(), programs.clone());
        let executor = Arc::new(Executor::new(JOB_MANAGER_ADDRESS, runner));
        let rules = Rules::InfinityVmWith(executor.clone());
        let replicator = match config.replica {
            Some(replica) => Some(start_replicator(replica, payloads.clone())?),
            None => None,
        };
        let chain = Chain::open(ChainConfig { rules, ..config.chain }, storage("chain"))?;
        let bonded = config.proposers.iter().map(PrivateKeySigner::address).collect();
        let genesis = config.settlement.genesis(&chain, bonded);
        let beneficiary = config.proposers.first().map_or(config.settlement.owner, PrivateKeySigner::address);
        let SettlementConfig { diligence, follow_mode, byzantine, rpc, .. } = config.settlement;
        let verifier = Arc::new(ProofVerifier::new(payloads.clone()));
        let mut settlement = genesis.chain_config(verifier)?;
        // A challenge shows a receipt.
        settlement.pool.max_transaction_size_bytes = 2 * MAX_CLAIM_RECEIPT_SIZE_BYTES;
        let settlement = Chain::open(settlement, storage("settlement"))?;
        if settlement.head().block.number() == 0 && chain.head().block.number() > 0 {
            return Err(NodeError::Unsettled { blocks: chain.head().block.number() });
        }
        if let Storage::Folder(folder) = &config.storage {
            restore_pool(&chain, &folder.join("pool.journal"));
        }
        let checker = ClaimChecker {
            zkvm: zkvm.clone(),
            programs: programs.clone(),
            payloads: payloads.clone(),
            executor: executor.clone(),
        };
        let shared = Arc::new(Shared {
            chain: chain.clone(),
            settlement: Settlement::new(settlement.clone()),
            follow_mode,
            checker,
            executor,
            refusals: Mutex::default(),
            timings: Timings::default(),
            signed_headers: Mutex::default(),
            zkvm: zkvm.clone(),
            payloads: payloads.clone(),
            programs: programs.clone(),
            open_jobs: Mutex::new(OpenJobs::default()),
            registrations: Mutex::default(),
            writes: Arc::default(),
            wake: Notify::new(),
            committed: watch::Sender::new(chain.head().block.number()),
            job_changes: broadcast::Sender::new(MAX_TOLD_JOB_CHANGES),
        });
        let listener = Arc::downgrade(&shared);
        let coprocessor = Coprocessor::start(
            config.coprocessor,
            zkvm.clone(),
            programs.clone(),
            payloads.clone(),
            Arc::new(move |notice| {
                if let Some(shared) = listener.upgrade() {
                    shared.notice(notice);
                }
            }),
        )?;
        let prover =
            Prover::start(config.max_queued_proofs, zkvm, programs, payloads, shared.writes.clone())?;

        let stop_proofs = prover.stopper();
        let judge = ZkvmJudge::new(shared.zkvm.clone());
        let kept = shared.clone();

        let (commands, receiver) = mpsc::channel(64);
        let liar = byzantine.map(Liar::new);
        let producer =
            Producer::new(shared.clone(), config.proposers, beneficiary, coprocessor, diligence, liar)?;
        let settlement_dev: Arc<dyn DevControl> = Arc::new(SettlementControl::new(commands.clone()));
        let settlement_rpc = ivm_rpc::serve(rpc, settlement.clone(), None, Some(settlement_dev)).await?;
        let producer = tokio::spawn(producer.run(config.block_mode, receiver));
        let settlement_port = settlement_rpc.local_addr().port();
        let backend = Arc::new(Backend::new(
            shared,
            prover,
            commands.clone(),
            config.max_queued_proofs,
            settlement_port,
        ));
        let ivm: Arc<dyn IvmBackend> = backend.clone();
        let dev: Arc<dyn DevControl> = backend;
        let rpc = ivm_rpc::serve(config.rpc, chain.clone(), Some(ivm), Some(dev)).await?;
        Ok(Self {
            chain,
            settlement,
            rpc,
            settlement_rpc,
            commands,
            producer,
            stop_proofs,
            judge,
            replicator,
            shared: kept,
        })
    }

    /// Where JSON-RPC is served.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc.local_addr()
    }

    /// The chain.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Where the settlement chain's JSON-RPC is served.
    pub const fn settlement_rpc_address(&self) -> SocketAddr {
        self.settlement_rpc.local_addr()
    }

    /// Where the time of making blocks went so far.
    pub fn timings(&self) -> TurnTimings {
        self.shared.timings.read()
    }

    /// The node's zkVM, for agents in its process.
    pub fn judge(&self) -> ZkvmJudge {
        self.judge.clone()
    }

    /// The settlement chain.
    pub const fn settlement(&self) -> &Chain {
        &self.settlement
    }

    /// How copying payloads to object storage stands, where it is set up.
    pub fn replication(&self) -> Option<ReplicationStatus> {
        self.replicator.as_ref().map(Replicator::status)
    }

    /// The settlement contract.
    pub const fn settlement_contract(&self) -> Address {
        SETTLEMENT_ADDRESS
    }

    /// Waits until no more blocks are made: the node's data takes no more writes. [`Node::stop`] tells why.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Stops: no more calls, the block under way is finished, the workers end their runs, a proof under way is
    /// cancelled.
    ///
    /// # Errors
    /// What ended block production, when it had ended before.
    pub async fn stop(self) -> Result<(), NodeError> {
        self.stop_proofs.stop();
        self.rpc.stop().await;
        self.settlement_rpc.stop().await;
        if let Some(replicator) = self.replicator {
            replicator.stop().await;
        }
        // An error means that production has ended already; why is what joining tells.
        let _ = self.commands.send(Command::Stop).await;
        self.producer.await.map_err(|_| NodeError::Stopped)?
    }
}
