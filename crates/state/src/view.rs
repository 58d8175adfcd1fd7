//! Reading one state.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, TrieAccount};
use revm::database_interface::{Database, DatabaseRef};
use revm::state::{AccountInfo, Bytecode};

use crate::proof::{AccountProof, StorageProof};
use crate::state::{CODE, STORAGE, Shared, StateError};
use crate::trie::Trie;
use crate::update::{decode_account, flat_account, slot_key};

/// The state at one root, for as long as its nodes are kept.
///
/// A view taken at the head reads flat tables. They change under it when a block is committed, so each flat read is
/// followed by a check that they are still the view's; once they are not, the view reads the trie, where its root stays.
#[derive(Clone, Debug)]
pub struct StateView {
    shared: Arc<Shared>,
    root: B256,
    /// Generation of the flat tables in which they hold this root, when they did on opening.
    flat_generation: Option<u64>,
}

impl StateView {
    pub(crate) fn new(shared: Arc<Shared>, root: B256) -> Self {
        let head = *shared.head.read();
        Self { shared, root, flat_generation: (head.root == root).then_some(head.generation) }
    }

    /// The root read.
    pub const fn root(&self) -> B256 {
        self.root
    }

    /// An account, or `None` when there is none.
    ///
    /// # Errors
    /// When the root is not kept or stored state is damaged.
    pub fn account(&self, address: Address) -> Result<Option<TrieAccount>, StateError> {
        if let Some(account) = self.flat(|| flat_account(self.shared.store.as_ref(), address))? {
            return Ok(account);
        }
        let trie = Trie::open(self.shared.store.clone(), self.root)?;
        trie.get(keccak256(address))?.map(|bytes| decode_account(address, &bytes)).transpose()
    }

    /// An account's balance; zero when there is none.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn balance(&self, address: Address) -> Result<U256, StateError> {
        Ok(self.account(address)?.map_or(U256::ZERO, |account| account.balance))
    }

    /// An account's nonce; zero when there is none.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn nonce(&self, address: Address) -> Result<u64, StateError> {
        Ok(self.account(address)?.map_or(0, |account| account.nonce))
    }

    /// A storage slot; zero when it is not set.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let flat = self.flat(|| {
            let stored = self.shared.store.get(STORAGE, &slot_key(address, slot))?;
            stored.map_or(Ok(U256::ZERO), |bytes| {
                U256::try_from_be_slice(&bytes).ok_or(StateError::DamagedSlot { address, slot })
            })
        })?;
        if let Some(value) = flat {
            return Ok(value);
        }
        let Some(account) = self.account(address)? else {
            return Ok(U256::ZERO);
        };
        let trie = Trie::open(self.shared.store.clone(), account.storage_root)?;
        storage_value(&trie, address, slot)
    }

    /// An account's code; empty when it has none.
    ///
    /// # Errors
    /// As [`StateView::account`], and [`StateError::MissingCode`].
    pub fn code(&self, address: Address) -> Result<Bytes, StateError> {
        self.account(address)?.map_or(Ok(Bytes::new()), |account| self.code_by_hash(account.code_hash))
    }

    /// Code by its hash.
    ///
    /// # Errors
    /// [`StateError::MissingCode`], or the store's error.
    pub fn code_by_hash(&self, code_hash: B256) -> Result<Bytes, StateError> {
        if code_hash == KECCAK_EMPTY {
            return Ok(Bytes::new());
        }
        let code = self.shared.store.get(CODE, code_hash.as_slice())?;
        code.map(Bytes::from).ok_or(StateError::MissingCode { code_hash })
    }

    /// Proves an account, present or absent, and slots of it.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn proof(&self, address: Address, slots: &[U256]) -> Result<AccountProof, StateError> {
        let mut trie = Trie::open(self.shared.store.clone(), self.root)?;
        let path = keccak256(address);
        let account = trie.get(path)?.map(|bytes| decode_account(address, &bytes)).transpose()?;
        let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let mut storage_trie = Trie::open(self.shared.store.clone(), storage_root)?;
        let storage = slots
            .iter()
            .map(|slot| {
                Ok(StorageProof {
                    slot: *slot,
                    value: storage_value(&storage_trie, address, *slot)?,
                    proof: storage_trie.prove(keccak256(B256::from(*slot)))?,
                })
            })
            .collect::<Result<_, StateError>>()?;
        Ok(AccountProof { state_root: self.root, address, account, proof: trie.prove(path)?, storage })
    }

    /// Runs a flat read, and gives its result when the flat tables held this root all the while.
    fn flat<T>(&self, read: impl FnOnce() -> Result<T, StateError>) -> Result<Option<T>, StateError> {
        let Some(generation) = self.flat_generation else {
            return Ok(None);
        };
        if self.shared.generation.load(Ordering::SeqCst) != generation {
            return Ok(None);
        }
        let value = read();
        // A batch raises the generation before it writes: unchanged now means nothing was written before the read.
        if self.shared.generation.load(Ordering::SeqCst) == generation { value.map(Some) } else { Ok(None) }
    }
}

fn storage_value(trie: &Trie, address: Address, slot: U256) -> Result<U256, StateError> {
    let Some(bytes) = trie.get(keccak256(B256::from(slot)))? else {
        return Ok(U256::ZERO);
    };
    U256::decode(&mut bytes.as_slice()).map_err(|_| StateError::DamagedSlot { address, slot })
}

impl DatabaseRef for StateView {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.account(address)?.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        Ok(Bytecode::new_raw(self.code_by_hash(code_hash)?))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.storage(address, slot)
    }

    /// State alone knows no block hashes; whoever executes blocks wraps the view (`ivm-evm`'s `BlockHashes`).
    fn block_hash_ref(&self, _number: u64) -> Result<B256, StateError> {
        Ok(B256::ZERO)
    }
}

impl Database for StateView {
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
