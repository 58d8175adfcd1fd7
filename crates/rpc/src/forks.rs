//! `eth_config`: the rules in force (EIP-7910).

use std::collections::BTreeMap;

use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
use alloy_primitives::{Address, B256, Bytes, U64};
use ivm_chain::BLOB_PARAMS;
use revm::precompile::{PrecompileSpecId, Precompiles};
use serde::Serialize;

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.inline("eth_config", config)
}

/// The forks of a chain around its head.
#[derive(Clone, Serialize)]
struct ForkConfigs {
    current: ForkConfig,
    next: Option<ForkConfig>,
    last: Option<ForkConfig>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ForkConfig {
    activation_time: u64,
    blob_schedule: BlobSchedule,
    chain_id: U64,
    fork_id: Bytes,
    precompiles: BTreeMap<String, Address>,
    system_contracts: BTreeMap<&'static str, Address>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobSchedule {
    target: u64,
    max: u64,
    base_fee_update_fraction: u128,
}

fn config(api: &Api, (): ()) -> RpcResult<ForkConfigs> {
    let now = api.chain.head().block.header().timestamp;
    let blobs = api.chain.config().rules.blob_params(now).unwrap_or(BLOB_PARAMS);
    let precompiles = Precompiles::new(PrecompileSpecId::PRAGUE);
    let current = ForkConfig {
        activation_time: 0,
        blob_schedule: BlobSchedule {
            target: blobs.target_blob_count,
            max: blobs.max_blob_count,
            base_fee_update_fraction: blobs.update_fraction,
        },
        chain_id: U64::from(api.chain.config().chain_id),
        fork_id: fork_id(api.chain.genesis_hash()).to_vec().into(),
        precompiles: precompiles
            .inner()
            .values()
            .map(|precompile| (precompile.id().name().to_owned(), *precompile.address()))
            .collect(),
        system_contracts: BTreeMap::from([
            ("BEACON_ROOTS_ADDRESS", eip4788::BEACON_ROOTS_ADDRESS),
            ("CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS", eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS),
            ("HISTORY_STORAGE_ADDRESS", eip2935::HISTORY_STORAGE_ADDRESS),
            ("WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS", eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS),
        ]),
    };
    Ok(ForkConfigs { current, next: None, last: None })
}

/// The fork hash of EIP-2124 of a chain whose forks are all in force from genesis: the CRC-32 of the genesis hash.
fn fork_id(genesis: B256) -> [u8; 4] {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut crc = u32::MAX;
    for byte in genesis {
        crc ^= u32::from(byte);
        for _ in 0..u8::BITS {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
        }
    }
    (!crc).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{b256, hex};

    use super::*;

    #[test]
    fn the_fork_hash_is_that_of_eip_2124() {
        // The EIP's own example: mainnet before any fork.
        let mainnet = b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
        assert_eq!(fork_id(mainnet), hex!("fc64ec04"));
    }
}
