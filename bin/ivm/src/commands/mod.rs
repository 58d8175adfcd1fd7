//! One module per command.

mod agent;
mod agents;
mod arbitration;
mod bench;
mod build;
mod conformance;
mod da;
mod demo;
mod dev;
mod estimate;
mod export;
mod import;
mod kind;
mod logs;
mod new;
pub(crate) mod program;
mod serve;
mod snapshot;

use std::process::ExitCode;

pub(crate) use arbitration::ArbitrationArgs;
use clap::Subcommand;
use eyre::Result;
pub(crate) use kind::KindArg;
pub(crate) use logs::LogArgs;

/// The command that a node starts its workers with.
pub(crate) const WORKER_COMMAND: &str = "engine-worker";

/// What `ivm` can be told to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a development chain: funded accounts, a block every 200 ms.
    Dev(dev::DevArgs),
    /// See InfinityVM do its job, from request to proof, and what becomes of a lie.
    Demo(demo::DemoCommand),
    /// Sign and propose blocks that a node builds, when their claims are true.
    Proposer(agent::ProposerArgs),
    /// Run the claims of a chain again, and challenge what is wrong.
    Challenger(agent::ChallengerArgs),
    /// Prove outcomes that are disputed.
    Prover(agent::ProverArgs),
    /// See what a job would take: cycles, fee, gas.
    Estimate(estimate::EstimateArgs),
    /// Create a program with its consumer contract and tests.
    New(new::NewArgs),
    /// Measure jobs and proofs on this machine.
    Bench(bench::BenchCommand),
    /// Build programs for the zkVM and lock what they are.
    Build(build::BuildArgs),
    /// Inspect, run, prove and verify a program.
    Program(program::ProgramCommand),
    /// Import blocks of an Ethereum chain from a file.
    Import(import::ImportArgs),
    /// Export blocks of an imported chain to a file.
    Export(export::ExportArgs),
    /// Export and import an imported chain's newest state.
    Snapshot(snapshot::SnapshotCommand),
    /// Serve an imported chain over JSON-RPC, read-only.
    Serve(serve::ServeArgs),
    /// Read, store, compare and restore payloads, here and in object storage.
    Da(da::DaCommand),
    /// Run Ethereum's public test vectors.
    Conformance(conformance::ConformanceArgs),
    /// Run programs for the node that started this process, confined.
    #[cfg(target_os = "linux")]
    #[command(name = WORKER_COMMAND, hide = true)]
    EngineWorker {
        /// The node's process id.
        node_process_id: u32,
    },
}

impl Command {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self {
            Self::Dev(args) => args.run(),
            Self::Bench(command) => command.run(),
            Self::Demo(command) => command.run(),
            Self::Proposer(args) => args.run(),
            Self::Challenger(args) => args.run(),
            Self::Prover(args) => args.run(),
            Self::Estimate(args) => args.run(),
            Self::New(args) => args.run(),
            Self::Build(args) => args.run(),
            Self::Program(command) => command.run(),
            Self::Import(args) => args.run(),
            Self::Export(args) => args.run(),
            Self::Serve(args) => args.run(),
            Self::Snapshot(command) => command.run(),
            Self::Da(command) => command.run(),
            Self::Conformance(args) => return args.run(),
            #[cfg(target_os = "linux")]
            Self::EngineWorker { node_process_id } => return Ok(ivm_sandbox::worker_main(node_process_id)),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// Workers that are this executable.
#[cfg(target_os = "linux")]
fn sandbox_config(workers: usize) -> ivm_sandbox::SandboxConfig {
    ivm_sandbox::SandboxConfig::new(ivm_sandbox::WorkerCommand::this_executable(WORKER_COMMAND), workers)
}

/// The zkVM of a command that runs programs: in a worker process, compiled, where the system lets it.
fn confined_zkvm() -> ivm_zkvm::OpenVm {
    #[cfg(target_os = "linux")]
    {
        // One run is all there will be: checking it by the interpreter is for those who post outcomes.
        let checks = ivm_sandbox::Checks { first_run_max_cycles: 0, one_in: 0 };
        match ivm_sandbox::Sandbox::start(ivm_sandbox::SandboxConfig { checks, ..sandbox_config(1) }) {
            Ok(sandbox) => return ivm_zkvm::OpenVm::new().with_executor(std::sync::Arc::new(sandbox)),
            Err(error) => eprintln!("warning: the program is interpreted in this process: {error}"),
        }
    }
    ivm_zkvm::OpenVm::new()
}
