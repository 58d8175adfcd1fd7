//! Serves an in-memory chain that mines what is sent to it, for trying clients on JSON-RPC alone.
//!
//! `cargo run -p ivm-rpc --example serve -- [PORT] [BLOCK_MS]`

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, U256, address};
use ivm_chain::{BuildRequest, Chain, ChainConfig, Storage};
use ivm_rpc::{Cors, DEFAULT_PORT, RpcConfig, serve};

/// The first accounts of the mnemonic every development tool uses ("test test … junk").
const FUNDED: [Address; 3] = [
    address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    address!("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let port = args.next().map_or(Ok(DEFAULT_PORT), |port| port.parse())?;
    let block_time = Duration::from_millis(args.next().map_or(Ok(200), |ms| ms.parse())?);

    let funds = GenesisAccount { balance: U256::from(10).pow(U256::from(22)), ..GenesisAccount::default() };
    let chain_config = ChainConfig {
        alloc: FUNDED.into_iter().map(|account| (account, funds.clone())).collect(),
        genesis_timestamp: now()?,
        ..ChainConfig::default()
    };
    let chain = Chain::open(chain_config, Storage::Memory)?;
    let config = RpcConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        cors: Cors::Any,
        ..RpcConfig::default()
    };
    let server = serve(config, chain.clone(), None, None).await?;
    println!("listening on http://{}", server.local_addr());

    let mut ticks = tokio::time::interval(block_time);
    loop {
        tokio::select! {
            _ = ticks.tick() => mine(&chain)?,
            stop = tokio::signal::ctrl_c() => {
                stop?;
                server.stop().await;
                return Ok(());
            }
        }
    }
}

fn mine(chain: &Chain) -> Result<(), Box<dyn Error>> {
    let request = BuildRequest { timestamp: now()?, ..BuildRequest::default() };
    chain.commit(chain.build_block(request)?, Vec::new())?;
    Ok(())
}

fn now() -> Result<u64, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}
