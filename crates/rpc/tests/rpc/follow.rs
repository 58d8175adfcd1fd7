//! Filters that are polled, and subscriptions over WebSocket.

use std::time::Duration;

use crate::common::{Node, STORE_INITCODE, invoke, transfer};
use alloy_primitives::{B256, TxHash};
use jsonrpsee::core::client::{Client, ClientT, Error, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use serde_json::{Value, json};

async fn subscribe(client: &Client, params: Vec<Value>) -> Result<Subscription<Value>, Error> {
    let params = params.into_iter().fold(rpc_params![], |mut params, param| {
        params.insert(param).unwrap();
        params
    });
    client.subscribe("eth_subscribe", params, "eth_unsubscribe").await
}

async fn next(subscription: &mut Subscription<Value>) -> Value {
    let message = tokio::time::timeout(Duration::from_secs(10), subscription.next()).await;
    message.expect("a message in time").expect("an open subscription").unwrap()
}

#[tokio::test]
async fn block_filters_give_each_block_once() {
    let node = Node::start().await;
    node.mine();
    let id = node.call("eth_newBlockFilter", json!([])).await;
    assert_eq!(node.call("eth_getFilterChanges", json!([id])).await, json!([]));
    let hashes = [node.mine().block.hash(), node.mine().block.hash()];
    assert_eq!(node.call("eth_getFilterChanges", json!([id])).await, json!(hashes));
    assert_eq!(node.call("eth_getFilterChanges", json!([id])).await, json!([]));
    assert_eq!(node.call("eth_uninstallFilter", json!([id])).await, true);
    assert_eq!(node.call("eth_uninstallFilter", json!([id])).await, false);
    let gone = node.fails("eth_getFilterChanges", json!([id])).await;
    assert_eq!((gone.code(), gone.message()), (-32000, "filter not found"));
}

#[tokio::test]
async fn log_filters_give_new_logs_and_all_logs() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    node.send(invoke(1, contract, 1), 0).await;
    node.mine();
    let topic = B256::with_last_byte(0xaa);
    let matching = json!([{"fromBlock": "0x0", "address": contract, "topics": [topic]}]);
    let id = node.call("eth_newFilter", matching).await;
    let none = node.call("eth_newFilter", json!([{"topics": [B256::ZERO]}])).await;
    assert_eq!(node.call("eth_getFilterChanges", json!([id])).await, json!([]));
    node.send(invoke(2, contract, 2), 0).await;
    node.mine();
    node.mine();
    let changes = node.call("eth_getFilterChanges", json!([id])).await;
    assert_eq!(changes.as_array().unwrap().len(), 1);
    assert_eq!(changes[0]["data"], json!(B256::with_last_byte(2)));
    assert_eq!(node.call("eth_getFilterChanges", json!([none])).await, json!([]));
    assert_eq!(node.call("eth_getFilterLogs", json!([id])).await.as_array().unwrap().len(), 2);
    let backward = node.fails("eth_newFilter", json!([{"fromBlock": "0x2", "toBlock": "0x1"}])).await;
    assert_eq!((backward.code(), backward.message()), (-32602, "invalid block range params"));
    let blocks = node.call("eth_newBlockFilter", json!([])).await;
    assert_eq!(node.fails("eth_getFilterLogs", json!([blocks])).await.message(), "filter not found");
}

#[tokio::test]
async fn pending_filters_give_hashes_or_transactions() {
    let node = Node::start().await;
    let id = node.call("eth_newPendingTransactionFilter", json!([])).await;
    let full = node.call("eth_newPendingTransactionFilter", json!([true])).await;
    let hash = node.send(transfer(0), 0).await;
    let mut hashes = json!([]);
    for _ in 0..100 {
        hashes = node.call("eth_getFilterChanges", json!([id])).await;
        if hashes != json!([]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(hashes, json!([hash]));
    assert_eq!(node.call("eth_getFilterChanges", json!([full])).await[0]["hash"], json!(hash));
}

#[tokio::test]
async fn filters_have_limits() {
    let node = Node::start_with(|config| config.limits.max_filters = 2).await;
    node.call("eth_newBlockFilter", json!([])).await;
    node.call("eth_newFilter", json!([{}])).await;
    let refused = node.fails("eth_newPendingTransactionFilter", json!([])).await;
    assert_eq!((refused.code(), refused.message()), (-32005, "too many filters: limit 2"));

    let node = Node::start_with(|config| config.limits.filter_idle_timeout = Duration::from_millis(50)).await;
    let id = node.call("eth_newBlockFilter", json!([])).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(node.fails("eth_getFilterChanges", json!([id])).await.message(), "filter not found");
}

#[tokio::test]
async fn subscribers_hear_of_heads_logs_and_pending_transactions() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    let client = node.ws().await;
    let mut heads = subscribe(&client, vec![json!("newHeads")]).await.unwrap();
    let mut logs = subscribe(&client, vec![json!("logs"), json!({"address": contract})]).await.unwrap();
    let mut all_logs = subscribe(&client, vec![json!("logs")]).await.unwrap();
    let mut hashes = subscribe(&client, vec![json!("newPendingTransactions")]).await.unwrap();
    let mut full = subscribe(&client, vec![json!("newPendingTransactions"), json!(true)]).await.unwrap();

    let hash: TxHash = node.send(invoke(1, contract, 5), 0).await;
    assert_eq!(next(&mut hashes).await, json!(hash));
    assert_eq!(next(&mut full).await["hash"], json!(hash));
    let block = node.mine().block;
    let head = next(&mut heads).await;
    assert_eq!((&head["hash"], &head["number"]), (&json!(block.hash()), &json!("0x2")));
    let log = next(&mut logs).await;
    assert_eq!((&log["transactionHash"], &log["removed"]), (&json!(hash), &json!(false)));
    assert_eq!(next(&mut all_logs).await, log);

    heads.unsubscribe().await.unwrap();
    node.mine();
    let mut again = subscribe(&client, vec![json!("newHeads")]).await.unwrap();
    let block = node.mine().block;
    assert_eq!(next(&mut again).await["hash"], json!(block.hash()));
}

#[tokio::test]
async fn subscriptions_are_refused_and_limited() {
    let node = Node::start_with(|config| config.limits.max_subscriptions_per_connection = 1).await;
    let client = node.ws().await;
    let refusal = async |params| match subscribe(&client, params).await {
        Err(Error::Call(error)) => (error.code(), error.message().to_owned()),
        other => panic!("expected an error, got {other:?}"),
    };
    let (code, message) = refusal(vec![json!("newFoos")]).await;
    assert_eq!((code, message.as_str()), (-32601, "no \"newFoos\" subscription in eth namespace"));
    assert_eq!(refusal(vec![]).await.0, -32602);
    assert_eq!(refusal(vec![json!("logs"), json!({"address": "0x1"})]).await.0, -32602);
    assert_eq!(refusal(vec![json!("newPendingTransactions"), json!("x")]).await.0, -32602);
    let unknown = client.request::<bool, _>("eth_unsubscribe", rpc_params!["0x1"]).await;
    match unknown {
        Err(Error::Call(error)) => {
            assert_eq!((error.code(), error.message()), (-32000, "subscription not found"));
        }
        other => panic!("expected an error, got {other:?}"),
    }
    let _held = subscribe(&client, vec![json!("newHeads")]).await.unwrap();
    assert_eq!(refusal(vec![json!("newHeads")]).await.0, -32006);
}
