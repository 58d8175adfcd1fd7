//! Every bad transaction and its error; invariants of the pool under random use.

mod common;

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip4844, TxEip4844Variant, TxEip4844WithSidecar, TxEip7702, TxEnvelope,
    TxLegacy,
};
use alloy_eips::eip4844::{Blob, BlobTransactionSidecar, Bytes48};
use alloy_eips::eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant, CELLS_PER_EXT_BLOB};
use alloy_eips::eip7702::Authorization;
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use common::*;
use ivm_chain::{Chain, PoolConfig, PoolError, RestoredPool, Storage};
use proptest::prelude::*;

fn chain_with_pool(change: impl FnOnce(&mut PoolConfig)) -> Chain {
    let mut config = config();
    change(&mut config.pool);
    Chain::open(config, Storage::Memory).expect("opens")
}

#[track_caller]
fn refused(result: Result<B256, PoolError>, message: &str) {
    assert_eq!(result.expect_err("must be refused").to_string(), message);
}

#[test]
fn bytes_that_are_no_transaction() {
    let chain = chain();
    for raw in [&[][..], &[0x02], &[0xc0], &[0x02, 0xc0], &[0xff; 40], &[0x02, 0xf8, 0xff]] {
        let error = chain.submit_transaction(raw).expect_err("must be refused");
        assert!(matches!(error, PoolError::Malformed { .. }), "{raw:?}: {error}");
    }
    let mut trailing = sign(transfer(0), 0).encoded_2718();
    trailing.push(0);
    assert!(matches!(chain.submit_transaction(&trailing), Err(PoolError::Malformed { .. })));
    refused(
        chain.submit_transaction(&vec![2; 256 * 1024 + 1]),
        "oversized data: transaction size 262145, limit 262144",
    );
}

#[test]
fn wrong_chain_id() {
    let chain = chain();
    let other = sign(TxEip1559 { chain_id: 1, ..transfer(0) }, 0);
    refused(submit(&chain, &other), "invalid chain id for signer: have 1 want 4956");
    let legacy = |chain_id| TxLegacy {
        chain_id,
        nonce: 0,
        gas_price: 10 * GWEI,
        gas_limit: 21_000,
        to: TxKind::Call(Address::ZERO),
        ..TxLegacy::default()
    };
    refused(
        submit(&chain, &sign(legacy(None), 0)),
        "only replay-protected (EIP-155) transactions allowed over RPC",
    );
    submit(&chain, &sign(legacy(Some(CHAIN_ID)), 0)).expect("accepted");
}

#[test]
fn nonce_low_known_or_repeated() {
    let chain = chain();
    let first = sign(transfer(0), 0);
    submit(&chain, &first).expect("accepted");
    refused(submit(&chain, &first), "already known");
    let same_nonce = sign(TxEip1559 { value: U256::from(2), ..transfer(0) }, 0);
    refused(submit(&chain, &same_nonce), "replacement transaction underpriced");
    mine(&chain);
    refused(submit(&chain, &first), "nonce too low: next nonce 1, tx nonce 0");
    refused(submit(&chain, &sign(transfer(u64::MAX), 0)), &format!("nonce has max value: {}", u64::MAX));
}

#[test]
fn replacement_takes_the_place() {
    let chain = chain();
    let old = submit(&chain, &sign(transfer(0), 0)).expect("accepted");
    let better =
        TxEip1559 { max_fee_per_gas: 11 * GWEI, max_priority_fee_per_gas: 11 * GWEI / 10, ..transfer(0) };
    let new = submit(&chain, &sign(better, 0)).expect("accepted");
    assert!(chain.pool().get(old).is_none());
    assert!(chain.pool().get(new).is_some());
    assert_eq!(chain.pool().status(), (1, 0));
}

#[test]
fn insufficient_funds() {
    let chain = chain();
    refused(
        submit(&chain, &sign(transfer(0), 9)),
        "insufficient funds for gas * price + value: balance 0, tx cost 210000000000001, overshot 210000000000001",
    );
    let half =
        chain.state_at(Default::default()).expect("known").balance(signer(0).address()).expect("reads")
            / U256::from(2);
    let spend = |nonce| sign(TxEip1559 { value: half, ..transfer(nonce) }, 0);
    submit(&chain, &spend(0)).expect("accepted");
    let error = submit(&chain, &spend(1)).expect_err("must be refused").to_string();
    assert!(error.starts_with("insufficient funds for gas * price + value: balance "), "{error}");
    assert!(error.ends_with("overshot 420000000000000"), "{error}");
}

#[test]
fn gas_limits() {
    let chain = chain();
    let with_gas = |gas_limit| sign(TxEip1559 { gas_limit, ..transfer(0) }, 0);
    refused(submit(&chain, &with_gas(30_000_001)), "exceeds block gas limit");
    refused(submit(&chain, &with_gas(20_999)), "intrinsic gas too low: gas 20999, minimum needed 21000");
    // 1000 non-zero bytes: 16 gas each before execution, 40 gas each at least (EIP-7623).
    let data = call(0, Address::ZERO, vec![1u8; 1000]);
    refused(
        submit(&chain, &sign(TxEip1559 { gas_limit: 40_000, ..data.clone() }, 0)),
        "insufficient gas for floor data gas cost: gas 40000, minimum needed 61000",
    );
    submit(&chain, &sign(TxEip1559 { gas_limit: 61_000, ..data }, 0)).expect("accepted");
    assert_eq!(mine(&chain).block.header().gas_used, 61_000);
}

#[test]
fn fees() {
    let chain = chain_with_pool(|pool| pool.min_tip_wei = 100);
    refused(
        submit(&chain, &sign(TxEip1559 { max_priority_fee_per_gas: 99, ..transfer(0) }, 0)),
        "transaction underpriced: gas tip cap 99, minimum needed 100",
    );
    refused(
        submit(
            &chain,
            &sign(TxEip1559 { max_fee_per_gas: 5, max_priority_fee_per_gas: 200, ..transfer(0) }, 0),
        ),
        "max priority fee per gas higher than max fee per gas",
    );
    // Under the base fee: it waits.
    let waiting = TxEip1559 { max_fee_per_gas: 200, max_priority_fee_per_gas: 200, ..transfer(0) };
    submit(&chain, &sign(waiting, 0)).expect("accepted");
    assert_eq!(mine(&chain).block.transactions().len(), 0);
    assert_eq!(chain.pool().status(), (1, 0));
}

/// A blob transaction with blobs of zeros, in the form of the network; their commitments and proofs are the point at
/// infinity.
fn with_zero_blobs(count: usize, proofs_of_cells: bool) -> Vec<u8> {
    let infinity = {
        let mut point = Bytes48::ZERO;
        point[0] = 0xc0;
        point
    };
    let (blobs, points) = (vec![Blob::ZERO; count], |count: usize| vec![infinity; count]);
    let sidecar: BlobTransactionSidecarVariant = if proofs_of_cells {
        let proofs = points(count * CELLS_PER_EXT_BLOB);
        BlobTransactionSidecarEip7594::new(blobs, points(count), proofs).into()
    } else {
        BlobTransactionSidecar::new(blobs, points(count), points(count)).into()
    };
    let tx = TxEip4844 {
        to: Address::repeat_byte(0x77),
        blob_versioned_hashes: sidecar.versioned_hashes().collect(),
        ..ethereum::blobs(0, 0)
    };
    let signature = signer(1).sign_hash_sync(&tx.signature_hash()).expect("signs");
    let variant =
        TxEip4844Variant::TxEip4844WithSidecar(TxEip4844WithSidecar::from_tx_and_sidecar(tx, sidecar));
    TxEnvelope::Eip4844(variant.into_signed(signature)).encoded_2718()
}

#[test]
fn an_ethereum_chain_takes_blobs_with_the_proofs_of_its_fork() {
    let prague = ethereum::open(ethereum::prague());
    ethereum::extend(&prague, Vec::new());
    let osaka = ethereum::open({
        let mut genesis = ethereum::prague();
        genesis.config.osaka_time = Some(0);
        genesis
    });
    ethereum::extend(&osaka, Vec::new());
    for (chain, of_cells) in [(&prague, false), (&osaka, true)] {
        let other = chain.submit_transaction(&with_zero_blobs(1, !of_cells)).expect_err("of another fork");
        assert!(matches!(other, PoolError::InvalidBlobs { .. }), "{other}");
        let hash = chain.submit_transaction(&with_zero_blobs(2, of_cells)).expect("accepted");
        let pooled = chain.pool().get(hash).expect("is there");
        assert!(pooled.size_bytes() < 1000, "the blobs are left behind");
        let gas = U256::from(10 * GWEI) * U256::from(21_000);
        assert_eq!(pooled.cost(), gas + U256::from(2 * 131_072) * U256::from(GWEI));
        let number = chain.head().block.number() + 1;
        let built = chain.build_block(ethereum::request_at(number, Vec::new())).expect("builds");
        assert_eq!(built.block().header().blob_gas_used, Some(2 * 131_072));
    }
}

#[test]
fn blobs_that_are_not_those_of_the_transaction_are_refused() {
    let chain = ethereum::open(ethereum::prague());
    ethereum::extend(&chain, Vec::new());
    let good = with_zero_blobs(1, false);
    let decode = |raw: &[u8]| match TxEnvelope::decode_2718_exact(raw).expect("decodes") {
        TxEnvelope::Eip4844(signed) => signed.into_parts(),
        _ => panic!("a blob transaction"),
    };
    let (TxEip4844Variant::TxEip4844WithSidecar(whole), signature, _) = decode(&good) else {
        panic!("with its blobs")
    };
    let (tx, sidecar) = whole.into_parts();
    let BlobTransactionSidecarVariant::Eip4844(sidecar) = sidecar else { panic!("of version 0") };
    let refusal = |change: &dyn Fn(&mut BlobTransactionSidecar)| {
        let mut sidecar = sidecar.clone();
        change(&mut sidecar);
        let with_sidecar = TxEip4844WithSidecar::from_tx_and_sidecar(tx.clone(), sidecar.into());
        let variant = TxEip4844Variant::TxEip4844WithSidecar(with_sidecar);
        let raw = TxEnvelope::Eip4844(variant.into_signed(signature)).encoded_2718();
        chain.submit_transaction(&raw).expect_err("must be refused").to_string()
    };
    // Not the polynomial of the commitment, not a field element, not a point, not as many.
    assert!(refusal(&|sidecar| sidecar.blobs[0][31] = 1).starts_with("invalid blobs: "));
    assert!(refusal(&|sidecar| sidecar.blobs[0][0] = 0xff).starts_with("invalid blobs: "));
    assert!(refusal(&|sidecar| sidecar.proofs[0][0] = 0xff).starts_with("invalid blobs: "));
    let hashes = refusal(&|sidecar| sidecar.commitments[0][0] = 0x80);
    assert!(hashes.starts_with("invalid blobs: commitment 0 hashes to 0x01"), "{hashes}");
    let fewer = refusal(&|sidecar| sidecar.blobs.clear());
    assert_eq!(fewer, "invalid blobs: 0 blobs and 1 commitments for 1 hashes");
    assert!(refusal(&|sidecar| sidecar.proofs.clear()).starts_with("invalid blobs: "));

    refused(submit(&chain, &sign(tx.clone(), 1)), "missing sidecar in blob transaction");
    let many = chain.submit_transaction(&with_zero_blobs(10, false)).expect_err("too many").to_string();
    assert_eq!(many, "blob transaction with 10 blobs, limit 9");
    chain.submit_transaction(&good).expect("the good one is taken");
}

#[test]
fn a_block_s_gas_is_that_of_the_head() {
    // London doubles the limit of the block it begins with.
    let chain = ethereum::chain_through_every_fork();
    let (genesis, head) = (chain.config().block_gas_limit, chain.head().block.header().gas_limit);
    assert_eq!(head, 2 * genesis);
    let nonce = chain.state_at(Default::default()).expect("state").nonce(signer(2).address()).expect("nonce");
    let with_gas = |gas_limit| sign(TxEip1559 { gas_limit, ..transfer(nonce) }, 2);
    refused(submit(&chain, &with_gas(head + 1)), "exceeds block gas limit");
    submit(&chain, &with_gas(genesis + 1)).expect("accepted");
}

#[test]
fn kinds_of_transaction() {
    let chain = chain();
    let blob = TxEip4844 {
        chain_id: CHAIN_ID,
        gas_limit: 21_000,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        max_fee_per_blob_gas: GWEI,
        blob_versioned_hashes: vec![B256::ZERO],
        ..TxEip4844::default()
    };
    let message = "transaction type not supported: blob transactions (EIP-4844), this chain carries no blobs";
    let blob = sign(blob, 0);
    refused(submit(&chain, &blob), message);
    let built = chain.build_block(request(vec![blob])).expect("builds");
    assert_eq!(built.rejected_leading()[0].reason, "blob transactions are not supported");

    let big = vec![0u8; 49_153];
    refused(
        submit(&chain, &sign(create(0, &big), 0)),
        "max initcode size exceeded: code size 49153, limit 49152",
    );

    let set_code = |authorization_list| TxEip7702 {
        chain_id: CHAIN_ID,
        gas_limit: 100_000,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: signer(1).address(),
        authorization_list,
        ..TxEip7702::default()
    };
    refused(submit(&chain, &sign(set_code(Vec::new()), 0)), "set code transaction with no authorizations");
    let authorization =
        Authorization { chain_id: U256::from(CHAIN_ID), address: Address::repeat_byte(0x42), nonce: 0 };
    let signature = signer(1).sign_hash_sync(&authorization.signature_hash()).expect("signs");
    submit(&chain, &sign(set_code(vec![authorization.into_signed(signature)]), 0)).expect("accepted");
    mine(&chain);
    let code = chain.state_at(Default::default()).expect("known").code(signer(1).address()).expect("reads");
    assert_eq!(code[..3], [0xef, 0x01, 0x00]);
    // A delegating account still sends (EIP-7702), with the nonce its authorization used up counted.
    refused(submit(&chain, &sign(transfer(0), 1)), "nonce too low: next nonce 1, tx nonce 0");
    submit(&chain, &sign(transfer(1), 1)).expect("accepted");
}

#[test]
fn contracts_do_not_send() {
    let mut config = config();
    let account = config.alloc.get_mut(&signer(0).address()).expect("funded");
    account.code = Some(Bytes::from_static(&[0x00]));
    let chain = Chain::open(config, Storage::Memory).expect("opens");
    refused(
        submit(&chain, &sign(transfer(0), 0)),
        &format!("sender not an eoa: address {}", signer(0).address()),
    );
}

#[test]
fn gaps_queue_and_fill() {
    let chain = chain();
    let mut events = chain.subscribe();
    for nonce in [2, 1] {
        submit(&chain, &sign(transfer(nonce), 0)).expect("accepted");
    }
    assert_eq!(chain.pool().status(), (0, 2));
    assert_eq!(chain.pool().next_nonce(signer(0).address()), None);
    assert!(events.try_recv().is_err(), "nothing is pending");
    submit(&chain, &sign(transfer(0), 0)).expect("accepted");
    assert_eq!(chain.pool().status(), (3, 0));
    assert_eq!(chain.pool().next_nonce(signer(0).address()), Some(3));
    assert_eq!(events.len(), 3);
    assert_eq!(mine(&chain).block.transactions().len(), 3);
    assert_eq!(chain.pool().status(), (0, 0));
}

#[test]
fn limits_and_eviction() {
    let chain = chain_with_pool(|pool| {
        pool.max_transactions = 4;
        pool.max_per_sender = 3;
    });
    for nonce in 0..3 {
        submit(&chain, &sign(transfer(nonce), 0)).expect("accepted");
    }
    refused(
        submit(&chain, &sign(transfer(3), 0)),
        &format!("account limit exceeded: 3 transactions of {} in the pool", signer(0).address()),
    );
    let tip = |tip, from| {
        let fees = TxEip1559 { max_fee_per_gas: 10 * tip, max_priority_fee_per_gas: tip, ..transfer(0) };
        sign(fees, from)
    };
    let cheap = submit(&chain, &tip(GWEI / 2, 1)).expect("accepted");
    refused(
        submit(&chain, &tip(GWEI / 4, 2)),
        "txpool is full: 4 transactions, and this one pays no more than the cheapest",
    );
    submit(&chain, &tip(GWEI, 2)).expect("takes the place of the cheapest");
    assert!(chain.pool().get(cheap).is_none());
    assert_eq!(chain.pool().status(), (4, 0));
}

/// Transactions that wait for a gap to fill cost their sender nothing: they must not push out those that pay.
#[test]
fn what_waits_pushes_out_nothing_that_can_be_mined() {
    let chain = chain_with_pool(|pool| pool.max_transactions = 3);
    let tip = |nonce, tip, account| {
        sign(
            TxEip1559 { max_priority_fee_per_gas: tip, max_fee_per_gas: 50 * GWEI, ..transfer(nonce) },
            account,
        )
    };
    let waiting = submit(&chain, &tip(5, 40 * GWEI, 0)).expect("accepted");
    submit(&chain, &tip(0, GWEI, 1)).expect("accepted");
    submit(&chain, &tip(1, GWEI, 1)).expect("accepted");
    refused(
        submit(&chain, &tip(6, 40 * GWEI, 0)),
        "txpool is full: 3 transactions, and this one pays no more than the cheapest",
    );
    submit(&chain, &tip(0, 2, 2))
        .expect("a low tip that can be mined is worth more than a high one that cannot");
    assert!(chain.pool().get(waiting).is_none());
    assert_eq!(chain.pool().status(), (3, 0));
    // What falls behind a gap itself is the next to go.
    submit(&chain, &tip(0, 3 * GWEI, 0)).expect("accepted");
    assert_eq!(chain.pool().status(), (3, 0));
    assert!(chain.pool().content_of(signer(2).address()).pending.is_empty());
}

#[test]
fn a_journal_brings_the_pool_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("pool.journal");
    let chain = chain();
    assert_eq!(chain.keep_pool_journal(&journal).expect("starts"), RestoredPool::default());
    let transactions = [sign(transfer(0), 1), sign(transfer(0), 0), sign(transfer(2), 0)];
    for transaction in &transactions {
        submit(&chain, transaction).expect("accepted");
    }

    let again = common::chain();
    let outcome = again.keep_pool_journal(&journal).expect("restores");
    assert_eq!(outcome, RestoredPool { restored: 3, refused: 0 });
    assert_eq!(again.pool().status(), (2, 1));
    // Ties are by arrival, over restarts, too.
    let mined = mine(&again);
    let order: Vec<_> = mined.block.transactions().iter().map(|tx| *tx.inner().tx_hash()).collect();
    assert_eq!(order, [*transactions[0].tx_hash(), *transactions[1].tx_hash()]);
    drop(again);

    // What is mined does not come back; a record cut short by a crash costs itself only.
    let chain = common::chain();
    submit(&chain, &transactions[0]).expect("accepted");
    mine(&chain);
    let whole = std::fs::read(&journal).expect("there");
    std::fs::write(&journal, &whole[..whole.len() - 1]).expect("written");
    let outcome = chain.keep_pool_journal(&journal).expect("restores");
    assert_eq!(outcome, RestoredPool { restored: 1, refused: 1 });
    assert_eq!(chain.pool().status(), (1, 0));
}

#[test]
fn better_tips_come_first_and_ties_by_arrival() {
    let chain = chain();
    let tipped = |nonce, tip, from| {
        submit(&chain, &sign(TxEip1559 { max_priority_fee_per_gas: tip, ..transfer(nonce) }, from))
            .expect("accepted")
    };
    let low_then_high = [tipped(0, GWEI, 0), tipped(1, 9 * GWEI, 0)];
    let middle = tipped(0, 3 * GWEI, 1);
    let tie = tipped(0, GWEI, 2);
    let order: Vec<_> = mine(&chain).block.transactions().iter().map(|tx| *tx.inner().tx_hash()).collect();
    assert_eq!(order, [middle, low_then_high[0], low_then_high[1], tie]);
}

#[test]
fn what_turns_invalid_in_a_block_leaves_the_pool() {
    let chain = chain();
    let balance =
        chain.state_at(Default::default()).expect("known").balance(signer(0).address()).expect("reads");
    submit(&chain, &sign(TxEip1559 { value: U256::from(GWEI), ..transfer(1) }, 0)).expect("accepted");
    // A leading transaction, past the pool, spends nearly everything.
    let spent = balance - U256::from(21_000 * 11 * GWEI);
    let leading = sign(TxEip1559 { value: spent, ..transfer(0) }, 0);
    let built = chain.build_block(request(vec![leading])).expect("builds");
    assert_eq!(built.block().transactions().len(), 1);
    chain.commit(built, Vec::new()).expect("commits");
    assert_eq!(chain.pool().status(), (0, 0));
}

#[derive(Clone, Debug)]
enum Step {
    Submit { from: u8, nonce: u64, tip: u8, value: u8 },
    Mine,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u8..4, 0u64..8, 1u8..9, 0u8..3)
            .prop_map(|(from, nonce, tip, value)| Step::Submit { from, nonce, tip, value }),
        1 => Just(Step::Mine),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pool_invariants_hold(steps in proptest::collection::vec(step(), 1..60)) {
        let chain = chain_with_pool(|pool| {
            pool.max_transactions = 10;
            pool.max_per_sender = 4;
        });
        for step in steps {
            match step {
                Step::Submit { from, nonce, tip, value } => {
                    let tip = u128::from(tip) * GWEI;
                    let tx = TxEip1559 {
                        max_fee_per_gas: 10 * tip,
                        max_priority_fee_per_gas: tip,
                        value: U256::from(value),
                        ..transfer(nonce)
                    };
                    let tx = sign(tx, from);
                    match submit(&chain, &tx) {
                        Ok(hash) => prop_assert!(chain.pool().get(hash).is_some()),
                        Err(PoolError::AlreadyKnown) => {
                            prop_assert!(chain.pool().get(*tx.tx_hash()).is_some());
                        }
                        Err(_) => prop_assert!(chain.pool().get(*tx.tx_hash()).is_none()),
                    }
                }
                Step::Mine => {
                    let pending: Vec<_> =
                        chain.pool().content().pending.iter().map(|tx| tx.hash()).collect();
                    let mined = mine(&chain);
                    // Everything pending pays the base fee here, so everything is mined.
                    let mut mined: Vec<_> =
                        mined.block.transactions().iter().map(|tx| *tx.inner().tx_hash()).collect();
                    mined.sort_unstable();
                    let mut pending = pending;
                    pending.sort_unstable();
                    prop_assert_eq!(mined, pending);
                    prop_assert_eq!(chain.pool().status().0, 0);
                }
            }
            check_pool(&chain)?;
        }
    }
}

fn check_pool(chain: &Chain) -> Result<(), TestCaseError> {
    let content = chain.pool().content();
    prop_assert_eq!(chain.pool().status(), (content.pending.len(), content.queued.len()));
    prop_assert!(content.pending.len() + content.queued.len() <= 10);
    let view = chain.state_at(Default::default()).expect("known");
    for index in 0..4 {
        let sender = signer(index).address();
        let own = chain.pool().content_of(sender);
        prop_assert!(own.pending.len() + own.queued.len() <= 4);
        let next = view.nonce(sender).expect("reads");
        for (nonce, tx) in (next..).zip(&own.pending) {
            prop_assert_eq!(tx.nonce(), nonce);
        }
        let after = next + own.pending.len() as u64;
        prop_assert!(own.queued.iter().all(|tx| tx.nonce() > after));
        let expected = (!own.pending.is_empty()).then_some(after);
        prop_assert_eq!(chain.pool().next_nonce(sender), expected);
        let cost = own.pending.iter().chain(&own.queued).fold(U256::ZERO, |sum, tx| sum + tx.cost());
        prop_assert!(cost <= view.balance(sender).expect("reads"));
    }
    Ok(())
}
