//! Schemas of jobs, programs and payloads: one source for `rpc.discover` and for REST's OpenAPI document.

use ivm_primitives::limits::{MAX_OFFCHAIN_INPUT_SIZE_BYTES, MAX_ONCHAIN_INPUT_SIZE_BYTES};
use serde_json::{Value, json};

use super::{record, schema};
use crate::ivm::MAX_SIGNATURE_SIZE_BYTES;

/// Hex of at most so many bytes.
fn bytes_up_to(size_bytes: usize, description: &str) -> Value {
    json!({
        "type": "string",
        "description": description,
        "pattern": "^0x([0-9a-fA-F]{2})*$",
        "maxLength": 2 + 2 * size_bytes,
    })
}

fn one_of(values: &[&str]) -> Value {
    json!({"type": "string", "enum": values})
}

/// Those that JSON-RPC has.
pub(super) fn schemas() -> Value {
    json!({
        "OnchainInput": bytes_up_to(MAX_ONCHAIN_INPUT_SIZE_BYTES, "Bytes the program reads, which the chain carries"),
        "OffchainInput": bytes_up_to(MAX_OFFCHAIN_INPUT_SIZE_BYTES, "Bytes the program reads, which data availability holds"),
        "Signature": bytes_up_to(MAX_SIGNATURE_SIZE_BYTES, "What the consumer takes for its signature (EIP-1271)"),
        "Ratio": {"type": "number", "minimum": 0},
        "JobKind": one_of(&["onchain", "sync", "offchain", "offchainOrdered"]),
        "JobState": one_of(&[
            "pending", "executing", "executed", "noOutcome", "delivered", "callbackFailed", "cancelled", "expired",
            "refused",
        ]),
        "ProofState": one_of(&["queued", "proving", "ready", "failed"]),
        "OutcomeStatus": one_of(&["success", "panicked"]),
        "JobRequest": described("What is signed (EIP-712): as IOffchainJobs has it", record(&[
            ("consumer", "Address"),
            ("nonce", "Quantity"),
            ("ordered", "boolean"),
            ("programId", "Hash"),
            ("onchainInput", "OnchainInput"),
            ("offchainInputHash", "Hash"),
            ("maxCycles", "Quantity"),
            ("callbackGasLimit", "Quantity"),
            ("deadlineBlock", "Quantity"),
            ("feePayer", "Address"),
            ("maxFeeWei", "Quantity"),
        ])),
        "SignedJobRequest": record(&[
            ("request", "JobRequest"),
            ("signature", "Signature"),
            ("offchainInput?", "OffchainInput|null"),
        ]),
        "SubmittedJob": record(&[("jobId", "Hash"), ("state", "JobState")]),
        "JobOutcome": record(&[("status", "OutcomeStatus"), ("data", "Bytes"), ("hash", "Hash")]),
        "Job": described("What was asked, and how far it has come", record(&[
            ("jobId", "Hash"),
            ("kind", "JobKind"),
            ("nonce", "Quantity"),
            ("consumer", "Address"),
            ("programId", "Hash"),
            ("onchainInputHash", "Hash"),
            ("offchainInputHash", "Hash"),
            ("inputCommitment", "Hash"),
            ("maxCycles", "Quantity"),
            ("callbackGasLimit", "Quantity"),
            ("deadlineBlock", "Quantity"),
            ("cyclePriceWei", "Quantity|null"),
            ("requestedBlock", "Quantity|null"),
            ("state", "JobState"),
            ("resultBlock", "Quantity|null"),
            ("resultTransaction", "Hash|null"),
            ("outcome", "JobOutcome|null"),
            ("cycles", "Quantity|null"),
            ("noOutcomeReason", "string|null"),
        ])),
        "EstimateRequest": record(&[
            ("programId", "Hash"),
            ("onchainInput?", "OnchainInput"),
            ("offchainInput?", "OffchainInput"),
            ("maxCycles?", "Quantity|null"),
            ("callbackGasLimit?", "Quantity|null"),
        ]),
        "JobEstimate": record(&[
            ("cycles", "Quantity"),
            ("maxCycles", "Quantity"),
            ("outcome", "JobOutcome"),
            ("cyclePriceWei", "Quantity"),
            ("feeWei", "Quantity"),
            ("syncGas", "Quantity|null"),
        ]),
        "CycleFeeHistory": record(&[
            ("oldestBlock", "Quantity"),
            ("cyclePriceWei", "[Quantity]"),
            ("cyclesUsed", "[Quantity]"),
            ("cyclesUsedRatio", "[Ratio]"),
        ]),
        "Program": record(PROGRAM),
        "RegisteredProgram": record(&[PROGRAM, &[("registeredBlock", "Quantity|null")]].concat()),
        "ProofInfo": record(&[
            ("state", "ProofState"),
            ("proof", "Bytes|null"),
            ("proofSizeBytes", "Quantity|null"),
            ("proveMs", "Quantity|null"),
            ("error", "string|null"),
        ]),
    })
}

/// Those that only REST has.
pub(super) fn rest_schemas() -> Value {
    json!({
        "KeptPayload": record(&[("hash", "Hash")]),
        "Error": record(&[("error", "ErrorObject")]),
        "ErrorObject": {
            "type": "object",
            "required": ["code", "message"],
            "additionalProperties": false,
            "properties": {
                "code": {"type": "integer", "description": "As JSON-RPC has it"},
                "message": schema("string"),
                "data": {"type": "object", "description": "More of it, by code"},
            },
        },
        "Routes": record(&[("routes", "[Route]")]),
        "Route": record(&[("method", "string"), ("path", "string"), ("summary", "string")]),
    })
}

/// What is said of every program.
const PROGRAM: &[(&str, &str)] = &[
    ("programId", "Hash"),
    ("elfHash", "Hash"),
    ("elfSizeBytes", "Quantity"),
    ("instructions", "Quantity"),
    ("registered", "boolean"),
];

fn described(description: &str, mut schema: Value) -> Value {
    schema["description"] = json!(description);
    schema
}
