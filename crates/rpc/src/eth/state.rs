//! Accounts, as of a block.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::JsonStorageKey;

use ivm_chain::ChainError;

use crate::api::Api;
use crate::args::ArgsError;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};

/// Root of an empty trie: the storage root of an account that is not there.
const EMPTY_ROOT: B256 = alloy_consensus::EMPTY_ROOT_HASH;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_getBalance", balance)?;
    table.blocking("eth_getTransactionCount", transaction_count)?;
    table.blocking("eth_getCode", code)?;
    table.blocking("eth_getStorageAt", storage_at)?;
    table.blocking("eth_getProof", proof)
}

fn balance(api: &Api, (address, block): (Address, Option<BlockId>)) -> RpcResult<U256> {
    let state = api.chain.state_at(block.unwrap_or_default())?;
    Ok(state.balance(address).map_err(ChainError::from)?)
}

/// With `pending`, counts the transactions that wait in the pool too.
fn transaction_count(api: &Api, (address, block): (Address, Option<BlockId>)) -> RpcResult<U64> {
    let block = block.unwrap_or_default();
    if block.is_pending()
        && let Some(nonce) = api.chain.pool().next_nonce(address)
    {
        return Ok(U64::from(nonce));
    }
    let nonce = api.chain.state_at(block)?.nonce(address).map_err(ChainError::from)?;
    Ok(U64::from(nonce))
}

fn code(api: &Api, (address, block): (Address, Option<BlockId>)) -> RpcResult<Bytes> {
    let state = api.chain.state_at(block.unwrap_or_default())?;
    Ok(state.code(address).map_err(ChainError::from)?)
}

fn storage_at(
    api: &Api,
    (address, slot, block): (Address, JsonStorageKey, Option<BlockId>),
) -> RpcResult<B256> {
    let state = api.chain.state_at(block.unwrap_or_default())?;
    let value = state.storage(address, slot.as_b256().into()).map_err(ChainError::from)?;
    Ok(value.into())
}

fn proof(
    api: &Api,
    (address, keys, block): (Address, Vec<JsonStorageKey>, Option<BlockId>),
) -> RpcResult<EIP1186AccountProofResponse> {
    let limit = api.config.limits.max_proof_slots;
    if keys.len() > limit {
        let got = keys.len();
        return Err(ArgsError::invalid(1, format!("too many slots: {got}, limit {limit}")).into());
    }
    let slots: Vec<U256> = keys.iter().map(|key| key.as_b256().into()).collect();
    let state = api.chain.state_at(block.unwrap_or_default())?;
    let proof = state.proof(address, &slots).map_err(ChainError::from)?;
    let account = proof.account.unwrap_or_default();
    let (code_hash, storage_hash) = match proof.account {
        Some(account) => (account.code_hash, account.storage_root),
        None => (KECCAK256_EMPTY, EMPTY_ROOT),
    };
    let storage_proof = keys
        .into_iter()
        .zip(proof.storage)
        .map(|(key, slot)| EIP1186StorageProof { key, value: slot.value, proof: slot.proof })
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
