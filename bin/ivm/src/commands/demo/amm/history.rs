//! What shows the pool a trader's past: `eth_getProof` and the header of an anchored block, as the program reads them.

use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use amm_fee::{HistoryProof, volume_of_word};
use eyre::{Result, ensure, eyre};
use ivm_client::{Client, rpc_params};
use ivm_contracts::DynamicFeePool;
use serde::Deserialize;

/// Where the pool's part of the program's input has the hash of the anchored block and the slot of the trader's word.
const ANCHOR: std::ops::Range<usize> = 0..32;
const SLOT: std::ops::Range<usize> = 52..84;

/// Nodes that are shorter are part of their parent, which has them in itself.
const HASHED_NODE_SIZE_BYTES: usize = 32;

/// RLP of nothing: the root of an empty trie.
const EMPTY_TRIE: &[u8] = &[0x80];

/// A trader's past.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// Swaps from this period on count.
    pub(crate) period: u32,
    /// The block at whose end the past ends.
    pub(crate) block: u64,
    /// The trader's volume at its end.
    pub(crate) volume_then: u128,
    /// What the trader gives to the pool.
    pub(crate) proof: Bytes,
    /// Size of the program's whole input.
    pub(crate) input_size_bytes: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountProof {
    account_proof: Vec<Bytes>,
    storage_proof: Vec<StorageProof>,
}

#[derive(Debug, Deserialize)]
struct StorageProof {
    value: U256,
    proof: Vec<Bytes>,
}

#[derive(Debug, Deserialize)]
struct Block {
    number: U64,
}

impl History {
    /// The past of `trader` before a period that the pool anchored.
    pub(crate) async fn of(client: &Client, pool: Address, trader: Address, period: u32) -> Result<Self> {
        // The pool itself says which block and which slot it means.
        let input = DynamicFeePool::feeInputCall { trader, period, proof: Bytes::new() };
        let input = client.call(pool, input).await?;
        ensure!(input.len() > SLOT.end, "the pool's input has {} bytes", input.len());
        let (anchor, slot) = (B256::from_slice(&input[ANCHOR]), B256::from_slice(&input[SLOT]));

        let block: Option<Block> = client.request("eth_getBlockByHash", rpc_params![anchor, false]).await?;
        let number = block.ok_or_else(|| eyre!("the node has no block {anchor}"))?.number;
        let header: Bytes = client.request("debug_getRawHeader", rpc_params![number]).await?;
        ensure!(keccak256(&header) == anchor, "block {number} is not the anchored one any more");
        let account: AccountProof = client.request("eth_getProof", rpc_params![pool, [slot], number]).await?;
        let word = account.storage_proof.first().ok_or_else(|| eyre!("eth_getProof gave no slot"))?;
        let proof = HistoryProof {
            header: &header,
            account_nodes: nodes(&account.account_proof),
            storage_nodes: nodes(&word.proof),
        };
        let proof = Bytes::from(proof.encode()?);
        Ok(Self {
            period,
            block: number.to(),
            volume_then: volume_of_word(word.value),
            input_size_bytes: input.len() + proof.len(),
            proof,
        })
    }
}

/// The nodes that a proof is made of: not those which their parents hold, and not the root of nothing.
fn nodes(proof: &[Bytes]) -> Vec<&[u8]> {
    let nodes = proof.iter().map(|node| &node[..]).enumerate();
    let kept = nodes
        .filter(|(index, node)| (*index == 0 || node.len() >= HASHED_NODE_SIZE_BYTES) && *node != EMPTY_TRIE);
    kept.map(|(_, node)| node).collect()
}
