//! What the EVM reads: a state, and the hashes of the blocks before.

use std::fmt::Debug;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use ivm_state::{StateError, StateView};
use revm::database::BundleState;
use revm::database_interface::{Database, DatabaseRef};
use revm::state::{AccountInfo, Bytecode};

/// Knows the hashes of the chain's blocks, for the `BLOCKHASH` opcode.
pub trait BlockHashes: Debug + Send + Sync {
    /// Hash of a block of the chain; zero when there is none with this number.
    ///
    /// # Errors
    /// When the store fails.
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;
}

/// A state, and the hashes of the blocks before it.
#[derive(Clone, Debug)]
pub struct ChainDatabase {
    state: StateView,
    /// Changes on top of the state, the oldest first.
    pending: Vec<Arc<BundleState>>,
    hashes: Arc<dyn BlockHashes>,
}

impl ChainDatabase {
    /// Joins a state with block hashes.
    pub fn new(state: StateView, hashes: Arc<dyn BlockHashes>) -> Self {
        Self { state, pending: Vec::new(), hashes }
    }

    /// The state with the changes of blocks after it, the oldest first: each was made on those before. The state may have some
    /// of them already.
    pub fn with_pending(self, pending: Vec<Arc<BundleState>>) -> Self {
        Self { pending, ..self }
    }

    /// The same state, with other block hashes.
    pub fn with_block_hashes(self, hashes: Arc<dyn BlockHashes>) -> Self {
        Self { hashes, ..self }
    }
}

impl Database for ChainDatabase {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.basic_ref(address)
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, StateError> {
        self.code_by_hash_ref(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.storage_ref(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.block_hash_ref(number)
    }
}

impl DatabaseRef for ChainDatabase {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        match self.pending.iter().rev().find_map(|changes| changes.state.get(&address)) {
            Some(account) => Ok(account.info.clone()),
            None => self.state.basic_ref(address),
        }
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        match self.pending.iter().rev().find_map(|changes| changes.contracts.get(&code_hash)) {
            Some(code) => Ok(code.clone()),
            None => self.state.code_by_hash_ref(code_hash),
        }
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        // An account that was made or destroyed in a block has no slots but those the block set.
        let changed = |changes: &Arc<BundleState>| changes.state.get(&address)?.storage_slot(slot);
        match self.pending.iter().rev().find_map(changed) {
            Some(value) => Ok(value),
            None => self.state.storage_ref(address, slot),
        }
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        self.hashes.block_hash(number)
    }
}
