//! A store that fails at its n-th write, for every n, and stored values with a bit flipped: errors, whole blocks, no panic.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_consensus::{Block, TxEnvelope};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::Filter;
use common::*;
use ivm_chain::{Chain, ChainConfig, ChainError, ImportFileError, LogQuery, LogRange, Retention};
use ivm_state::StateError;
use ivm_state::kv::{
    Durability, KeyValue, KeyValueStore, MemoryStore, Reader, StoreError, Table, WriteBatch,
};
use proptest::prelude::*;

/// What the write that fails leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Nothing.
    Lost,
    /// All of it: the store has it, and who wrote it was told otherwise.
    Kept,
}

/// A store whose writes fail from some write on, as a full disk's do.
#[derive(Debug)]
struct FaultyStore {
    inner: Arc<MemoryStore>,
    good_writes: AtomicUsize,
    failure: Failure,
}

impl FaultyStore {
    fn new(inner: Arc<MemoryStore>, good_writes: usize, failure: Failure) -> Arc<Self> {
        Arc::new(Self { inner, good_writes: AtomicUsize::new(good_writes), failure })
    }
}

impl Reader for FaultyStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(table, key)
    }

    fn range(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        self.inner.range(table, prefix, from, limit)
    }
}

impl KeyValueStore for FaultyStore {
    fn snapshot(&self) -> Arc<dyn Reader> {
        self.inner.snapshot()
    }

    fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        let full = || StoreError::Io(std::io::Error::from(std::io::ErrorKind::StorageFull));
        let left =
            self.good_writes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.inner.commit(batch, durability),
            // Only the first that fails may be kept: afterwards the store takes nothing.
            Err(_) if self.failure == Failure::Kept && self.good_writes.swap(0, Ordering::SeqCst) == 0 => {
                self.inner.commit(batch, durability)?;
                Err(full())
            }
            Err(_) => Err(full()),
        }
    }

    fn tables(&self) -> Vec<Table> {
        self.inner.tables()
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn forgetful() -> ChainConfig {
    ChainConfig { retention: Retention::Blocks(4), ..config() }
}

fn memory() -> Arc<MemoryStore> {
    let genesis = forgetful().genesis_header().hash_slow();
    Arc::new(MemoryStore::new(&Chain::tables(), genesis).expect("opens"))
}

/// A block on the head, not committed.
fn next(chain: &Chain, salt: u8) -> Result<Block<TxEnvelope>, ChainError> {
    let view = chain.state_at(BlockId::latest())?;
    let nonce = view.nonce(signer(0).address())?;
    let contract = signer(0).address().create(0);
    let tx = match nonce {
        0 => create(0, &STORE_INITCODE),
        nonce => call(nonce, contract, B256::from(U256::from(nonce))),
    };
    let mut request = request(vec![sign(tx, 0)]);
    request.prev_randao = B256::repeat_byte(salt);
    Ok(chain.build_block(request)?.block().to_block())
}

/// Blocks of two branches that part after the second: four on one, and three after it on the other.
fn branches() -> (Vec<Block<TxEnvelope>>, Vec<Block<TxEnvelope>>) {
    let grow = |first: &[Block<TxEnvelope>], length: usize, salt: u8| {
        let chain = chain();
        let mut blocks = first.to_vec();
        for block in first {
            chain.import(block.clone()).expect("imports");
        }
        while blocks.len() < length {
            let block = next(&chain, salt).expect("builds");
            chain.import(block.clone()).expect("imports");
            blocks.push(block);
        }
        blocks
    };
    let one = grow(&[], 4, 1);
    let other = grow(&one[..2], 5, 2).split_off(2);
    (one, other)
}

type Step = Box<dyn Fn(&Chain) -> Result<(), ChainError>>;

/// The steps of a story: commits, branches kept, reorgs both ways, marks; old states are pruned beside it.
fn steps() -> Vec<Step> {
    let (one, other) = branches();
    let mut steps: Vec<Step> = Vec::new();
    for block in one.clone() {
        steps.push(Box::new(move |chain| chain.import(block.clone()).map(drop)));
    }
    for block in other.clone() {
        steps.push(Box::new(move |chain| chain.store_block(block.clone()).map(drop)));
    }
    let hash = |block: Option<&Block<TxEnvelope>>| block.expect("there are blocks").header.hash_slow();
    for target in [hash(other.last()), hash(one.last()), hash(one.get(2)), hash(other.last())] {
        steps.push(Box::new(move |chain| chain.reorg_to(target).map(drop)));
    }
    steps.push(Box::new(|chain| chain.set_finalized(3)));
    steps.push(Box::new(|chain| chain.import(next(chain, 7)?).map(drop)));
    steps
}

/// All that a chain has to say; errors where it cannot.
fn look(chain: &Chain, strict: bool) -> Vec<ChainError> {
    let mut errors: Vec<ChainError> = Vec::new();
    let head = chain.head().block.number();
    let addresses =
        [signer(0).address(), signer(0).address().create(0), PROPOSER, Address::repeat_byte(0x77)];
    for number in 0..=head {
        let id = BlockId::number(number);
        let block = chain.block(id).unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        if let Some(block) = block {
            errors.extend(chain.receipts(block.hash()).err());
            for transaction in block.transactions() {
                errors.extend(chain.transaction(*transaction.inner().tx_hash()).err());
            }
        }
        let view = match chain.state_at(id) {
            Ok(view) => view,
            Err(ChainError::State(StateError::Pruned { .. })) if strict => continue,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        for address in addresses {
            errors.extend(view.account(address).err().map(ChainError::from));
            errors.extend(view.code(address).err().map(ChainError::from));
            errors.extend(view.storage(address, U256::ZERO).err().map(ChainError::from));
            match view.proof(address, &[U256::ZERO, U256::from(1)]) {
                Ok(proof) if strict => {
                    assert_eq!(proof.account, view.account(address).expect("reads"));
                }
                Ok(_) => {}
                Err(error) => errors.push(error.into()),
            }
        }
    }
    let query = LogQuery { range: LogRange::Numbers { from: 0, to: head }, filter: Filter::new() };
    errors.extend(chain.logs(&query).err());
    errors.extend(chain.extra_scan(b"", 10).err());
    errors
}

fn heads() -> Vec<B256> {
    let chain = Chain::open_on(forgetful(), memory()).expect("opens");
    let mut heads = vec![chain.head().block.hash()];
    for step in steps() {
        step(&chain).expect("succeeds");
        heads.push(chain.head().block.hash());
    }
    heads
}

#[test]
fn whichever_write_fails_the_chain_reads_on_and_opens_at_a_whole_block() {
    let (steps, heads) = (steps(), heads());
    for failure in [Failure::Lost, Failure::Kept] {
        for good_writes in 0.. {
            let inner = memory();
            let faulty = FaultyStore::new(inner.clone(), good_writes, failure);
            let Ok(chain) = Chain::open_on(forgetful(), faulty) else {
                // Genesis was not written, or was and nobody knew.
                let chain = Chain::open_on(forgetful(), inner).expect("opens");
                assert_eq!(chain.head().block.hash(), heads[0]);
                continue;
            };
            let failed = steps.iter().zip(&heads).position(|(step, head)| {
                let before = chain.head();
                let Err(error) = step(&chain) else { return false };
                assert!(matches!(&error, ChainError::State(StateError::Store(StoreError::Io(_)))), "{error}");
                assert_eq!(chain.head(), before, "the head is what it was");
                assert_eq!(before.block.hash(), *head);
                assert!(look(&chain, true).is_empty(), "the chain reads on");
                true
            });
            let Some(failed) = failed else {
                assert!(good_writes > steps.len(), "every write was made to fail");
                break;
            };
            drop(chain);
            let chain = Chain::open_on(forgetful(), inner).expect("opens");
            let head = chain.head().block.hash();
            // A failed write beside a step, pruning, makes the next step's fail.
            let expected = match failure {
                Failure::Lost => vec![heads[failed]],
                Failure::Kept => vec![heads[failed], heads[failed + 1]],
            };
            assert!(expected.contains(&head), "{failure:?} {good_writes}");
            let errors = look(&chain, true);
            assert!(errors.is_empty(), "{errors:?}");
            // And the story goes on from there.
            let from = if head == heads[failed] { failed } else { failed + 1 };
            for step in &steps[from..] {
                step(&chain).expect("succeeds");
            }
            assert_eq!(Some(&chain.head().block.hash()), heads.last());
        }
    }
}

#[test]
fn an_import_whose_writes_fail_ends_at_a_whole_block_and_goes_on_from_there() {
    let source = Chain::open_on(forgetful(), memory()).expect("opens");
    for _ in 0..150 {
        let block = next(&source, 1).expect("builds");
        source.import(block).expect("imports");
    }
    let mut file = Vec::new();
    source.export_file(&mut file, 1..=150, &mut |_| {}).expect("exports");
    for failure in [Failure::Lost, Failure::Kept] {
        let mut heads = Vec::new();
        // The first write is that of genesis.
        for good_writes in 1.. {
            let inner = memory();
            let faulty = FaultyStore::new(inner.clone(), good_writes, failure);
            let chain = Chain::open_on(forgetful(), faulty).expect("opens");
            let mut told = 0;
            let result = chain.import_file(file.as_slice(), &mut |progress| told = progress.block_number);
            assert_eq!(chain.head().block.number(), told, "as far as was told");
            assert!(look(&chain, true).is_empty(), "the chain reads on");
            match result {
                Ok(_) => break,
                Err(ImportFileError::Block { number, source, .. }) => {
                    assert_eq!(number, told + 1, "the first block that is not there");
                    assert!(matches!(*source, ChainError::State(StateError::Store(StoreError::Io(_)))));
                }
                Err(error) => panic!("{error}"),
            }
            drop(chain);
            let chain = Chain::open_on(forgetful(), inner).expect("opens");
            let head = chain.head().block.number();
            assert!(if failure == Failure::Lost { head == told } else { head >= told }, "{head} {told}");
            heads.push(head);
            let done = chain.import_file(file.as_slice(), &mut |_| {}).expect("imports");
            assert_eq!((done.known_blocks, done.imported_blocks), (head, 150 - head));
            assert_eq!(chain.head(), source.head());
        }
        heads.dedup();
        assert!(heads.len() > 2, "the import was several writes: {heads:?}");
    }
}

#[test]
fn a_flipped_bit_in_what_says_where_the_head_is_makes_no_endless_work() {
    let table = Chain::tables().into_iter().find(|table| table.name() == "state_meta").expect("there is one");
    let records = {
        let store = memory();
        let chain = Chain::open_on(forgetful(), store.clone()).expect("opens");
        steps()[..9].iter().for_each(|step| step(&chain).expect("works"));
        drop(chain);
        store.scan(table, b"", usize::MAX).expect("scans")
    };
    assert!(!records.is_empty());
    for (key, value) in records {
        for bit in 0..value.len() * 8 {
            let store = memory();
            let chain = Chain::open_on(forgetful(), store.clone()).expect("opens");
            steps()[..9].iter().for_each(|step| step(&chain).expect("works"));
            drop(chain);
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut batch = WriteBatch::default();
            batch.put(table, key.clone(), flipped);
            store.commit(batch, Durability::Synced).expect("writes");
            let Ok(chain) = Chain::open_on(forgetful(), store) else { continue };
            let _ = chain.reorg_to(chain.genesis_hash());
            look(&chain, false);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_flipped_bit_anywhere_is_no_panic(
        table in any::<proptest::sample::Index>(), entry in any::<proptest::sample::Index>(), bit in any::<usize>(),
    ) {
        let store = memory();
        let chain = Chain::open_on(forgetful(), store.clone())?;
        let steps = steps();
        for step in &steps[..9] {
            step(&chain)?;
        }
        drop(chain);
        let tables: Vec<_> = Chain::tables()
            .into_iter()
            .filter(|table| !store.scan(*table, b"", 1).expect("scans").is_empty())
            .collect();
        let table = *table.get(&tables);
        let entries = store.scan(table, b"", usize::MAX)?;
        let (key, mut value) = entry.get(&entries).clone();
        prop_assume!(!value.is_empty());
        let bit = bit % (value.len() * 8);
        value[bit / 8] ^= 1 << (bit % 8);
        let mut batch = WriteBatch::default();
        batch.put(table, key, value);
        store.commit(batch, Durability::Synced)?;

        // Every answer is one, or an error that says what is wrong.
        let Ok(chain) = Chain::open_on(forgetful(), store) else { return Ok(()) };
        for error in look(&chain, false) {
            prop_assert!(!error.to_string().is_empty());
        }
        for step in &steps[9..] {
            let _ = step(&chain);
        }
        let _ = chain.build_block(request(vec![sign(transfer(0), 1)])).map(|built| chain.commit(built, Vec::new()));
        let _ = chain.reorg_to(chain.genesis_hash());
        look(&chain, false);
    }
}
