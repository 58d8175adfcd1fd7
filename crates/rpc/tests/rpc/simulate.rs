//! `eth_simulateV1`.

use crate::common::{
    CHAIN_ID, GENESIS_TIME, Node, RECIPIENT, REVERT_INITCODE, STORE_INITCODE, invoke, signer, transfer,
};
use alloy_eips::eip7702::Authorization;
use alloy_genesis::Genesis;
use alloy_primitives::{Address, B256, U256};
use alloy_signer::SignerSync;
use ivm_chain::{Chain, ChainConfig, Storage};
use serde_json::{Value, json};

const A: &str = "0xc000000000000000000000000000000000000000";
const B: &str = "0xc100000000000000000000000000000000000000";
const C: &str = "0xc200000000000000000000000000000000000000";

async fn simulate(node: &Node, payload: Value) -> Value {
    node.call("eth_simulateV1", json!([payload, "latest"])).await
}

async fn refusal(node: &Node, payload: Value) -> (i32, String) {
    let refused = node.fails("eth_simulateV1", json!([payload, "latest"])).await;
    (refused.code(), refused.message().to_owned())
}

#[tokio::test]
async fn blocks_follow_each_other() {
    let node = Node::start().await;
    let head = node.mine().block;
    let blocks = simulate(
        &node,
        json!({"blockStateCalls": [
            {
                "stateOverrides": {A: {"balance": "0x3e8"}},
                "calls": [{"from": A, "to": B, "value": "0x3e8"}, {"from": B, "to": C, "value": "0x3e8"}]
            },
            {"blockOverrides": {"number": "0x5"}, "calls": [{"from": C, "to": A, "value": "0x1"}]},
        ]}),
    )
    .await;
    let blocks = blocks.as_array().unwrap();
    assert_eq!(blocks.len(), 4, "the gap is filled");
    let first = &blocks[0];
    assert_eq!(first["parentHash"], json!(head.hash()));
    assert_eq!((&first["number"], &first["gasUsed"]), (&json!("0x2"), &json!("0xa410")));
    assert_eq!(first["timestamp"], json!(format!("{:#x}", head.header().timestamp + 12)));
    assert_eq!((&first["baseFeePerGas"], &first["uncles"]), (&json!("0x0"), &json!([])));
    let transfer =
        json!({"returnData": "0x", "logs": [], "gasUsed": "0x5208", "maxUsedGas": "0x5208", "status": "0x1"});
    assert_eq!(first["calls"], json!([transfer, transfer]));
    assert_eq!(first["transactions"].as_array().unwrap().len(), 2);
    for pair in blocks.windows(2) {
        assert_eq!(pair[1]["parentHash"], pair[0]["hash"]);
        assert_ne!(pair[1]["stateRoot"], pair[0]["stateRoot"], "system calls change state in each block");
    }
    assert_eq!(blocks[3]["calls"][0]["status"], "0x1");
}

#[tokio::test]
async fn a_simulated_block_has_the_roots_of_a_real_one() {
    let node = Node::start().await;
    let sender = signer(0).address();
    let base_fee = node.chain.next_base_fee();
    let timestamp = GENESIS_TIME + 1;
    let payload = json!({"blockStateCalls": [{
        "blockOverrides": {"time": format!("{timestamp:#x}"), "feeRecipient": RECIPIENT},
        "calls": [{"from": sender, "to": RECIPIENT, "value": "0x1", "gas": "0x5208",
            "maxFeePerGas": format!("{:#x}", 10_000_000_000u64), "maxPriorityFeePerGas": "0x3b9aca00"}],
    }], "validation": true, "returnFullTransactions": true});
    let simulated = simulate(&node, payload).await;
    assert_eq!(simulated[0]["baseFeePerGas"], json!(format!("{base_fee:#x}")));
    assert_eq!(simulated[0]["transactions"][0]["from"], json!(sender));
    assert_eq!(simulated[0]["transactions"][0]["blockHash"], simulated[0]["hash"]);
    assert_eq!(simulated[0]["transactions"][0]["r"], "0x0");
    assert!(simulated[0]["transactions"][0].get("yParity").is_some());

    node.send(transfer(0), 0).await;
    let request = ivm_chain::BuildRequest { timestamp, beneficiary: RECIPIENT, ..Default::default() };
    let built = node.chain.build_block(request).unwrap();
    let real = built.block().header();
    assert_eq!(simulated[0]["stateRoot"], json!(real.state_root));
    assert_eq!(simulated[0]["receiptsRoot"], json!(real.receipts_root));
    assert_eq!(simulated[0]["requestsHash"], json!(real.requests_hash));
    assert_eq!(simulated[0]["parentHash"], json!(real.parent_hash));
    assert_ne!(simulated[0]["transactionsRoot"], json!(real.transactions_root), "the signature differs");
}

#[tokio::test]
async fn later_blocks_see_the_hashes_of_earlier_ones() {
    let node = Node::start().await;
    // PUSH1 n BLOCKHASH PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    let overrides = json!({A: {"code": "0x6001405f5260205ff3"}, B: {"code": "0x6000405f5260205ff3"}});
    let blocks = simulate(
        &node,
        json!({"blockStateCalls": [{"stateOverrides": overrides}, {"calls": [{"to": A}, {"to": B}]}]}),
    )
    .await;
    assert_eq!(blocks[1]["calls"][0]["returnData"], blocks[0]["hash"]);
    assert_eq!(blocks[1]["calls"][1]["returnData"], json!(node.chain.genesis_hash()));
}

#[tokio::test]
async fn transfers_are_logged_where_asked_for() {
    let node = Node::start().await;
    // Logs, then sends all it has to C: PUSH0 PUSH0 LOG0; CALL(gas, C, selfbalance); STOP
    let forward = "0x5f5fa05f5f5f5f4773c2000000000000000000000000000000000000005af100";
    let payload = |transfers: bool| {
        json!({"blockStateCalls": [{
            "stateOverrides": {A: {"balance": "0x3e8"}, B: {"code": forward}},
            "calls": [{"from": A, "to": B, "value": "0x3e8"}],
        }], "traceTransfers": transfers})
    };
    let plain = simulate(&node, payload(false)).await;
    let logs = plain[0]["calls"][0]["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 1);
    let traced = simulate(&node, payload(true)).await;
    let logs = traced[0]["calls"][0]["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 3);
    assert_eq!(logs[0]["address"], "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    assert_eq!(logs[0]["data"], json!(B256::from(U256::from(1000))));
    assert_eq!(logs[1]["address"], B);
    assert!(logs[2]["topics"][2].as_str().unwrap().ends_with(&C[2..]));
    for (index, log) in logs.iter().enumerate() {
        assert_eq!(log["logIndex"], json!(format!("{index:#x}")));
        assert_eq!(log["blockHash"], traced[0]["hash"]);
    }
    assert_eq!(plain[0]["hash"], traced[0]["hash"], "the logs of transfers are in no receipt");

    // SELFDESTRUCT to address 0
    let destructed = json!({"blockStateCalls": [{
        "stateOverrides": {B: {"code": "0x5fff", "balance": "0x7"}},
        "calls": [{"from": A, "to": B}],
    }], "traceTransfers": true});
    let traced = simulate(&node, destructed).await;
    assert_eq!(traced[0]["calls"][0]["logs"][0]["data"], json!(B256::with_last_byte(7)));
    assert_eq!(traced[0]["calls"][0]["logs"][0]["topics"][2], json!(B256::ZERO));
}

#[tokio::test]
async fn failed_calls_are_results() {
    let node = Node::start().await;
    let revert = format!("0x{}", alloy_primitives::hex::encode(&REVERT_INITCODE[9..]));
    let blocks = simulate(
        &node,
        json!({"blockStateCalls": [{"calls": [{"data": revert}, {"data": "0x5f5ffd"}, {"data": "0xfe", "gas": "0xffff"}]}]}),
    )
    .await;
    let calls = &blocks[0]["calls"];
    assert_eq!((&calls[0]["status"], &calls[0]["returnData"]), (&json!("0x0"), &json!("0x")));
    assert_eq!(
        (&calls[0]["error"]["code"], &calls[0]["error"]["message"]),
        (&json!(3), &json!("execution reverted: no"))
    );
    assert!(calls[0]["error"]["data"].as_str().unwrap().starts_with("0x08c379a0"));
    assert_eq!(calls[1]["error"], json!({"code": 3, "message": "execution reverted", "data": "0x"}));
    assert_eq!(calls[2]["error"], json!({"code": -32015, "message": "invalid opcode: INVALID"}));
}

#[tokio::test]
async fn refusals_have_the_codes_of_the_specification() {
    let node = Node::start().await;
    let a = "0xC000000000000000000000000000000000000000";
    let cases = [
        (json!({}), -32602, "empty input".to_owned()),
        (json!({"blockStateCalls": vec![json!({}); 257]}), -38026, "too many blocks".to_owned()),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"number": "0x9"}}, {"blockOverrides": {"number": "0x9"}}]}),
            -38020,
            "block numbers must be in order: 9 <= 9".to_owned(),
        ),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"time": "0x1"}}]}),
            -38021,
            format!("block timestamps must be in order: 1 <= {GENESIS_TIME}"),
        ),
        (
            json!({"blockStateCalls": [{"calls": [{"from": A, "to": B, "value": "0x3e8"}]}]}),
            -38014,
            format!(
                "err: insufficient funds for gas * price + value: address {a} have 0 want 1000 (supplied gas 30000000)"
            ),
        ),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"baseFeePerGas": "0xa"}, "calls": [{"from": A, "to": B}]}],
                "validation": true}),
            -38012,
            format!(
                "err: max fee per gas less than block base fee: address {a}, maxFeePerGas: 0, baseFee: 10 (supplied gas 30000000)"
            ),
        ),
        (
            json!({"blockStateCalls": [{"calls": [{"from": A, "to": B, "gas": "0x0"}]}]}),
            -38013,
            "err: intrinsic gas too low: have 0, want 21000 (supplied gas 0)".to_owned(),
        ),
        (
            json!({"blockStateCalls": [{"calls": [{"from": A, "to": B, "gas": "0xffffffff"}]}]}),
            -38015,
            "block gas limit reached: 0 >= 30000000".to_owned(),
        ),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"baseFeePerGas": "0x0"},
                "stateOverrides": {A: {"nonce": "0x5"}}, "calls": [{"from": A, "to": B, "nonce": "0x4"}]}],
                "validation": true}),
            -38010,
            format!("err: nonce too low: address {a}, tx: 4 state: 5 (supplied gas 30000000)"),
        ),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"baseFeePerGas": "0x0"},
                "calls": [{"from": A, "to": B, "nonce": "0x4"}]}], "validation": true}),
            -38011,
            format!("err: nonce too high: address {a}, tx: 4 state: 0 (supplied gas 30000000)"),
        ),
        (
            json!({"blockStateCalls": [{"stateOverrides": {A: {"movePrecompileToAddress": B}}}]}),
            -32000,
            format!("account {a} is not a precompile"),
        ),
    ];
    for (payload, code, message) in cases {
        assert_eq!(refusal(&node, payload.clone()).await, (code, message), "{payload}");
    }
}

#[tokio::test]
async fn nonces_may_wrap_without_validation() {
    let node = Node::start().await;
    let payload = |validation: bool| {
        json!({"blockStateCalls": [{"blockOverrides": {"baseFeePerGas": "0x0"},
            "stateOverrides": {A: {"nonce": "0xffffffffffffffff"}},
            "calls": [{"from": A, "to": B}, {"from": A, "to": B}]}], "validation": validation})
    };
    let blocks = simulate(&node, payload(false)).await;
    assert_eq!(blocks[0]["calls"][1]["status"], "0x1");
    let (code, message) = refusal(&node, payload(true)).await;
    assert_eq!(code, -32603);
    assert!(message.starts_with("err: nonce has max value: address 0xC0"), "{message}");
}

/// An Ethereum chain with every fork up to Osaka from the start, and no block but the first.
fn osaka() -> Chain {
    use alloy_eips::{eip7002, eip7251};
    let genesis: Genesis = serde_json::from_value(json!({
        "config": {"chainId": CHAIN_ID, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0,
            "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
            "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": 131_072,
            "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0, "osakaTime": 0},
        "nonce": "0x0", "timestamp": "0x0", "extraData": "0x", "gasLimit": "0xbebc200",
        "difficulty": "0x20000", "mixHash": B256::ZERO, "coinbase": Address::ZERO,
        "alloc": {
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS.to_string():
                {"balance": "0x0", "code": eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE},
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS.to_string():
                {"balance": "0x0", "code": eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE},
        },
    }))
    .unwrap();
    Chain::open(ChainConfig::ethereum(genesis).unwrap(), Storage::Memory).unwrap()
}

#[tokio::test]
async fn calls_may_have_more_gas_than_osakas_transactions() {
    let node = Node::start_on(osaka()).await;
    for validation in [false, true] {
        let payload = json!({"blockStateCalls": [{"blockOverrides": {"baseFeePerGas": "0x0"},
            "calls": [{"from": A, "to": B}, {"from": A, "to": B}]}],
            "validation": validation, "returnFullTransactions": true});
        let blocks = simulate(&node, payload).await;
        let gas = |index: usize| blocks[0]["transactions"][index]["gas"].clone();
        assert_eq!(gas(0), json!(format!("{:#x}", 50_000_000)), "all that a simulation may use");
        assert_eq!(gas(1), json!(format!("{:#x}", 50_000_000 - 21_000)));
    }
}

#[tokio::test]
async fn a_nonce_is_checked_before_the_price() {
    let node = Node::start().await;
    for (nonce, code) in [("0x4", -38010), ("0x5", -38012), ("0x6", -38011)] {
        // Without a price none of them pays the base fee.
        let payload = json!({"blockStateCalls": [{"stateOverrides": {A: {"nonce": "0x5"}},
            "calls": [{"from": A, "to": B, "nonce": nonce}]}], "validation": true});
        assert_eq!(refusal(&node, payload).await.0, code, "{nonce}");
    }
}

#[tokio::test]
async fn an_account_that_is_overridden_to_nothing_keeps_its_storage() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    node.send(invoke(1, contract, 7), 0).await;
    node.mine();
    // Gives slot 0.
    let reader = "0x5f545f5260205ff3";
    let payload = json!({"blockStateCalls": [
        {"stateOverrides": {contract.to_string(): {"code": "0x", "nonce": "0x0", "balance": "0x0"}},
            "calls": [{"from": A, "to": B}]},
        {"stateOverrides": {contract.to_string(): {"code": reader}}, "calls": [{"to": contract}]},
        {"stateOverrides": {contract.to_string(): {"state": {}}}, "calls": [{"to": contract}]},
    ]});
    let blocks = simulate(&node, payload).await;
    assert_eq!(blocks[1]["calls"][0]["returnData"], json!(B256::with_last_byte(7)));
    assert_eq!(blocks[2]["calls"][0]["returnData"], json!(B256::ZERO), "storage that is replaced is gone");
}

#[tokio::test]
async fn an_account_that_is_overridden_to_nothing_exists() {
    let node = Node::start().await;
    let authority = signer(7);
    let authorization =
        Authorization { chain_id: U256::from(CHAIN_ID), address: signer(0).address(), nonce: 0 };
    let signature = authority.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let call = json!({"from": A, "to": A, "authorizationList": [authorization.into_signed(signature)]});
    let authority = authority.address().to_string();
    let gas_used = async |overrides: Value| {
        let payload = json!({"blockStateCalls": [{"stateOverrides": overrides, "calls": [call]}]});
        simulate(&node, payload).await[0]["calls"][0]["gasUsed"].clone()
    };
    // An authorization costs 25,000 gas; 12,500 of it come back when the account is there already (EIP-7702), up to a
    // fifth of what was used.
    assert_eq!(gas_used(json!({})).await, json!(format!("{:#x}", 46_000)));
    assert_eq!(gas_used(json!({authority: {"code": "0x"}})).await, json!(format!("{:#x}", 36_800)));
}

#[tokio::test]
async fn gas_is_bounded_over_all_blocks() {
    let node = Node::start().await;
    // Loops until its gas is gone; the cap is 50,000,000 for all calls together, a block's limit 30,000,000.
    let burn = json!({"calls": [{"data": "0x5b600056"}]});
    let blocks = simulate(&node, json!({"blockStateCalls": [burn, burn]})).await;
    assert_eq!(blocks[0]["gasUsed"], json!(format!("{:#x}", 30_000_000)));
    assert_eq!(blocks[1]["gasUsed"], json!(format!("{:#x}", 20_000_000)));
    let (code, message) = refusal(&node, json!({"blockStateCalls": [burn, burn, burn]})).await;
    assert_eq!((code, message.as_str()), (-32603, "err: gas limit reached (supplied gas 0)"));
}

#[tokio::test]
async fn a_simulation_on_an_older_block_is_what_it_was_at_the_head() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    let store = json!({"from": signer(0).address(), "to": contract, "input": B256::with_last_byte(9)});
    let payload = json!({"blockStateCalls": [{"calls": [store]}, {"calls": [{"to": contract}]}]});
    let at_head = node.call("eth_simulateV1", json!([payload, "latest"])).await;
    assert_eq!(at_head[1]["calls"][0]["returnData"], json!(B256::with_last_byte(9)));
    for nonce in 1..4 {
        node.send(invoke(nonce, contract, nonce), 0).await;
        node.mine();
    }
    let later = node.call("eth_simulateV1", json!([payload, "0x1"])).await;
    assert_eq!(later, at_head);
    let at_new_head = node.call("eth_simulateV1", json!([payload, "latest"])).await;
    assert_ne!(at_new_head[0]["stateRoot"], at_head[0]["stateRoot"]);
    // Nothing is kept.
    assert_eq!(node.call("eth_blockNumber", json!([])).await, "0x4");
    assert_eq!(node.call("eth_call", json!([{"to": contract}])).await, json!(B256::with_last_byte(3)));
    assert_eq!(node.call("eth_simulateV1", json!([payload, "0x0"])).await.as_array().unwrap().len(), 2);
}
