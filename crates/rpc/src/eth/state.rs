//! Accounts, as of a block.

use std::collections::BTreeMap;

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::JsonStorageKey;

use ivm_chain::{ChainError, StateView};

use crate::api::Api;
use crate::args::ArgsError;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};
use crate::params::{AddressArg, BlockArg, SlotKey};

/// Root of an empty trie: the storage root of an account that is not there.
const EMPTY_ROOT: B256 = alloy_consensus::EMPTY_ROOT_HASH;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    // They read a key or two: handing the call to another thread and back would take several times as long.
    table.inline("eth_getBalance", balance)?;
    table.inline("eth_getTransactionCount", transaction_count)?;
    table.blocking("eth_getCode", code)?;
    table.inline("eth_getStorageAt", storage_at)?;
    table.blocking("eth_getStorageValues", storage_values)?;
    table.blocking("eth_getProof", proof)
}

/// The state after a block; the head's where none is named.
fn state(api: &Api, block: Option<BlockArg>) -> RpcResult<StateView> {
    Ok(api.chain.state_at(block.map_or_else(BlockId::latest, |block| block.0))?)
}

fn balance(api: &Api, (AddressArg(address), block): (AddressArg, Option<BlockArg>)) -> RpcResult<U256> {
    Ok(state(api, block)?.balance(address).map_err(ChainError::from)?)
}

/// With `pending`, counts the transactions that wait in the pool too.
fn transaction_count(
    api: &Api,
    (AddressArg(address), block): (AddressArg, Option<BlockArg>),
) -> RpcResult<U64> {
    if block.is_some_and(|block| block.0.is_pending())
        && let Some(nonce) = api.chain.pool().next_nonce(address)
    {
        return Ok(U64::from(nonce));
    }
    Ok(U64::from(state(api, block)?.nonce(address).map_err(ChainError::from)?))
}

fn code(api: &Api, (AddressArg(address), block): (AddressArg, Option<BlockArg>)) -> RpcResult<Bytes> {
    Ok(state(api, block)?.code(address).map_err(ChainError::from)?)
}

fn slot_key(text: &str) -> RpcResult<SlotKey> {
    SlotKey::parse(text).map_err(|reason| RpcError::StorageKey { reason })
}

fn storage_at(
    api: &Api,
    (AddressArg(address), key, block): (AddressArg, String, Option<BlockArg>),
) -> RpcResult<B256> {
    let key = slot_key(&key)?;
    let value = state(api, block)?.storage(address, key.slot.into()).map_err(ChainError::from)?;
    Ok(value.into())
}

/// Slots of several accounts at once.
fn storage_values(
    api: &Api,
    (accounts, block): (BTreeMap<Address, Vec<String>>, Option<BlockArg>),
) -> RpcResult<BTreeMap<Address, Vec<B256>>> {
    let count = accounts.values().map(Vec::len).sum();
    if count == 0 {
        return Err(RpcError::EmptyRequest);
    }
    check_slots(api, 0, count)?;
    let state = state(api, block)?;
    let mut values = BTreeMap::new();
    for (address, keys) in accounts {
        let read = keys.iter().map(|key| {
            let value = state.storage(address, slot_key(key)?.slot.into()).map_err(ChainError::from)?;
            Ok(B256::from(value))
        });
        values.insert(address, read.collect::<RpcResult<Vec<_>>>()?);
    }
    Ok(values)
}

fn check_slots(api: &Api, position: usize, got: usize) -> RpcResult<()> {
    let limit = api.config.limits.max_proof_slots;
    if got > limit {
        return Err(ArgsError::invalid(position, format!("too many slots: {got}, limit {limit}")).into());
    }
    Ok(())
}

fn proof(
    api: &Api,
    (AddressArg(address), keys, block): (AddressArg, Vec<String>, Option<BlockArg>),
) -> RpcResult<EIP1186AccountProofResponse> {
    check_slots(api, 1, keys.len())?;
    let keys: Vec<SlotKey> = keys.iter().map(|key| slot_key(key)).collect::<RpcResult<_>>()?;
    let slots: Vec<U256> = keys.iter().map(|key| key.slot.into()).collect();
    let proof = state(api, block)?.proof(address, &slots).map_err(ChainError::from)?;
    let account = proof.account.unwrap_or_default();
    let (code_hash, storage_hash) = match proof.account {
        Some(account) => (account.code_hash, account.storage_root),
        None => (KECCAK256_EMPTY, EMPTY_ROOT),
    };
    let storage_proof = keys
        .into_iter()
        .zip(proof.storage)
        .map(|(key, slot)| EIP1186StorageProof {
            key: shown_key(&key),
            value: slot.value,
            // Nothing is to be proven of an empty trie.
            proof: if storage_hash == EMPTY_ROOT { Vec::new() } else { slot.proof },
        })
        .collect();
    Ok(EIP1186AccountProofResponse {
        address,
        balance: account.balance,
        code_hash,
        nonce: account.nonce,
        storage_hash,
        account_proof: proof.proof,
        storage_proof,
    })
}

/// A key as geth gives it back: whole when it was written whole, else as a number.
fn shown_key(key: &SlotKey) -> JsonStorageKey {
    if key.length == B256::len_bytes() {
        JsonStorageKey::Hash(key.slot)
    } else {
        JsonStorageKey::Number(key.slot.into())
    }
}
