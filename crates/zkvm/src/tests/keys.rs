//! The verifying keys that `ivm-verifier` holds are those of our VM.

use std::{fs, path::Path};

use ivm_verifier::keys::{AggregationLayers, KeyCommitment, committed_keys};
use openvm_sdk::prover::AggProver;

use super::zkvm;

/// Set to write the keys instead of comparing them.
const UPDATE_VARIABLE: &str = "IVM_UPDATE_KEYS";

fn layers(prover: &AggProver) -> AggregationLayers {
    let [app, leaf, internal_for_leaf, internal_recursive] = [
        prover.leaf_prover.get_vk_commit(false),
        prover.internal_for_leaf_prover.get_vk_commit(false),
        prover.internal_recursive_prover.get_vk_commit(false),
        prover.internal_recursive_prover.get_vk_commit(true),
    ]
    .map(|key| KeyCommitment { constraints: key.cached_commit, hash: key.vk_pre_hash });
    AggregationLayers { app, leaf, internal_for_leaf, internal_recursive }
}

#[test]
fn committed_verifying_keys_are_generated() {
    let prover = zkvm().aggregation().unwrap();
    let segments = postcard::to_stdvec(&zkvm().vm_key().unwrap().get_vk()).unwrap();
    let aggregated =
        postcard::to_stdvec(&(layers(prover), &*prover.internal_recursive_prover.get_vk())).unwrap();
    for ((name, committed), generated) in committed_keys().into_iter().zip([segments, aggregated]) {
        if std::env::var_os(UPDATE_VARIABLE).is_some() {
            let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../verifier/keys");
            fs::write(folder.join(name), generated).unwrap();
        } else {
            assert!(
                committed == generated,
                "{name} is not of this VM config: run this test with {UPDATE_VARIABLE}=1"
            );
        }
    }
}
