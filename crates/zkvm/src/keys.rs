//! The proving keys of the one VM, generated when first needed and, if asked for, cached on disk.
//!
//! There are two: of the VM itself, and of the circuits that aggregate its proofs. A cache file is
//! `keccak256(keys) ‖ keys`, named after the VM config. One that cannot be read, is damaged or is another version's is
//! generated anew and replaced; one that cannot be written costs a warning. The hash is there against damage, not
//! against malice, but nothing is verified with these keys: `ivm-verifier` holds the verifying keys.

use std::{fs, io::Write, path::Path, sync::Arc};

use alloy_primitives::keccak256;
use openvm_sdk::{
    SC,
    config::{AggregationTreeConfig, AppConfig},
    keygen::{AggPrefixProvingKey, AggProvingKey, AppProvingKey},
    prover::AggProver,
};
use openvm_sdk_config::SdkVmConfig;
use openvm_stark_backend::keygen::types::MultiStarkProvingKey;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    KeyError,
    config::{VM_CONFIG_ID, aggregation_config, system_params, vm_config},
};

const HASH_SIZE_BYTES: usize = 32;

/// The VM's proving key.
pub(crate) type VmKey = Arc<MultiStarkProvingKey<SC>>;

/// Generates the VM's key, or reads it from a folder and leaves it there.
pub(crate) fn vm_key(cache: Option<&Path>) -> Result<VmKey, KeyError> {
    if let Some(key) = cache.and_then(|folder| read(&vm_file(folder))) {
        return Ok(key);
    }
    let keys = AppProvingKey::<SdkVmConfig>::keygen(AppConfig::new(vm_config(), system_params()))
        .map_err(|error| KeyError::Generation(error.to_string()))?;
    let key = keys.app_vm_pk.vm_pk.clone();
    if let Some(folder) = cache {
        write(&vm_file(folder), &key);
    }
    Ok(key)
}

/// As [`vm_key`], for the circuits that aggregate the VM's proofs. It takes seconds, most of them for commitments that
/// are no part of the keys.
pub(crate) fn aggregation_prover(vm_key: &VmKey, cache: Option<&Path>) -> AggProver {
    let (vm_key, tree) = (Arc::new(vm_key.get_vk()), AggregationTreeConfig::default());
    if let Some(keys) = cache.and_then(|folder| read(&aggregation_file(folder))) {
        return AggProver::from_pk(vm_key, keys, tree, None);
    }
    let prover = AggProver::new(vm_key, aggregation_config(), tree, None);
    if let Some(folder) = cache {
        let keys = AggProvingKey {
            prefix: AggPrefixProvingKey {
                leaf: prover.leaf_prover.get_pk(),
                internal_for_leaf: prover.internal_for_leaf_prover.get_pk(),
            },
            internal_recursive: prover.internal_recursive_prover.get_pk(),
        };
        write(&aggregation_file(folder), &keys);
    }
    prover
}

fn vm_file(folder: &Path) -> std::path::PathBuf {
    folder.join(format!("{VM_CONFIG_ID}.keys"))
}

fn aggregation_file(folder: &Path) -> std::path::PathBuf {
    folder.join(format!("{VM_CONFIG_ID}.aggregation.keys"))
}

fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let bytes = fs::read(file).ok()?;
    let (hash, keys) = bytes.split_at_checked(HASH_SIZE_BYTES)?;
    if hash != keccak256(keys).as_slice() {
        tracing::warn!(file = %file.display(), "the cached proving keys are damaged; generating them anew");
        return None;
    }
    postcard::from_bytes(keys).ok()
}

fn write(file: &Path, keys: &impl Serialize) {
    if let Err(error) = try_write(file, keys) {
        tracing::warn!(file = %file.display(), %error, "cannot cache the proving keys");
    }
}

/// Writes beside the file and renames, so that no reader ever sees half of it.
fn try_write(file: &Path, keys: &impl Serialize) -> std::io::Result<()> {
    let keys = postcard::to_stdvec(keys).map_err(std::io::Error::other)?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
    let mut output = fs::File::create(&temporary)?;
    output.write_all(keccak256(&keys).as_slice())?;
    output.write_all(&keys)?;
    output.sync_all()?;
    fs::rename(&temporary, file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn cached(folder: &Path) -> Vec<u8> {
        postcard::to_stdvec(&vm_key(Some(folder)).unwrap()).unwrap()
    }

    #[test]
    fn a_cache_gives_the_same_keys_and_heals() {
        let folder = tempfile::tempdir().unwrap();
        // A folder that does not exist yet.
        let cache = folder.path().join("keys");
        let generated = cached(&cache);
        let files: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [file] = &files[..] else { panic!("{files:?}") };
        let good = fs::read(file).unwrap();
        assert!(read::<VmKey>(file).is_some());
        assert_eq!(cached(&cache), generated);

        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        for damaged in [Vec::new(), good[..good.len() - 1].to_vec(), flipped] {
            fs::write(file, &damaged).unwrap();
            assert!(read::<VmKey>(file).is_none());
            assert_eq!(cached(&cache), generated);
            assert_eq!(fs::read(file).unwrap(), good, "replaced");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_nothing_but_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(vm_key(Some(&file.path().join("below a file"))).is_ok());
    }
}
