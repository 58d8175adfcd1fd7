//! A node that is killed at any moment: what anyone saw ordered stays, and the execution chain is where it was ordered to be.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "common/dev.rs"]
mod dev;

use std::{path::Path, time::Duration};

use alloy_primitives::{Address, B256, U64, U256};
use dev::Dev;
use ivm_client::{Client, rpc_params};
use ivm_node::dev_accounts;
use ivm_settlement::{RpcSettlement, SETTLEMENT_ADDRESS, SettlementChain};
use serde_json::Value;

/// Times the node is killed, each after some more milliseconds than the time before.
const KILLS: u64 = 8;

struct Node {
    dev: Dev,
    client: Client,
    settlement: RpcSettlement,
}

impl Node {
    async fn start(folder: &Path) -> Self {
        let folder = folder.to_str().unwrap();
        let times = ["--block-time-ms", "10", "--challenge-period", "20"];
        let dev = Dev::start(&[&["--no-agents", "--data-dir", folder], &times[..]].concat());
        let signer = dev_accounts().unwrap().remove(0).signer;
        let client = Client::connect(&dev.rpc, signer).await.unwrap();
        let settlement = RpcSettlement::connect(&dev.settlement_rpc, SETTLEMENT_ADDRESS).await.unwrap();
        Self { dev, client, settlement }
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
        let mut node = Node::start(folder.path()).await;
        if let Some((number, hash)) = seen {
            let again = node.hash_at(serde_json::json!(U64::from(number))).await;
            assert_eq!(again, Some((number, hash)), "what was seen is still there");
        }
        let balance: U256 =
            node.client.request("eth_getBalance", rpc_params![receiver, "latest"]).await.unwrap();
        assert_eq!(balance, U256::from(sent), "state follows blocks");
        node.client.transact(receiver.into(), Vec::new(), U256::ONE).await.unwrap();
        // Long enough, in the later rounds, for payloads of final blocks to be forgotten.
        tokio::time::sleep(Duration::from_millis(100 + 250 * sent)).await;
        let chain: &dyn SettlementChain = &node.settlement;
        let tip = chain.tip().await.unwrap();
        assert!(tip.number >= seen.map_or(0, |(number, _)| number));
        seen = node.hash_at(serde_json::json!("latest")).await;
        node.dev.process.kill();
    }
}
