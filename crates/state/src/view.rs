//! Reading one state.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount};
use revm::database::BundleState;
use revm::database_interface::{Database, DatabaseRef};
use revm::state::{AccountInfo, Bytecode};

use crate::cache::HashCache;
use crate::history;
use crate::kv::{Reader, Table};
use crate::proof::{AccountProof, StorageProof};
use crate::state::{
    ACCOUNT_TRIE, ACCOUNTS, CODE, Head, STATE_META, STORAGE, STORAGE_TRIE, StateError, pruned,
};
use crate::trie::{NodeSource, Root, path_key, prove};
use crate::update::{self, StateUpdate, decode_account, slot_key, slot_path};

/// Code that was read lately, with the analysis that the EVM makes of it: where one may jump to.
pub(crate) type Codes = Arc<HashCache<Bytecode>>;

/// Most bytes of that code.
const MAX_CODES_SIZE_BYTES: usize = 32 * 1024 * 1024;

/// The state after one block. It is read from a snapshot of the store, so it stays what it is while blocks are committed,
/// undone or pruned.
#[derive(Clone, Debug)]
pub struct StateView {
    reader: Arc<dyn Reader>,
    /// The head of what `reader` reads; `None` in a store without blocks.
    head: Option<Head>,
    /// Root of the account trie at the head.
    trie_root: Root,
    /// The block read, when it is not the head.
    at: Option<Head>,
    /// Shared by all states of a store.
    codes: Codes,
}

/// The nodes of one trie after a block.
pub(crate) struct Nodes<'a> {
    reader: &'a dyn Reader,
    table: Table,
    trie: B256,
    at: Option<u64>,
}

impl<'a> Nodes<'a> {
    pub(crate) fn accounts(reader: &'a dyn Reader, at: Option<u64>) -> Self {
        Self { reader, table: ACCOUNT_TRIE, trie: B256::ZERO, at }
    }

    /// The trie of the account whose address has this hash.
    pub(crate) fn storage(reader: &'a dyn Reader, account: B256, at: Option<u64>) -> Self {
        Self { reader, table: STORAGE_TRIE, trie: account, at }
    }
}

impl NodeSource for Nodes<'_> {
    fn node(&self, path: &Nibbles) -> Result<Option<Vec<u8>>, StateError> {
        let trie = if self.table == STORAGE_TRIE { self.trie.as_slice() } else { &[] };
        history::read(self.reader, self.table, &path_key(trie, path), self.at)
    }
}

impl StateView {
    /// A view of a head, of whose account trie nothing is in memory.
    pub(crate) fn new(reader: Arc<dyn Reader>, head: Option<Head>) -> Self {
        let codes = Arc::new(HashCache::new(MAX_CODES_SIZE_BYTES));
        Self::with_trie(reader, head, Root::stored(head.unwrap_or_default().root), codes)
    }

    /// A view of a head of whose account trie some is in memory.
    pub(crate) const fn with_trie(
        reader: Arc<dyn Reader>,
        head: Option<Head>,
        trie_root: Root,
        codes: Codes,
    ) -> Self {
        Self { reader, head, trie_root, at: None, codes }
    }

    /// The code that is kept.
    pub(crate) const fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Root of the account trie at the head.
    pub(crate) const fn trie_root(&self) -> &Root {
        &self.trie_root
    }

    /// The state after another block, read from the same snapshot.
    ///
    /// # Errors
    /// [`StateError::Pruned`] or [`StateError::PastHead`] when it is not there, or the store's error.
    pub fn at(&self, number: u64) -> Result<Self, StateError> {
        let head = self.head.unwrap_or_default();
        if number > head.number {
            return Err(StateError::PastHead { block: number, head: head.number });
        }
        if number == head.number {
            return Ok(Self { at: None, ..self.clone() });
        }
        let oldest = self.oldest()?;
        if number < oldest {
            return Err(StateError::Pruned { block: number, oldest });
        }
        let record = history::read(self.reader.as_ref(), STATE_META, Head::KEY, Some(number))?;
        let at = record.map(|record| Head::decode(&record)).transpose()?;
        let at = at.filter(|at| at.number == number);
        let at = at.ok_or_else(|| history::damaged("head of the state", "it is another block's"))?;
        Ok(Self { at: Some(at), ..self.clone() })
    }

    /// The oldest block whose state is kept.
    ///
    /// # Errors
    /// When the store fails.
    pub fn oldest(&self) -> Result<u64, StateError> {
        pruned(self.reader.as_ref())
    }

    /// The root of this state.
    pub fn root(&self) -> B256 {
        self.at.or(self.head).unwrap_or_default().root
    }

    /// Number of the block whose state this is; 0 also before the first block.
    pub fn number(&self) -> u64 {
        self.at.or(self.head).unwrap_or_default().number
    }

    /// The snapshot read: all tables of the store as they were when its newest block was committed.
    pub fn shared_reader(&self) -> Arc<dyn Reader> {
        self.reader.clone()
    }

    pub(crate) fn reader(&self) -> &dyn Reader {
        self.reader.as_ref()
    }

    /// Whether this is the state of the newest block of the snapshot.
    pub(crate) const fn is_head(&self) -> bool {
        self.at.is_none()
    }

    /// The newest block of the snapshot.
    pub(crate) const fn head(&self) -> Option<Head> {
        self.head
    }

    /// Applies a block's changes to this state, in memory: the new root and the writes that lead to it.
    ///
    /// # Errors
    /// [`StateError::NotAtHead`] when the view is of a past block, or when stored state cannot be read.
    pub fn prepare(&self, changes: &BundleState) -> Result<StateUpdate, StateError> {
        if let Some(at) = self.at {
            let expected = self.head.unwrap_or_default().root;
            return Err(StateError::NotAtHead { got: at.root, expected });
        }
        update::prepare(self, changes)
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        history::read(self.reader.as_ref(), table, key, self.at.map(|at| at.number))
    }

    /// An account, or `None` when there is none.
    ///
    /// # Errors
    /// When the store fails or stored state is damaged.
    pub fn account(&self, address: Address) -> Result<Option<TrieAccount>, StateError> {
        let account = self.read(ACCOUNTS, address.as_slice())?;
        account.map(|bytes| decode_account(address, &bytes)).transpose()
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
        let value = self.read(STORAGE, &slot_key(address, slot))?;
        value.map_or(Ok(U256::ZERO), |bytes| {
            U256::try_from_be_slice(&bytes).ok_or(StateError::DamagedSlot { address, slot })
        })
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
        let code = self.reader.get(CODE, code_hash.as_slice())?;
        code.map(Bytes::from).ok_or(StateError::MissingCode { code_hash })
    }

    /// Proves an account, present or absent, and slots of it.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn proof(&self, address: Address, slots: &[U256]) -> Result<AccountProof, StateError> {
        let at = self.at.map(|at| at.number);
        let path = keccak256(address);
        let accounts = Nodes::accounts(self.reader(), at);
        let (account, proof) = prove(&accounts, self.root(), &Nibbles::unpack_array(&path.0))?;
        let account = account.map(|bytes| decode_account(address, &bytes)).transpose()?;
        let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let nodes = Nodes::storage(self.reader(), path, at);
        let storage = slots
            .iter()
            .map(|slot| {
                let (value, proof) = prove(&nodes, storage_root, &slot_path(*slot))?;
                let value = value.map_or(Ok(U256::ZERO), |bytes| {
                    U256::decode(&mut bytes.as_slice())
                        .map_err(|_| StateError::DamagedSlot { address, slot: *slot })
                })?;
                Ok(StorageProof { slot: *slot, value, proof })
            })
            .collect::<Result<_, StateError>>()?;
        Ok(AccountProof { state_root: self.root(), address, account, proof, storage })
    }
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
        if let Some(code) = self.codes.get(code_hash) {
            return Ok(code);
        }
        let code = Bytecode::new_raw(self.code_by_hash(code_hash)?);
        self.codes.keep(code_hash, code.clone(), code.len());
        Ok(code)
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
