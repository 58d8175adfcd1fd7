//! Ethereum's methods over a chain with a few blocks.

use crate::common::{GWEI, Node, RECIPIENT, STORE_INITCODE, create, invoke, raw, sign, signer, transfer};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use serde_json::{Value, json};

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

#[tokio::test]
async fn says_what_it_is() {
    let node = Node::start().await;
    let version = node.call("web3_clientVersion", json!([])).await;
    assert!(version.as_str().unwrap().starts_with("infinityvm/v0.1.0/"), "{version}");
    assert_eq!(node.call("web3_sha3", json!(["0x"])).await, json!(keccak256([])));
    assert_eq!(node.call("net_version", json!([])).await, "4956");
    assert_eq!(node.call("net_listening", json!([])).await, true);
    assert_eq!(node.call("net_peerCount", json!([])).await, "0x0");
    assert_eq!(node.call("eth_chainId", json!([])).await, "0x135c");
    assert_eq!(node.call("eth_syncing", json!([])).await, false);
    assert_eq!(node.call("eth_accounts", json!([])).await, json!([signer(0).address()]));
    let modules = node.call("rpc_modules", json!([])).await;
    assert_eq!(modules["eth"], "1.0");
    assert!(modules.get("evm").is_none());
}

#[tokio::test]
async fn a_transfer_from_the_pool_to_its_receipt() {
    let node = Node::start().await;
    let sender = signer(0).address();
    let hash = node.send(transfer(0), 0).await;

    let pending = node.call("eth_getTransactionByHash", json!([hash])).await;
    for field in ["blockHash", "blockNumber", "blockTimestamp", "transactionIndex"] {
        assert_eq!(pending.get(field), Some(&Value::Null), "{field}");
    }
    assert_eq!(pending["from"], json!(sender));
    assert_eq!(node.call("eth_getTransactionReceipt", json!([hash])).await, Value::Null);
    assert_eq!(node.call("eth_getTransactionCount", json!([sender, "latest"])).await, "0x0");
    assert_eq!(node.call("eth_getTransactionCount", json!([sender, "pending"])).await, "0x1");
    assert_eq!(node.call("txpool_status", json!([])).await, json!({"pending": "0x1", "queued": "0x0"}));
    let content = node.call("txpool_content", json!([])).await;
    assert_eq!(content["pending"][sender.to_checksum(None)]["0"], pending);
    let inspected = node.call("txpool_inspect", json!([])).await.to_string();
    assert!(inspected.contains("1 wei + 21000 gas × 10000000000 wei"), "{inspected}");
    assert!(node.call("txpool_contentFrom", json!([sender])).await["pending"].get("0").is_some());

    let block = node.mine().block;
    assert_eq!(node.call("eth_blockNumber", json!([])).await, "0x1");
    let mined = node.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(mined["blockHash"], json!(block.hash()));
    assert_eq!((&mined["blockNumber"], &mined["transactionIndex"]), (&json!("0x1"), &json!("0x0")));
    assert_eq!(
        (&mined["type"], &mined["chainId"], &mined["nonce"]),
        (&json!("0x2"), &json!("0x135c"), &json!("0x0"))
    );
    let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["gasUsed"], "0x5208");
    assert_eq!(receipt["to"], json!(RECIPIENT));
    assert_eq!(receipt["contractAddress"], Value::Null);
    assert_eq!(receipt["logs"], json!([]));
    let base_fee = u128::from(block.header().base_fee_per_gas.unwrap());
    assert_eq!(u128::from(number(&receipt["effectiveGasPrice"])), base_fee + GWEI);
    assert_eq!(node.call("eth_getBlockReceipts", json!(["0x1"])).await, json!([receipt]));

    for (method, params) in [
        ("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])),
        ("eth_getTransactionByBlockHashAndIndex", json!([block.hash(), "0x0"])),
    ] {
        assert_eq!(node.call(method, params).await, mined);
    }
    assert_eq!(
        node.call("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x1"])).await,
        Value::Null
    );
    assert_eq!(node.call("eth_getBlockTransactionCountByNumber", json!(["0x1"])).await, "0x1");
    assert_eq!(node.call("eth_getBlockTransactionCountByHash", json!([block.hash()])).await, "0x1");
    assert_eq!(node.call("eth_getBalance", json!([RECIPIENT, "latest"])).await, "0x1");
    assert_eq!(node.call("eth_getBalance", json!([RECIPIENT, "0x0"])).await, "0x0");
    assert_eq!(node.call("eth_getTransactionCount", json!([sender])).await, "0x1");
    let encoded = node.call("eth_getRawTransactionByHash", json!([hash])).await;
    assert_eq!(encoded, json!(raw(sign(transfer(0), 0))));
}

#[tokio::test]
async fn blocks_by_number_hash_and_tag() {
    let node = Node::start().await;
    node.send(transfer(0), 0).await;
    let block = node.mine().block;
    let by_number = node.call("eth_getBlockByNumber", json!(["0x1", false])).await;
    assert_eq!(by_number["hash"], json!(block.hash()));
    assert_eq!(by_number["transactions"], json!([block.transactions()[0].inner().tx_hash()]));
    assert_eq!(number(&by_number["size"]), block.size_bytes() as u64);
    assert_eq!((&by_number["uncles"], &by_number["withdrawals"]), (&json!([]), &json!([])));
    for field in [
        "logsBloom",
        "stateRoot",
        "receiptsRoot",
        "transactionsRoot",
        "mixHash",
        "nonce",
        "sha3Uncles",
        "baseFeePerGas",
        "gasLimit",
        "gasUsed",
        "blobGasUsed",
        "excessBlobGas",
        "parentBeaconBlockRoot",
        "withdrawalsRoot",
        "requestsHash",
        "extraData",
        "miner",
        "difficulty",
        "timestamp",
    ] {
        assert!(by_number.get(field).is_some(), "{field}");
    }
    assert_eq!(node.call("eth_getBlockByHash", json!([block.hash(), false])).await, by_number);
    for tag in ["latest", "safe", "finalized", "pending"] {
        assert_eq!(node.call("eth_getBlockByNumber", json!([tag, false])).await, by_number, "{tag}");
    }
    let full = node.call("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(full["transactions"][0]["from"], json!(signer(0).address()));
    let genesis = node.call("eth_getBlockByNumber", json!(["earliest", true])).await;
    assert_eq!(genesis["hash"], json!(node.chain.genesis_hash()));
}

#[tokio::test]
async fn a_header_is_its_block_without_what_the_block_holds() {
    let node = Node::start().await;
    let block = node.mine().block;
    let mut expected = node.call("eth_getBlockByNumber", json!(["0x1", false])).await;
    for field in ["size", "transactions", "uncles", "withdrawals"] {
        assert!(expected.as_object_mut().unwrap().remove(field).is_some(), "{field}");
    }
    assert_eq!(node.call("eth_getHeaderByNumber", json!(["0x1"])).await, expected);
    assert_eq!(node.call("eth_getHeaderByHash", json!([block.hash()])).await, expected);
    assert_eq!(node.call("eth_getHeaderByNumber", json!(["0x2"])).await, Value::Null);
}

#[tokio::test]
async fn a_node_says_how_far_back_it_goes() {
    let node = Node::start().await;
    let block = node.mine().block;
    let capabilities = node.call("eth_capabilities", json!([])).await;
    assert_eq!(capabilities["head"], json!({"number": "0x1", "hash": block.hash()}));
    let all = json!({"disabled": false, "oldestBlock": "0x0"});
    for kind in ["tx", "logs", "receipts", "blocks"] {
        assert_eq!(capabilities[kind], all, "{kind}");
    }
    let window = json!({"disabled": false, "oldestBlock": "0x0",
        "deleteStrategy": {"type": "window", "retentionBlocks": "0x186a0"}});
    for kind in ["state", "stateproofs"] {
        assert_eq!(capabilities[kind], window, "{kind}");
    }
}

#[tokio::test]
async fn unknown_blocks_are_null_or_an_error_as_in_geth() {
    let node = Node::start().await;
    let nowhere = B256::repeat_byte(1);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x99", false])),
        ("eth_getBlockByHash", json!([nowhere, false])),
        ("eth_getBlockReceipts", json!(["0x99"])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x99"])),
        ("eth_getTransactionByHash", json!([nowhere])),
        ("eth_getTransactionReceipt", json!([nowhere])),
    ] {
        assert_eq!(node.call(method, params).await, Value::Null, "{method}");
    }
    for (method, params) in [
        ("eth_getBalance", json!([RECIPIENT, "0x99"])),
        ("eth_call", json!([{"to": RECIPIENT}, "0x99"])),
        ("eth_simulateV1", json!([{"blockStateCalls": [{}]}, "0x99"])),
    ] {
        let refused = node.fails(method, params).await;
        assert_eq!((refused.code(), refused.message()), (-32000, "header not found"), "{method}");
    }
    for (method, params) in [
        ("eth_getCode", json!([RECIPIENT, nowhere])),
        ("eth_getStorageAt", json!([RECIPIENT, "0x0", {"blockHash": nowhere}])),
    ] {
        let refused = node.fails(method, params).await;
        assert_eq!((refused.code(), refused.message()), (-32000, "header for hash not found"), "{method}");
    }
    for method in ["debug_getRawBlock", "debug_getRawHeader"] {
        assert_eq!(node.call(method, json!(["0x99"])).await, "0x", "{method}");
    }
    assert_eq!(node.call("debug_getRawReceipts", json!(["0x99"])).await, json!([]));
    assert_eq!(node.call("debug_getRawTransaction", json!([nowhere])).await, Value::Null);
    let refused = node.fails("eth_getLogs", json!([{"blockHash": nowhere}])).await;
    assert_eq!((refused.code(), refused.message()), (-32000, "unknown block"));
    let refused = node.fails("eth_feeHistory", json!(["0x1", "0x99", []])).await;
    assert_eq!(refused.message(), "request beyond head block: requested 153, head 0");
}

#[tokio::test]
async fn transactions_are_refused_in_geths_words() {
    let node = Node::start().await;
    let limit = node.chain.config().block_gas_limit;
    node.send(transfer(0), 0).await;
    node.mine();
    node.send(transfer(1), 0).await;

    let mut wrong_chain = transfer(2);
    wrong_chain.chain_id = 1;
    let mut too_much_gas = transfer(2);
    too_much_gas.gas_limit = limit + 1;
    let mut too_little_gas = transfer(2);
    too_little_gas.gas_limit = 20_999;
    let mut replacement = transfer(1);
    replacement.value = U256::from(2);
    let mut tip_over_fee = transfer(2);
    tip_over_fee.max_priority_fee_per_gas = 11 * GWEI;
    let mut unaffordable = transfer(2);
    unaffordable.value = U256::MAX >> 1;
    let cases = [
        (raw(sign(wrong_chain, 0)), -32000, "invalid chain id for signer: have 1 want 4956"),
        (raw(sign(transfer(0), 0)), 1, "nonce too low: next nonce 1, tx nonce 0"),
        (raw(sign(transfer(0), 7)), 809, "insufficient funds for gas * price + value"),
        (raw(sign(unaffordable, 0)), 809, "insufficient funds for gas * price + value"),
        (raw(sign(too_much_gas, 0)), 803, "exceeds block gas limit"),
        (raw(sign(too_little_gas, 0)), 800, "intrinsic gas too low"),
        (raw(sign(transfer(1), 0)), 1000, "already known"),
        (raw(sign(replacement, 0)), 1002, "replacement transaction underpriced"),
        (raw(sign(tip_over_fee, 0)), 804, "max priority fee per gas higher than max fee per gas"),
        (raw(sign(create(2, &[0xfe; 50_000]), 0)), -32000, "max initcode size exceeded"),
        (Bytes::new(), -32000, "transaction does not decode"),
        (Bytes::from_static(&[2, 0xc0]), -32000, "transaction does not decode"),
        (vec![0xf8; 300_000].into(), -32000, "oversized data"),
    ];
    for (transaction, code, message) in cases {
        let refused = node.fails("eth_sendRawTransaction", json!([transaction])).await;
        assert_eq!(refused.code(), code, "{message}");
        assert!(refused.message().starts_with(message), "{message}: {}", refused.message());
    }
}

#[tokio::test]
async fn logs_are_found_by_range_address_and_topic() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    for nonce in 1..4 {
        node.send(invoke(nonce, contract, nonce), 0).await;
    }
    let block = node.mine().block;
    node.send(invoke(4, contract, 4), 0).await;
    node.mine();

    let count =
        async |filter: Value| node.call("eth_getLogs", json!([filter])).await.as_array().unwrap().len();
    let topic = B256::with_last_byte(0xaa);
    assert_eq!(count(json!({"fromBlock": "earliest"})).await, 4);
    assert_eq!(count(json!({})).await, 1, "the head alone");
    assert_eq!(count(json!({"fromBlock": "0x2", "toBlock": "0x2", "address": contract})).await, 3);
    assert_eq!(count(json!({"fromBlock": "0x0", "address": [RECIPIENT]})).await, 0);
    assert_eq!(count(json!({"fromBlock": "0x0", "topics": [topic]})).await, 4);
    assert_eq!(count(json!({"fromBlock": "0x0", "topics": [null]})).await, 4);
    assert_eq!(count(json!({"fromBlock": "0x0", "topics": [[RECIPIENT.into_word(), topic]]})).await, 4);
    assert_eq!(count(json!({"fromBlock": "0x0", "topics": [B256::ZERO]})).await, 0);
    assert_eq!(count(json!({"blockHash": block.hash()})).await, 3);
    assert_eq!(count(json!({"address": null, "topics": null})).await, 1);
    let cases = [
        (json!({"fromBlock": "0x99", "toBlock": "0xa0"}), "block range extends beyond current head block"),
        (json!({"fromBlock": "0x1", "toBlock": "0xa0"}), "block range extends beyond current head block"),
        (json!({"fromBlock": "0x99", "toBlock": "latest"}), "invalid block range params"),
        (json!({"fromBlock": "0x99"}), "invalid block range params"),
        (json!({"fromBlock": "0xa0", "toBlock": "0x99"}), "invalid block range params"),
        (
            json!({"blockHash": block.hash(), "fromBlock": "0x1"}),
            "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other",
        ),
    ];
    for (filter, message) in cases {
        let refused = node.fails("eth_getLogs", json!([filter])).await;
        assert_eq!((refused.code(), refused.message()), (-32602, message), "{filter}");
    }

    let logs = node.call("eth_getLogs", json!([{"fromBlock": "0x2", "toBlock": "0x2"}])).await;
    assert_eq!(logs[2]["logIndex"], "0x2");
    assert_eq!(logs[2]["transactionIndex"], "0x2");
    assert_eq!(logs[2]["removed"], false);
    assert_eq!(logs[2]["blockHash"], json!(block.hash()));
    let receipts = node.call("eth_getBlockReceipts", json!([{"blockHash": block.hash()}])).await;
    assert_eq!(receipts[2]["logs"][0], logs[2]);
    let hash = logs[2]["transactionHash"].clone();
    assert_eq!(node.call("eth_getTransactionReceipt", json!([hash])).await, receipts[2]);

    let refused = node.fails("eth_getLogs", json!([{"fromBlock": "0x3", "toBlock": "0x1"}])).await;
    assert!(refused.message().starts_with("invalid block range"), "{}", refused.message());
    let refused = node.fails("eth_getLogs", json!([{"fromBlock": "pending"}])).await;
    assert_eq!(refused.message(), "pending logs are not supported");
    let addresses: Vec<_> = (0..1001_u64).map(|n| Address::left_padding_from(&n.to_be_bytes())).collect();
    let refused = node.fails("eth_getLogs", json!([{"address": addresses}])).await;
    assert_eq!((refused.code(), refused.message()), (-32602, "exceed max addresses: 1001, limit 1000"));
}

#[tokio::test]
async fn fees_are_suggested_from_what_blocks_took() {
    let node = Node::start().await;
    assert_eq!(number(&node.call("eth_maxPriorityFeePerGas", json!([])).await), GWEI as u64);
    let mut generous = transfer(0);
    generous.max_priority_fee_per_gas = 3 * GWEI;
    node.send(generous, 0).await;
    node.mine();
    node.mine();
    assert_eq!(number(&node.call("eth_maxPriorityFeePerGas", json!([])).await), 3 * GWEI as u64);
    let price = number(&node.call("eth_gasPrice", json!([])).await);
    // The head's is the higher one: the price covers it too, so that a call at the head is not refused for it.
    let base_fee = node.chain.head().block.header().base_fee_per_gas.unwrap();
    assert!(base_fee > node.chain.next_base_fee());
    assert_eq!(price, 3 * GWEI as u64 + base_fee);
    assert_eq!(node.call("eth_blobBaseFee", json!([])).await, "0x1");
    assert_eq!(number(&node.call("eth_baseFee", json!([])).await), node.chain.next_base_fee());

    let history = node.call("eth_feeHistory", json!(["0x5", "latest", [10, 50.5]])).await;
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 4);
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 3);
    assert_eq!(number(&history["reward"][1][1]), 3 * GWEI as u64);
    let plain = node.call("eth_feeHistory", json!(["0x1", "0x1"])).await;
    assert_eq!(plain["oldestBlock"], "0x1");
    assert!(plain.get("reward").is_none_or(Value::is_null));
}
