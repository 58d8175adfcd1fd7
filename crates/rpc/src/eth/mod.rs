//! The `eth` methods.

mod blocks;
mod calls;
mod filters;
mod logs;
mod pubsub;
mod send_sync;
mod short;
mod signing;
mod state;
mod transactions;

use alloy_primitives::U64;

use crate::methods::{MethodTable, RegisterError};

pub(crate) use pubsub::SubscriptionIds;
pub(crate) use transactions::raw_transaction;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.inline("eth_chainId", |api, ()| Ok(U64::from(api.chain.config().chain_id)))?;
    table.inline("eth_blockNumber", |api, ()| Ok(U64::from(api.chain.head().block.number())))?;
    table.inline("eth_syncing", |_, ()| Ok(false))?;
    blocks::register(table)?;
    calls::register(table)?;
    filters::register(table)?;
    logs::register(table)?;
    pubsub::register(table)?;
    send_sync::register(table)?;
    signing::register(table)?;
    state::register(table)?;
    transactions::register(table)
}
