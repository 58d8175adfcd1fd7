//! Starting and stopping.

use std::{net::SocketAddr, path::Path, sync::Arc};

use alloy_primitives::B256;
use ivm_chain::{Chain, RestoredPool, Storage as ChainStorage};
use ivm_coprocessor::{Coprocessor, Notice, ProgramCache, TaskEnd};
use ivm_da::PayloadStore;
use ivm_rpc::{DevControl, IvmBackend, RpcServer};
use ivm_zkvm::{OpenVm, Zkvm};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    NodeConfig, NodeError, Storage,
    backend::Backend,
    producer::{Command, Producer, Registrations},
    progress::{OpenJobs, Stage},
    prover::{Prover, StopProofs},
};

/// What the parts of a node share.
pub(crate) struct Shared {
    pub(crate) chain: Chain,
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
}

impl Shared {
    /// A record of the node's own table.
    pub(crate) fn record<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, NodeError> {
        let Some(bytes) = self.chain.extra(key)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| NodeError::Damaged {
            key: String::from_utf8_lossy(key).into_owned(),
            reason: error.to_string(),
        })
    }

    /// What workers tell.
    fn notice(&self, notice: Notice) {
        match notice {
            Notice::Started(job_id) => self.open_jobs.lock().set_stage(job_id, Stage::Executing),
            Notice::Ended { job_id, end, run_time } => {
                let stage = ended(job_id, end, run_time);
                self.open_jobs.lock().set_stage(job_id, stage);
                self.wake.notify_one();
            }
        }
    }
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
            Stage::NoOutcome(reason.to_string())
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

/// A running node.
pub struct Node {
    chain: Chain,
    rpc: RpcServer,
    commands: mpsc::Sender<Command>,
    producer: JoinHandle<Result<(), NodeError>>,
    stop_proofs: StopProofs,
}

impl Node {
    /// Opens the data, starts the workers, block production and the JSON-RPC server.
    ///
    /// # Errors
    /// [`NodeError`], which says what cannot be had.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let (chain_storage, payloads) = match &config.storage {
            Storage::Memory => {
                (ChainStorage::Memory, PayloadStore::in_memory(config.max_payload_store_size_bytes))
            }
            Storage::Folder(folder) => (
                ChainStorage::Path(folder.join("chain")),
                PayloadStore::open(&folder.join("payloads"), config.max_payload_store_size_bytes)?,
            ),
        };
        let chain = Chain::open(config.chain, chain_storage)?;
        if let Storage::Folder(folder) = &config.storage {
            restore_pool(&chain, &folder.join("pool.journal"));
        }
        let zkvm = match &config.storage {
            Storage::Memory => OpenVm::new(),
            Storage::Folder(folder) => OpenVm::with_key_cache(folder.join("keys")),
        };
        let zkvm: Arc<dyn Zkvm> = Arc::new(zkvm.with_executor(config.executor));
        let payloads = Arc::new(payloads);
        let programs =
            Arc::new(ProgramCache::new(zkvm.clone(), payloads.clone(), config.max_cached_programs));
        let shared = Arc::new(Shared {
            chain: chain.clone(),
            zkvm: zkvm.clone(),
            payloads: payloads.clone(),
            programs: programs.clone(),
            open_jobs: Mutex::new(OpenJobs::default()),
            registrations: Mutex::default(),
            writes: Arc::default(),
            wake: Notify::new(),
            committed: watch::Sender::new(chain.head().block.number()),
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

        let (commands, receiver) = mpsc::channel(64);
        let producer = Producer::new(shared.clone(), config.proposer, coprocessor)?;
        let producer = tokio::spawn(producer.run(config.block_mode, receiver));
        let backend = Arc::new(Backend::new(shared, prover, commands.clone(), config.max_queued_proofs));
        let ivm: Arc<dyn IvmBackend> = backend.clone();
        let dev: Arc<dyn DevControl> = backend;
        let rpc = ivm_rpc::serve(config.rpc, chain.clone(), Some(ivm), Some(dev)).await?;
        Ok(Self { chain, rpc, commands, producer, stop_proofs })
    }

    /// Where JSON-RPC is served.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc.local_addr()
    }

    /// The chain.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Stops: no more calls, the block under way is finished, the workers end their runs, a proof under way is
    /// cancelled.
    ///
    /// # Errors
    /// What ended block production, when it had ended before.
    pub async fn stop(self) -> Result<(), NodeError> {
        self.stop_proofs.stop();
        self.rpc.stop().await;
        // An error means that production has ended already; why is what joining tells.
        let _ = self.commands.send(Command::Stop).await;
        self.producer.await.map_err(|_| NodeError::Stopped)?
    }
}
