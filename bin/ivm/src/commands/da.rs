//! `ivm da`: payloads, in a node's folder and in object storage.

use std::{
    io::{IsTerminal, Write, stderr},
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{B256, Bytes};
use clap::{Args, Subcommand};
use eyre::{Result, WrapErr, bail, eyre};
use indicatif::{ProgressBar, ProgressStyle};
use ivm_da::{
    DEFAULT_STORE_SIZE_BYTES, MAX_PAYLOAD_SIZE_BYTES, PayloadStore,
    replica::{
        Finding, OnFault, Remote, ReplicaConfig, RestoreOptions, RestoreProgress, Secret, Transport, Trust,
        VerifyDepth, restore, verify,
    },
};
use serde_json::json;

/// Where the credentials are read from: a secret on the command line would be in everybody's process list.
const ACCESS_KEY_VARIABLE: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY_VARIABLE: &str = "AWS_SECRET_ACCESS_KEY";

/// Where payloads are replicated to. Credentials are in the environment: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReplicaArgs {
    /// Root of an S3 service, as `https://s3.eu-central-1.amazonaws.com`.
    #[arg(long, value_name = "URL", env = "IVM_S3_ENDPOINT")]
    s3_endpoint: Option<String>,
    /// The bucket there.
    #[arg(long, value_name = "NAME", env = "IVM_S3_BUCKET")]
    s3_bucket: Option<String>,
    /// What keys begin with.
    #[arg(long, value_name = "PREFIX", env = "IVM_S3_PREFIX", default_value = "")]
    s3_prefix: String,
    /// The service's region.
    #[arg(long, value_name = "REGION", env = "IVM_S3_REGION", default_value = "us-east-1")]
    s3_region: String,
    /// Let the service be reached over plain HTTP.
    #[arg(long)]
    s3_allow_http: bool,
    /// File of PEM certificates of the authorities that may vouch for the service, and of no others [default: the
    /// system's].
    #[arg(long, value_name = "FILE", env = "IVM_S3_CA_FILE")]
    s3_ca_file: Option<PathBuf>,
}

impl ReplicaArgs {
    /// The replica, when one is named.
    pub(crate) fn config(&self) -> Result<Option<ReplicaConfig>> {
        let (endpoint, bucket) = match (&self.s3_endpoint, &self.s3_bucket) {
            (None, None) => return Ok(None),
            (Some(endpoint), Some(bucket)) => (endpoint, bucket),
            _ => bail!("a replica needs both --s3-endpoint and --s3-bucket"),
        };
        let variable = |name: &str| {
            std::env::var(name).wrap_err_with(|| format!("a replica needs credentials: set {name}"))
        };
        let secret_key = Secret::new(variable(SECRET_KEY_VARIABLE)?);
        let transport = if self.s3_allow_http { Transport::Any } else { Transport::Encrypted };
        let config = ReplicaConfig {
            prefix: self.s3_prefix.clone(),
            region: self.s3_region.clone(),
            transport,
            trust: self.s3_ca_file.clone().map_or(Trust::System, Trust::File),
            ..ReplicaConfig::new(endpoint, bucket, variable(ACCESS_KEY_VARIABLE)?, secret_key)
        };
        Ok(Some(config))
    }

    fn remote(&self) -> Result<Option<Arc<Remote>>> {
        let remote = self.config()?.map(Remote::new).transpose()?;
        Ok(remote.map(Arc::new))
    }

    fn needed(&self) -> Result<Arc<Remote>> {
        let remote = self.remote()?;
        remote.ok_or_else(|| eyre!("name the replica: --s3-endpoint and --s3-bucket"))
    }
}

/// Arguments of `ivm da`.
#[derive(Debug, Args)]
pub(crate) struct DaCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read a payload, from a node's folder or else from the replica.
    Get {
        /// Its keccak256.
        hash: B256,
        /// File to write it to [default: standard output].
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The folder of a node, which is stopped.
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        #[command(flatten)]
        replica: ReplicaArgs,
    },
    /// Store a payload, in a node's folder, in the replica, or in both.
    Put {
        /// The file.
        file: PathBuf,
        /// The folder of a node, which is stopped.
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        #[command(flatten)]
        replica: ReplicaArgs,
    },
    /// Compare a node's folder with the replica.
    Verify {
        /// The folder of a node, which is stopped.
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// Read and hash every payload on both sides, and not only compare sizes.
        #[arg(long)]
        contents: bool,
        /// Have the node replicate again what is wrong in the replica.
        #[arg(long)]
        replicate_again: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        replica: ReplicaArgs,
    },
    /// Bring payloads back from the replica: all that a node's folder lacks or has damaged.
    Restore {
        /// These alone.
        #[arg(value_name = "HASH")]
        hashes: Vec<B256>,
        /// The folder of a node, which is stopped. It is made when it is not there.
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// Keep them to the end of this settlement block, instead of until the node says that it needs them.
        #[arg(long, value_name = "N")]
        keep_until_block: Option<u64>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        replica: ReplicaArgs,
    },
    /// Say how much a node's folder holds, and how much of it is replicated.
    Status {
        /// The folder of a node, which is stopped.
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

impl DaCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match self.action {
                Action::Get { hash, out, data_dir, replica } => get(hash, out, data_dir, &replica).await,
                Action::Put { file, data_dir, replica } => put(&file, data_dir, &replica).await,
                Action::Verify { data_dir, contents, replicate_again, json, replica } => {
                    let depth = if contents { VerifyDepth::Contents } else { VerifyDepth::Listing };
                    let on_fault = if replicate_again { OnFault::ReplicateAgain } else { OnFault::Report };
                    compare(&data_dir, depth, on_fault, json, &replica).await
                }
                Action::Restore { hashes, data_dir, keep_until_block, json, replica } => {
                    let hashes = (!hashes.is_empty()).then_some(hashes);
                    bring_back(&data_dir, RestoreOptions { hashes, keep_until_block }, json, &replica).await
                }
                Action::Status { data_dir, json } => status(&data_dir, json),
            }
        })
    }
}

/// The store of a node's folder, which is there.
fn store_of(data_dir: &Path) -> Result<Arc<PayloadStore>> {
    let folder = data_dir.join("payloads");
    if !folder.is_dir() {
        bail!("{} is no node's folder: it has no payloads/", data_dir.display());
    }
    open(&folder)
}

fn open(folder: &Path) -> Result<Arc<PayloadStore>> {
    let store = PayloadStore::open(folder, DEFAULT_STORE_SIZE_BYTES);
    Ok(Arc::new(store.wrap_err("cannot open the payloads: is the node stopped?")?))
}

async fn get(
    hash: B256,
    out: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    replica: &ReplicaArgs,
) -> Result<()> {
    let remote = replica.remote()?;
    if data_dir.is_none() && remote.is_none() {
        bail!("say where it is: --data-dir, or --s3-endpoint and --s3-bucket");
    }
    let held = match &data_dir {
        Some(data_dir) => store_of(data_dir)?.get(hash)?,
        None => None,
    };
    let payload = match (held, remote) {
        (Some(payload), _) => payload,
        (None, Some(remote)) => remote.get(hash).await?,
        (None, None) => bail!("payload {hash} is not held"),
    };
    match out {
        Some(file) => {
            std::fs::write(&file, &payload).wrap_err_with(|| format!("cannot write {}", file.display()))?;
            eprintln!("{} bytes", payload.len());
        }
        None => std::io::stdout().write_all(&payload)?,
    }
    Ok(())
}

async fn put(file: &Path, data_dir: Option<PathBuf>, replica: &ReplicaArgs) -> Result<()> {
    let remote = replica.remote()?;
    if data_dir.is_none() && remote.is_none() {
        bail!("say where to put it: --data-dir, or --s3-endpoint and --s3-bucket");
    }
    let size_bytes =
        std::fs::metadata(file).wrap_err_with(|| format!("cannot read {}", file.display()))?.len();
    if size_bytes > MAX_PAYLOAD_SIZE_BYTES as u64 {
        bail!("{} is {size_bytes} bytes, the limit is {MAX_PAYLOAD_SIZE_BYTES}", file.display());
    }
    let payload = Bytes::from(std::fs::read(file)?);
    println!("hash          {}", alloy_primitives::keccak256(&payload));
    if let Some(data_dir) = &data_dir {
        store_of(data_dir)?.put(&payload)?;
        println!("stored        in {}", data_dir.display());
    }
    if let Some(remote) = remote {
        println!("stored        as {}", remote.put(&payload).await?);
    }
    Ok(())
}

async fn compare(
    data_dir: &Path,
    depth: VerifyDepth,
    on_fault: OnFault,
    json: bool,
    replica: &ReplicaArgs,
) -> Result<()> {
    let (remote, store) = (replica.needed()?, store_of(data_dir)?);
    let tell = |finding: &Finding| eprintln!("fault         {}", describe(finding));
    let report = verify(&store, &remote, depth, on_fault, tell).await?;
    if json {
        let object = json!({
            "destination": remote.destination(), "matching": report.matching, "only_remote": report.only_remote,
            "queued": report.queued, "unwanted": report.unwanted, "faults": report.faults, "foreign": report.foreign,
        });
        println!("{object}");
    } else {
        println!("replica       {}", remote.destination());
        println!("matching      {}", report.matching);
        println!("only there    {}", report.only_remote);
        println!("queued        {}", report.queued);
        println!("not wanted    {}", report.unwanted);
        println!("faults        {}", report.faults);
        println!("of others     {}", report.foreign);
    }
    if report.faults > 0 {
        bail!("{} payloads are not as they should be", report.faults);
    }
    Ok(())
}

fn describe(finding: &Finding) -> String {
    match finding {
        Finding::Missing { hash } => format!("{hash} is noted as replicated, and is not there"),
        Finding::WrongSize { hash, got, expected } => {
            format!("{hash} is {got} bytes there, expected {expected}")
        }
        Finding::Wrong { error, .. } => error.to_string(),
        Finding::DamagedHere { error, .. } => error.to_string(),
    }
}

async fn bring_back(
    data_dir: &Path,
    options: RestoreOptions,
    json: bool,
    replica: &ReplicaArgs,
) -> Result<()> {
    let (remote, store) = (replica.needed()?, open(&data_dir.join("payloads"))?);
    let bar = if stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let template = "restoring     [{bar:32}] {pos}/{len} payloads, {msg}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    let show = |progress: &RestoreProgress| {
        bar.set_length(progress.payloads);
        bar.set_position(progress.done);
        bar.set_message(format!("{} bytes", progress.restored_bytes));
    };
    let done = restore(&store, &remote, options, show).await;
    bar.finish_and_clear();
    let report = done.wrap_err("restoring broke off; run it again to go on")?;
    let progress = report.progress;
    for (_, error) in &report.failures {
        eprintln!("failed        {error}");
    }
    if json {
        let object = json!({
            "destination": remote.destination(), "payloads": progress.payloads, "restored": progress.restored,
            "restored_bytes": progress.restored_bytes, "already_held": progress.already_held,
            "failed": progress.failed,
        });
        println!("{object}");
    } else {
        println!("restored      {} payloads, {} bytes", progress.restored, progress.restored_bytes);
        println!("already held  {}", progress.already_held);
    }
    if progress.failed > 0 {
        bail!("{} of {} payloads could not be brought back", progress.failed, progress.payloads);
    }
    Ok(())
}

fn status(data_dir: &Path, json: bool) -> Result<()> {
    let store = store_of(data_dir)?;
    let (totals, destination) = (store.totals(), store.destination()?);
    if json {
        let object = json!({
            "payloads": totals.payloads, "size_bytes": totals.size_bytes, "queued": totals.queued,
            "replicated": totals.replicated, "destination": destination,
        });
        println!("{object}");
    } else {
        println!("payloads      {}, {} bytes", totals.payloads, totals.size_bytes);
        println!("replica       {}", destination.as_deref().unwrap_or("none"));
        println!("replicated    {}", totals.replicated);
        println!("queued        {}", totals.queued);
    }
    Ok(())
}
