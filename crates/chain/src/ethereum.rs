//! Ethereum's rules for headers and bodies, fork by fork. Seals of proof of work are not verified.

use alloy_consensus::Header;
use alloy_consensus::constants::EMPTY_OMMER_ROOT_HASH;
use alloy_eips::eip1559::{BaseFeeParams, INITIAL_BASE_FEE};
use alloy_hardforks::EthereumHardfork as Fork;
use alloy_primitives::{B64, B256, U256, hex};
use ivm_evm::{DaoFork, ForkSchedule};

use crate::config::{MAX_BLOCK_SIZE_BYTES, MAX_ETHEREUM_BLOCK_SIZE_BYTES, MAX_EXTRA_DATA_SIZE_BYTES};
use crate::difficulty;
use crate::error::BlockError;
use crate::header::{BodyFacts, Chosen, field};

/// A proposer moves the gas limit by less than this part of it.
const GAS_LIMIT_BOUND_DIVISOR: u64 = 1024;
/// Least gas limit.
const MIN_GAS_LIMIT: u64 = 5000;
/// Greatest gas limit.
const MAX_GAS_LIMIT: u64 = i64::MAX as u64;
/// Blocks from the DAO's fork on that carry its mark.
const DAO_MARKED_BLOCKS: u64 = 10;
/// The mark: `dao-hard-fork`.
const DAO_MARK: [u8; 13] = hex!("64616f2d686172642d666f726b");

/// Where a block stands: its parent, and whether proof of stake has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) schedule: &'a ForkSchedule,
    pub(crate) parent_hash: B256,
    pub(crate) parent: &'a Header,
    /// Whether the block is of proof of stake.
    pub(crate) merged: bool,
}

impl Place<'_> {
    fn number(&self) -> u64 {
        self.parent.number.saturating_add(1)
    }

    fn is_active(&self, fork: Fork, timestamp: u64) -> bool {
        if fork > Fork::Paris {
            self.merged && self.schedule.is_active_at_time(fork, timestamp)
        } else {
            self.schedule.is_active_at_block(fork, self.number())
        }
    }

    /// The header of the block, its results still empty.
    pub(crate) fn next_header(&self, chosen: Chosen, body: &BodyFacts) -> Header {
        let timestamp = chosen.timestamp;
        let cancun = self.is_active(Fork::Cancun, timestamp);
        Header {
            parent_hash: self.parent_hash,
            number: self.number(),
            ommers_hash: if self.merged { EMPTY_OMMER_ROOT_HASH } else { body.ommers_hash },
            beneficiary: chosen.beneficiary,
            transactions_root: body.transactions_root,
            difficulty: match self.merged {
                true => U256::ZERO,
                false => difficulty::next(self.schedule, self.parent, timestamp),
            },
            gas_limit: chosen.gas_limit,
            timestamp,
            extra_data: chosen.extra_data,
            mix_hash: chosen.prev_randao,
            nonce: if self.merged { B64::ZERO } else { chosen.nonce },
            base_fee_per_gas: next_base_fee(self.schedule, self.parent),
            withdrawals_root: self.is_active(Fork::Shanghai, timestamp).then_some(body.withdrawals_root),
            blob_gas_used: cancun.then_some(body.blob_gas_used),
            excess_blob_gas: cancun.then(|| self.excess_blob_gas(timestamp)),
            parent_beacon_block_root: cancun.then_some(chosen.parent_beacon_block_root),
            ..Header::default()
        }
    }

    /// By the parameters that hold in the block; the block before Cancun counts as without blobs.
    fn excess_blob_gas(&self, timestamp: u64) -> u64 {
        let params = self.schedule.blob_params(timestamp);
        params.and_then(|params| self.parent.next_block_excess_blob_gas(params)).unwrap_or_default()
    }

    /// Checks what a proposer chooses within bounds.
    pub(crate) fn check_choices(&self, got: &Header) -> Result<(), BlockError> {
        check_extra_data(self.schedule, got, self.number())?;
        if got.timestamp <= self.parent.timestamp {
            let expected = format!("later than {}", self.parent.timestamp);
            return Err(field("timestamp", got.timestamp, expected));
        }
        self.check_gas_limit(got.gas_limit)?;
        if got.gas_used > got.gas_limit {
            return Err(field("gasUsed", got.gas_used, format!("at most the gasLimit of {}", got.gas_limit)));
        }
        let most = self.schedule.blob_params(got.timestamp).map_or(0, |blobs| blobs.max_blob_gas_per_block());
        match got.blob_gas_used {
            Some(used) if used > most => Err(field("blobGasUsed", used, format!("at most {most}"))),
            _ => Ok(()),
        }
    }

    /// The limit that a proposer leaves as it is: the parent's, or twice that where London makes half of it the target.
    pub(crate) fn unchanged_gas_limit(&self) -> u64 {
        let limit = self.parent.gas_limit;
        let begins_london = self.parent.base_fee_per_gas.is_none() && self.is_active(Fork::London, 0);
        if begins_london {
            limit.saturating_mul(BaseFeeParams::ethereum().elasticity_multiplier as u64)
        } else {
            limit
        }
    }

    fn check_gas_limit(&self, got: u64) -> Result<(), BlockError> {
        let unchanged = self.unchanged_gas_limit();
        let bound = unchanged / GAS_LIMIT_BOUND_DIVISOR;
        if got.abs_diff(unchanged) >= bound {
            return Err(field("gasLimit", got, format!("less than {bound} from {unchanged}")));
        }
        if got < MIN_GAS_LIMIT {
            return Err(field("gasLimit", got, format!("at least {MIN_GAS_LIMIT}")));
        }
        if got > MAX_GAS_LIMIT {
            return Err(field("gasLimit", got, format!("at most {MAX_GAS_LIMIT}")));
        }
        Ok(())
    }

    /// Most bytes of the block's RLP (EIP-7934).
    pub(crate) fn max_size_bytes(&self, timestamp: u64) -> usize {
        match self.is_active(Fork::Osaka, timestamp) {
            true => MAX_BLOCK_SIZE_BYTES,
            false => MAX_ETHEREUM_BLOCK_SIZE_BYTES,
        }
    }

    /// Whether the block has a list of withdrawals.
    pub(crate) fn has_withdrawals(&self, timestamp: u64) -> bool {
        self.is_active(Fork::Shanghai, timestamp)
    }
}

/// Base fee of the block after `parent` (EIP-1559); `None` before London.
pub(crate) fn next_base_fee(schedule: &ForkSchedule, parent: &Header) -> Option<u64> {
    if !schedule.is_active_at_block(Fork::London, parent.number.saturating_add(1)) {
        return None;
    }
    parent.next_block_base_fee(BaseFeeParams::ethereum()).or(Some(INITIAL_BASE_FEE))
}

fn check_extra_data(schedule: &ForkSchedule, got: &Header, number: u64) -> Result<(), BlockError> {
    let length = got.extra_data.len();
    if length > MAX_EXTRA_DATA_SIZE_BYTES {
        let expected = format!("at most {MAX_EXTRA_DATA_SIZE_BYTES} bytes");
        return Err(field("extraData", format!("{length} bytes"), expected));
    }
    let marked = |fork: u64| number.checked_sub(fork).is_some_and(|since| since < DAO_MARKED_BLOCKS);
    let has_mark = got.extra_data[..] == DAO_MARK;
    match schedule.dao() {
        Some(DaoFork::Supported(fork)) if marked(fork) && !has_mark => {
            Err(field("extraData", &got.extra_data, "0x64616f2d686172642d666f726b, the mark of the DAO fork"))
        }
        Some(DaoFork::Opposed(fork)) if marked(fork) && has_mark => {
            Err(field("extraData", &got.extra_data, "anything but the mark of the DAO fork"))
        }
        _ => Ok(()),
    }
}
