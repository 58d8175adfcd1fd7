//! Contracts: deployed, called, proven and traced.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use common::{Node, RECIPIENT, REVERT_INITCODE, STORE_INITCODE, invoke, signer};
use serde_json::{Value, json};

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

#[tokio::test]
async fn contracts_are_deployed_called_and_proven() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    node.send(invoke(1, contract, 42), 0).await;
    let block = node.mine().block;

    let word = B256::from(U256::from(42));
    assert_eq!(node.call("eth_call", json!([{"to": contract}])).await, json!(word));
    assert_eq!(node.call("eth_call", json!([{"to": contract}, "0x1"])).await, json!(B256::ZERO));
    assert_eq!(node.call("eth_getStorageAt", json!([contract, "0x0", "latest"])).await, json!(word));
    assert!(node.call("eth_getCode", json!([contract])).await.as_str().unwrap().len() > 2);
    assert_eq!(node.call("eth_getCode", json!([RECIPIENT])).await, "0x");
    let overrides =
        json!({contract.to_string(): {"stateDiff": {(B256::ZERO.to_string()): B256::repeat_byte(7)}}});
    let overridden = node.call("eth_call", json!([{"to": contract}, "latest", overrides])).await;
    assert_eq!(overridden, json!(B256::repeat_byte(7)));
    let number_code = json!({RECIPIENT.to_string(): {"code": "0x435f5260205ff3"}});
    let call = json!([{"to": RECIPIENT}, "latest", number_code, {"number": "0x1234"}]);
    assert_eq!(node.call("eth_call", call).await, json!(B256::from(U256::from(0x1234))));

    let proof = node.call("eth_getProof", json!([contract, ["0x0"], "latest"])).await;
    assert_eq!(proof["address"], json!(contract));
    assert_eq!(proof["storageProof"][0]["value"], "0x2a");
    let root_node: Bytes = serde_json::from_value(proof["accountProof"][0].clone()).unwrap();
    assert_eq!(keccak256(root_node), block.header().state_root);
    let absent = node.call("eth_getProof", json!([Address::repeat_byte(9), [], "latest"])).await;
    assert_eq!((&absent["balance"], &absent["nonce"]), (&json!("0x0"), &json!("0x0")));
    let slots = vec!["0x0"; 1025];
    assert_eq!(node.fails("eth_getProof", json!([contract, slots, "latest"])).await.code(), -32602);

    let gas = number(&node.call("eth_estimateGas", json!([{"to": contract, "data": word}])).await);
    assert!((21_000..40_000).contains(&gas), "{gas}");
}

#[tokio::test]
async fn reverts_carry_their_data() {
    let node = Node::start().await;
    let refused = node.fails("eth_call", json!([{"data": Bytes::from_static(&REVERT_INITCODE[9..])}])).await;
    assert_eq!((refused.code(), refused.message()), (3, "execution reverted: no"));
    assert!(refused.data().unwrap().get().starts_with("\"0x08c379a0"), "{refused:?}");
    let refused =
        node.fails("eth_estimateGas", json!([{"data": Bytes::from_static(&REVERT_INITCODE[9..])}])).await;
    assert_eq!((refused.code(), refused.message()), (3, "execution reverted: no"));
    // PUSH0 PUSH0 REVERT, INVALID, JUMPDEST PUSH1 0 JUMP
    let refused = node.fails("eth_call", json!([{"data": "0x5f5ffd"}])).await;
    assert_eq!((refused.code(), refused.message()), (3, "execution reverted"));
    assert_eq!(refused.data().unwrap().get(), "\"0x\"");
    let refused = node.fails("eth_call", json!([{"data": "0xfe"}])).await;
    assert_eq!((refused.code(), refused.message()), (-32000, "invalid opcode: INVALID"));
    let refused = node.fails("eth_call", json!([{"data": "0x5b600056", "gas": "0x186a0"}])).await;
    assert_eq!((refused.code(), refused.message()), (-32000, "out of gas"));
    let poor = json!([{"from": RECIPIENT, "to": RECIPIENT, "value": "0x1"}]);
    let refused = node.fails("eth_estimateGas", poor).await;
    assert_eq!(refused.code(), -32000);
    assert!(refused.message().starts_with("insufficient funds for"), "{}", refused.message());
}

#[tokio::test]
async fn access_lists_hold_what_a_call_touches() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    let listed = node.call("eth_createAccessList", json!([{"to": contract, "data": B256::ZERO}])).await;
    assert_eq!(listed["accessList"], json!([{"address": contract, "storageKeys": [B256::ZERO]}]));
    assert!(number(&listed["gasUsed"]) > 21_000);
    assert!(listed.get("error").is_none());
    let reverting = json!([{"data": Bytes::from_static(&REVERT_INITCODE[9..])}]);
    let listed = node.call("eth_createAccessList", reverting).await;
    assert_eq!(listed["error"], "execution reverted: no");
}

#[tokio::test]
async fn calls_and_transactions_are_traced() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    node.send(invoke(1, contract, 7), 0).await;
    let hash = node.send(invoke(2, contract, 8), 0).await;
    node.mine();
    let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
    let options = json!({"tracer": "callTracer", "tracerConfig": {"withLog": true}});
    let frame = node.call("debug_traceTransaction", json!([hash, options])).await;
    assert_eq!((&frame["type"], &frame["to"]), (&json!("CALL"), &json!(contract)));
    assert_eq!(frame["from"], json!(signer(0).address()));
    assert_eq!(frame["gasUsed"], receipt["gasUsed"]);
    assert_eq!(frame["input"], json!(B256::with_last_byte(8)));
    assert_eq!(frame["logs"][0]["data"], json!(B256::with_last_byte(8)));

    let frame = node.call("debug_traceCall", json!([{"to": contract}, "latest", options])).await;
    assert_eq!(frame["output"], json!(B256::with_last_byte(8)));
    let reverting = json!([{"data": Bytes::from_static(&REVERT_INITCODE[9..])}, "latest", options]);
    let frame = node.call("debug_traceCall", reverting).await;
    assert_eq!((&frame["error"], &frame["revertReason"]), (&json!("execution reverted"), &json!("no")));

    let refused = node.fails("debug_traceTransaction", json!([hash])).await;
    assert_eq!(refused.code(), -32602);
    assert!(refused.message().ends_with("struct logger, supported: callTracer"), "{}", refused.message());
    let unknown = node.fails("debug_traceTransaction", json!([B256::ZERO, options])).await;
    assert!(unknown.message().starts_with("transaction not found"), "{}", unknown.message());
}
