//! The proving and verifying keys of the one VM, generated once and kept on disk.
//!
//! A cached file is trusted as the node's own: keep the folder as safe as the data directory.

use openvm_sdk::{
    config::AppConfig,
    keygen::{AppProvingKey, AppVerifyingKey},
};
use openvm_sdk_config::SdkVmConfig;

use crate::{
    KeyError,
    config::{system_params, vm_config},
};

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
        let verifying = proving.get_app_vk();
        Ok(Self { proving, verifying })
    }
}
