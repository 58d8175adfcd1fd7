//! `ivm serve`: an imported chain over JSON-RPC, read-only.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::Args;
use eyre::Result;
use ivm_chain::DataDir;
use ivm_rpc::{Cors, RpcConfig};

use super::{LogArgs, dev::wait_for_stop};

/// Arguments of `ivm serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The folder that the chain was imported into.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Address that JSON-RPC (HTTP and WebSocket) listens on.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    http_host: IpAddr,
    /// Port that JSON-RPC listens on; 0 takes any that is free.
    #[arg(long, value_name = "PORT", default_value_t = ivm_rpc::DEFAULT_PORT)]
    http_port: u16,
    #[command(flatten)]
    logs: LogArgs,
}

impl ServeArgs {
    /// Serves until it is told to stop.
    pub(crate) fn run(self) -> Result<()> {
        self.logs.init();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let chain = DataDir::new(&self.data_dir).open()?;
            let listen = SocketAddr::new(self.http_host, self.http_port);
            let config = RpcConfig { listen, cors: Cors::Any, ..RpcConfig::default() };
            let server = ivm_rpc::serve(config, chain.clone(), None, None).await?;
            let head = chain.head().block;
            println!("Chain id   {}", chain.config().chain_id);
            println!("Head       block {} {}", head.number(), head.hash());
            println!("Data       {}", self.data_dir.display());
            println!("JSON-RPC   http://{}", server.local_addr());
            println!("WebSocket  ws://{}", server.local_addr());
            wait_for_stop().await?;
            eprintln!("stopping");
            server.stop().await;
            Ok(())
        })
    }
}
