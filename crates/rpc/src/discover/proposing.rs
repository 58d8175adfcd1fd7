//! Schemas of what proposers that are processes of their own exchange with a node.

use serde_json::{Value, json};

use super::record;

pub(super) fn schemas() -> Value {
    json!({
        "ProposerSession": record(&[
            ("proposer", "Address"),
            ("untilBlock", "Quantity"),
            ("signature", "Bytes"),
        ]),
        "BlockDuty": record(&[
            ("parentHash", "Hash"),
            ("number", "Quantity"),
            ("timestamp", "Quantity"),
            ("nonce", "Quantity"),
            ("baseFeePerGas", "Quantity"),
            ("calls", "[LeadingCall]"),
        ]),
        "LeadingCall": record(&[("to", "Address"), ("input", "Bytes"), ("gasLimit", "Quantity")]),
        "AssembleRequest": record(&[
            ("parentHash", "Hash"),
            ("timestamp", "Quantity"),
            ("transactions", "[Bytes]"),
        ]),
        "AssembledBlock": record(&[
            ("block", "Bytes"),
            ("receipts", "[Bytes]"),
            ("jobs", "[ClaimedJob]"),
            ("programs", "[NewProgram]"),
        ]),
        "ClaimedJob": record(&[
            ("jobId", "Hash"),
            ("programId", "Hash"),
            ("onchainInputHash", "Hash"),
            ("offchainInputHash", "Hash"),
        ]),
        "NewProgram": record(&[("programId", "Hash"), ("elfHash", "Hash")]),
        "BlockOffer": record(&[("block", "Bytes"), ("signature", "Bytes"), ("transaction", "Bytes")]),
        "OrderedBlock": record(&[("blockHash", "Hash"), ("settlementBlock", "Quantity")]),
    })
}
