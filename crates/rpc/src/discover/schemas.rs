//! The schemas that the table of methods names.

use serde_json::{Map, Value, json};

use super::{object, schema};

fn text(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

/// All schemas, by their names.
pub(super) fn all() -> Map<String, Value> {
    let parts =
        [ethereum(), super::jobs::schemas(), super::jobs::rest_schemas(), super::proposing::schemas()];
    parts.into_iter().flat_map(|schemas| schemas.as_object().cloned().unwrap_or_default()).collect()
}

/// Those of Ethereum's methods, and of simple things.
fn ethereum() -> Value {
    json!({
        "Quantity": text("^0x(0|[1-9a-f][0-9a-f]*)$"),
        "Bytes": text("^0x([0-9a-fA-F]{2})*$"),
        "Hash": text("^0x[0-9a-fA-F]{64}$"),
        "Address": text("^0x[0-9a-fA-F]{40}$"),
        "Slot": text("^(0x)?[0-9a-fA-F]{0,64}$"),
        "Percentile": {"type": "number", "minimum": 0, "maximum": 100},
        "BlockNumber": {"oneOf": [
            schema("Quantity"),
            {"type": "string", "enum": ["earliest", "finalized", "safe", "latest", "pending"]},
        ]},
        "BlockId": {"oneOf": [
            schema("BlockNumber"),
            schema("Hash"),
            object(&[("blockNumber", "BlockNumber"), ("blockHash", "Hash"), ("requireCanonical", "boolean")]),
        ]},
        "Call": object(&[
            ("from", "Address"),
            ("to", "Address|null"),
            ("gas", "Quantity"),
            ("gasPrice", "Quantity"),
            ("maxFeePerGas", "Quantity"),
            ("maxPriorityFeePerGas", "Quantity"),
            ("maxFeePerBlobGas", "Quantity"),
            ("blobVersionedHashes", "[Hash]"),
            ("value", "Quantity"),
            ("nonce", "Quantity"),
            ("input", "Bytes"),
            ("accessList", "[object]"),
            ("authorizationList", "[object]"),
        ]),
        "StateOverrides": {"type": "object", "additionalProperties": object(&[
            ("balance", "Quantity"),
            ("nonce", "Quantity"),
            ("code", "Bytes"),
            ("state", "object"),
            ("stateDiff", "object"),
            ("movePrecompileToAddress", "Address"),
        ])},
        "BlockOverrides": object(&[
            ("number", "Quantity"),
            ("time", "Quantity"),
            ("gasLimit", "Quantity"),
            ("feeRecipient", "Address"),
            ("prevRandao", "Hash"),
            ("baseFeePerGas", "Quantity"),
            ("blobBaseFee", "Quantity"),
        ]),
        "Simulation": object(&[
            ("blockStateCalls", "[SimulatedBlock]"),
            ("traceTransfers", "boolean"),
            ("validation", "boolean"),
            ("returnFullTransactions", "boolean"),
        ]),
        "SimulatedBlock": object(&[
            ("blockOverrides", "BlockOverrides"),
            ("stateOverrides", "StateOverrides"),
            ("calls", "[Call]"),
        ]),
        "Filter": object(&[
            ("fromBlock", "BlockNumber"),
            ("toBlock", "BlockNumber"),
            ("blockHash", "Hash"),
            ("address", "AddressOrAddresses"),
            ("topics", "[TopicOrTopics]"),
        ]),
        "AddressOrAddresses": {"oneOf": [schema("Address"), schema("[Address]")]},
        "TopicOrTopics": {"oneOf": [schema("Hash|null"), schema("[Hash]")]},
        "FilterChange": {"oneOf": [schema("Hash"), schema("Log"), schema("Transaction")]},
        "SubscriptionOption": {"oneOf": [schema("Filter"), schema("boolean")]},
        "TraceOptions": object(&[
            ("tracer", "string"),
            ("tracerConfig", "object"),
            ("timeout", "string"),
            ("enableMemory", "boolean"),
            ("disableStack", "boolean"),
            ("disableStorage", "boolean"),
            ("enableReturnData", "boolean"),
            ("limit", "PlainNumber"),
            ("txIndex", "Quantity"),
            ("stateOverrides", "StateOverrides"),
            ("blockOverrides", "BlockOverrides"),
        ]),
        "PlainNumber": {"type": "integer", "minimum": 0},
        "Trace": {"description": "As the tracer that was asked for gives it", "type": "object"},
        "Header": object(&[
            ("hash", "Hash"),
            ("parentHash", "Hash"),
            ("number", "Quantity"),
            ("timestamp", "Quantity"),
            ("miner", "Address"),
            ("stateRoot", "Hash"),
            ("transactionsRoot", "Hash"),
            ("receiptsRoot", "Hash"),
            ("logsBloom", "Bytes"),
            ("gasLimit", "Quantity"),
            ("gasUsed", "Quantity"),
            ("baseFeePerGas", "Quantity"),
            ("mixHash", "Hash"),
            ("extraData", "Bytes"),
            ("requestsHash", "Hash"),
        ]),
        "Block": {"allOf": [schema("Header"), object(&[
            ("size", "Quantity"),
            ("transactions", "[HashOrTransaction]"),
            ("uncles", "[Hash]"),
            ("withdrawals", "[object]"),
        ])]},
        "HashOrTransaction": {"oneOf": [schema("Hash"), schema("Transaction")]},
        "Transaction": object(&[
            ("hash", "Hash"),
            ("type", "Quantity"),
            ("from", "Address"),
            ("to", "Address|null"),
            ("nonce", "Quantity"),
            ("value", "Quantity"),
            ("gas", "Quantity"),
            ("input", "Bytes"),
            ("blockHash", "Hash|null"),
            ("blockNumber", "Quantity|null"),
            ("transactionIndex", "Quantity|null"),
            ("r", "Quantity"),
            ("s", "Quantity"),
        ]),
        "Receipt": object(&[
            ("transactionHash", "Hash"),
            ("transactionIndex", "Quantity"),
            ("blockHash", "Hash"),
            ("blockNumber", "Quantity"),
            ("from", "Address"),
            ("to", "Address|null"),
            ("contractAddress", "Address|null"),
            ("status", "Quantity"),
            ("type", "Quantity"),
            ("gasUsed", "Quantity"),
            ("cumulativeGasUsed", "Quantity"),
            ("effectiveGasPrice", "Quantity"),
            ("logs", "[Log]"),
            ("logsBloom", "Bytes"),
        ]),
        "Log": object(&[
            ("address", "Address"),
            ("topics", "[Hash]"),
            ("data", "Bytes"),
            ("blockHash", "Hash"),
            ("blockNumber", "Quantity"),
            ("blockTimestamp", "Quantity"),
            ("transactionHash", "Hash"),
            ("transactionIndex", "Quantity"),
            ("logIndex", "Quantity"),
            ("removed", "boolean"),
        ]),
        "AccountProof": object(&[
            ("address", "Address"),
            ("balance", "Quantity"),
            ("nonce", "Quantity"),
            ("codeHash", "Hash"),
            ("storageHash", "Hash"),
            ("accountProof", "[Bytes]"),
            ("storageProof", "[object]"),
        ]),
    })
}
