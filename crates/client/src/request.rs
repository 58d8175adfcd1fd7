//! The request that a consumer's signer signs, and its JSON.

use alloy_primitives::{B256, Bytes, U64};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};
use ivm_contracts::{JOB_MANAGER_ADDRESS, job_id};
use serde_json::{Value, json};

/// First number that a request cannot have.
pub const NUMBER_LIMIT: u64 = 1 << 62;

/// Kind of an unordered job asked for by signature: the two top bits of its nonce.
const OFFCHAIN: u64 = 0b10 << 62;

/// Kind of an ordered one.
const OFFCHAIN_ORDERED: u64 = 0b11 << 62;

mod sol {
    #![allow(missing_docs)]

    alloy_sol_types::sol! {
        /// A job asked for by signature (EIP-712), as `IOffchainJobs.JobRequest`.
        #[derive(Debug, PartialEq, Eq)]
        struct JobRequest {
            address consumer;
            uint64 nonce;
            bool ordered;
            bytes32 programId;
            bytes onchainInput;
            bytes32 offchainInputHash;
            uint64 maxCycles;
            uint64 callbackGasLimit;
            uint64 deadlineBlock;
            address feePayer;
            uint256 maxFeeWei;
        }

        interface RequestViews {
            function orderedNonceOf(address consumer) external view returns (uint64 number);
            function quoteRequest(JobRequest calldata request, uint256 signatureSize) external view returns (uint256 feeWei);
        }
    }
}

pub use sol::JobRequest;
pub(crate) use sol::RequestViews;

/// The EIP-712 domain of requests on a chain.
fn domain(chain_id: u64) -> Eip712Domain {
    eip712_domain! {
        name: "InfinityVM",
        version: "1",
        chain_id: chain_id,
        verifying_contract: JOB_MANAGER_ADDRESS,
    }
}

/// What is signed of a request: a signature counts on this chain only.
pub fn digest(request: &JobRequest, chain_id: u64) -> B256 {
    request.eip712_signing_hash(&domain(chain_id))
}

/// A request with the signature that its consumer is to accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedJobRequest {
    /// What is asked.
    pub request: JobRequest,
    /// What the consumer's `isValidSignature` is given.
    pub signature: Bytes,
}

impl SignedJobRequest {
    /// The id that the job has on a chain.
    pub fn job_id(&self, chain_id: u64) -> B256 {
        let JobRequest { consumer, nonce, ordered, .. } = self.request;
        job_id(chain_id, consumer, nonce | if ordered { OFFCHAIN_ORDERED } else { OFFCHAIN })
    }

    /// The body of `ivm_submitJob` and of `POST /v1/jobs`.
    pub fn to_json(&self, offchain_input: Option<&Bytes>) -> Value {
        let request = &self.request;
        let quantity = |value: u64| U64::from(value);
        let mut json = json!({
            "request": {
                "consumer": request.consumer,
                "nonce": quantity(request.nonce),
                "ordered": request.ordered,
                "programId": request.programId,
                "onchainInput": request.onchainInput,
                "offchainInputHash": request.offchainInputHash,
                "maxCycles": quantity(request.maxCycles),
                "callbackGasLimit": quantity(request.callbackGasLimit),
                "deadlineBlock": quantity(request.deadlineBlock),
                "feePayer": request.feePayer,
                "maxFeeWei": request.maxFeeWei,
            },
            "signature": self.signature,
        });
        if let Some(input) = offchain_input {
            json["offchainInput"] = json!(input);
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use alloy_primitives::{Address, U256, address};

    use super::*;

    /// The vectors that the TypeScript SDK is held to as well; viem computed them.
    const VECTORS: &str = include_str!("../../../sdk/typescript/test/vectors/job-requests.json");

    fn request_of(json: &Value) -> JobRequest {
        let text = |field: &str| json[field].as_str().expect("the field is text");
        let number = |field: &str| text(field).parse().expect("the field is a number of 64 bits");
        JobRequest {
            consumer: text("consumer").parse().expect("address"),
            nonce: number("nonce"),
            ordered: json["ordered"].as_bool().expect("boolean"),
            programId: text("programId").parse().expect("hash"),
            onchainInput: text("onchainInput").parse().expect("bytes"),
            offchainInputHash: text("offchainInputHash").parse().expect("hash"),
            maxCycles: number("maxCycles"),
            callbackGasLimit: number("callbackGasLimit"),
            deadlineBlock: number("deadlineBlock"),
            feePayer: text("feePayer").parse().expect("address"),
            maxFeeWei: text("maxFeeWei").parse().expect("number"),
        }
    }

    fn sample() -> JobRequest {
        let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
        request_of(&vectors["requests"][0]["request"])
    }

    #[test]
    fn digests_and_job_ids_are_those_of_the_vectors() {
        let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
        let vectors = vectors["requests"].as_array().expect("list");
        assert!(vectors.len() >= 3);
        for vector in vectors {
            let request = request_of(&vector["request"]);
            let chain_id = vector["chainId"].as_u64().expect("number");
            assert_eq!(json!(digest(&request, chain_id)), vector["digest"]);
            let signed = SignedJobRequest { request, signature: Bytes::new() };
            assert_eq!(json!(signed.job_id(chain_id)), vector["jobId"]);
        }
    }

    #[test]
    fn every_field_and_the_chain_change_the_digest() {
        let changes: [fn(&mut JobRequest); 11] = [
            |request| request.consumer = Address::repeat_byte(9),
            |request| request.nonce += 1,
            |request| request.ordered = !request.ordered,
            |request| request.programId = B256::repeat_byte(9),
            |request| request.onchainInput = Bytes::from_static(b"other"),
            |request| request.offchainInputHash = B256::repeat_byte(9),
            |request| request.maxCycles += 1,
            |request| request.callbackGasLimit += 1,
            |request| request.deadlineBlock += 1,
            |request| request.feePayer = Address::repeat_byte(9),
            |request| request.maxFeeWei += U256::ONE,
        ];
        let mut digests: HashSet<B256> = changes
            .iter()
            .map(|change| {
                let mut request = sample();
                change(&mut request);
                digest(&request, 4956)
            })
            .collect();
        digests.extend([digest(&sample(), 4956), digest(&sample(), 4957)]);
        assert_eq!(digests.len(), 13);
    }

    #[test]
    fn a_submission_has_its_quantities_in_hex() {
        let request = JobRequest {
            consumer: address!("00000000000000000000000000000000000000a1"),
            nonce: 17,
            maxFeeWei: U256::from(1_u64 << 40),
            ..sample()
        };
        let signed = SignedJobRequest { request, signature: Bytes::from_static(&[1, 2]) };
        let json = signed.to_json(None);
        assert_eq!(json["request"]["nonce"], "0x11");
        assert_eq!(json["request"]["maxFeeWei"], "0x10000000000");
        assert_eq!(json["request"]["ordered"], false);
        assert_eq!(json["signature"], "0x0102");
        assert_eq!(json.get("offchainInput"), None);
        assert_eq!(json["request"].as_object().map(|fields| fields.len()), Some(11));
        assert_eq!(signed.to_json(Some(&Bytes::from_static(&[3])))["offchainInput"], "0x03");
    }
}
