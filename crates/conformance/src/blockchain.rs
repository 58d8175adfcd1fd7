//! Blockchain vectors: blocks to import, valid and invalid, on any branch.

use std::collections::BTreeMap;

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_eips::BlockId;
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, U256};
use ivm_chain::{Chain, ChainConfig, ChainError, FileBlock, Storage};
use serde::Deserialize;
use serde_json::Value;

use crate::hex::HexBytes;
use crate::network::{Network, NetworkError, TestConfig};
use crate::report::{Outcome, Skip};
use crate::state::has_storage_only_account;

#[derive(Debug, Deserialize)]
struct Vector {
    network: String,
    #[serde(default)]
    config: TestConfig,
    #[serde(rename = "genesisRLP")]
    genesis_rlp: Option<HexBytes>,
    #[serde(rename = "genesisBlockHeader")]
    genesis_header: GenesisHash,
    pre: BTreeMap<Address, GenesisAccount>,
    blocks: Vec<TestBlock>,
    lastblockhash: B256,
    #[serde(rename = "postState")]
    post_state: Option<BTreeMap<Address, GenesisAccount>>,
    #[serde(rename = "postStateHash")]
    post_state_hash: Option<B256>,
}

#[derive(Debug, Deserialize)]
struct GenesisHash {
    hash: B256,
}

#[derive(Debug, Deserialize)]
struct TestBlock {
    rlp: HexBytes,
    #[serde(rename = "blockHeader")]
    header: Option<Value>,
    #[serde(rename = "expectException")]
    exception: Option<String>,
}

/// Runs a test.
pub(crate) fn run(test: Value) -> Outcome {
    let vector: Vector = match serde_json::from_value(test) {
        Ok(vector) => vector,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let Some(HexBytes(genesis)) = &vector.genesis_rlp else {
        return Outcome::Skipped(Skip::NoGenesis);
    };
    match Network::named(&vector.network) {
        Err(NetworkError::Unknown(name)) => Outcome::Skipped(Skip::UnknownNetwork(name)),
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(_) if has_storage_only_account(&vector.pre) => Outcome::Skipped(Skip::StorageOnlyAccount),
        Ok(network) => Outcome::of(check(&vector, network, genesis)),
    }
}

fn check(vector: &Vector, network: Network, genesis: &[u8]) -> Result<(), String> {
    let network = network.with(&vector.config)?;
    let genesis: Block<TxEnvelope> = alloy_rlp::decode_exact(genesis).map_err(|error| error.to_string())?;
    let genesis = genesis_file(&genesis.header, network, vector.pre.clone());
    let config = ChainConfig::ethereum(genesis).map_err(|error| error.to_string())?;
    let mut tree = Tree::new(config)?;
    equal("genesis hash", tree.chain.genesis_hash(), vector.genesis_header.hash)?;
    for (index, block) in vector.blocks.iter().enumerate() {
        check_block(&mut tree, block).map_err(|error| format!("block {index}: {error}"))?;
    }
    let head = tree.chain.head().block;
    equal("hash of the last block", head.hash(), vector.lastblockhash)?;
    if let Some(expected) = vector.post_state_hash {
        equal("state root", head.header().state_root, expected)?;
    }
    for (address, account) in vector.post_state.iter().flatten() {
        check_account(&tree.chain, *address, account)?;
    }
    Ok(())
}

fn check_block(tree: &mut Tree, block: &TestBlock) -> Result<(), String> {
    let expected_refusal = match (&block.exception, &block.header) {
        (Some(exception), _) => Some(exception.as_str()),
        (None, None) => Some("a refusal"),
        (None, Some(_)) => None,
    };
    let file = FileBlock { offset: 0, rlp: block.rlp.0.to_vec() };
    let imported = match file.decode() {
        Ok(decoded) => tree.import(decoded)?,
        Err(error) => Err(error.to_string()),
    };
    match (imported, expected_refusal) {
        (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
        (Ok(()), Some(expected)) => Err(format!("accepted, expected {expected}")),
        (Err(reason), None) => Err(format!("refused: {reason}; expected to be valid")),
    }
}

/// The genesis file that gives this header.
fn genesis_file(header: &Header, network: Network, alloc: BTreeMap<Address, GenesisAccount>) -> Genesis {
    Genesis {
        config: network.config,
        nonce: header.nonce.into(),
        timestamp: header.timestamp,
        extra_data: header.extra_data.clone(),
        gas_limit: header.gas_limit,
        difficulty: header.difficulty,
        mix_hash: header.mix_hash,
        coinbase: header.beneficiary,
        alloc,
        base_fee_per_gas: header.base_fee_per_gas.map(u128::from),
        excess_blob_gas: header.excess_blob_gas,
        blob_gas_used: header.blob_gas_used,
        ..Genesis::default()
    }
}

/// Every valid block that was seen, and the chain at the head of the branch that counts.
struct Tree {
    config: ChainConfig,
    chain: Chain,
    blocks: BTreeMap<B256, Block<TxEnvelope>>,
}

impl Tree {
    fn new(config: ChainConfig) -> Result<Self, String> {
        let chain = Chain::open(config.clone(), Storage::Memory).map_err(|error| error.to_string())?;
        Ok(Self { config, chain, blocks: BTreeMap::new() })
    }

    /// Imports a block on whatever branch it is. The inner error is a refusal.
    fn import(&mut self, block: Block<TxEnvelope>) -> Result<Result<(), String>, String> {
        let parent = block.header.parent_hash;
        let hash = block.header.hash_slow();
        if parent == self.chain.head().block.hash() {
            return self.extend(&self.chain.clone(), hash, block);
        }
        if self.blocks.contains_key(&hash) {
            return Ok(Ok(()));
        }
        // A block of another branch: that branch is built anew.
        let Some(path) = self.path_to(parent) else {
            return Ok(Err(format!("unknown parent {parent}")));
        };
        let branch = Chain::open(self.config.clone(), Storage::Memory).map_err(|error| error.to_string())?;
        for ancestor in path {
            branch.import(ancestor).map_err(|error| format!("replay of a valid branch: {error}"))?;
        }
        let result = self.extend(&branch, hash, block)?;
        let (branch_head, head) = (branch.head().block, self.chain.head().block);
        // Proof of work goes by total difficulty and stays with the first of equals; proof of stake is told, here by the
        // order of blocks.
        let is_better = branch_head.header().difficulty.is_zero()
            || branch_head.total_difficulty() > head.total_difficulty();
        if result.is_ok() && is_better {
            self.chain = branch;
        }
        Ok(result)
    }

    fn extend(
        &mut self,
        chain: &Chain,
        hash: B256,
        block: Block<TxEnvelope>,
    ) -> Result<Result<(), String>, String> {
        match chain.import(block.clone()) {
            Ok(_) => {
                self.blocks.insert(hash, block);
                Ok(Ok(()))
            }
            Err(ChainError::InvalidBlock(reason)) => Ok(Err(reason.to_string())),
            Err(error) => Err(format!("the node failed: {error}")),
        }
    }

    /// The blocks after genesis up to this one.
    fn path_to(&self, hash: B256) -> Option<Vec<Block<TxEnvelope>>> {
        let mut path = Vec::new();
        let mut next = hash;
        while next != self.chain.genesis_hash() {
            let block = self.blocks.get(&next)?;
            path.push(block.clone());
            next = block.header.parent_hash;
        }
        path.reverse();
        Some(path)
    }
}

fn check_account(chain: &Chain, address: Address, expected: &GenesisAccount) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let state = chain.state_at(BlockId::latest()).map_err(|error| text(&error))?;
    let name = |what: &str| format!("{what} of {address}");
    equal(&name("balance"), state.balance(address).map_err(|error| text(&error))?, expected.balance)?;
    let nonce = state.nonce(address).map_err(|error| text(&error))?;
    equal(&name("nonce"), nonce, expected.nonce.unwrap_or_default())?;
    let code = state.code(address).map_err(|error| text(&error))?;
    equal(&name("code"), code, expected.code.clone().unwrap_or_default())?;
    for (slot, value) in expected.storage.iter().flatten() {
        let got = state.storage(address, U256::from_be_bytes(slot.0)).map_err(|error| text(&error))?;
        equal(&name(&format!("slot {slot}")), got, U256::from_be_bytes(value.0))?;
    }
    Ok(())
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    match got == expected {
        true => Ok(()),
        false => Err(format!("{what} is {got:?}, expected {expected:?}")),
    }
}
