//! Subscriptions over WebSocket.

use std::time::Duration;

use alloy_primitives::B128;
use alloy_rpc_types_eth::{Filter, Log};
use ivm_chain::{ChainEvent, CommittedBlock, Pool, Reorg};
use jsonrpsee::PendingSubscriptionSink;
use jsonrpsee::core::server::SubscriptionSink;
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::server::SendTimeoutError;
use jsonrpsee::types::{Params, SubscriptionId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::logs::{self, FilterArg};
use crate::api::Api;
use crate::args::{ArgsError, parse};
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};
use crate::render;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, api, _| async move { Ok(serve(params, pending, &api).await?) },
    )?;
    Ok(())
}

/// Names subscriptions as geth does: 16 random bytes in hex.
#[derive(Debug)]
pub(crate) struct SubscriptionIds;

impl IdProvider for SubscriptionIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(B128::random().to_string().into())
    }
}

/// Why a subscription ends before its client ends it.
#[derive(Debug, thiserror::Error)]
enum SubscriptionError {
    #[error("subscription ended: it fell behind and {missed} events are lost")]
    Lagged { missed: u64 },
    #[error("subscription ended: the client read nothing for {} ms", .0.as_millis())]
    Slow(Duration),
    #[error("subscription ended: {0}")]
    Encoding(#[from] serde_json::Error),
}

/// What a subscriber wants to know.
enum Topic {
    Heads,
    Logs(Box<Filter>),
    PendingHashes,
    PendingTransactions,
}

impl Topic {
    fn from_params(params: &Params<'_>, api: &Api) -> RpcResult<Self> {
        let (kind, option) = parse::<(String, Option<serde_json::Value>)>(params)?;
        match (kind.as_str(), option) {
            ("newHeads", _) => Ok(Self::Heads),
            ("logs", option) => {
                let filter = option.map(serde_json::from_value::<FilterArg>).transpose();
                let filter = filter.map_err(|error| ArgsError::invalid(1, error))?;
                let filter = filter.map_or_else(Filter::default, |filter| filter.0);
                logs::check_width(&filter, api.config.limits.max_filter_alternatives)?;
                Ok(Self::Logs(Box::new(filter)))
            }
            ("newPendingTransactions", option) => {
                match option.map(serde_json::from_value::<bool>).transpose() {
                    Ok(Some(true)) => Ok(Self::PendingTransactions),
                    Ok(_) => Ok(Self::PendingHashes),
                    Err(error) => Err(ArgsError::invalid(1, error).into()),
                }
            }
            _ => Err(RpcError::UnknownSubscription { kind }),
        }
    }

    /// What an event is to this subscriber.
    fn messages(&self, pool: &Pool, event: &ChainEvent) -> serde_json::Result<Vec<Box<RawValue>>> {
        match (self, event) {
            (Self::Heads, ChainEvent::NewHead(head)) => json([render::header(&head.block)]),
            (Self::Heads, ChainEvent::Reorg(reorg)) => {
                json(reorg.added.iter().map(|head| render::header(&head.block)))
            }
            (Self::Logs(filter), ChainEvent::NewHead(head)) => {
                json(logs::matching(filter, &head.block, &head.receipts))
            }
            (Self::Logs(filter), ChainEvent::Reorg(reorg)) => json(reorg_logs(filter, reorg)),
            (Self::PendingHashes, ChainEvent::PendingTransaction(hash)) => json([hash]),
            (Self::PendingTransactions, ChainEvent::PendingTransaction(hash)) => {
                json(pool.get(*hash).map(|pooled| render::pooled_transaction(&pooled)))
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn json<T: Serialize>(messages: impl IntoIterator<Item = T>) -> serde_json::Result<Vec<Box<RawValue>>> {
    messages.into_iter().map(|message| to_raw_value(&message)).collect()
}

/// The logs of blocks left, from the newest back, marked as removed; then those of the blocks that took their place.
fn reorg_logs(filter: &Filter, reorg: &Reorg) -> Vec<Log> {
    let logs_of = |block: &CommittedBlock| logs::matching(filter, &block.block, &block.receipts);
    let removed =
        reorg.removed.iter().flat_map(|block| logs_of(block).into_iter().rev()).map(render::removed);
    removed.chain(reorg.added.iter().flat_map(logs_of)).collect()
}

/// Answers a subscription and serves it until either side ends it.
async fn serve(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    api: &Api,
) -> Result<(), SubscriptionError> {
    let topic = match Topic::from_params(&params, api) {
        Ok(topic) => topic,
        Err(error) => {
            pending.reject(error).await;
            return Ok(());
        }
    };
    // Before the client knows that it is subscribed, so that it misses nothing from then on.
    let events = api.chain.subscribe();
    match pending.accept().await {
        Ok(sink) => follow(&topic, api, events, &sink).await,
        Err(_) => Ok(()),
    }
}

async fn follow(
    topic: &Topic,
    api: &Api,
    mut events: Receiver<ChainEvent>,
    sink: &SubscriptionSink,
) -> Result<(), SubscriptionError> {
    let timeout = api.config.limits.slow_subscriber_timeout;
    let pool = api.chain.pool();
    let _counted = api.metrics.subscription();
    loop {
        let event = tokio::select! {
            () = sink.closed() => return Ok(()),
            event = events.recv() => match event {
                Ok(event) => event,
                Err(RecvError::Lagged(missed)) => return Err(SubscriptionError::Lagged { missed }),
                Err(RecvError::Closed) => return Ok(()),
            },
        };
        for message in topic.messages(&pool, &event)? {
            match sink.send_timeout(message, timeout).await {
                Ok(()) => {}
                Err(SendTimeoutError::Closed(_)) => return Ok(()),
                Err(SendTimeoutError::Timeout(_)) => return Err(SubscriptionError::Slow(timeout)),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
    use alloy_genesis::GenesisAccount;
    use alloy_primitives::{Address, B256, U256, address};
    use alloy_signer::SignerSync;
    use alloy_signer_local::PrivateKeySigner;
    use ivm_chain::{BuildRequest, Chain, ChainConfig, Storage};
    use serde_json::Value;

    use super::*;

    /// Emits a log without topics and without data, then another.
    const EMITTER: Address = address!("00000000000000000000000000000000000000e1");
    const EMITTER_CODE: [u8; 7] = alloy_primitives::hex!("5f5fa05f5fa000");

    /// The blocks of a branch, each with one transaction that emits two logs.
    fn branch(proposer: u8, blocks: u64) -> Vec<CommittedBlock> {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap();
        let mut config = ChainConfig::default();
        let emitter = GenesisAccount { code: Some(EMITTER_CODE.into()), ..GenesisAccount::default() };
        config.alloc.insert(EMITTER, emitter);
        let rich = GenesisAccount { balance: U256::MAX >> 8, ..GenesisAccount::default() };
        config.alloc.insert(signer.address(), rich);
        let chain_id = Some(config.chain_id);
        let chain = Chain::open(config, Storage::Memory).unwrap();
        let mut made = Vec::new();
        for nonce in 0..blocks {
            let transaction = TxLegacy {
                chain_id,
                nonce,
                gas_price: 2_000_000_000,
                gas_limit: 100_000,
                to: EMITTER.into(),
                ..TxLegacy::default()
            };
            let signature = signer.sign_hash_sync(&transaction.signature_hash()).unwrap();
            let request = BuildRequest {
                beneficiary: Address::repeat_byte(proposer),
                leading_transactions: vec![TxEnvelope::from(transaction.into_signed(signature))],
                ..BuildRequest::default()
            };
            made.push(chain.commit(chain.build_block(request).unwrap(), Vec::new()).unwrap());
        }
        made
    }

    fn shown(topic: &Topic, reorg: Reorg) -> Vec<Value> {
        let chain = Chain::open(ChainConfig::default(), Storage::Memory).unwrap();
        let messages = topic.messages(&chain.pool(), &ChainEvent::Reorg(Arc::new(reorg))).unwrap();
        messages.iter().map(|message| serde_json::from_str(message.get()).unwrap()).collect()
    }

    #[test]
    fn heads_of_the_new_branch_are_told() {
        let (mut removed, added) = (branch(1, 2), branch(2, 3));
        removed.reverse();
        let hashes: Vec<Value> = added.iter().map(|head| head.block.hash().to_string().into()).collect();
        let heads = shown(&Topic::Heads, Reorg { removed, added });
        assert_eq!(heads.iter().map(|head| head["hash"].clone()).collect::<Vec<_>>(), hashes);
        let back = Reorg { removed: branch(1, 1), added: Vec::new() };
        assert_eq!(shown(&Topic::Heads, back), [] as [Value; 0]);
    }

    #[test]
    fn logs_are_taken_back_from_the_newest_and_given_anew() {
        let (mut removed, added) = (branch(1, 2), branch(2, 1));
        removed.reverse();
        let place = |log: &Value| {
            let text = |field: &str| log[field].as_str().unwrap().to_owned();
            (text("blockNumber"), text("logIndex"), log["removed"].as_bool().unwrap())
        };
        let filter = Box::new(Filter::new().address(EMITTER));
        let logs = shown(&Topic::Logs(filter), Reorg { removed, added: added.clone() });
        let expected = [
            ("0x2", "0x1", true),
            ("0x2", "0x0", true),
            ("0x1", "0x1", true),
            ("0x1", "0x0", true),
            ("0x1", "0x0", false),
            ("0x1", "0x1", false),
        ];
        let expected = expected.map(|(block, index, removed)| (block.to_owned(), index.to_owned(), removed));
        assert_eq!(logs.iter().map(place).collect::<Vec<_>>(), expected);
        assert_eq!(logs[4]["blockHash"], added[0].block.hash().to_string());
        let other = Box::new(Filter::new().address(Address::ZERO));
        assert_eq!(shown(&Topic::Logs(other), Reorg { removed: added, added: Vec::new() }), [] as [Value; 0]);
    }
}
