//! `ivm estimate`: what a job would take, found out by running it on a node.

use alloy_primitives::{B256, U256, utils::format_ether};
use clap::Args;
use eyre::{Result, eyre};
use ivm_client::{Client, rpc_params};
use ivm_node::dev_accounts;
use ivm_primitives::limits::MAX_CALLBACK_GAS;
use ivm_rpc::{EstimateRequest, JobEstimate, JobOutcomeStatus};

use super::program::{InputArgs, ProgramArgs};

/// Arguments of `ivm estimate`.
#[derive(Debug, Args)]
pub(crate) struct EstimateArgs {
    #[command(flatten)]
    program: ProgramArgs,

    #[command(flatten)]
    input: InputArgs,

    /// Most cycles to try; the node has a limit of its own
    #[arg(long, value_name = "N")]
    max_cycles: Option<u64>,

    /// Gas of the callback
    #[arg(long, value_name = "GAS", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(0..=MAX_CALLBACK_GAS))]
    callback_gas: u64,

    /// JSON-RPC address of the node
    #[arg(long, value_name = "URL", env = "ETH_RPC_URL", default_value = "http://127.0.0.1:8545")]
    rpc_url: String,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl EstimateArgs {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        let input = self.input.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let estimate: JobEstimate = runtime.block_on(async {
            // Nothing is signed; the client wants a key all the same, and this one is everybody's.
            let account =
                dev_accounts()?.into_iter().next().ok_or_else(|| eyre!("no development account"))?;
            let client = Client::connect(&self.rpc_url, account.signer).await?;
            let request = EstimateRequest {
                program_id: self.program_id(&client).await?,
                onchain_input: input.onchain().clone(),
                offchain_input: input.offchain().clone(),
                max_cycles: self.max_cycles,
                callback_gas_limit: Some(self.callback_gas),
            };
            Ok::<_, eyre::Report>(client.request("ivm_estimateJob", rpc_params![request]).await?)
        })?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&estimate)?);
        } else {
            self.print(&estimate);
        }
        Ok(())
    }

    /// The program named, which the node may know by its id alone; others are submitted.
    async fn program_id(&self, client: &Client) -> Result<B256> {
        match self.program.program.parse() {
            Ok(program_id) => Ok(program_id),
            Err(_) => Ok(client.submit_program(&self.program.checked_elf()?).await?.program_id),
        }
    }

    fn print(&self, estimate: &JobEstimate) {
        let outcome = match estimate.outcome.status {
            JobOutcomeStatus::Success => "success",
            JobOutcomeStatus::Panicked => "panic",
        };
        println!("outcome       {outcome}, {} bytes", estimate.outcome.data.len());
        println!("cycles        {}", estimate.cycles);
        println!("max cycles    {}   (a tenth more: what to ask for)", estimate.max_cycles);
        println!("cycle price   {} wei in the next block", estimate.cycle_price_wei);
        println!(
            "fee           {} wei ({} ether) in escrow, with {} gas of callback; what is not used comes back",
            estimate.fee_wei,
            format_ether(estimate.fee_wei),
            self.callback_gas
        );
        let next: U256 = estimate.fee_wei + estimate.fee_wei / U256::from(8);
        println!("              allow {next} wei: the price rises by an eighth a block at most");
        match estimate.sync_gas {
            Some(gas) => println!("inside a tx   {gas} gas for the run, beside JobManager.execute itself"),
            None => println!(
                "inside a tx   no outcome: it has an offchain input, or needs more than 2 MiB of memory"
            ),
        }
    }
}
