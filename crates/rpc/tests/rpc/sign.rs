//! Transactions and messages signed for a development chain's accounts, and transactions that are waited for.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, Signature, eip191_hash_message};
use serde_json::{Value, json};

use crate::common::{GWEI, Node, RECIPIENT, STORE_INITCODE, raw, sign, signer, transfer};

fn number(value: &Value) -> u128 {
    u128::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

fn recovered(signature: &Value, hash: B256) -> Address {
    let signature: Bytes = serde_json::from_value(signature.clone()).unwrap();
    assert!([27, 28].contains(&signature[64]), "{signature}");
    Signature::from_raw(&signature).unwrap().recover_address_from_prehash(&hash).unwrap()
}

#[tokio::test]
async fn transactions_of_the_nodes_accounts_are_filled_in_and_signed() {
    let node = Node::start().await;
    let from = signer(0).address();
    let first =
        node.call("eth_sendTransaction", json!([{"from": from, "to": RECIPIENT, "value": "0x5"}])).await;
    let deploy = json!([{"from": from, "data": Bytes::copy_from_slice(&STORE_INITCODE)}]);
    let second = node.call("eth_sendTransaction", deploy).await;
    let legacy = json!([{"from": from, "to": RECIPIENT, "gasPrice": "0x77359400", "accessList": []}]);
    let third = node.call("eth_sendTransaction", legacy).await;
    let pending = node.call("eth_pendingTransactions", json!([])).await;
    let hashes: Vec<&Value> = pending.as_array().unwrap().iter().map(|tx| &tx["hash"]).collect();
    assert_eq!(hashes, [&first, &second, &third]);
    let kinds: Vec<_> = pending.as_array().unwrap().iter().map(|tx| (&tx["type"], &tx["nonce"])).collect();
    let kind = |kind: &str, nonce: &str| (json!(kind), json!(nonce));
    let expected = [kind("0x2", "0x0"), kind("0x2", "0x1"), kind("0x1", "0x2")];
    assert_eq!(kinds, expected.each_ref().map(|(kind, nonce)| (kind, nonce)));
    let base_fee = u128::from(node.chain.head().block.header().base_fee_per_gas.unwrap());
    assert_eq!(number(&pending[0]["maxPriorityFeePerGas"]), GWEI);
    assert_eq!(number(&pending[0]["maxFeePerGas"]), GWEI + 2 * base_fee);
    assert_eq!(number(&pending[0]["gas"]), 21_000);

    assert!(node.mine().receipts.iter().all(|receipt| receipt.status()));
    assert_eq!(node.call("eth_getBalance", json!([RECIPIENT])).await, "0x5");
    let receipt = node.call("eth_getTransactionReceipt", json!([second])).await;
    assert_eq!((&receipt["from"], &receipt["contractAddress"]), (&json!(from), &json!(from.create(1))));
    assert_eq!(node.call("eth_pendingTransactions", json!([])).await, json!([]));
}

#[tokio::test]
async fn a_transaction_that_is_signed_alone_is_whole() {
    let node = Node::start().await;
    let from = signer(0).address();
    let mut request = json!({"from": from, "to": RECIPIENT, "gas": "0x5208", "nonce": "0x0",
        "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1"});
    let signed = node.call("eth_signTransaction", json!([request])).await;
    let hash = node.call("eth_sendRawTransaction", json!([signed["raw"]])).await;
    assert_eq!(signed["tx"]["hash"], hash);
    let cases = [
        ("nonce", "nonce not specified"),
        ("maxFeePerGas", "missing gasPrice or maxFeePerGas/maxPriorityFeePerGas"),
        ("gas", "gas not specified"),
    ];
    for (field, message) in cases {
        request.as_object_mut().unwrap().remove(field);
        let refused = node.fails("eth_signTransaction", json!([request])).await;
        assert_eq!((refused.code(), refused.message()), (-32000, message));
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused() {
    let node = Node::start().await;
    let from = signer(0).address();
    let both = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
    let cases = [
        (json!({"from": signer(1).address(), "to": RECIPIENT}), "unknown account"),
        (json!({"to": RECIPIENT}), "unknown account"),
        (json!({"from": from}), "contract creation without any data provided"),
        (json!({"from": from, "to": RECIPIENT, "gasPrice": "0x1", "maxFeePerGas": "0x1"}), both),
        (
            json!({"from": from, "to": RECIPIENT, "chainId": "0x1"}),
            "chainId does not match node's (have=1, want=4956)",
        ),
        (
            json!({"from": from, "to": RECIPIENT, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}),
            "maxFeePerGas (1) < maxPriorityFeePerGas (2)",
        ),
        (json!({"from": from, "to": RECIPIENT, "nonce": "0x0", "gas": "0x1"}), "intrinsic gas too low"),
        (json!({"from": from, "data": "0x5f5ffd"}), "execution reverted"),
    ];
    for (request, message) in cases {
        let refused = node.fails("eth_sendTransaction", json!([request])).await;
        assert!(refused.message().starts_with(message), "{message}: {}", refused.message());
    }
    assert_eq!(node.chain.pool().status(), (0, 0));

    let keyless = Node::start_with(|config| config.accounts = Default::default()).await;
    assert_eq!(keyless.call("eth_accounts", json!([])).await, json!([]));
    for (method, params) in [
        ("eth_sign", json!([from, "0x00"])),
        ("personal_sign", json!(["0x00", from])),
        ("eth_sendTransaction", json!([{"from": from, "to": RECIPIENT}])),
    ] {
        let refused = keyless.fails(method, params).await;
        assert_eq!((refused.code(), refused.message()), (-32000, "unknown account"), "{method}");
    }
}

#[tokio::test]
async fn messages_and_typed_data_are_signed() {
    let node = Node::start().await;
    let from = signer(0).address();
    let hash = eip191_hash_message(b"hello");
    let message = Bytes::from_static(b"hello");
    let signed = node.call("eth_sign", json!([from, message])).await;
    assert_eq!(recovered(&signed, hash), from);
    assert_eq!(node.call("personal_sign", json!([message, from])).await, signed);
    assert_eq!(node.call("personal_sign", json!([message, from, "password"])).await, signed);

    // The example of EIP-712, whose hash it gives.
    let person = json!([{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}]);
    let typed = json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Person": person,
            "Mail": [
                {"name": "from", "type": "Person"},
                {"name": "to", "type": "Person"},
                {"name": "contents", "type": "string"},
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail",
            "version": "1",
            "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
            "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
            "contents": "Hello, Bob!",
        },
    });
    let hash = "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2".parse().unwrap();
    let signed = node.call("eth_signTypedData_v4", json!([from, typed])).await;
    assert_eq!(recovered(&signed, hash), from);
    assert_eq!(node.call("eth_signTypedData_v4", json!([from, typed.to_string()])).await, signed);
    let refused = node.fails("eth_signTypedData_v4", json!([from, {"types": {}}])).await;
    assert_eq!(refused.code(), -32602);
}

#[tokio::test]
async fn a_transaction_is_answered_with_its_receipt() {
    let node = Node::start().await;
    let transaction = raw(sign(transfer(0), 0));
    let mine_when_sent = async {
        while node.chain.pool().status() == (0, 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node.mine()
    };
    let sent = node.call("eth_sendRawTransactionSync", json!([transaction, 30_000]));
    let (receipt, mined) = tokio::join!(sent, mine_when_sent);
    assert_eq!(receipt["blockHash"], json!(mined.block.hash()));
    assert_eq!(receipt["status"], "0x1");

    let started = Instant::now();
    let envelope = sign(transfer(1), 0);
    let hash = *envelope.tx_hash();
    let late = node.fails("eth_sendRawTransactionSync", json!([raw(envelope), "0x64"])).await;
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert_eq!(late.code(), 4);
    assert_eq!(
        late.message(),
        "The transaction was added to the transaction pool but wasn't processed in 0.1s."
    );
    assert_eq!(late.data().unwrap().get(), format!("\"{hash}\""));
    assert!(node.chain.pool().get(hash).is_some());
    let refused = node.fails("eth_sendRawTransactionSync", json!([raw(sign(transfer(0), 0))])).await;
    assert_eq!(refused.code(), 1);

    let bounded =
        Node::start_with(|config| config.limits.max_send_sync_time = Duration::from_millis(50)).await;
    let late =
        bounded.fails("eth_sendRawTransactionSync", json!([raw(sign(transfer(0), 0)), 3_600_000])).await;
    assert_eq!(late.code(), 4);
}
