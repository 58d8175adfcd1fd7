//! The agents' workbench: gathering what a claim's run takes, running it, proving it.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, keccak256};
use ivm_primitives::limits::MAX_CYCLES_PER_JOB;
use ivm_primitives::{JobInput, input_commitment};
use ivm_settlement::{Claim, ProofLocator};
use ivm_verifier::ProofKind;
use lru::LruCache;
use parking_lot::Mutex;

use crate::error::SourceError;
use crate::judge::{Judge, ProgressSink, Run};
use crate::source::{ExecutionSource, JobInfo};

/// Up to so many cycles a proof of the run's segments is small enough to travel; a longer run's is aggregated.
const MAX_SEGMENTS_PROOF_CYCLES: u64 = 5_000_000;

/// ELFs kept at hand.
const MAX_KEPT_ELFS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// Why a claim could not be worked on. It may be possible later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BenchError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{what} {hash} is not held by the execution node")]
    Missing { what: &'static str, hash: B256 },
    #[error("the prover failed: {0}")]
    Prover(String),
    #[error("the prover proved outcome {got}, the run gave {expected}: one of them is broken")]
    OtherOutcome { got: B256, expected: B256 },
}

/// What a run takes.
struct Gathered {
    elf: Bytes,
    input: JobInput,
    onchain_input_hash: B256,
    offchain_input_hash: B256,
}

/// Whether what a claim's run takes is there.
enum Gathering {
    Done(Gathered),
    /// The claim is not about its job, for this reason.
    NotTheJobs(String),
}

/// Runs and proves claims.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) source: Arc<dyn ExecutionSource>,
    pub(crate) judge: Arc<dyn Judge>,
    elfs: Arc<Mutex<LruCache<B256, Bytes>>>,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl Bench {
    pub(crate) fn new(source: Arc<dyn ExecutionSource>, judge: Arc<dyn Judge>) -> Self {
        Self { source, judge, elfs: Arc::new(Mutex::new(LruCache::new(MAX_KEPT_ELFS))) }
    }

    /// Runs a claim's job. A run over the claim's cycles is run again with the protocol's limit, to tell one that is over
    /// from one that does not end.
    pub(crate) async fn run(&self, claim: Claim) -> Result<Run, BenchError> {
        let gathering = self.gather(&claim).await?;
        self.run_gathered(claim, gathering).await
    }

    /// As [`Bench::run`], for a claim of a block that is not ordered yet: the job is what its maker says, and so is the ELF of
    /// a program that the block itself registers.
    pub(crate) async fn run_unordered(
        &self,
        claim: Claim,
        job: JobInfo,
        elf_hash: Option<B256>,
    ) -> Result<Run, BenchError> {
        let gathering = self.gather_job(&claim, job, elf_hash).await?;
        self.run_gathered(claim, gathering).await
    }

    async fn run_gathered(&self, claim: Claim, gathering: Gathering) -> Result<Run, BenchError> {
        let gathered = match gathering {
            Gathering::Done(gathered) => gathered,
            Gathering::NotTheJobs(reason) => return Ok(Run::Cannot(reason)),
        };
        let Gathered { elf, input, .. } = gathered;
        let max_cycles = claim.max_cycles.min(MAX_CYCLES_PER_JOB);
        let run = self.judge.run(claim.program_id, elf.clone(), input.clone(), max_cycles).await;
        if run != Run::OverCycles || max_cycles == MAX_CYCLES_PER_JOB {
            return Ok(run);
        }
        Ok(self.judge.run(claim.program_id, elf, input, MAX_CYCLES_PER_JOB).await)
    }

    /// Proves the outcome that a claim's run has, and has the node hold what verifying it takes.
    pub(crate) async fn prove(
        &self,
        claim: Claim,
        truth: B256,
        cycles: u64,
        progress: ProgressSink,
    ) -> Result<Bytes, BenchError> {
        let gathered = match self.gather(&claim).await? {
            Gathering::Done(gathered) => gathered,
            Gathering::NotTheJobs(reason) => return Err(BenchError::Prover(reason)),
        };
        let (kind, max_cycles) =
            (Self::proof_kind(cycles), cycles.max(claim.max_cycles).min(MAX_CYCLES_PER_JOB));
        let (elf, input) = (gathered.elf, gathered.input.clone());
        let proven = self.judge.prove(claim.program_id, elf, input, max_cycles, kind, progress).await;
        let proven = proven.map_err(BenchError::Prover)?;
        if proven.outcome_hash != truth {
            return Err(BenchError::OtherOutcome { got: proven.outcome_hash, expected: truth });
        }
        for input in [gathered.input.onchain(), gathered.input.offchain()] {
            if !input.is_empty() {
                self.source.submit_payload(input.clone()).await?;
            }
        }
        let locator = ProofLocator {
            onchain_input_hash: gathered.onchain_input_hash,
            offchain_input_hash: gathered.offchain_input_hash,
            verifying_program_hash: self.source.submit_payload(proven.verifying_program).await?,
            proof_hash: self.source.submit_payload(proven.proof).await?,
        };
        Ok(locator.to_bytes())
    }

    /// Which proof of a run of so many cycles to make.
    pub(crate) const fn proof_kind(cycles: u64) -> ProofKind {
        if cycles <= MAX_SEGMENTS_PROOF_CYCLES { ProofKind::Segments } else { ProofKind::Aggregated }
    }

    async fn gather(&self, claim: &Claim) -> Result<Gathering, BenchError> {
        let Some(job) = self.source.job(claim.job_id).await? else {
            return Ok(Gathering::NotTheJobs(format!("job {} is not known", claim.job_id)));
        };
        self.gather_job(claim, job, None).await
    }

    async fn gather_job(
        &self,
        claim: &Claim,
        job: JobInfo,
        elf_hash: Option<B256>,
    ) -> Result<Gathering, BenchError> {
        let (onchain_input_hash, offchain_input_hash) = (job.onchain_input_hash, job.offchain_input_hash);
        let inputs = input_commitment(onchain_input_hash, offchain_input_hash);
        if inputs != claim.input_commitment {
            let reason =
                format!("the claim is about inputs {}, the job has {inputs}", claim.input_commitment);
            return Ok(Gathering::NotTheJobs(reason));
        }
        if job.program_id != claim.program_id {
            let reason =
                format!("the claim is about program {}, the job has {}", claim.program_id, job.program_id);
            return Ok(Gathering::NotTheJobs(reason));
        }
        let elf = self.elf(claim.program_id, elf_hash).await?;
        let onchain = self.payload("onchain input", onchain_input_hash).await?;
        let offchain = self.payload("offchain input", offchain_input_hash).await?;
        match JobInput::new(onchain, offchain) {
            Ok(input) => {
                Ok(Gathering::Done(Gathered { elf, input, onchain_input_hash, offchain_input_hash }))
            }
            Err(error) => Ok(Gathering::NotTheJobs(error.to_string())),
        }
    }

    /// A program's ELF. Those met last are kept: a claim is often about the same program as the one before. They are kept by
    /// their own hashes, so that a node that named a wrong one is believed when it names the right one.
    async fn elf(&self, program_id: B256, elf_hash: Option<B256>) -> Result<Bytes, BenchError> {
        let elf_hash = match elf_hash {
            Some(elf_hash) => elf_hash,
            None => {
                let missing = BenchError::Missing { what: "program", hash: program_id };
                self.source.program(program_id).await?.ok_or(missing)?.elf_hash
            }
        };
        if let Some(elf) = self.elfs.lock().get(&elf_hash) {
            return Ok(elf.clone());
        }
        let elf = self.payload("ELF", elf_hash).await?;
        self.elfs.lock().put(elf_hash, elf.clone());
        Ok(elf)
    }

    async fn payload(&self, what: &'static str, hash: B256) -> Result<Bytes, BenchError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        let payload = self.source.payload(hash).await?.ok_or(BenchError::Missing { what, hash })?;
        let got = keccak256(&payload);
        if got != hash {
            let reason = format!("{what} hashes to {got}, expected {hash}");
            return Err(SourceError::nonsense("payload", reason).into());
        }
        Ok(payload)
    }
}
