//! `txpool`: what waits for a block.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U64};
use ivm_chain::PooledTransaction;
use serde::Serialize;

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};
use crate::render::{self, PendingTransaction};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.inline("txpool_status", status)?;
    table.blocking("txpool_content", |api, ()| Ok(content(api, |_| true, render::pooled_transaction)))?;
    table.blocking("txpool_contentFrom", content_from)?;
    table.blocking("txpool_inspect", |api, ()| Ok(content(api, |_| true, summary)))
}

/// Sender, by its address with the checksum of EIP-55 → nonce → transaction.
type BySender<T> = BTreeMap<String, BTreeMap<String, T>>;

#[derive(Clone, Serialize)]
struct Split<T> {
    pending: T,
    queued: T,
}

fn status(api: &Api, (): ()) -> RpcResult<Split<U64>> {
    let (pending, queued) = api.chain.pool().status();
    Ok(Split { pending: U64::from(pending), queued: U64::from(queued) })
}

fn content_from(api: &Api, (sender,): (Address,)) -> RpcResult<Split<BTreeMap<String, PendingTransaction>>> {
    let Split { mut pending, mut queued } =
        content(api, |pooled| pooled.transaction().signer() == sender, render::pooled_transaction);
    let sender = sender.to_checksum(None);
    Ok(Split {
        pending: pending.remove(&sender).unwrap_or_default(),
        queued: queued.remove(&sender).unwrap_or_default(),
    })
}

fn content<T>(
    api: &Api,
    keep: impl Fn(&PooledTransaction) -> bool,
    show: impl Fn(&PooledTransaction) -> T,
) -> Split<BySender<T>> {
    let by_sender = |transactions: &[Arc<PooledTransaction>]| {
        let mut senders = BySender::<T>::new();
        for pooled in transactions.iter().filter(|pooled| keep(pooled)) {
            let transaction = pooled.transaction();
            let nonces = senders.entry(transaction.signer().to_checksum(None)).or_default();
            nonces.insert(transaction.nonce().to_string(), show(pooled));
        }
        senders
    };
    let content = api.chain.pool().content();
    Split { pending: by_sender(&content.pending), queued: by_sender(&content.queued) }
}

fn summary(pooled: &PooledTransaction) -> String {
    let transaction = pooled.transaction();
    let target = transaction.to().map_or_else(|| "contract creation".to_owned(), |to| to.to_string());
    let (value, gas, price) = (transaction.value(), transaction.gas_limit(), transaction.max_fee_per_gas());
    format!("{target}: {value} wei + {gas} gas × {price} wei")
}
