//! What operators and tools look at: metrics, health, and the document of methods.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ivm_chain::{Chain, Storage};
use ivm_rpc::{RpcConfig, serve};
use serde_json::{Value, json};

use crate::common::{Backend, Node, chain_config, transfer};
use crate::ivm::Dev;

#[tokio::test]
async fn the_document_describes_exactly_what_is_served() {
    let chain = Chain::open(chain_config(), Storage::Memory).unwrap();
    let config = RpcConfig { listen: "127.0.0.1:0".parse().unwrap(), ..RpcConfig::default() };
    let server = serve(config, chain.clone(), Some(Arc::new(Backend)), Some(Arc::new(Dev))).await.unwrap();
    let served: BTreeSet<String> = server.method_names().iter().map(|name| (*name).to_owned()).collect();
    let node = Node { chain, server };
    let document = node.call("rpc.discover", json!([])).await;
    let described: BTreeSet<String> = document["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(described, served);
    assert!(
        served.contains("eth_simulateV1") && served.contains("evm_mine") && served.contains("rpc.discover")
    );

    let plain = Node::start().await.call("rpc.discover", json!([])).await;
    assert!(!plain.to_string().contains("evm_mine"), "what is not served is not described");
    let balance =
        plain["methods"].as_array().unwrap().iter().find(|method| method["name"] == "eth_getBalance");
    assert_eq!(
        balance.unwrap()["params"][1],
        json!({"name": "block", "required": false, "schema": {"$ref": "#/components/schemas/BlockId"}})
    );
}

#[tokio::test]
async fn metrics_count_calls_connections_and_blocks() {
    let node = Node::start().await;
    let client = node.ws().await;
    node.send(transfer(0), 0).await;
    node.call("eth_chainId", json!([])).await;
    node.fails("eth_getBalance", json!([])).await;
    node.fails("made_up", json!([])).await;
    node.fails("made_up_too", json!([])).await;
    let (head, text) = node.get("/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    let has = |line: &str| assert!(text.contains(line), "{line} in {text}");
    has("ivm_rpc_requests_total{method=\"eth_chainId\",outcome=\"ok\"} 1");
    has("ivm_rpc_requests_total{method=\"eth_getBalance\",outcome=\"-32602\"} 1");
    has("ivm_rpc_requests_total{method=\"unknown\",outcome=\"-32601\"} 2");
    has("ivm_rpc_request_duration_seconds_count{method=\"eth_chainId\"} 1");
    has("ivm_pool_pending 1");
    has("ivm_chain_head 0");
    assert!(!text.contains("made_up"));
    assert!(!text.contains("ivm_rpc_connections 0"), "this connection and the WebSocket are open");
    drop(client);

    let mined = node.mine().block;
    let gas = format!("ivm_chain_head_gas_used {}", mined.header().gas_used);
    let counted = format!("ivm_chain_gas_used_total {}", mined.header().gas_used);
    for _ in 0..500 {
        let text = node.get("/metrics").await.1;
        if text.contains(&counted) && text.contains(&gas) && text.contains("ivm_chain_blocks_total 1") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the block is not counted");
}

#[tokio::test]
async fn health_says_how_old_the_head_is() {
    let node = Node::start().await;
    let (head, body) = node.get("/health").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&health["status"], &health["head"]), (&json!("ok"), &json!(0)));
    assert_eq!(health["headHash"], json!(node.chain.genesis_hash()));
    assert!(health["headAgeSeconds"].as_u64().unwrap() > 3600, "the genesis is of 2023");

    let strict = Node::start_with(|config| config.max_head_age = Some(Duration::from_secs(3600))).await;
    let (head, body) = strict.get("/health").await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(body.contains("\"stale\""), "{body}");
}

#[tokio::test]
async fn the_rules_in_force_are_told() {
    let node = Node::start().await;
    let config = node.call("eth_config", json!([])).await;
    assert_eq!((&config["next"], &config["last"]), (&Value::Null, &Value::Null));
    let current = &config["current"];
    assert_eq!((&current["activationTime"], &current["chainId"]), (&json!(0), &json!("0x135c")));
    assert_eq!(current["blobSchedule"], json!({"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716}));
    assert_eq!(current["precompiles"]["ECREC"], "0x0000000000000000000000000000000000000001");
    assert_eq!(current["precompiles"]["BLS12_MAP_FP2_TO_G2"], "0x0000000000000000000000000000000000000011");
    assert_eq!(current["precompiles"].as_object().unwrap().len(), 17);
    assert_eq!(
        current["systemContracts"]["HISTORY_STORAGE_ADDRESS"],
        "0x0000f90827f1c53a10cb7a02335b175320002935"
    );
    assert_eq!(current["forkId"].as_str().unwrap().len(), 10);
}
