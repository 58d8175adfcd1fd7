//! The `ivm` and `evm` methods over a node that is a stand-in.

use std::sync::Arc;

use crate::common::{Backend, KNOWN, Node, chain_config};
use alloy_primitives::{B256, Bytes, keccak256};
use async_trait::async_trait;
use ivm_chain::{Chain, Storage};
use ivm_primitives::limits::{MAX_ELF_SIZE_BYTES, MAX_OFFCHAIN_INPUT_SIZE_BYTES};
use ivm_rpc::{DevControl, DevError, RpcConfig, serve};
use serde_json::{Value, json};

#[tokio::test]
async fn programs_are_submitted_and_found() {
    let node = Node::start().await;
    let submitted = node.call("ivm_submitProgram", json!(["0x7f454c46"])).await;
    let program = json!({"programId": KNOWN, "elfHash": KNOWN, "elfSizeBytes": "0x3e8", "instructions": "0xfa",
        "registered": true});
    assert_eq!(submitted, program);
    let mut found = node.call("ivm_getProgram", json!([KNOWN])).await;
    assert_eq!(found["registeredBlock"], "0x11");
    found.as_object_mut().unwrap().remove("registeredBlock");
    assert_eq!(found, program);
    assert_eq!(node.call("ivm_getProgram", json!([B256::ZERO])).await, Value::Null);
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let node = Node::start().await;
    let refused = node.fails("ivm_submitProgram", json!(["0x00"])).await;
    assert_eq!((refused.code(), refused.message()), (-32020, "invalid program: not an ELF file"));
    let refused = node.fails("ivm_submitProgram", json!(["0xff"])).await;
    assert_eq!(refused.code(), -32026);
    assert_eq!(refused.message(), "node is busy: programs wait for admission, limit 4");
    let refused = node.fails("ivm_getProof", json!([B256::ZERO])).await;
    assert_eq!(
        (refused.code(), refused.message()),
        (-32024, format!("unknown job: {}", B256::ZERO).as_str())
    );
    assert_eq!(node.fails("ivm_submitProgram", json!(["0x7"])).await.code(), -32602);
    assert_eq!(node.fails("ivm_getJob", json!(["0x1234"])).await.code(), -32602);
}

#[tokio::test]
async fn sizes_are_checked_before_the_node_sees_them() {
    let node = Node::start().await;
    let largest = Bytes::from(vec![0x7f; MAX_ELF_SIZE_BYTES]);
    assert_eq!(node.call("ivm_submitProgram", json!([largest])).await["programId"], json!(KNOWN));
    let refused =
        node.fails("ivm_submitProgram", json!([Bytes::from(vec![0x7f; MAX_ELF_SIZE_BYTES + 1])])).await;
    assert_eq!(refused.code(), -32021);
    assert_eq!(refused.message(), "program too large: 4194305 bytes, limit 4194304");
    let largest = Bytes::from(vec![1; MAX_OFFCHAIN_INPUT_SIZE_BYTES]);
    assert_eq!(node.call("ivm_submitPayload", json!([largest])).await, json!(keccak256(&largest)));
    let over = Bytes::from(vec![1; MAX_OFFCHAIN_INPUT_SIZE_BYTES + 1]);
    assert_eq!(node.fails("ivm_submitPayload", json!([over])).await.code(), -32022);
}

#[tokio::test]
async fn jobs_and_proofs_are_shown_as_json() {
    let node = Node::start().await;
    let job = node.call("ivm_getJob", json!([KNOWN])).await;
    assert_eq!(job["state"], "callbackFailed");
    assert_eq!(job["outcome"], json!({"status": "success", "data": "0x0102", "hash": KNOWN}));
    assert_eq!((&job["maxCycles"], &job["resultBlock"]), (&json!("0xf4240"), &json!("0xb")));
    assert_eq!((&job["cycles"], &job["noOutcomeReason"]), (&json!("0x1000"), &Value::Null));
    assert_eq!(node.call("ivm_getJob", json!([B256::ZERO])).await, Value::Null);
    let proof = node.call("ivm_getProof", json!([KNOWN])).await;
    let queued =
        json!({"state": "queued", "proof": null, "proofSizeBytes": null, "proveMs": null, "error": null});
    assert_eq!(proof, queued);
    let info = node.call("ivm_nodeInfo", json!([])).await;
    assert_eq!(
        (&info["chainId"], &info["limits"]["maxElfSizeBytes"]),
        (&json!("0x135c"), &json!("0x400000"))
    );
}

pub(crate) struct Dev;

#[async_trait]
impl DevControl for Dev {
    async fn mine(&self, timestamp: Option<u64>) -> Result<(), DevError> {
        match timestamp {
            Some(got) => Err(DevError::TimestampTooLow { got, head: 100 }),
            None => Ok(()),
        }
    }

    async fn increase_time(&self, seconds: u64) -> Result<u64, DevError> {
        Ok(seconds + 1)
    }
}

#[tokio::test]
async fn development_methods_are_there_where_the_node_gives_them() {
    let chain = Chain::open(chain_config(), Storage::Memory).unwrap();
    let config = RpcConfig { listen: "127.0.0.1:0".parse().unwrap(), ..RpcConfig::default() };
    let server = serve(config, chain.clone(), Some(Arc::new(Backend)), Some(Arc::new(Dev))).await.unwrap();
    let node = Node { chain, server };
    assert_eq!(node.call("evm_mine", json!([])).await, "0x0");
    assert_eq!(node.call("evm_increaseTime", json!(["0x10"])).await, "0x11");
    assert_eq!(node.call("evm_increaseTime", json!([16])).await, "0x11");
    let refused = node.fails("evm_mine", json!([50])).await;
    assert_eq!((refused.code(), refused.message()), (-32000, "timestamp 50 is lower than the head's, 100"));
    assert_eq!(node.call("rpc_modules", json!([])).await["evm"], "1.0");
}
