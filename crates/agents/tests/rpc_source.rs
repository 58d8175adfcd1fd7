//! What comes over JSON-RPC is held to the hash by which it was asked for.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bytes, Log, keccak256};
use ivm_agents::{ExecutionSource, JobInfo, RpcExecution, SourceError};
use ivm_settlement::testing::{execution_block, signer};
use ivm_settlement::{SETTLEMENT_ADDRESS, SignedHeader, header_domain};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A node that gives every call this answer.
async fn answering(answer: Value) -> RpcExecution {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut received = Vec::new();
            let request: Value = loop {
                let mut part = vec![0; 65536];
                match stream.read(&mut part).await {
                    Ok(size) if size > 0 => received.extend(&part[..size]),
                    _ => break Value::Null,
                }
                let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                if let Ok(request) = serde_json::from_slice(&received[at + 4..]) {
                    break request;
                }
            };
            let body = json!({ "jsonrpc": "2.0", "id": request["id"], "result": *answer }).to_string();
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
            let _ = stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await;
        }
    });
    RpcExecution::new(&url).unwrap()
}

fn is_nonsense<T: std::fmt::Debug>(answer: Result<T, SourceError>) -> bool {
    matches!(answer, Err(SourceError::Nonsense { .. }))
}

#[tokio::test]
async fn what_is_not_known_is_none() {
    let node = answering(Value::Null).await;
    assert!(node.proposal(B256::ZERO).await.unwrap().is_none());
    assert_eq!(node.job(B256::ZERO).await, Ok(None));
    assert_eq!(node.program(B256::ZERO).await, Ok(None));
    assert_eq!(node.payload(B256::ZERO).await, Ok(None));
    assert!(is_nonsense(node.submit_payload(Bytes::new()).await));
    assert!(matches!(RpcExecution::new("nowhere at all"), Err(SourceError::Url { .. })));
}

#[tokio::test]
async fn payloads_are_hashed_again() {
    let payload = Bytes::from_static(b"a payload");
    let node = answering(json!(payload)).await;
    assert_eq!(node.payload(keccak256(&payload)).await, Ok(Some(payload.clone())));
    assert!(is_nonsense(node.payload(B256::ZERO).await));
    let node = answering(json!(keccak256(&payload))).await;
    assert_eq!(node.submit_payload(payload.clone()).await, Ok(keccak256(&payload)));
    assert!(is_nonsense(node.submit_payload(Bytes::from_static(b"another")).await));
}

#[tokio::test]
async fn proposals_are_hashed_again_and_decoded_in_full() {
    let block = execution_block(&Header::default(), 1, vec![vec![Log::empty()], Vec::new()]);
    let header = Bytes::from(alloy_rlp::encode(block.header()));
    let receipts: Vec<Bytes> = block.receipts().iter().map(|receipt| receipt.encoded_2718().into()).collect();
    let reply = json!({
        "blockHash": block.hash(), "header": header, "signature": "0x", "receipts": receipts,
        "status": "followed", "refusal": null,
    });
    let node = answering(reply.clone()).await;
    let proposal = node.proposal(block.hash()).await.unwrap().unwrap();
    assert_eq!(proposal.header, *block.header());
    assert_eq!(proposal.receipts.as_deref(), Some(block.receipts()));
    assert_eq!(proposal.refusal, None);
    assert!(is_nonsense(node.proposal(B256::ZERO).await));

    let with = |field: &str, value: Value| {
        let mut reply = reply.clone();
        reply[field] = value;
        reply
    };
    let cut = header.slice(..header.len() - 1);
    let mut long = receipts[0].to_vec();
    long.push(0);
    let wrong = [
        (block.hash(), with("receipts", json!([Bytes::from(long)]))),
        (block.hash(), with("receipts", json!(["0x"]))),
        (block.hash(), with("receipts", json!("0x"))),
        (keccak256(&cut), with("header", json!(cut))),
        (block.hash(), json!({ "header": header.len() })),
    ];
    for (hash, reply) in wrong {
        let answer = answering(reply.clone()).await.proposal(hash).await;
        assert!(is_nonsense(answer), "{reply}");
    }
    let refused = with("receipts", Value::Null);
    let proposal = answering(refused).await.proposal(block.hash()).await.unwrap().unwrap();
    assert!(proposal.receipts.is_none());
}

#[tokio::test]
async fn jobs_and_signed_headers_are_read() {
    let hashes = [1, 2, 3].map(B256::repeat_byte);
    let reply = json!({
        "jobId": B256::ZERO, "programId": hashes[0], "onchainInputHash": hashes[1],
        "offchainInputHash": hashes[2], "state": "pending",
    });
    let expected =
        JobInfo { program_id: hashes[0], onchain_input_hash: hashes[1], offchain_input_hash: hashes[2] };
    assert_eq!(answering(reply).await.job(B256::ZERO).await, Ok(Some(expected)));

    let block = execution_block(&Header::default(), 1, Vec::new());
    let domain = header_domain(4957, SETTLEMENT_ADDRESS);
    let signed = SignedHeader::sign(block.header().clone(), &domain, &signer(2)).unwrap();
    let (header, signature) = (signed.header_bytes(), signed.signature_bytes());
    let node = answering(json!([{ "header": header, "signature": signature }])).await;
    assert_eq!(node.signed_headers(1).await, Ok(vec![signed]));
    let node = answering(json!([{ "header": header, "signature": "0x00" }])).await;
    assert!(is_nonsense(node.signed_headers(1).await));
}
