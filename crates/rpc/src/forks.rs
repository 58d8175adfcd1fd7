//! `eth_config`: the rules in force, and those to come (EIP-7910).

use std::collections::BTreeMap;

use alloy_eips::eip7840::BlobParams;
use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Address, B256, Bytes, U64};
use ivm_chain::{BLOB_PARAMS, Rules};
use revm::precompile::{PrecompileSpecId, Precompiles};
use serde::Serialize;

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_config", config)
}

/// The forks of a chain around its head.
#[derive(Clone, Debug, Serialize)]
struct ForkConfigs {
    /// `None` before the first fork that is scheduled by time.
    current: Option<ForkConfig>,
    next: Option<ForkConfig>,
    /// `None` when no fork is to come.
    last: Option<ForkConfig>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ForkConfig {
    activation_time: u64,
    blob_schedule: Option<BlobSchedule>,
    chain_id: U64,
    fork_id: Bytes,
    precompiles: BTreeMap<String, Address>,
    system_contracts: BTreeMap<&'static str, Address>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobSchedule {
    target: u64,
    max: u64,
    base_fee_update_fraction: u128,
}

impl From<BlobParams> for BlobSchedule {
    fn from(params: BlobParams) -> Self {
        Self {
            target: params.target_blob_count,
            max: params.max_blob_count,
            base_fee_update_fraction: params.update_fraction,
        }
    }
}

fn config(api: &Api, (): ()) -> RpcResult<ForkConfigs> {
    let genesis_time = api.chain.header(0.into())?.map_or(0, |header| header.timestamp);
    let forks = Forks {
        rules: &api.chain.config().rules,
        chain_id: api.chain.config().chain_id,
        genesis_hash: api.chain.genesis_hash(),
        genesis_time,
    };
    Ok(forks.around(api.chain.head().block.header().timestamp))
}

/// What a chain's fork configurations are made from.
struct Forks<'a> {
    rules: &'a Rules,
    chain_id: u64,
    genesis_hash: B256,
    genesis_time: u64,
}

impl Forks<'_> {
    fn around(&self, now: u64) -> ForkConfigs {
        let times = self.times();
        let next = times.iter().copied().find(|time| *time > now);
        let current = times.iter().copied().rfind(|time| *time <= now);
        let last = next.and(times.last().copied());
        let [current, next, last] = [current, next, last].map(|time| time.map(|time| self.at(time)));
        ForkConfigs { current, next, last }
    }

    /// Timestamps of forks, rising.
    fn times(&self) -> Vec<u64> {
        match self.rules.schedule() {
            None => vec![0],
            Some(schedule) => schedule.fork_times(),
        }
    }

    fn is_active(&self, fork: EthereumHardfork, time: u64) -> bool {
        match self.rules.schedule() {
            None => fork <= EthereumHardfork::Prague,
            Some(schedule) => schedule.is_active_at_time(fork, time),
        }
    }

    /// The configuration of the fork at this time.
    fn at(&self, time: u64) -> ForkConfig {
        let blobs = match self.rules.schedule() {
            None => Some(BLOB_PARAMS),
            Some(schedule) => schedule.blob_params(time),
        };
        let precompiles = Precompiles::new(self.precompiles(time)).inner().values();
        let native = self.rules.native_contract();
        ForkConfig {
            // What is in force from genesis on is so from 0 on.
            activation_time: if time <= self.genesis_time { 0 } else { time },
            blob_schedule: blobs.map(BlobSchedule::from),
            chain_id: U64::from(self.chain_id),
            fork_id: self.fork_hash(time).to_vec().into(),
            precompiles: precompiles
                .map(|precompile| (precompile.id().name().to_owned(), *precompile.address()))
                .chain(native.map(|native| (native.name().to_owned(), native.address())))
                .collect(),
            system_contracts: self.system_contracts(time),
        }
    }

    fn precompiles(&self, time: u64) -> PrecompileSpecId {
        let of_fork = [
            (EthereumHardfork::Osaka, PrecompileSpecId::OSAKA),
            (EthereumHardfork::Prague, PrecompileSpecId::PRAGUE),
            (EthereumHardfork::Cancun, PrecompileSpecId::CANCUN),
        ];
        let newest = of_fork.into_iter().find(|(fork, _)| self.is_active(*fork, time));
        newest.map_or(PrecompileSpecId::BERLIN, |(_, precompiles)| precompiles)
    }

    fn system_contracts(&self, time: u64) -> BTreeMap<&'static str, Address> {
        let mut contracts = BTreeMap::new();
        if self.is_active(EthereumHardfork::Cancun, time) {
            contracts.insert("BEACON_ROOTS_ADDRESS", eip4788::BEACON_ROOTS_ADDRESS);
        }
        if self.is_active(EthereumHardfork::Prague, time) {
            contracts.extend([
                ("CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS", eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS),
                ("HISTORY_STORAGE_ADDRESS", eip2935::HISTORY_STORAGE_ADDRESS),
                ("WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS", eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS),
            ]);
            // An InfinityVM chain has no beacon chain to deposit to.
            if let Some(schedule) = self.rules.schedule() {
                contracts.insert("DEPOSIT_CONTRACT_ADDRESS", schedule.deposit_contract().unwrap_or_default());
            }
        }
        contracts
    }

    /// The fork hash of EIP-2124 from this time on: of the genesis hash and of every fork passed since, by block and then
    /// by time (EIP-6122).
    fn fork_hash(&self, time: u64) -> [u8; 4] {
        let mut checksum = Checksum::default();
        checksum.add(self.genesis_hash.as_slice());
        if let Some(schedule) = self.rules.schedule() {
            let times = schedule.fork_times().into_iter();
            let times = times.filter(|fork| *fork > self.genesis_time && *fork <= time);
            for fork in schedule.fork_blocks().into_iter().chain(times) {
                checksum.add(&fork.to_be_bytes());
            }
        }
        checksum.bytes()
    }
}

/// CRC-32 as of IEEE 802.3.
struct Checksum(u32);

impl Default for Checksum {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        const POLYNOMIAL: u32 = 0xedb8_8320;
        for byte in bytes {
            self.0 ^= u32::from(*byte);
            for _ in 0..u8::BITS {
                self.0 = if self.0 & 1 == 1 { (self.0 >> 1) ^ POLYNOMIAL } else { self.0 >> 1 };
            }
        }
    }

    fn bytes(&self) -> [u8; 4] {
        (!self.0).to_be_bytes()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use alloy_genesis::ChainConfig;
    use alloy_primitives::{U256, b256, hex};
    use ivm_chain::{ForkSchedule, NativeCall, NativeContract, NativeFault, NativeReturn};

    use super::*;

    /// Mainnet's schedule, as its genesis file has it, until Osaka's second change of blobs.
    fn mainnet() -> Rules {
        let config = ChainConfig {
            homestead_block: Some(1_150_000),
            dao_fork_block: Some(1_920_000),
            dao_fork_support: true,
            eip150_block: Some(2_463_000),
            eip155_block: Some(2_675_000),
            eip158_block: Some(2_675_000),
            byzantium_block: Some(4_370_000),
            constantinople_block: Some(7_280_000),
            petersburg_block: Some(7_280_000),
            istanbul_block: Some(9_069_000),
            muir_glacier_block: Some(9_200_000),
            berlin_block: Some(12_244_000),
            london_block: Some(12_965_000),
            arrow_glacier_block: Some(13_773_000),
            gray_glacier_block: Some(15_050_000),
            terminal_total_difficulty: Some(U256::from(58_750_000_000_000_000_000_000_u128)),
            shanghai_time: Some(1_681_338_455),
            cancun_time: Some(1_710_338_135),
            prague_time: Some(1_746_612_311),
            osaka_time: Some(1_764_798_551),
            bpo1_time: Some(1_765_290_071),
            bpo2_time: Some(1_767_747_671),
            blob_schedule: [("bpo1", BlobParams::bpo1()), ("bpo2", BlobParams::bpo2())]
                .map(|(fork, params)| (fork.to_owned(), params))
                .into(),
            ..ChainConfig::default()
        };
        Rules::Ethereum(ForkSchedule::from_genesis(&config).unwrap().into())
    }

    fn forks(rules: &Rules) -> Forks<'_> {
        Forks {
            rules,
            chain_id: 1,
            genesis_hash: b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"),
            genesis_time: 0,
        }
    }

    #[test]
    fn fork_hashes_are_mainnets() {
        let rules = mainnet();
        let forks = forks(&rules);
        // As EIP-2124's list goes on: Gray Glacier, Shanghai, Cancun, Prague, Osaka and its two changes of blobs.
        let known = [
            (0, hex!("f0afd0e3")),
            (1_681_338_455, hex!("dce96c2d")),
            (1_710_338_135, hex!("9f3d2254")),
            (1_746_612_311, hex!("c376cf8b")),
            (1_764_798_551, hex!("5167e2a6")),
            (1_765_290_071, hex!("cba2a1c0")),
            (1_767_747_671, hex!("07c9462e")),
        ];
        for (time, hash) in known {
            assert_eq!(forks.fork_hash(time), hash, "{time}");
        }
        // The EIP's own example: mainnet before any fork.
        let unforked = Forks { rules: &Rules::InfinityVm, ..forks };
        assert_eq!(unforked.fork_hash(0), hex!("fc64ec04"));
    }

    #[derive(Debug)]
    struct MockContract;

    impl NativeContract for MockContract {
        fn address(&self) -> Address {
            Address::repeat_byte(7)
        }
        fn name(&self) -> &'static str {
            "MOCK_CONTRACT"
        }
        fn call(&self, _: &NativeCall<'_>) -> Result<NativeReturn, NativeFault> {
            Err(NativeFault::OutOfGas)
        }
    }

    #[test]
    fn a_contract_that_is_part_of_the_node_is_told() {
        let rules = Rules::InfinityVmWith(Arc::new(MockContract));
        let forks = Forks { rules: &rules, chain_id: 1, genesis_hash: B256::ZERO, genesis_time: 0 };
        let precompiles = forks.around(5).current.unwrap().precompiles;
        assert_eq!(precompiles.get("MOCK_CONTRACT"), Some(&Address::repeat_byte(7)));
        let plain = Forks { rules: &Rules::InfinityVm, ..forks };
        assert_eq!(plain.around(5).current.unwrap().precompiles.len(), precompiles.len() - 1);
    }

    #[test]
    fn forks_are_told_before_they_come() {
        let rules = mainnet();
        let forks = forks(&rules);
        let ForkConfigs { current, next, last } = forks.around(1_710_338_135);
        let [current, next, last] = [current, next, last].map(Option::unwrap);
        let times = [&current, &next, &last].map(|config| config.activation_time);
        assert_eq!(times, [1_710_338_135, 1_746_612_311, 1_767_747_671]);
        let blobs = [current, next, last].map(|config| {
            let precompiles = config.precompiles.len();
            (config.blob_schedule.unwrap().max, precompiles, config.system_contracts.len())
        });
        assert_eq!(blobs, [(6, 10, 1), (9, 17, 5), (21, 18, 5)]);

        let ForkConfigs { current, next, last } = forks.around(u64::MAX);
        assert_eq!(current.unwrap().activation_time, 1_767_747_671);
        assert!(next.is_none() && last.is_none());
        // Shanghai is the first that comes by time.
        let ForkConfigs { current, next, .. } = forks.around(1_681_338_454);
        assert!(current.is_none());
        let shanghai = next.unwrap();
        assert!(shanghai.blob_schedule.is_none() && shanghai.system_contracts.is_empty());
    }
}
