//! What is signed for the accounts of a development chain.

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{SignableTransaction, TxEnvelope};
use alloy_dyn_abi::TypedData;
use alloy_eips::{BlockId, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Signature, TxHash, TxKind, eip191_hash_message};
use alloy_rpc_types_eth::TransactionRequest;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::calls;
use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::fees;
use crate::methods::{MethodTable, RegisterError};
use crate::params::{AddressArg, BytesArg};
use crate::render::{self, PendingTransaction};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.inline("eth_accounts", |api, ()| Ok(api.config.accounts.addresses()))?;
    table.blocking("eth_pendingTransactions", pending)?;
    table.blocking("eth_sendTransaction", send)?;
    table.blocking("eth_signTransaction", sign_transaction)?;
    table.blocking("eth_sign", |api, (AddressArg(account), data): (AddressArg, BytesArg)| {
        message(api, account, data)
    })?;
    table.blocking(
        "personal_sign",
        |api, (data, AddressArg(account), _password): (BytesArg, AddressArg, Option<String>)| {
            message(api, account, data)
        },
    )?;
    table.blocking("eth_signTypedData_v4", typed_data)
}

/// A signed transaction: in its encoding, and as it is shown.
#[derive(Clone, Serialize)]
struct Signed {
    raw: Bytes,
    tx: TxEnvelope,
}

/// Typed data (EIP-712), as an object or as a string that holds one.
struct TypedDataArg(TypedData);

impl<'de> Deserialize<'de> for TypedDataArg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let data = match Value::deserialize(deserializer)? {
            Value::String(text) => serde_json::from_str(&text),
            object => serde_json::from_value(object),
        };
        data.map(Self).map_err(serde::de::Error::custom)
    }
}

/// The transactions in the pool that are the node's own accounts'.
fn pending(api: &Api, (): ()) -> RpcResult<Vec<PendingTransaction>> {
    let pool = api.chain.pool();
    let own =
        api.config.accounts.addresses().into_iter().flat_map(|account| pool.content_of(account).pending);
    Ok(own.map(|pooled| render::pooled_transaction(&pooled)).collect())
}

fn send(api: &Api, (request,): (TransactionRequest,)) -> RpcResult<TxHash> {
    let sender = known_sender(api, &request)?;
    // One at a time: the nonce of the next one counts this one.
    let _turn = api.sending.lock();
    let transaction = sign(api, sender, filled(api, sender, request)?)?;
    Ok(api.chain.submit_recovered(Recovered::new_unchecked(transaction, sender))?)
}

fn sign_transaction(api: &Api, (request,): (TransactionRequest,)) -> RpcResult<Signed> {
    let refused = |reason| Err(RpcError::Unsignable { reason });
    if request.gas.is_none() {
        return refused("gas not specified");
    }
    let dynamic = request.max_fee_per_gas.is_some() && request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_none() && !dynamic {
        return refused("missing gasPrice or maxFeePerGas/maxPriorityFeePerGas");
    }
    if request.nonce.is_none() {
        return refused("nonce not specified");
    }
    let sender = known_sender(api, &request)?;
    let tx = sign(api, sender, filled(api, sender, request)?)?;
    Ok(Signed { raw: tx.encoded_2718().into(), tx })
}

fn known_sender(api: &Api, request: &TransactionRequest) -> RpcResult<Address> {
    let sender = request.from.unwrap_or_default();
    if api.config.accounts.contains(sender) { Ok(sender) } else { Err(RpcError::UnknownAccount) }
}

/// The request with all that it leaves out, as geth fills it in.
fn filled(api: &Api, sender: Address, mut request: TransactionRequest) -> RpcResult<TransactionRequest> {
    let refused = |reason| Err(RpcError::Unsignable { reason });
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() && dynamic {
        return refused("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    }
    let input = std::mem::take(&mut request.input).try_into_unique_input();
    let Ok(input) = input else {
        return refused(
            "both \"data\" and \"input\" are set and not equal. Please use \"input\" to pass transaction call data",
        );
    };
    let to = *request.to.get_or_insert(TxKind::Create);
    if to.is_create() && input.as_ref().is_none_or(|code| code.is_empty()) {
        return refused("contract creation without any data provided");
    }
    request.input = input.unwrap_or_default().into();
    let chain_id = api.chain.config().chain_id;
    if let Some(have) = request.chain_id.filter(|have| *have != chain_id) {
        return Err(RpcError::ChainId { have, want: chain_id });
    }
    request.chain_id = Some(chain_id);
    request.transaction_type = None;
    request.value.get_or_insert_default();
    fill_fees(api, &mut request)?;
    if request.nonce.is_none() {
        request.nonce = Some(next_nonce(api, sender)?);
    }
    if request.gas.is_none() {
        request.gas = Some(calls::estimate(api, request.clone())?);
    }
    Ok(request)
}

/// Fills in the price: enough for the tip suggested while the base fee doubles, as geth does.
fn fill_fees(api: &Api, request: &mut TransactionRequest) -> RpcResult<()> {
    if request.gas_price.is_some() {
        return Ok(());
    }
    let Some(base_fee) = api.chain.head().block.header().base_fee_per_gas else {
        request.gas_price = Some(fees::suggested_tip(api)?);
        return Ok(());
    };
    let tip = match request.max_priority_fee_per_gas {
        Some(tip) => tip,
        None => fees::suggested_tip(api)?,
    };
    let fee = request.max_fee_per_gas.unwrap_or_else(|| tip.saturating_add(u128::from(base_fee) * 2));
    if fee < tip {
        return Err(RpcError::FeeBelowTip { fee, tip });
    }
    request.max_priority_fee_per_gas = Some(tip);
    request.max_fee_per_gas = Some(fee);
    Ok(())
}

/// The nonce after those that wait in the pool.
fn next_nonce(api: &Api, sender: Address) -> RpcResult<u64> {
    if let Some(nonce) = api.chain.pool().next_nonce(sender) {
        return Ok(nonce);
    }
    let state = api.chain.state_at(BlockId::latest())?;
    Ok(state.nonce(sender).map_err(ivm_chain::ChainError::from)?)
}

fn sign(api: &Api, sender: Address, request: TransactionRequest) -> RpcResult<TxEnvelope> {
    let transaction = request
        .build_typed_tx()
        .map_err(|_| RpcError::Unsignable { reason: "transaction type not supported" })?;
    let signature = signature(api, sender, transaction.signature_hash())?;
    Ok(transaction.into_envelope(signature))
}

fn signature(api: &Api, account: Address, hash: B256) -> RpcResult<Signature> {
    let signed = api.config.accounts.sign(account, hash).ok_or(RpcError::UnknownAccount)?;
    signed.map_err(|error| RpcError::Unfinished { reason: error.to_string() })
}

/// Signs a message as a wallet does (EIP-191).
fn message(api: &Api, account: Address, BytesArg(message): BytesArg) -> RpcResult<Bytes> {
    Ok(signature(api, account, eip191_hash_message(message))?.as_bytes().into())
}

fn typed_data(
    api: &Api,
    (AddressArg(account), TypedDataArg(data)): (AddressArg, TypedDataArg),
) -> RpcResult<Bytes> {
    let hash = data.eip712_signing_hash().map_err(|error| crate::args::ArgsError::invalid(1, error))?;
    Ok(signature(api, account, hash)?.as_bytes().into())
}
