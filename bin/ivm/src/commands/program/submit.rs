//! `ivm program submit`.

use clap::Args;
use eyre::{Result, eyre};
use ivm_client::Client;
use ivm_node::dev_accounts;

use super::source::ProgramArgs;

/// Have a node admit a program and register it on chain.
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    program: ProgramArgs,

    /// JSON-RPC address of the node
    #[arg(long, value_name = "URL", env = "ETH_RPC_URL", default_value = "http://127.0.0.1:8545")]
    rpc_url: String,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl SubmitArgs {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        let elf = self.program.checked_elf()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let submitted = runtime.block_on(async {
            // Submitting signs nothing; the client wants a key all the same, and this one is everybody's.
            let account =
                dev_accounts()?.into_iter().next().ok_or_else(|| eyre!("no development account"))?;
            let client = Client::connect(&self.rpc_url, account.signer).await?;
            Ok::<_, eyre::Report>(client.submit_program(&elf).await?)
        })?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&submitted)?);
        } else {
            println!("program       {}", submitted.program_id);
            println!("registered    jobs may name it from now on");
        }
        Ok(())
    }
}
