//! Traces by every tracer, of calls, transactions and blocks.

use crate::common::{Node, RECIPIENT, STORE_INITCODE, invoke, signer, transfer};
use alloy_primitives::{Address, B256};
use serde_json::{Value, json};

/// A chain with a contract in block 1, and two calls of it and a transfer in block 2.
async fn node_with_blocks() -> (Node, Address, Vec<Value>) {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    let mut hashes = Vec::new();
    for nonce in 1..3 {
        hashes.push(json!(node.send(invoke(nonce, contract, nonce + 6), 0).await));
    }
    hashes.push(json!(node.send(transfer(3), 0).await));
    node.mine();
    (node, contract, hashes)
}

#[tokio::test]
async fn steps_are_logged_by_default() {
    let (node, _, hashes) = node_with_blocks().await;
    let trace = node.call("debug_traceTransaction", json!([hashes[0]])).await;
    let receipt = node.call("eth_getTransactionReceipt", json!([hashes[0]])).await;
    let gas = u64::from_str_radix(&receipt["gasUsed"].as_str().unwrap()[2..], 16).unwrap();
    assert_eq!((&trace["gas"], &trace["failed"]), (&json!(gas), &json!(false)));
    assert_eq!(trace["returnValue"], "0x");
    let steps = trace["structLogs"].as_array().unwrap();
    assert_eq!(
        (&steps[0]["op"], &steps[0]["pc"], &steps[0]["depth"]),
        (&json!("CALLDATASIZE"), &json!(0), &json!(1))
    );
    assert_eq!(steps[0]["stack"], json!([]));
    assert!(steps[0].get("memory").is_none());
    let store = steps.iter().find(|step| step["op"] == "SSTORE").unwrap();
    assert_eq!(store["storage"], json!({B256::ZERO.to_string(): B256::with_last_byte(7)}));

    let options = json!({"enableMemory": true, "disableStack": true, "disableStorage": true, "limit": 3});
    let trace = node.call("debug_traceTransaction", json!([hashes[0], options])).await;
    let steps = trace["structLogs"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    assert!(steps[0].get("stack").is_none());
    let trace = node.call("debug_traceTransaction", json!([hashes[2], {"tracer": ""}])).await;
    assert_eq!(trace, json!({"gas": 21000, "failed": false, "returnValue": "0x", "structLogs": []}));
}

#[tokio::test]
async fn every_tracer_answers() {
    let (node, contract, hashes) = node_with_blocks().await;
    let trace = async |tracer: &str, config: Value| {
        let options = json!({"tracer": tracer, "tracerConfig": config});
        node.call("debug_traceTransaction", json!([hashes[1], options])).await
    };
    let frame = trace("callTracer", json!({"withLog": true, "onlyTopCall": true})).await;
    let receipt = node.call("eth_getTransactionReceipt", json!([hashes[1]])).await;
    assert_eq!(frame["logs"][0]["index"], receipt["logs"][0]["logIndex"]);
    assert_eq!(frame["logs"][0]["index"], "0x1");
    assert_eq!(frame["logs"][0]["position"], "0x0");
    // The gas of the whole transaction, what it costs to begin with included.
    let sent = node.call("eth_getTransactionByHash", json!([hashes[1]])).await;
    assert_eq!((&frame["gas"], &frame["gasUsed"]), (&sent["gas"], &receipt["gasUsed"]));
    assert_eq!(trace("noopTracer", Value::Null).await, json!({}));
    let selectors = trace("4byteTracer", Value::Null).await;
    assert_eq!(selectors, json!({"0x00000000-28": 1}));

    let key = contract.to_string().to_lowercase();
    let before = trace("prestateTracer", Value::Null).await;
    assert_eq!(before[&key]["storage"], json!({B256::ZERO.to_string(): B256::with_last_byte(7)}));
    let changes = trace("prestateTracer", json!({"diffMode": true})).await;
    assert_eq!(changes["post"][&key]["storage"], json!({B256::ZERO.to_string(): B256::with_last_byte(8)}));
    let sender = signer(0).address().to_string().to_lowercase();
    assert_eq!(
        (&changes["pre"][&sender]["nonce"], &changes["post"][&sender]["nonce"]),
        (&json!(2), &json!(3))
    );

    let both = trace("muxTracer", json!({"callTracer": {}, "4byteTracer": null})).await;
    assert_eq!((&both["callTracer"]["to"], &both["callTracer"]["gas"]), (&json!(contract), &sent["gas"]));
    assert_eq!(both["4byteTracer"], selectors);
    let flat = trace("flatCallTracer", Value::Null).await;
    assert_eq!(flat[0]["action"]["callType"], "call");
    let refused = node.fails("debug_traceTransaction", json!([hashes[1], {"tracer": "{step: 1}"}])).await;
    assert_eq!(refused.code(), -32602);
}

#[tokio::test]
async fn blocks_are_traced_transaction_by_transaction() {
    let (node, contract, hashes) = node_with_blocks().await;
    let options = json!({"tracer": "callTracer", "tracerConfig": {"withLog": true}});
    let traces = node.call("debug_traceBlockByNumber", json!(["0x2", options])).await;
    for (trace, hash) in traces.as_array().unwrap().iter().zip(&hashes) {
        assert_eq!(&trace["txHash"], hash);
        assert_eq!(trace["result"], node.call("debug_traceTransaction", json!([hash, options])).await);
    }
    assert_eq!(traces[0]["result"]["to"], json!(contract));
    let block = node.chain.head().block.hash();
    assert_eq!(node.call("debug_traceBlockByHash", json!([block, options])).await, traces);

    let refusal = async |method: &str, params: Value| {
        let refused = node.fails(method, params).await;
        (refused.code(), refused.message().to_owned())
    };
    let genesis = (-32000, "genesis is not traceable".to_owned());
    assert_eq!(refusal("debug_traceBlockByNumber", json!(["0x0"])).await, genesis);
    assert_eq!(refusal("debug_traceBlockByHash", json!([node.chain.genesis_hash()])).await, genesis);
    let unknown = B256::with_last_byte(1);
    assert_eq!(
        refusal("debug_traceBlockByHash", json!([unknown])).await,
        (-32000, format!("block {unknown} not found"))
    );
    assert_eq!(
        refusal("debug_traceBlockByNumber", json!(["3"])).await,
        (-32602, "invalid argument 0: hex string without 0x prefix".to_owned())
    );
    assert_eq!(
        refusal("debug_traceCall", json!([{}, "0xfffffffff", options])).await,
        (-32000, "block #68719476735 not found".to_owned())
    );
    assert_eq!(
        refusal("debug_traceCall", json!([{}, "pending"])).await,
        (-32000, "tracing on top of pending is not supported".to_owned())
    );
}

#[tokio::test]
async fn calls_are_traced_within_a_block() {
    let (node, contract, _) = node_with_blocks().await;
    let output = async |block: &str, index: Option<u64>| {
        let mut options = json!({"tracer": "callTracer"});
        if let Some(index) = index {
            options["txIndex"] = json!(format!("{index:#x}"));
        }
        node.call("debug_traceCall", json!([{"to": contract}, block, options])).await["output"].clone()
    };
    assert_eq!(output("0x1", None).await, json!(B256::ZERO));
    assert_eq!(output("0x2", Some(0)).await, json!(B256::ZERO));
    assert_eq!(output("0x2", Some(1)).await, json!(B256::with_last_byte(7)));
    assert_eq!(output("0x2", None).await, json!(B256::with_last_byte(8)));
    let too_far = node.fails("debug_traceCall", json!([{"to": contract}, "0x2", {"txIndex": "0x9"}])).await;
    assert!(
        too_far.message().starts_with("transaction index 9 out of range for block 0x"),
        "{}",
        too_far.message()
    );
    let overrides = json!({"tracer": "callTracer", "stateOverrides": {
        RECIPIENT.to_string(): {"code": "0x435f5260205ff3"}}, "blockOverrides": {"number": "0x1234"}});
    let frame = node.call("debug_traceCall", json!([{"to": RECIPIENT}, "latest", overrides])).await;
    assert_eq!(frame["output"], json!(B256::from(alloy_primitives::U256::from(0x1234))));
    assert_eq!(node.call("debug_traceCall", json!([{"to": contract}])).await["failed"], false);
}

#[tokio::test]
async fn traces_are_bounded_in_size_and_time() {
    let node = Node::start_with(|config| config.limits.max_trace_size_bytes = 1 << 20).await;
    let endless = json!({"data": "0x5b600056", "gas": "0x2faf080"});
    let refused = node.fails("debug_traceCall", json!([endless])).await;
    assert_eq!((refused.code(), refused.message()), (-32005, "trace is too large: limit 1048576 bytes"));
    let options = json!({"tracer": "callTracer", "timeout": "0s"});
    let refused = node.fails("debug_traceCall", json!([endless, "latest", options])).await;
    assert_eq!((refused.code(), refused.message()), (-32000, "execution timeout"));
    let options = json!({"timeout": "soon"});
    let refused = node.fails("debug_traceCall", json!([endless, "latest", options])).await;
    assert_eq!(refused.message(), "time: invalid duration \"soon\"");
}

#[tokio::test]
async fn raw_records_are_the_consensus_encoding() {
    let (node, _, hashes) = node_with_blocks().await;
    let block = node.chain.head().block;
    assert_eq!(
        node.call("debug_getRawHeader", json!(["latest"])).await,
        json!(alloy_primitives::Bytes::from(alloy_rlp::encode(block.header())))
    );
    assert_eq!(
        node.call("debug_getRawBlock", json!([block.hash()])).await,
        json!(alloy_primitives::Bytes::from(alloy_rlp::encode(block.to_block())))
    );
    let receipts = node.call("debug_getRawReceipts", json!(["0x2"])).await;
    assert_eq!(receipts.as_array().unwrap().len(), 3);
    assert!(receipts[0].as_str().unwrap().starts_with("0x02f9"), "a typed receipt");
    let raw = node.call("debug_getRawTransaction", json!([hashes[0]])).await;
    assert_eq!(raw, node.call("eth_getRawTransactionByHash", json!([hashes[0]])).await);
    assert_eq!(raw, node.call("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x2", "0x0"])).await);
    assert_eq!(
        raw,
        node.call("eth_getRawTransactionByBlockHashAndIndex", json!([block.hash(), "0x0"])).await
    );
    let refused = node.fails("debug_getRawTransaction", json!(["1000"])).await;
    assert_eq!(
        (refused.code(), refused.message()),
        (
            -32602,
            "invalid argument 0: json: cannot unmarshal hex string without 0x prefix into Go value of type common.Hash"
        )
    );
    let header = node.call("eth_getHeaderByNumber", json!(["0x2"])).await;
    assert_eq!(header["hash"], json!(block.hash()));
    assert!(header.get("transactions").is_none());
    assert_eq!(node.call("eth_getHeaderByHash", json!([block.hash()])).await, header);
}

#[tokio::test]
async fn logs_of_the_top_call_alone_keep_their_numbers() {
    let node = Node::start().await;
    let (outer, inner) = (RECIPIENT, Address::repeat_byte(0x78));
    // Calls the other, which logs; then logs itself.
    let outer_code = format!("0x5f5f5f5f5f73{}5af1505f5fa000", inner.to_string().trim_start_matches("0x"));
    let logs = async |only_top_call: bool| {
        let options = json!({
            "tracer": "callTracer",
            "tracerConfig": {"withLog": true, "onlyTopCall": only_top_call},
            "stateOverrides": {outer.to_string(): {"code": outer_code}, inner.to_string(): {"code": "0x5f5fa000"}},
        });
        let call = json!({"to": outer, "gas": "0x100000"});
        let frame = node.call("debug_traceCall", json!([call, "latest", options])).await;
        let log = &frame["logs"][0];
        (frame.get("calls").is_some(), log["index"].clone(), log["position"].clone())
    };
    assert_eq!(logs(false).await, (true, json!("0x1"), json!("0x1")));
    assert_eq!(logs(true).await, (false, json!("0x1"), json!("0x0")));
}
