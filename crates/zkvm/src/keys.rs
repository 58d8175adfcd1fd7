//! The proving and verifying keys of the one VM, generated when first needed and, if asked for, cached on disk.
//!
//! A cache file is `keccak256(keys) ‖ keys`, named after the VM config. One that cannot be read, is damaged or is
//! another version's is generated anew and replaced; one that cannot be written costs a warning. The hash is there
//! against damage, not against malice: a node trusts its cache folder as it trusts its data.

use std::{fs, io::Write, path::Path};

use alloy_primitives::keccak256;
use openvm_sdk::{
    config::AppConfig,
    keygen::{AppProvingKey, AppVerifyingKey},
};
use openvm_sdk_config::SdkVmConfig;

use crate::{
    KeyError,
    config::{VM_CONFIG_ID, system_params, vm_config},
};

const HASH_SIZE_BYTES: usize = 32;

/// Both keys.
pub(crate) struct Keys {
    pub(crate) proving: AppProvingKey<SdkVmConfig>,
    pub(crate) verifying: AppVerifyingKey,
}

impl Keys {
    /// Generates the keys.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let proving = AppProvingKey::keygen(AppConfig::new(vm_config(), system_params()))
            .map_err(|error| KeyError::Generation(error.to_string()))?;
        Ok(Self::new(proving))
    }

    /// Reads the keys from a folder, or generates them and leaves them there.
    pub(crate) fn cached(folder: &Path) -> Result<Self, KeyError> {
        let file = folder.join(format!("{VM_CONFIG_ID}.keys"));
        if let Some(proving) = read(&file) {
            return Ok(Self::new(proving));
        }
        let keys = Self::generate()?;
        if let Err(error) = write(&file, &keys.proving) {
            tracing::warn!(file = %file.display(), %error, "cannot cache the proving keys");
        }
        Ok(keys)
    }

    fn new(proving: AppProvingKey<SdkVmConfig>) -> Self {
        let verifying = proving.get_app_vk();
        Self { proving, verifying }
    }
}

fn read(file: &Path) -> Option<AppProvingKey<SdkVmConfig>> {
    let bytes = fs::read(file).ok()?;
    let (hash, keys) = bytes.split_at_checked(HASH_SIZE_BYTES)?;
    if hash != keccak256(keys).as_slice() {
        tracing::warn!(file = %file.display(), "the cached proving keys are damaged; generating them anew");
        return None;
    }
    postcard::from_bytes(keys).ok()
}

/// Writes beside the file and renames, so that no reader ever sees half of it.
fn write(file: &Path, proving: &AppProvingKey<SdkVmConfig>) -> std::io::Result<()> {
    let keys = postcard::to_stdvec(proving).map_err(std::io::Error::other)?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = file.with_extension(format!("keys.{}.tmp", std::process::id()));
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

    fn encoded(keys: &Keys) -> Vec<u8> {
        postcard::to_stdvec(&keys.proving).unwrap()
    }

    #[test]
    fn a_cache_gives_the_same_keys_and_heals() {
        let folder = tempfile::tempdir().unwrap();
        // A folder that does not exist yet.
        let cache = folder.path().join("keys");
        let generated = encoded(&Keys::cached(&cache).unwrap());
        let files: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [file] = &files[..] else { panic!("{files:?}") };
        let good = fs::read(file).unwrap();
        assert!(read(file).is_some());
        assert_eq!(encoded(&Keys::cached(&cache).unwrap()), generated);

        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        for damaged in [Vec::new(), good[..good.len() - 1].to_vec(), flipped] {
            fs::write(file, &damaged).unwrap();
            assert!(read(file).is_none());
            assert_eq!(encoded(&Keys::cached(&cache).unwrap()), generated);
            assert_eq!(fs::read(file).unwrap(), good, "replaced");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_nothing_but_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Keys::cached(&file.path().join("below a file")).is_ok());
    }
}
