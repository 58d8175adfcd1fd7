//! Moving between branches: the chain is then what it would be had it never been anywhere else.

mod common;

use std::collections::BTreeMap;

use alloy_consensus::{Block, TxEip1559, TxEnvelope};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_rpc_types_eth::Filter;
use common::*;
use ivm_chain::{
    BlockError, Chain, ChainConfig, ChainError, ChainEvent, Durability, ExtraWrite, LogQuery, LogRange,
    Reorg, Retention, Settled, StateView, Storage,
};
use proptest::prelude::*;

type TestBlock = Block<TxEnvelope>;

/// One transaction of a random block.
#[derive(Clone, Debug)]
enum Action {
    Transfer { to: u8, value: u64 },
    Deploy,
    Store { nonce: u64, value: u8 },
    SelfDestruct,
}

fn actions() -> impl Strategy<Value = Vec<(u8, Action)>> {
    let action = prop_oneof![
        (0u8..6, 1u64..1000).prop_map(|(to, value)| Action::Transfer { to, value }),
        Just(Action::Deploy),
        (0u64..2, 0u8..4).prop_map(|(nonce, value)| Action::Store { nonce, value }),
        Just(Action::SelfDestruct),
    ];
    proptest::collection::vec((0u8..4, action), 0..4)
}

fn sign_action(nonce: u64, from: u8, action: &Action) -> TxEnvelope {
    let tx = match action {
        Action::Transfer { to, value } => TxEip1559 {
            to: TxKind::Call(Address::repeat_byte(*to)),
            value: U256::from(*value),
            ..transfer(nonce)
        },
        Action::Deploy => create(nonce, &STORE_INITCODE),
        Action::Store { nonce: creation, value } => {
            call(nonce, signer(0).address().create(*creation), B256::with_last_byte(*value))
        }
        Action::SelfDestruct => TxEip1559 { value: U256::from(5), ..create(nonce, &SELFDESTRUCT_INITCODE) },
    };
    sign(tx, from)
}

/// A block on a chain's head, not committed. `salt` makes blocks with the same transactions differ.
fn build(chain: &Chain, actions: &[(u8, Action)], salt: u8) -> TestBlock {
    let view = chain.state_at(BlockId::latest()).expect("known");
    let mut nonces = BTreeMap::new();
    let mut leading = Vec::new();
    for (from, action) in actions {
        let nonce =
            nonces.entry(*from).or_insert_with(|| view.nonce(signer(*from).address()).expect("reads"));
        leading.push(sign_action(*nonce, *from, action));
        *nonce += 1;
    }
    let mut request = request(leading);
    request.prev_randao = B256::repeat_byte(salt);
    let built = chain.build_block(request).expect("builds");
    assert_eq!(built.rejected_leading(), []);
    built.block().to_block()
}

/// A tree of blocks; the first block's parent is genesis, written `None`.
#[derive(Debug)]
struct Tree {
    blocks: Vec<TestBlock>,
    parents: Vec<Option<usize>>,
}

impl Tree {
    /// The blocks from the first to this one.
    fn branch(&self, index: usize) -> Vec<TestBlock> {
        let mut branch = Vec::new();
        let mut next = Some(index);
        while let Some(index) = next {
            branch.push(self.blocks[index].clone());
            next = self.parents[index];
        }
        branch.reverse();
        branch
    }
}

/// A chain that has only ever been on one branch.
fn replay(branch: &[TestBlock]) -> Chain {
    let chain = chain();
    for block in branch {
        chain.import(block.clone()).expect("imports");
    }
    chain
}

fn tree() -> impl Strategy<Value = Tree> {
    let block = (any::<proptest::sample::Index>(), proptest::bool::weighted(0.5), actions());
    proptest::collection::vec(block, 2..9).prop_map(|plan| {
        let mut tree = Tree { blocks: Vec::new(), parents: Vec::new() };
        for (index, (parent, longest, actions)) in plan.iter().enumerate() {
            // 0 is genesis. Often the newest block, so that branches grow.
            let parent = if *longest { index } else { parent.index(index + 1) }.checked_sub(1);
            let on = replay(&parent.map(|parent| tree.branch(parent)).unwrap_or_default());
            tree.blocks.push(build(&on, actions, u8::try_from(index).expect("few blocks")));
            tree.parents.push(parent);
        }
        tree
    })
}

/// Every account that a test can touch.
fn addresses() -> Vec<Address> {
    let mut addresses = vec![PROPOSER, alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS];
    for index in 0..6 {
        addresses.push(Address::repeat_byte(index));
        addresses.push(signer(index).address());
        addresses.extend((0..6).map(|nonce| signer(index).address().create(nonce)));
    }
    addresses
}

fn same_state(got: &StateView, expected: &StateView, proofs: bool) {
    assert_eq!((got.root(), got.number()), (expected.root(), expected.number()));
    let slots: Vec<_> = (0..12).map(U256::from).collect();
    for address in addresses() {
        assert_eq!(got.account(address).expect("reads"), expected.account(address).expect("reads"));
        assert_eq!(got.code(address).expect("reads"), expected.code(address).expect("reads"));
        for slot in &slots {
            let value = expected.storage(address, *slot).expect("reads");
            assert_eq!(got.storage(address, *slot).expect("reads"), value);
        }
        if proofs {
            let proof = expected.proof(address, &slots[..2]).expect("proves");
            assert_eq!(got.proof(address, &slots[..2]).expect("proves"), proof);
        }
    }
}

/// What both chains say is the same, of every block up to the head and of all transactions of the tree.
fn same(got: &Chain, expected: &Chain, tree: &Tree) {
    assert_eq!(got.head(), expected.head());
    let head = got.head().block.number();
    let oldest = got.state_at(BlockId::latest()).expect("known").oldest().expect("reads");
    for number in 0..=head {
        let id = BlockId::number(number);
        let block = expected.block(id).expect("reads").expect("is there");
        assert_eq!(got.block(id).expect("reads"), Some(block.clone()));
        assert_eq!(
            got.receipts(block.hash()).expect("reads"),
            expected.receipts(block.hash()).expect("reads")
        );
        if number >= oldest {
            let expected = expected.state_at(id).expect("kept");
            same_state(&got.state_at(id).expect("kept"), &expected, number == head);
        }
    }
    assert_eq!(got.block_hash(BlockId::number(head + 1)).expect("reads"), None);
    let query = LogQuery { range: LogRange::Numbers { from: 0, to: head }, filter: Filter::new() };
    assert_eq!(got.logs(&query).expect("finds"), expected.logs(&query).expect("finds"));
    for transaction in tree.blocks.iter().flat_map(|block| &block.body.transactions) {
        let hash = *transaction.tx_hash();
        assert_eq!(got.transaction(hash).expect("reads"), expected.transaction(hash).expect("reads"));
    }
}

fn walk(config: ChainConfig, storage: Storage, tree: &Tree, moves: &[proptest::sample::Index]) -> Chain {
    let chain = Chain::open(config, storage).expect("opens");
    for block in &tree.blocks {
        chain.store_block(block.clone()).expect("is kept");
    }
    for to in moves {
        let to = to.index(tree.blocks.len());
        let (before, hash) = (chain.head(), tree.blocks[to].header.hash_slow());
        match chain.reorg_to(hash) {
            Ok(reorg) => {
                check_reorg(&before.block.hash(), &reorg, &chain);
                same(&chain, &replay(&tree.branch(to)), tree);
            }
            Err(ChainError::State(error)) => {
                // Only where it was pruned.
                assert!(error.to_string().contains("is pruned"), "{error}");
                assert_eq!(chain.head(), before);
            }
            Err(other) => panic!("{other}"),
        }
    }
    chain
}

fn check_reorg(old_head: &B256, reorg: &Reorg, chain: &Chain) {
    if let (Some(first), Some(last)) = (reorg.removed.first(), reorg.removed.last()) {
        assert_eq!(first.block.hash(), *old_head);
        if let Some(added) = reorg.added.first() {
            assert_eq!(added.block.header().parent_hash, last.block.header().parent_hash);
        }
    }
    if let Some(last) = reorg.added.last() {
        assert_eq!(*last, chain.head());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn after_any_reorgs_the_chain_is_that_of_its_branch(
        tree in tree(), moves in proptest::collection::vec(any::<proptest::sample::Index>(), 1..8),
    ) {
        walk(config(), Storage::Memory, &tree, &moves);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn so_it_is_on_disk_with_pruning_and_after_a_restart(
        tree in tree(), moves in proptest::collection::vec(any::<proptest::sample::Index>(), 1..8), kept in 1u64..4,
    ) {
        let directory = tempfile::tempdir().expect("temporary directory");
        let storage = Storage::Path(directory.path().to_path_buf());
        let config = ChainConfig { retention: Retention::Blocks(kept), ..config() };
        let chain = walk(config.clone(), storage.clone(), &tree, &moves);
        let head = chain.head();
        drop(chain);
        let chain = Chain::open(config, storage).expect("opens");
        prop_assert_eq!(chain.head(), head.clone());
        let branch = (0..tree.blocks.len()).find(|index| tree.blocks[*index].header.hash_slow() == head.block.hash());
        same(&chain, &replay(&branch.map(|index| tree.branch(index)).unwrap_or_default()), &tree);
    }
}

fn transfer_to(byte: u8) -> Vec<(u8, Action)> {
    vec![(1, Action::Transfer { to: byte, value: 1 })]
}

#[test]
fn subscribers_hear_of_the_reorg_and_of_blocks_that_only_follow() {
    let chain = chain();
    let mut events = chain.subscribe();
    let one = build(&chain, &transfer_to(1), 1);
    let other = build(&chain, &transfer_to(2), 2);
    let one_hash = chain.import(one).expect("imports").block.hash();
    let other_hash = chain.store_block(other).expect("is kept");
    let reorg = chain.reorg_to(other_hash).expect("moves");
    assert!(chain.reorg_to(other_hash).expect("is there").added.is_empty());
    assert!(matches!(events.try_recv(), Ok(ChainEvent::NewHead(block)) if block.block.hash() == one_hash));
    match events.try_recv() {
        Ok(ChainEvent::Reorg(event)) => assert_eq!(event, reorg),
        other => panic!("{other:?}"),
    }
    // Its transaction has a nonce that the other branch used too.
    assert_eq!(chain.pool().status(), (0, 0));
    chain.reorg_to(chain.genesis_hash()).expect("goes back");
    assert!(matches!(events.try_recv(), Ok(ChainEvent::PendingTransaction(_))));
    match events.try_recv() {
        Ok(ChainEvent::Reorg(event)) => assert_eq!((event.removed.len(), event.added.len()), (1, 0)),
        other => panic!("{other:?}"),
    }
    chain.reorg_to(one_hash).expect("follows");
    assert!(matches!(events.try_recv(), Ok(ChainEvent::NewHead(block)) if block.block.hash() == one_hash));
}

#[test]
fn transactions_of_removed_blocks_return_in_order() {
    let chain = chain();
    for block in 0..3 {
        for nonce in 0..2 {
            submit(&chain, &sign(transfer(2 * block + nonce), 0)).expect("accepted");
        }
        submit(&chain, &sign(transfer(block), 1)).expect("accepted");
        mine(&chain);
    }
    let first = chain.block_by_number(1).expect("reads").expect("is there").hash();
    // One that waits already, after those that return.
    submit(&chain, &sign(transfer(6), 0)).expect("accepted");
    chain.reorg_to(first).expect("goes back");
    let content = chain.pool().content();
    let nonces = |index: u8| {
        let pending = content.pending.iter().filter(|pooled| pooled.sender() == signer(index).address());
        pending.map(|pooled| pooled.nonce()).collect::<Vec<_>>()
    };
    assert_eq!((nonces(0), nonces(1)), (vec![2, 3, 4, 5, 6], vec![1, 2]));
    assert_eq!(content.queued.len(), 0);
    let block = mine(&chain);
    assert_eq!((block.block.number(), block.block.transactions().len()), (2, 7));
}

#[test]
fn the_nodes_own_writes_are_undone() {
    let chain = chain();
    let write = |key: &str, value: Option<&str>| ExtraWrite {
        key: key.as_bytes().to_vec(),
        value: value.map(|value| value.as_bytes().to_vec()),
    };
    let commit = |extra: Vec<ExtraWrite>| {
        let built = chain.build_block(request(Vec::new())).expect("builds");
        chain.commit(built, extra).expect("commits").block.hash()
    };
    let first = commit(vec![write("a", Some("1")), write("b", Some("1"))]);
    let second = commit(vec![write("a", Some("2")), write("b", None), write("c", Some("2"))]);
    assert_eq!(chain.extra_scan(b"", 9).expect("reads").len(), 2);
    chain.reorg_to(first).expect("goes back");
    let entry = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    assert_eq!(chain.extra_scan(b"", 9).expect("reads"), [entry("a", "1"), entry("b", "1")]);
    // What the node wrote beside the block is not known to whoever executes it again.
    chain.reorg_to(second).expect("follows");
    assert_eq!(chain.extra_scan(b"", 9).expect("reads"), [entry("a", "1"), entry("b", "1")]);
    // The node itself knows.
    chain.reorg_to(chain.genesis_hash()).expect("goes back");
    let mut seen = Vec::new();
    let reorg = chain.reorg_to_with(second, Durability::Buffered, &mut |block, records| {
        seen.push((block.block.hash(), records.get(b"a").expect("reads"), records.scan(b"", 9)?.len()));
        Ok(vec![write("a", Some(&block.block.number().to_string()))])
    });
    assert_eq!(reorg.expect("follows").added.len(), 2);
    assert_eq!(seen, [(first, None, 0), (second, Some(b"1".to_vec()), 1)]);
    assert_eq!(chain.extra_scan(b"", 9).expect("reads"), [entry("a", "2")]);
    chain.reorg_to(first).expect("goes back");
    assert_eq!(chain.extra_scan(b"", 9).expect("reads"), [entry("a", "1")]);
}

#[test]
fn a_node_that_objects_to_a_block_stays_where_it_is() {
    let chain = chain();
    let blocks: Vec<B256> = (1..=3)
        .map(|byte| chain.import(build(&chain, &transfer_to(byte), byte)).expect("imports").block.hash())
        .collect();
    chain.reorg_to(chain.genesis_hash()).expect("goes back");
    let mut events = chain.subscribe();
    let error =
        chain.reorg_to_with(blocks[2], Durability::Synced, &mut |block, _| match block.block.number() {
            1 => Ok(vec![ExtraWrite { key: b"a".to_vec(), value: Some(Vec::new()) }]),
            number => {
                let reason = "its claims are wrong".to_owned();
                Err(ChainError::Refused { number, hash: block.block.hash(), reason })
            }
        });
    let error = error.expect_err("refused");
    assert!(matches!(error, ChainError::Refused { number: 2, hash, .. } if hash == blocks[1]), "{error}");
    assert_eq!(chain.head().block.hash(), chain.genesis_hash());
    assert_eq!(chain.extra_scan(b"", 9).expect("reads"), []);
    assert!(events.try_recv().is_err(), "nothing happened");
}

#[test]
fn marks_move_with_a_block() {
    let chain = chain();
    let commit = |settled: Settled| {
        let built = chain.build_block(request(Vec::new())).expect("builds");
        chain.commit_settled(built, Vec::new(), settled, Durability::Buffered)
    };
    let tags = || {
        [BlockNumberOrTag::Safe, BlockNumberOrTag::Finalized]
            .map(|tag| chain.header(BlockId::Number(tag)).expect("reads").expect("is there").number)
    };
    commit(Settled { safe: Some(1), finalized: Some(0) }).expect("commits");
    assert_eq!(tags(), [1, 0]);
    commit(Settled::default()).expect("commits");
    assert_eq!(tags(), [1, 0]);
    commit(Settled { safe: None, finalized: Some(2) }).expect("commits");
    assert_eq!(tags(), [2, 2], "what is final is safe");
    for settled in [Settled { safe: Some(1), finalized: None }, Settled { safe: None, finalized: Some(5) }] {
        assert!(matches!(commit(settled), Err(ChainError::BadMark { .. })));
    }
    assert_eq!(chain.head().block.number(), 3, "a block with a bad mark is not committed");
}

#[test]
fn what_a_proposer_put_into_its_own_block_does_not_return() {
    let chain = chain();
    let own = sign(transfer(0), 1);
    let users = sign(transfer(0), 2);
    let mut with_both = request(vec![own, users.clone()]);
    with_both.beneficiary = signer(1).address();
    let built = chain.build_block(with_both).expect("builds");
    assert_eq!(built.rejected_leading(), []);
    chain.commit(built, Vec::new()).expect("commits");
    chain.reorg_to(chain.genesis_hash()).expect("goes back");
    assert_eq!(chain.pool().status(), (1, 0));
    assert!(chain.pool().get(*users.tx_hash()).is_some());
}

#[test]
fn a_branch_with_an_invalid_block_leaves_everything_as_it_was() {
    let builder = chain();
    let first = build(&builder, &transfer_to(1), 1);
    builder.import(first.clone()).expect("imports");
    let mut second = build(&builder, &transfer_to(2), 2);
    second.header.state_root.0[0] ^= 1;
    let mut third = build(&builder, &transfer_to(3), 3);
    third.header.number += 1;
    third.header.parent_hash = second.header.hash_slow();

    let chain = chain();
    let kept = chain.import(build(&chain, &transfer_to(4), 4)).expect("imports");
    for block in [&first, &second, &third] {
        chain.store_block(block.clone()).expect("is kept");
    }
    let mut events = chain.subscribe();
    let view = chain.state_at(BlockId::latest()).expect("known");
    for target in [&second, &third] {
        match chain.reorg_to(target.header.hash_slow()).expect_err("is not valid") {
            ChainError::InvalidBranch { number: 2, hash, source } => {
                assert!(matches!(*source, BlockError::Field { field: "stateRoot", .. }), "{source}");
                assert_eq!(hash, second.header.hash_slow());
            }
            other => panic!("{other}"),
        }
        assert_eq!(chain.head(), kept);
        same_state(&chain.state_at(BlockId::latest()).expect("known"), &view, true);
    }
    assert!(events.try_recv().is_err(), "nothing happened");
    chain.reorg_to(first.header.hash_slow()).expect("the valid part is a branch");
    mine(&chain);
}

#[test]
fn blocks_that_fit_nowhere_are_not_kept() {
    let chain = chain();
    let valid = build(&chain, &transfer_to(1), 1);
    let named = |block: TestBlock| match chain.store_block(block).expect_err("refused") {
        ChainError::InvalidBlock(BlockError::Field { field, .. }) => field,
        other => panic!("{other}"),
    };
    let mut block = valid.clone();
    block.header.number += 1;
    assert_eq!(named(block), "number");
    let mut block = valid.clone();
    block.body.transactions.clear();
    assert_eq!(named(block), "transactionsRoot");
    let mut block = valid.clone();
    block.body.ommers.push(Default::default());
    assert_eq!(named(block), "uncles");
    let mut block = valid.clone();
    block.body.withdrawals = None;
    assert_eq!(named(block), "withdrawals");
    let mut block = valid.clone();
    block.body.transactions.push(sign(create(0, &vec![0; ivm_chain::MAX_BLOCK_SIZE_BYTES]), 2));
    assert_eq!(named(block), "size");
    let mut orphan = valid.clone();
    orphan.header.parent_hash = B256::repeat_byte(1);
    let error = chain.store_block(orphan).expect_err("no parent");
    assert!(matches!(error, ChainError::UnknownParent { .. }), "{error}");
    let error = chain.reorg_to(valid.header.hash_slow()).expect_err("unknown");
    assert!(matches!(error, ChainError::UnknownBlock(_)), "{error}");
    let hash = chain.store_block(valid.clone()).expect("is kept");
    assert_eq!(chain.store_block(valid).expect("is kept already"), hash);
    let error = chain.state_at(BlockId::hash(hash)).expect_err("not executed");
    assert!(matches!(error, ChainError::NotCanonical { number: 1, .. }), "{error}");
    assert_eq!(chain.block_hash(BlockId::number(1)).expect("reads"), None);
}

#[test]
fn what_is_final_stays() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let storage = Storage::Path(directory.path().to_path_buf());
    let chain = Chain::open(config(), storage.clone()).expect("opens");
    let other = build(&chain, &transfer_to(9), 9);
    for byte in 1..=4 {
        chain.import(build(&chain, &transfer_to(byte), byte)).expect("imports");
    }
    let number = |chain: &Chain, tag| {
        let block = chain.header(BlockId::Number(tag)).expect("reads");
        block.expect("is there").number
    };
    let tags =
        |chain: &Chain| (number(chain, BlockNumberOrTag::Safe), number(chain, BlockNumberOrTag::Finalized));
    assert_eq!(tags(&chain), (4, 4), "the head, until something is said");
    chain.set_safe(3).expect("marks");
    chain.set_finalized(1).expect("marks");
    assert_eq!(tags(&chain), (3, 1));
    for (number, first) in [(0, 1), (5, 1)] {
        let error = chain.set_safe(number).expect_err("refused");
        let matches = matches!(error, ChainError::BadMark { first: lowest, last: 4, .. } if lowest == first);
        assert!(matches, "{error}");
        assert!(matches!(chain.set_finalized(number), Err(ChainError::BadMark { .. })));
    }
    let hash =
        |chain: &Chain, number| chain.block_hash(BlockId::number(number)).expect("reads").expect("is there");
    chain.reorg_to(hash(&chain, 2)).expect("goes back");
    assert_eq!(tags(&chain), (2, 1), "what is safe goes back with the chain");
    let other = chain.store_block(other).expect("is kept");
    for target in [other, chain.genesis_hash()] {
        let error = chain.reorg_to(target).expect_err("final");
        let matches = matches!(error, ChainError::BelowFinalized { ancestor: 0, finalized: 1 });
        assert!(matches, "{error}");
    }
    drop(chain);
    let chain = Chain::open(config(), storage).expect("opens");
    assert_eq!((chain.head().block.number(), tags(&chain)), (2, (2, 1)));
    chain.set_finalized(2).expect("marks");
    assert_eq!(tags(&chain), (2, 2));
}

#[test]
fn readers_keep_the_state_they_look_at() {
    let chain = chain();
    let genesis = chain.state_at(BlockId::latest()).expect("known");
    chain.import(build(&chain, &transfer_to(1), 1)).expect("imports");
    let first = chain.state_at(BlockId::latest()).expect("known");
    chain.reorg_to(chain.genesis_hash()).expect("goes back");
    same_state(&chain.state_at(BlockId::latest()).expect("known"), &genesis, true);
    assert_eq!(first.nonce(signer(1).address()).expect("reads"), 1);
    same_state(&first.at(0).expect("kept"), &genesis, true);
    assert_eq!(genesis.nonce(signer(1).address()).expect("reads"), 0);
}
