//! Proofs on request: one prover, a bounded queue.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Instant,
};

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY};
use ivm_chain::ExtraWrite;
use ivm_coprocessor::ProgramCache;
use ivm_da::PayloadStore;
use ivm_primitives::{JobInput, ProgramId, input_commitment};
use ivm_zkvm::{ProofKind, ProveEstimate, Zkvm};
use parking_lot::Mutex;

use crate::records::{ProofRecord, json_write, proof_key};

/// Most proofs whose state is remembered; failed and old ones are forgotten first.
const MAX_REMEMBERED: usize = 1024;

/// What to prove.
#[derive(Clone, Debug)]
pub(crate) struct ProofTask {
    /// The job asked about, for those who read logs. What is proven is a function of the rest.
    pub(crate) job_id: B256,
    pub(crate) program_id: ProgramId,
    pub(crate) elf_hash: B256,
    pub(crate) onchain_input_hash: B256,
    pub(crate) offchain_input_hash: B256,
    pub(crate) max_cycles: u64,
}

/// What a proof is about.
pub(crate) type Proven = (ProgramId, B256);

impl ProofTask {
    /// The program and the commitment to its input.
    pub(crate) fn proven(&self) -> Proven {
        (self.program_id, input_commitment(self.onchain_input_hash, self.offchain_input_hash))
    }
}

/// How far a proof has come in this process.
#[derive(Clone, Debug)]
pub(crate) enum ProofStatus {
    Queued,
    Proving,
    Ready(ProofRecord),
    Failed(String),
}

/// Stops the prover: the proof under way is cancelled where its next step would begin, and no other is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopProofs(Arc<AtomicBool>);

impl StopProofs {
    pub(crate) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn before_next_step(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// The prover's face.
pub(crate) struct Prover {
    tasks: SyncSender<ProofTask>,
    states: Arc<Mutex<HashMap<Proven, ProofStatus>>>,
    stop: StopProofs,
}

impl Drop for Prover {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// The prover's queue is full.
pub(crate) struct ProverBusy;

impl Prover {
    /// Starts the prover's thread; records of finished proofs are pushed to `writes`.
    pub(crate) fn start(
        queue_limit: usize,
        zkvm: Arc<dyn Zkvm>,
        programs: Arc<ProgramCache>,
        payloads: Arc<PayloadStore>,
        writes: Arc<Mutex<Vec<ExtraWrite>>>,
    ) -> std::io::Result<Self> {
        let (tasks, receiver) = sync_channel(queue_limit);
        let states = Arc::new(Mutex::new(HashMap::new()));
        let stop = StopProofs::default();
        let worker =
            ProofWorker { zkvm, programs, payloads, writes, states: states.clone(), stop: stop.clone() };
        // The thread ends when the sender is dropped or it is told to stop: at the latest, a segment later.
        std::thread::Builder::new().name("ivm-prover".into()).spawn(move || worker.work(&receiver))?;
        Ok(Self { tasks, states, stop })
    }

    pub(crate) fn stopper(&self) -> StopProofs {
        self.stop.clone()
    }

    pub(crate) fn status(&self, proven: &Proven) -> Option<ProofStatus> {
        self.states.lock().get(proven).cloned()
    }

    pub(crate) fn submit(&self, task: ProofTask) -> Result<(), ProverBusy> {
        let proven = task.proven();
        let mut states = self.states.lock();
        if matches!(states.get(&proven), Some(ProofStatus::Queued | ProofStatus::Proving)) {
            return Ok(());
        }
        if states.len() >= MAX_REMEMBERED {
            states.retain(|_, status| matches!(status, ProofStatus::Queued | ProofStatus::Proving));
        }
        match self.tasks.try_send(task) {
            Ok(()) => {
                states.insert(proven, ProofStatus::Queued);
                Ok(())
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(ProverBusy),
        }
    }
}

struct ProofWorker {
    zkvm: Arc<dyn Zkvm>,
    programs: Arc<ProgramCache>,
    payloads: Arc<PayloadStore>,
    writes: Arc<Mutex<Vec<ExtraWrite>>>,
    states: Arc<Mutex<HashMap<Proven, ProofStatus>>>,
    stop: StopProofs,
}

impl ProofWorker {
    fn work(&self, tasks: &Receiver<ProofTask>) {
        while let Ok(task) = tasks.recv() {
            if self.stop.before_next_step().is_break() {
                return;
            }
            let proven = task.proven();
            self.states.lock().insert(proven, ProofStatus::Proving);
            tracing::info!(target: "job", "job {} proving its outcome", task.job_id);
            let status = match self.prove(&task) {
                Ok(record) => {
                    tracing::info!(target: "job", "job {} proven in {} ms", task.job_id, record.prove_ms);
                    self.writes.lock().push(json_write(proof_key(proven.0, proven.1), &record));
                    ProofStatus::Ready(record)
                }
                Err(reason) => {
                    tracing::error!(target: "job", "job {} could not be proven: {reason}", task.job_id);
                    ProofStatus::Failed(reason)
                }
            };
            self.states.lock().insert(proven, status);
        }
    }

    fn prove(&self, task: &ProofTask) -> Result<ProofRecord, String> {
        let started = Instant::now();
        let input =
            JobInput::new(self.payload(task.onchain_input_hash)?, self.payload(task.offchain_input_hash)?)
                .map_err(|error| error.to_string())?;
        let program = self.programs.get(task.program_id, task.elf_hash).map_err(|error| error.to_string())?;
        let mut estimate = ProveEstimate::default();
        let mut before_step = |step| {
            estimate.update(step, started.elapsed());
            tracing::info!(target: "job", "job {} proving: {}", task.job_id, estimate.message(started.elapsed()));
            self.stop.before_next_step()
        };
        let proof = self
            .zkvm
            .prove(&program, &input, task.max_cycles, ProofKind::Segments, &mut before_step)
            .map_err(|error| error.to_string())?;
        let proof_hash = self.payloads.put(proof.bytes()).map_err(|error| error.to_string())?;
        let prove_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(ProofRecord { proof_hash, prove_ms })
    }

    fn payload(&self, hash: B256) -> Result<Bytes, String> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        let payload = self.payloads.get(hash).map_err(|error| error.to_string())?;
        payload.ok_or_else(|| format!("payload {hash} is not held"))
    }
}
