//! What the server answers, held to the document that `rpc.discover` gives.

use serde_json::{Value, json};

use crate::common::{Node, RECIPIENT, STORE_INITCODE, invoke, signer, transfer};
use crate::openapi::fault;

#[tokio::test]
async fn answers_fit_the_schemas_of_their_methods() {
    let node = Node::start().await;
    let contract = node.deploy(0, &STORE_INITCODE).await;
    let hash = node.send(invoke(1, contract, 7), 0).await;
    let block = node.mine().block.hash();
    let waiting = node.send(transfer(2), 0).await;
    let sender = signer(0).address();
    let call = json!({"from": sender, "to": contract, "input": block});
    let filter = json!({"fromBlock": "0x0", "address": contract});
    let cases = [
        ("eth_chainId", json!([])),
        ("eth_blockNumber", json!([])),
        ("eth_syncing", json!([])),
        ("eth_accounts", json!([])),
        ("eth_capabilities", json!([])),
        ("eth_config", json!([])),
        ("eth_gasPrice", json!([])),
        ("eth_maxPriorityFeePerGas", json!([])),
        ("eth_baseFee", json!([])),
        ("eth_blobBaseFee", json!([])),
        ("eth_feeHistory", json!(["0x2", "latest", [50]])),
        ("eth_getBlockByNumber", json!(["0x0", true])),
        ("eth_getBlockByNumber", json!(["latest", true])),
        ("eth_getBlockByHash", json!([block, false])),
        ("eth_getBlockByHash", json!([hash, false])),
        ("eth_getHeaderByNumber", json!(["latest"])),
        ("eth_getHeaderByHash", json!([block])),
        ("eth_getBlockReceipts", json!(["latest"])),
        ("eth_getBlockTransactionCountByNumber", json!(["latest"])),
        ("eth_getUncleCountByBlockHash", json!([block])),
        ("eth_getBalance", json!([sender])),
        ("eth_getTransactionCount", json!([sender, "pending"])),
        ("eth_getCode", json!([contract])),
        ("eth_getStorageAt", json!([contract, "0x0"])),
        ("eth_getStorageValues", json!([{contract.to_string(): ["0x0"]}])),
        ("eth_getProof", json!([contract, ["0x0", "0x1"], "latest"])),
        ("eth_getProof", json!([RECIPIENT, [], "0x0"])),
        ("eth_call", json!([call])),
        ("eth_estimateGas", json!([call])),
        ("eth_createAccessList", json!([call])),
        ("eth_simulateV1", json!([{"blockStateCalls": [{"calls": [call]}], "returnFullTransactions": true}])),
        ("eth_getTransactionByHash", json!([hash])),
        ("eth_getTransactionByHash", json!([waiting])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["latest", "0x0"])),
        ("eth_getTransactionByBlockHashAndIndex", json!([block, "0x9"])),
        ("eth_getRawTransactionByHash", json!([hash])),
        ("eth_getTransactionReceipt", json!([hash])),
        ("eth_getTransactionReceipt", json!([waiting])),
        ("eth_getLogs", json!([filter])),
        ("eth_pendingTransactions", json!([])),
        ("txpool_status", json!([])),
        ("txpool_content", json!([])),
        ("debug_getRawBlock", json!(["latest"])),
        ("debug_getRawReceipts", json!(["latest"])),
        ("debug_traceTransaction", json!([hash, {"tracer": "callTracer"}])),
        ("net_version", json!([])),
        ("web3_clientVersion", json!([])),
    ];
    let document = node.call("rpc.discover", json!([])).await;
    let methods = document["methods"].as_array().unwrap();
    for (name, params) in cases {
        let method = methods.iter().find(|method| method["name"] == name);
        let schema = &method.unwrap_or_else(|| panic!("{name} is not described"))["result"]["schema"];
        let answer: Value = node.call(name, params.clone()).await;
        assert_eq!(fault(&document, schema, &answer), None, "{name} {params}: {answer}");
    }
}
