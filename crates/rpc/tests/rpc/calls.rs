//! Contracts: deployed, called, proven and traced.

use std::time::Duration;

use crate::common::{Node, RECIPIENT, REVERT_INITCODE, STORE_INITCODE, invoke, signer};
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
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
    let halts = [
        ("0x50", "stack underflow (0 <=> 1)"),
        ("0x5f91", "stack underflow (1 <=> 3)"),
        ("0x0c", "invalid opcode: opcode 0xc not defined"),
        ("0x5b5f5f56", "stack limit reached 1024 (1023)"),
    ];
    for (code, message) in halts {
        for method in ["eth_call", "eth_estimateGas"] {
            let refused = node.fails(method, json!([{"data": code}])).await;
            assert_eq!((refused.code(), refused.message()), (-32000, message), "{method}");
        }
        let simulated = json!([{"blockStateCalls": [{"calls": [{"input": code}]}]}]);
        let simulated = node.call("eth_simulateV1", simulated).await;
        assert_eq!(simulated[0]["calls"][0]["error"]["message"], message);
        let listed = node.call("eth_createAccessList", json!([{"data": code}])).await;
        assert_eq!(listed["error"], message);
    }
    let refused = node.fails("eth_call", json!([{"data": "0x5b600056", "gas": "0x186a0"}])).await;
    assert_eq!((refused.code(), refused.message()), (-32000, "out of gas"));
    let poor = json!([{"from": RECIPIENT, "to": RECIPIENT, "value": "0x1"}]);
    let refused = node.fails("eth_estimateGas", poor).await;
    assert_eq!(refused.code(), -32000);
    let wanted = format!("insufficient funds for gas * price + value: address {RECIPIENT} have 0 want 1");
    assert_eq!(refused.message(), format!("failed with 30000000 gas: {wanted}"));
    let poor = json!([{"from": RECIPIENT, "to": RECIPIENT, "value": "0x1"}]);
    let refused = node.fails("eth_call", poor).await;
    assert_eq!(
        (refused.code(), refused.message()),
        (-32000, format!("err: {wanted} (supplied gas 50000000)").as_str())
    );
    let priced = json!([{"from": RECIPIENT, "to": RECIPIENT, "maxFeePerGas": "0x77359400"}]);
    assert_eq!(node.fails("eth_estimateGas", priced).await.message(), "insufficient funds for transfer");
    let both = json!([{"to": RECIPIENT, "gasPrice": "0x1", "maxFeePerGas": "0x1"}]);
    let refused = node.fails("eth_call", both).await;
    assert_eq!(refused.message(), "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    let cheap = json!([{"from": signer(0).address(), "to": RECIPIENT, "gasPrice": "0x1", "gas": "0x5208"}]);
    let refused = node.fails("eth_call", cheap).await;
    assert!(
        refused.message().starts_with("err: max fee per gas less than block base fee: address 0x"),
        "{}",
        refused.message()
    );
    let little = json!([{"to": RECIPIENT, "gas": "0x5207"}]);
    let refused = node.fails("eth_call", little).await;
    assert_eq!(refused.message(), "err: intrinsic gas too low: have 20999, want 21000 (supplied gas 20999)");
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
    assert_eq!(listed["error"], "execution reverted");
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

    let unknown = node.fails("debug_traceTransaction", json!([B256::ZERO, options])).await;
    assert_eq!((unknown.code(), unknown.message()), (-32000, "transaction not found"));
}

#[tokio::test]
async fn calls_see_no_base_fee_unless_they_pay_one() {
    let node = Node::start().await;
    // BASEFEE PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    let basefee = json!({RECIPIENT.to_string(): {"code": "0x485f5260205ff3"}});
    let seen = node.call("eth_call", json!([{"to": RECIPIENT}, "latest", basefee])).await;
    assert_eq!(seen, json!(B256::ZERO));
    let paying =
        json!({"from": signer(0).address(), "to": RECIPIENT, "gasPrice": "0x77359400", "gas": "0xffff"});
    let seen = node.call("eth_call", json!([paying, "latest", basefee])).await;
    assert_eq!(seen, json!(B256::from(U256::from(1_000_000_000))));
}

#[tokio::test]
async fn precompiles_move_and_are_replaced() {
    let node = Node::start().await;
    let identity = "0x0000000000000000000000000000000000000004";
    let elsewhere = json!({identity: {"movePrecompileToAddress": RECIPIENT}});
    let call = json!([{"to": RECIPIENT, "data": "0x1234"}, "latest", elsewhere]);
    assert_eq!(node.call("eth_call", call).await, "0x1234");
    let call = json!([{"to": identity, "data": "0x1234"}, "latest", elsewhere]);
    assert_eq!(node.call("eth_call", call).await, "0x");
    let replaced = json!({identity: {"code": "0x60015f5260205ff3"}});
    let call = json!([{"to": identity, "data": "0x1234"}, "latest", replaced]);
    assert_eq!(node.call("eth_call", call).await, json!(B256::with_last_byte(1)));
    let wrong = json!({RECIPIENT.to_string(): {"movePrecompileToAddress": identity}});
    let refused = node.fails("eth_call", json!([{"to": RECIPIENT}, "latest", wrong])).await;
    assert_eq!(
        (refused.code(), refused.message()),
        (-32000, format!("account {RECIPIENT} is not a precompile").as_str())
    );
}

/// Short calls are answered on the connection's thread, and tried there before they prove long.
#[tokio::test]
async fn long_calls_are_answered_as_short_ones_are() {
    let node = Node::start().await;
    let codes = [
        ("answers at once", hex!("60075f5260205ff3").as_slice(), 7),
        ("loops 2,000 times", &hex!("6107d05b60019003806003575060095f5260205ff3"), 9),
        ("copies by a precompiled contract", &hex!("60055f5260205f60205f60045afa5060205ff3"), 5),
        ("says whether a precompiled contract gave a hash", &hex!("60205f60205f60025afa5f5260205ff3"), 1),
        ("says whether calling an account without code worked", &hex!("5f5f5f5f61beef5afa5f5260205ff3"), 1),
        ("says whether it made a contract", &hex!("5f5f5ff015155f5260205ff3"), 1),
    ];
    for (nonce, (what, code, expected)) in (0..).zip(codes) {
        // Copies what follows it, and returns it.
        let initcode = [&[0x60, code.len() as u8, 0x80, 0x60, 9, 0x5f, 0x39, 0x5f, 0xf3], code].concat();
        let contract = node.deploy(nonce, &initcode).await;
        let answer = node.call("eth_call", json!([{"to": contract}])).await;
        assert_eq!(answer, json!(B256::from(U256::from(expected))), "{what}");
        // Parameters too large to be looked at on that thread.
        let data = Bytes::from(vec![1; 20_000]);
        let answer = node.call("eth_call", json!([{"to": contract, "data": data}])).await;
        assert_eq!(answer, json!(B256::from(U256::from(expected))), "{what}");
    }
}

#[tokio::test]
async fn calls_have_a_time_limit() {
    let node = Node::start_with(|config| config.limits.max_call_time = Duration::ZERO).await;
    let endless = json!([{"data": "0x5b600056"}]);
    for method in ["eth_call", "eth_estimateGas", "eth_createAccessList"] {
        let refused = node.fails(method, endless.clone()).await;
        assert_eq!(
            (refused.code(), refused.message()),
            (-32000, "execution aborted (timeout = 0s)"),
            "{method}"
        );
    }
    let blocks = json!([{"blockStateCalls": [{"calls": [{"data": "0x5b600056"}]}]}]);
    let refused = node.fails("eth_simulateV1", blocks).await;
    assert_eq!(refused.message(), "execution aborted (timeout = 0s)");
}

#[tokio::test]
async fn storage_keys_are_read_as_geth_reads_them() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    node.send(invoke(1, contract, 42), 0).await;
    node.mine();
    let word = B256::from(U256::from(42));
    for key in ["0x0", "0x00", "0", &B256::ZERO.to_string()] {
        assert_eq!(node.call("eth_getStorageAt", json!([contract, key])).await, json!(word), "{key}");
    }
    let refused = node.fails("eth_getStorageAt", json!([contract, "0xasdf", "latest"])).await;
    assert_eq!(
        (refused.code(), refused.message()),
        (-32000, "unable to decode storage key: hex string invalid")
    );
    for nothing in [json!({}), json!({contract.to_string(): []})] {
        let refused = node.fails("eth_getStorageValues", json!([nothing])).await;
        assert_eq!((refused.code(), refused.message()), (-32602, "empty request"));
    }
    let values = node.call("eth_getStorageValues", json!([{contract.to_string(): ["0x0", "0x1"]}])).await;
    let account = values.as_object().unwrap().values().next().unwrap();
    assert_eq!(account, &json!([word, B256::ZERO]));
    let proof = node.call("eth_getProof", json!([contract, ["0x00", B256::ZERO], "latest"])).await;
    assert_eq!(proof["storageProof"][0]["key"], "0x0");
    assert_eq!(proof["storageProof"][1]["key"], json!(B256::ZERO));
    let proof = node.call("eth_getProof", json!([RECIPIENT, ["0x0"], "latest"])).await;
    assert_eq!(proof["storageProof"], json!([{"key": "0x0", "value": "0x0", "proof": []}]));
}
