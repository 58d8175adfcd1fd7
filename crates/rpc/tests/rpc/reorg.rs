//! A reorg as clients see it: the chain really moves to another branch while they subscribe, poll and read.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use ivm_chain::{BuildRequest, Chain, CommittedBlock, Storage};
use jsonrpsee::core::client::{Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use serde_json::{Value, json};

use crate::common::{
    GENESIS_TIME, Node, RECIPIENT, STORE_INITCODE, chain_config, invoke, raw, sign, signer, transfer,
};

async fn next(subscription: &mut Subscription<Value>) -> Value {
    let message = tokio::time::timeout(Duration::from_secs(10), subscription.next()).await;
    message.expect("a message in time").expect("an open subscription").unwrap()
}

/// Asks a filter until it has something to say.
async fn changes(node: &Node, filter: &Value) -> Value {
    for _ in 0..500 {
        let found = node.call("eth_getFilterChanges", json!([filter])).await;
        if found != json!([]) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    json!([])
}

/// What tells a log from others: its data, its block, and whether it is taken back.
fn place(log: &Value) -> (Value, Value, bool) {
    (log["data"].clone(), log["blockHash"].clone(), log["removed"].as_bool().unwrap())
}

fn word(number: u8) -> Value {
    json!(B256::with_last_byte(number))
}

/// Another node's chain, which has the first block in common and then goes its own way.
struct Rival(Chain);

impl Rival {
    fn after(first: &CommittedBlock) -> Self {
        let chain = Chain::open(chain_config(), Storage::Memory).unwrap();
        chain.import(first.block.to_block()).unwrap();
        Self(chain)
    }

    /// Makes a block, with transactions of its own.
    fn mine(&self, raw: &[alloy_primitives::Bytes]) -> CommittedBlock {
        for transaction in raw {
            self.0.submit_transaction(transaction).unwrap();
        }
        let request = BuildRequest {
            timestamp: GENESIS_TIME + self.0.head().block.number(),
            beneficiary: Address::repeat_byte(0xcc),
            ..BuildRequest::default()
        };
        self.0.commit(self.0.build_block(request).unwrap(), Vec::new()).unwrap()
    }
}

#[tokio::test]
async fn a_reorg_is_told_to_whoever_listens_and_seen_by_whoever_reads() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    let first = node.chain.head();
    let rival = Rival::after(&first);
    node.chain.set_finalized(1).unwrap();

    let client = node.ws().await;
    let mut heads: Subscription<Value> =
        client.subscribe("eth_subscribe", rpc_params!["newHeads"], "eth_unsubscribe").await.unwrap();
    let only = json!({"address": contract});
    let mut logs: Subscription<Value> = client
        .subscribe("eth_subscribe", rpc_params!["logs", only.clone()], "eth_unsubscribe")
        .await
        .unwrap();
    let block_filter = node.call("eth_newBlockFilter", json!([])).await;
    let log_filter = node.call("eth_newFilter", json!([only])).await;

    // The same call on both branches; one more and a transfer on the branch that is left.
    let shared = invoke(1, contract, 7);
    let shared_hash = node.send(shared.clone(), 0).await;
    let left_2 = node.mine().block.hash();
    let dropped = node.send(invoke(2, contract, 8), 0).await;
    let dropped_transfer = node.send(transfer(0), 1).await;
    let left_3 = node.mine().block.hash();
    node.chain.set_safe(3).unwrap();
    for hash in [left_2, left_3] {
        assert_eq!(next(&mut heads).await["hash"], json!(hash));
    }
    let told = [next(&mut logs).await, next(&mut logs).await];
    assert_eq!(
        told.each_ref().map(place),
        [(word(7), json!(left_2), false), (word(8), json!(left_3), false)]
    );
    assert_eq!(changes(&node, &block_filter).await, json!([left_2, left_3]));
    assert_eq!(changes(&node, &log_filter).await, json!(told));

    let pending_filter = node.call("eth_newPendingTransactionFilter", json!([])).await;
    let mut pending: Subscription<Value> = client
        .subscribe("eth_subscribe", rpc_params!["newPendingTransactions"], "eth_unsubscribe")
        .await
        .unwrap();
    let branch = [rival.mine(&[raw(sign(shared, 0))]), rival.mine(&[]), rival.mine(&[])];
    for block in &branch {
        node.chain.store_block(block.block.to_block()).unwrap();
    }
    assert_eq!(node.call("eth_blockNumber", json!([])).await, "0x3", "blocks that are kept change nothing");
    let added = branch.each_ref().map(|block| block.block.hash());
    node.chain.reorg_to(added[2]).unwrap();

    // Subscriptions: the new branch's heads; logs taken back from the newest on, then those of the new branch.
    for hash in added {
        assert_eq!(next(&mut heads).await["hash"], json!(hash));
    }
    let expected =
        [(word(8), json!(left_3), true), (word(7), json!(left_2), true), (word(7), json!(added[0]), false)];
    let told = [next(&mut logs).await, next(&mut logs).await, next(&mut logs).await];
    assert_eq!(told.each_ref().map(place), expected);
    // Filters that are polled say the same.
    assert_eq!(changes(&node, &block_filter).await, json!(added));
    assert_eq!(changes(&node, &log_filter).await, json!(told));
    // What is in no block any more waits again, and is told so.
    let mut back = vec![dropped, dropped_transfer];
    back.sort();
    let mut heard = Vec::new();
    for _ in 0..2 {
        heard.push(serde_json::from_value::<B256>(next(&mut pending).await).unwrap());
    }
    heard.sort();
    assert_eq!(heard, back);
    let mut polled: Vec<B256> = serde_json::from_value(changes(&node, &pending_filter).await).unwrap();
    polled.sort();
    assert_eq!(polled, back);

    // Reads.
    for hash in [dropped, dropped_transfer] {
        assert_eq!(node.call("eth_getTransactionReceipt", json!([hash])).await, Value::Null);
        let transaction = node.call("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!((&transaction["hash"], &transaction["blockHash"]), (&json!(hash), &Value::Null));
    }
    let receipt = node.call("eth_getTransactionReceipt", json!([shared_hash])).await;
    assert_eq!(receipt["blockHash"], json!(added[0]));
    let transaction = node.call("eth_getTransactionByHash", json!([shared_hash])).await;
    assert_eq!(transaction["blockHash"], json!(added[0]));
    let by_number =
        async |block: &str| node.call("eth_getBlockByNumber", json!([block, false])).await["hash"].clone();
    assert_eq!(by_number("latest").await, json!(added[2]));
    assert_eq!(by_number("0x3").await, json!(added[1]));
    // What was safe is left; both branches have only the first block.
    assert_eq!(by_number("safe").await, json!(first.block.hash()));
    assert_eq!(by_number("finalized").await, json!(first.block.hash()));
    assert_eq!(node.call("eth_getStorageAt", json!([contract, "0x0", "latest"])).await, word(7));
    let found = node.call("eth_getLogs", json!([{"fromBlock": "0x0", "address": contract}])).await;
    assert_eq!(found.as_array().unwrap().iter().map(place).collect::<Vec<_>>(), expected[2..]);
    let count = json!([signer(0).address(), "latest"]);
    assert_eq!(node.call("eth_getTransactionCount", count).await, "0x2");

    // And the chain goes on, with what came back.
    let again = node.mine().block.hash();
    assert_eq!(next(&mut heads).await["hash"], json!(again));
    let receipt = node.call("eth_getTransactionReceipt", json!([dropped])).await;
    assert_eq!((&receipt["blockHash"], &receipt["status"]), (&json!(again), &json!("0x1")));
    assert_eq!(place(&next(&mut logs).await), (word(8), json!(again), false));
}

#[tokio::test]
async fn going_back_to_an_ancestor_takes_its_descendants_back() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    let ancestor = node.chain.head().block.hash();
    let block_filter = node.call("eth_newBlockFilter", json!([])).await;
    let log_filter = node.call("eth_newFilter", json!([{"address": contract}])).await;
    let hash = node.send(invoke(1, contract, 5), 0).await;
    let left = node.mine().block.hash();
    assert_eq!(changes(&node, &block_filter).await, json!([left]));
    assert_eq!(changes(&node, &log_filter).await[0]["blockHash"], json!(left));

    node.chain.reorg_to(ancestor).unwrap();
    assert_eq!(node.call("eth_blockNumber", json!([])).await, "0x1");
    assert_eq!(node.call("eth_getBlockByNumber", json!(["0x2", false])).await, Value::Null);
    assert_eq!(place(&changes(&node, &log_filter).await[0]), (word(5), json!(left), true));
    assert_eq!(node.call("eth_getFilterChanges", json!([block_filter])).await, json!([]));
    assert_eq!(node.call("eth_getTransactionByHash", json!([hash])).await["blockHash"], Value::Null);
    let nonce = node.call("eth_getTransactionCount", json!([signer(0).address(), "pending"])).await;
    assert_eq!(nonce, "0x2");

    // Built anew, the block has what came back, and is another one.
    node.send(transfer(0), 1).await;
    let anew = node.mine().block.hash();
    assert_eq!(changes(&node, &block_filter).await, json!([anew]));
    assert_eq!(place(&changes(&node, &log_filter).await[0]), (word(5), json!(anew), false));
    assert_eq!(node.call("eth_getBalance", json!([RECIPIENT])).await, "0x1");
}
