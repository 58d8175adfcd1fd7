//! `eth_sendRawTransactionSync`: a transaction is sent, and answered with its receipt (EIP-7966).

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{TxHash, U64};
use ivm_chain::{ChainEvent, CommittedBlock};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::transactions::receipt_of;
use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};
use crate::params::BytesArg;
use crate::render::RpcReceipt;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.asynchronous("eth_sendRawTransactionSync", send)
}

async fn send(api: Arc<Api>, (BytesArg(raw), timeout_ms): (BytesArg, Option<U64>)) -> RpcResult<RpcReceipt> {
    let limits = &api.config.limits;
    let asked = timeout_ms.map(|ms| ms.to::<u64>()).filter(|ms| *ms > 0).map(Duration::from_millis);
    let timeout = asked.unwrap_or(limits.send_sync_time).min(limits.max_send_sync_time);
    // Before it is sent, so that no block is missed.
    let mut events = api.chain.subscribe();
    let sender = Arc::clone(&api);
    let hash = api.calls.run(move || Ok(sender.chain.submit_transaction(&raw)?)).await?;
    let mined = async {
        loop {
            wait_for_block_with(hash, &mut events).await?;
            let reader = Arc::clone(&api);
            if let Some(receipt) = api.calls.run(move || receipt_of(&reader, hash)).await? {
                return Ok(receipt);
            }
        }
    };
    tokio::time::timeout(timeout, mined).await.unwrap_or(Err(RpcError::NotMinedInTime { hash, timeout }))
}

/// Waits for a block that has the transaction, or for one that may.
async fn wait_for_block_with(hash: TxHash, events: &mut Receiver<ChainEvent>) -> RpcResult<()> {
    let has_it = |block: &CommittedBlock| {
        block.block.transactions().iter().any(|transaction| *transaction.inner().tx_hash() == hash)
    };
    loop {
        match events.recv().await {
            Ok(ChainEvent::NewHead(head)) if has_it(&head) => return Ok(()),
            Ok(ChainEvent::Reorg(reorg)) if reorg.added.iter().any(has_it) => return Ok(()),
            Err(RecvError::Lagged(_)) => return Ok(()),
            Err(RecvError::Closed) => {
                return Err(RpcError::Unfinished { reason: "the chain is closed".into() });
            }
            Ok(_) => {}
        }
    }
}
