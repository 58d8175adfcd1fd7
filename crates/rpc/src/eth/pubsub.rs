//! Subscriptions over WebSocket.

use std::time::Duration;

use alloy_primitives::B128;
use alloy_rpc_types_eth::Filter;
use ivm_chain::ChainEvent;
use jsonrpsee::PendingSubscriptionSink;
use jsonrpsee::core::server::SubscriptionSink;
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::server::SendTimeoutError;
use jsonrpsee::types::{Params, SubscriptionId};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::logs;
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
                let filter = option.map(serde_json::from_value).transpose();
                let filter: Filter =
                    filter.map_err(|error| ArgsError::invalid(1, error))?.unwrap_or_default();
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
    fn messages(&self, api: &Api, event: &ChainEvent) -> serde_json::Result<Vec<Box<RawValue>>> {
        match (self, event) {
            (Self::Heads, ChainEvent::NewHead(head)) => Ok(vec![to_raw_value(&render::header(&head.block))?]),
            (Self::Logs(filter), ChainEvent::NewHead(head)) => {
                if !filter.matches_bloom(head.block.header().logs_bloom) {
                    return Ok(Vec::new());
                }
                render::logs(&head.block, &head.receipts)
                    .filter(|mined| filter.matches(&mined.log))
                    .map(|mined| to_raw_value(&render::log(mined)))
                    .collect()
            }
            (Self::PendingHashes, ChainEvent::PendingTransaction(hash)) => Ok(vec![to_raw_value(hash)?]),
            (Self::PendingTransactions, ChainEvent::PendingTransaction(hash)) => {
                let pooled = api.chain.pool().get(*hash);
                pooled.map(|pooled| to_raw_value(&render::pooled_transaction(&pooled))).into_iter().collect()
            }
            _ => Ok(Vec::new()),
        }
    }
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
    loop {
        let event = tokio::select! {
            () = sink.closed() => return Ok(()),
            event = events.recv() => match event {
                Ok(event) => event,
                Err(RecvError::Lagged(missed)) => return Err(SubscriptionError::Lagged { missed }),
                Err(RecvError::Closed) => return Ok(()),
            },
        };
        for message in topic.messages(api, &event)? {
            match sink.send_timeout(message, timeout).await {
                Ok(()) => {}
                Err(SendTimeoutError::Closed(_)) => return Ok(()),
                Err(SendTimeoutError::Timeout(_)) => return Err(SubscriptionError::Slow(timeout)),
            }
        }
    }
}
