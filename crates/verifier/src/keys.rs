//! The verifying keys, which are the same for all programs.
//!
//! They are committed, in `keys/`, so that nothing has to generate them: what keys say is decided by the VM config of
//! `ivm-zkvm`, whose test `committed_verifying_keys_are_generated` compares them with what key generation gives and,
//! with `IVM_UPDATE_KEYS=1` in the environment, writes them.

use std::sync::OnceLock;

use openvm_stark_backend::keygen::types::MultiStarkVerifyingKey;
use serde::{Deserialize, Serialize};

use crate::stark::{Digest, Stark};

static SEGMENT_KEY: &[u8] = include_bytes!("../keys/segments.vk");
static AGGREGATION_KEY: &[u8] = include_bytes!("../keys/aggregated.vk");

/// The file of a committed key, as encoded in the binary; for the test that generates it.
pub fn committed_keys() -> [(&'static str, &'static [u8]); 2] {
    [("segments.vk", SEGMENT_KEY), ("aggregated.vk", AGGREGATION_KEY)]
}

/// Key of the VM's circuit, which proves one segment.
pub(crate) struct SegmentKey {
    pub(crate) key: MultiStarkVerifyingKey<Stark>,
    pub(crate) stark: Stark,
}

/// Key of the circuit that ends an aggregation, and what it must be the end of.
pub(crate) struct AggregationKey {
    pub(crate) key: MultiStarkVerifyingKey<Stark>,
    pub(crate) stark: Stark,
    pub(crate) layers: AggregationLayers,
}

/// Commitments to the verifying keys that the layers of an aggregation check their children with.
///
/// The last layer's proof exposes those it was made with; only with these does it speak of our VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregationLayers {
    /// Of the VM's own key, which leaves check segments with.
    pub app: KeyCommitment,
    /// Of the leaves' key.
    pub leaf: KeyCommitment,
    /// Of the first internal layer's key.
    pub internal_for_leaf: KeyCommitment,
    /// Of the key of all layers above, which is also the one that the proof itself is checked with.
    pub internal_recursive: KeyCommitment,
}

/// What a circuit that verifies proofs knows of the key it verifies them with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCommitment {
    /// Commitment to the key's constraints, as a trace.
    pub constraints: Digest,
    /// Hash of the key.
    pub hash: Digest,
}

pub(crate) fn segment_key() -> &'static SegmentKey {
    static KEY: OnceLock<SegmentKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let key: MultiStarkVerifyingKey<Stark> =
            postcard::from_bytes(SEGMENT_KEY).expect("the committed key decodes: a test reads it");
        SegmentKey { stark: Stark::new(key.inner.params.clone()), key }
    })
}

pub(crate) fn aggregation_key() -> &'static AggregationKey {
    static KEY: OnceLock<AggregationKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let (layers, key): (AggregationLayers, MultiStarkVerifyingKey<Stark>) =
            postcard::from_bytes(AGGREGATION_KEY).expect("the committed key decodes: a test reads it");
        AggregationKey { stark: Stark::new(key.inner.params.clone()), key, layers }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_keys_decode() {
        assert!(!segment_key().key.inner.per_air.is_empty());
        assert!(!aggregation_key().key.inner.per_air.is_empty());
    }
}
