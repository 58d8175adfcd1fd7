//! The request that a consumer's signer signs.

use alloy_primitives::{B256, Bytes};

pub use ivm_contracts::JobRequest;

/// What is signed of a request: a signature counts on this chain only.
pub fn digest(request: &JobRequest, chain_id: u64) -> B256 {
    request.digest(chain_id)
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
    /// The id that the job has on a chain; `None` when its number is too large.
    pub fn job_id(&self, chain_id: u64) -> Option<B256> {
        self.request.job_id(chain_id)
    }

    /// What `ivm_submitJob` and `POST /v1/jobs` take.
    pub fn with_input(&self, offchain_input: Option<&Bytes>) -> ivm_rpc_types::SignedJobRequest {
        ivm_rpc_types::SignedJobRequest {
            request: self.request.clone().into(),
            signature: self.signature.clone(),
            offchain_input: offchain_input.cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use alloy_primitives::{Address, U256, address};
    use serde_json::{Value, json};

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
        let json = json!(signed.with_input(None));
        assert_eq!(json["request"]["nonce"], "0x11");
        assert_eq!(json["request"]["maxFeeWei"], "0x10000000000");
        assert_eq!(json["request"]["ordered"], false);
        assert_eq!(json["signature"], "0x0102");
        assert_eq!(json.get("offchainInput"), None);
        assert_eq!(json["request"].as_object().map(|fields| fields.len()), Some(11));
        assert_eq!(json!(signed.with_input(Some(&Bytes::from_static(&[3]))))["offchainInput"], "0x03");
    }
}
