//! A node that is killed at any moment: what anyone saw ordered stays, and the execution chain is where it was ordered to be.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use alloy_primitives::{Address, B256, U64, U256};
use ivm_client::{Client, rpc_params};
use ivm_node::dev_accounts;
use ivm_settlement::{RpcSettlement, SETTLEMENT_ADDRESS, SettlementChain};
use serde_json::Value;

/// Times the node is killed, each after some more milliseconds than the time before.
const KILLS: u64 = 8;

struct Dev {
    process: Child,
    client: Client,
    settlement: RpcSettlement,
}

impl Dev {
    async fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ivm"))
            .args(["dev", "--http-port", "0", "--quiet", "--workers", "1", "--no-agents"])
            .args(["--block-time-ms", "10", "--challenge-period", "20", "--data-dir"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut rpc, mut settlement) = (None, None);
        for line in BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let address = || line.split_whitespace().nth(1).map(str::to_owned);
            match line.split_whitespace().next() {
                Some("Settlement") => settlement = address(),
                Some("JSON-RPC") => rpc = address(),
                Some("WebSocket") => break,
                _ => {}
            }
        }
        let signer = dev_accounts().unwrap().remove(0).signer;
        let client = Client::connect(&rpc.unwrap(), signer).await.unwrap();
        let settlement = RpcSettlement::connect(&settlement.unwrap(), SETTLEMENT_ADDRESS).await.unwrap();
        Self { process, client, settlement }
    }

    async fn hash_at(&self, tag: Value) -> Option<(u64, B256)> {
        let block: Option<Value> =
            self.client.request("eth_getBlockByNumber", rpc_params![tag, false]).await.unwrap();
        let block = block?;
        let number: U64 = serde_json::from_value(block["number"].clone()).unwrap();
        Some((number.to(), serde_json::from_value(block["hash"].clone()).unwrap()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Address::repeat_byte(0xaa);
    let mut seen: Option<(u64, B256)> = None;
    for sent in 0..KILLS {
        let mut dev = Dev::start(folder.path()).await;
        if let Some((number, hash)) = seen {
            let again = dev.hash_at(serde_json::json!(U64::from(number))).await;
            assert_eq!(again, Some((number, hash)), "what was seen is still there");
        }
        let balance: U256 =
            dev.client.request("eth_getBalance", rpc_params![receiver, "latest"]).await.unwrap();
        assert_eq!(balance, U256::from(sent), "state follows blocks");
        dev.client.transact(receiver.into(), Vec::new(), U256::ONE).await.unwrap();
        // Long enough, in the later rounds, for payloads of final blocks to be forgotten.
        tokio::time::sleep(Duration::from_millis(100 + 250 * sent)).await;
        let chain: &dyn SettlementChain = &dev.settlement;
        let tip = chain.tip().await.unwrap();
        assert!(tip.number >= seen.map_or(0, |(number, _)| number));
        seen = dev.hash_at(serde_json::json!("latest")).await;
        dev.process.kill().unwrap();
        dev.process.wait().unwrap();
    }
}
