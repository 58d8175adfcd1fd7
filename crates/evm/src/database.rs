//! What the EVM reads: a state, and the hashes of the blocks before.

use std::fmt::Debug;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use ivm_state::{StateError, StateView};
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
    hashes: Arc<dyn BlockHashes>,
}

impl ChainDatabase {
    /// Joins a state with block hashes.
    pub fn new(state: StateView, hashes: Arc<dyn BlockHashes>) -> Self {
        Self { state, hashes }
    }

    /// The same state, with other block hashes.
    pub fn with_block_hashes(self, hashes: Arc<dyn BlockHashes>) -> Self {
        Self { hashes, ..self }
    }
}

impl Database for ChainDatabase {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.state.basic_ref(address)
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, StateError> {
        self.state.code_by_hash_ref(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.state.storage_ref(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.hashes.block_hash(number)
    }
}

impl DatabaseRef for ChainDatabase {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.state.basic_ref(address)
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        self.state.code_by_hash_ref(code_hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.state.storage_ref(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        self.hashes.block_hash(number)
    }
}
