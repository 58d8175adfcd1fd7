//! A settlement chain over JSON-RPC is the one that is embedded; answers that make no sense are refused.

#![allow(clippy::unwrap_used)]

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use ivm_contracts::{ISettlement, Settlement};
use ivm_rpc::{RpcConfig, RpcServer, serve};
use ivm_settlement::testing::{ClaimLog, TestSettlement, execution_block, ready, signer};
use ivm_settlement::{
    RpcSettlement, SETTLEMENT_ADDRESS, SettlementChain, SettlementError, SettlementParameters,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn served() -> (TestSettlement, RpcServer, RpcSettlement) {
    let test = TestSettlement::new(SettlementParameters::development(), &[signer(2)]);
    let config = RpcConfig { listen: "127.0.0.1:0".parse().unwrap(), ..RpcConfig::default() };
    let server = serve(config, test.settlement.chain().clone(), None, None).await.unwrap();
    let url = format!("http://{}", server.local_addr());
    let remote = RpcSettlement::connect(&url, SETTLEMENT_ADDRESS).await.unwrap();
    (test, server, remote)
}

#[tokio::test]
async fn the_chain_is_the_same_from_afar() {
    let (test, server, remote) = served().await;
    let (near, far): (&dyn SettlementChain, &dyn SettlementChain) = (&test.settlement, &remote);
    assert_eq!((far.chain_id(), far.contract()), (near.chain_id(), near.contract()));
    let claim = ClaimLog {
        job_id: B256::repeat_byte(1),
        program_id: B256::repeat_byte(2),
        input_commitment: B256::repeat_byte(3),
        max_cycles: 9,
        outcome_hash: B256::repeat_byte(4),
        cycles: 5,
    };
    let block = execution_block(&test.genesis, 1, vec![vec![claim.log()]]);
    let propose = Settlement::proposeCall { header: alloy_rlp::encode(block.header()).into() };
    let hash = far.send(&signer(2), U256::ZERO, propose.abi_encode().into()).await.unwrap();
    assert!(far.has_pending(signer(2).address()).await.unwrap());
    assert_eq!(far.receipt(hash).await.unwrap(), None);
    test.mine();
    assert_eq!(far.wait_for_block(1).await.unwrap(), 1);
    assert!(!far.has_pending(signer(2).address()).await.unwrap());
    let receipt = far.receipt(hash).await.unwrap().unwrap();
    assert!(receipt.succeeded);
    assert_eq!(near.receipt(hash).await.unwrap(), Some(receipt));

    let evidence = block.evidence(0, 0).unwrap();
    let bond = U256::from(SettlementParameters::development().demand_bond_wei);
    let challenge = Settlement::challengeCall { evidence, kind: 1 };
    far.send(&signer(3), bond, challenge.abi_encode().into()).await.unwrap();
    test.mine();
    let (one, other) = (near.all_logs(0, 2).await.unwrap(), far.all_logs(0, 2).await.unwrap());
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
    assert_eq!(one.len(), 2);
    assert_eq!(near.fork_choice().await.unwrap(), far.fork_choice().await.unwrap());
    assert_eq!(near.parameters().await.unwrap(), far.parameters().await.unwrap());
    let id = block.claims(ivm_contracts::JOB_MANAGER_ADDRESS)[0].id();
    assert_eq!(near.claim_info(id).await.unwrap(), far.claim_info(id).await.unwrap());
    // The same refusal, by name.
    let again = challenge.abi_encode();
    for chain in [near, far] {
        let refused = chain.send(&signer(3), bond, again.clone().into()).await.unwrap_err();
        assert!(refused.to_string().contains("ChallengeExists"), "{refused}");
    }
    assert!(ready(near.has_pending(signer(3).address())).is_ok_and(|pending| !pending));
    drop(server);
}

#[tokio::test]
async fn what_is_not_the_contract_is_refused() {
    let (_test, server, _remote) = served().await;
    let url = format!("http://{}", server.local_addr());
    let error = RpcSettlement::connect(&url, Address::repeat_byte(1)).await.unwrap_err();
    assert!(matches!(error, SettlementError::Nonsense { .. }), "{error}");
    let error = RpcSettlement::connect("nowhere", SETTLEMENT_ADDRESS).await.unwrap_err();
    assert!(matches!(error, SettlementError::Url { .. } | SettlementError::Unreachable(_)), "{error}");
}

/// A server that gives each method its answer.
async fn answering(answer: impl Fn(&str, &Value) -> Value + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut received = Vec::new();
            let request: Value = loop {
                let mut part = vec![0; 65536];
                let size = stream.read(&mut part).await.unwrap_or_default();
                if size == 0 {
                    break Value::Null;
                }
                received.extend(&part[..size]);
                let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                if let Ok(request) = serde_json::from_slice(&received[at + 4..]) {
                    break request;
                }
            };
            let result = answer(request["method"].as_str().unwrap_or_default(), &request["params"]);
            let body = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }).to_string();
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
            let _ = stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await;
        }
    });
    url
}

/// Connects to a server that behaves until the question.
async fn hostile(wrong: &'static str, answer: Value) -> RpcSettlement {
    let parameters = ISettlement::Parameters::from(SettlementParameters::development());
    let parameters = Bytes::from(Settlement::parametersCall::abi_encode_returns(&parameters));
    let url = answering(move |method, _| match method {
        _ if method == wrong => answer.clone(),
        "eth_chainId" => json!("0x1"),
        "eth_call" => json!(parameters),
        _ => Value::Null,
    })
    .await;
    RpcSettlement::connect(&url, SETTLEMENT_ADDRESS).await.unwrap()
}

#[tokio::test]
async fn hostile_answers_are_refused() {
    let event = json!({
        "address": SETTLEMENT_ADDRESS, "blockHash": B256::ZERO, "blockNumber": "0x5", "data": "0x",
        "logIndex": "0x0", "removed": false, "transactionHash": B256::ZERO, "transactionIndex": "0x0",
        "topics": [
            "0x0000000000000000000000000000000000000000000000000000000000000001",
        ],
    });
    let with = |field: &str, value: Value| {
        let mut event = event.clone();
        event[field] = value;
        event
    };
    // As it stands it is an event of no kind that is known, and passed over.
    let chain = hostile("eth_getLogs", json!([event])).await;
    assert!(chain.logs(1, 9).await.unwrap().is_empty());
    let wrong = [
        json!([with("address", json!(Address::ZERO))]),
        json!([with("blockNumber", json!("0xa"))]),
        json!([with("blockNumber", Value::Null)]),
        json!([with("removed", json!(true))]),
        json!([event, event]),
        json!([with("logIndex", json!("0x1")), event]),
        json!([{}]),
        json!("0x"),
    ];
    for logs in wrong {
        let chain = hostile("eth_getLogs", logs.clone()).await;
        let error = chain.logs(1, 9).await.unwrap_err();
        assert!(matches!(error, SettlementError::Nonsense { .. }), "{logs}: {error}");
    }
    for number in [json!("0x1ffffffffffffffff"), json!(-1), json!("five"), Value::Null] {
        let chain = hostile("eth_blockNumber", number.clone()).await;
        assert!(chain.block_number().await.is_err(), "{number}");
    }
    let other = json!({
        "transactionHash": B256::repeat_byte(9), "transactionIndex": "0x0", "blockHash": B256::ZERO,
        "blockNumber": "0x1", "from": Address::ZERO, "to": Address::ZERO, "cumulativeGasUsed": "0x1",
        "gasUsed": "0x1", "effectiveGasPrice": "0x1", "contractAddress": null, "logs": [], "type": "0x2",
        "status": "0x1", "logsBloom": format!("0x{}", "00".repeat(256)),
    });
    let chain = hostile("eth_getTransactionReceipt", other).await;
    let error = chain.receipt(B256::ZERO).await.unwrap_err();
    assert!(matches!(error, SettlementError::Nonsense { .. }), "{error}");
    // A chain whose tip is below its finalized block: only the view that is asked for first answers so.
    let chain = hostile("eth_getBlockByNumber", Value::Null).await;
    let reader: &dyn SettlementChain = &chain;
    assert!(reader.tip().await.is_err());
}
