//! `eth_capabilities`: what the node can be asked about, and how far back.

use alloy_primitives::{B256, U64};
use ivm_chain::Retention;
use serde::Serialize;

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.inline("eth_capabilities", capabilities)
}

#[derive(Clone, Debug, Serialize)]
struct Capabilities {
    head: Head,
    state: Resource,
    tx: Resource,
    logs: Resource,
    receipts: Resource,
    blocks: Resource,
    stateproofs: Resource,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Head {
    number: U64,
    hash: B256,
}

/// One kind of what a node keeps.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    disabled: bool,
    oldest_block: U64,
    /// `None` for what is never deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_strategy: Option<DeleteStrategy>,
}

/// How what is old is deleted.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum DeleteStrategy {
    /// All but so many blocks before the head.
    Window { retention_blocks: U64 },
}

fn capabilities(api: &Api, (): ()) -> RpcResult<Capabilities> {
    let head = api.chain.head().block;
    let oldest = api.chain.oldest_kept()?;
    let kept = |oldest: u64, retention: Retention| Resource {
        disabled: false,
        oldest_block: U64::from(oldest),
        delete_strategy: match retention {
            Retention::All => None,
            Retention::Blocks(blocks) => Some(DeleteStrategy::Window { retention_blocks: U64::from(blocks) }),
        },
    };
    // Blocks, and what is found by them, are never deleted.
    let blocks = kept(oldest.block, Retention::All);
    let state = kept(oldest.state, api.chain.config().retention);
    Ok(Capabilities {
        head: Head { number: U64::from(head.number()), hash: head.hash() },
        state,
        tx: blocks,
        logs: blocks,
        receipts: blocks,
        blocks,
        stateproofs: state,
    })
}
