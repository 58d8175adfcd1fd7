//! Receipt proofs of any block verify, and the contract reads from them the claims that Rust reads.

#![allow(clippy::unwrap_used)]

use alloy_consensus::proofs::calculate_receipt_root;
use alloy_consensus::{Header, Receipt, ReceiptEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256};
use alloy_trie::Nibbles;
use alloy_trie::proof::verify_proof;
use ivm_contracts::{ChallengeKind, ClaimState, JOB_MANAGER_ADDRESS, Settlement};
use ivm_settlement::testing::{ClaimLog, TestSettlement, execution_block, signer};
use ivm_settlement::{EvidenceError, ReceiptedBlock, SettlementParameters, challenge_id, claim_id};
use proptest::prelude::*;

fn claim_log(salt: u64) -> ClaimLog {
    let word = |offset| B256::from(U256::from(salt * 10 + offset));
    ClaimLog {
        job_id: word(1),
        program_id: word(2),
        input_commitment: word(3),
        max_cycles: salt + 1000,
        outcome_hash: word(4),
        cycles: salt,
    }
}

fn other_log(address: Address, topics: usize, size: usize) -> Log {
    let topics = (0..topics).map(|topic| B256::repeat_byte(topic as u8)).collect();
    Log { address, data: LogData::new_unchecked(topics, Bytes::from(vec![7; size])) }
}

fn any_log() -> impl Strategy<Value = Log> {
    prop_oneof![
        (0_u64..1000).prop_map(|salt| claim_log(salt).log()),
        // A claim's event of another contract.
        (0_u64..1000).prop_map(|salt| Log { address: Address::repeat_byte(1), ..claim_log(salt).log() }),
        (0_usize..=4, 0_usize..300).prop_map(|(topics, size)| other_log(JOB_MANAGER_ADDRESS, topics, size)),
    ]
}

fn any_receipt() -> impl Strategy<Value = ReceiptEnvelope> {
    (0_u8..5, any::<bool>(), 0_u64..30_000_000, prop::collection::vec(any_log(), 0..6)).prop_map(
        |(kind, ok, cumulative_gas_used, logs)| {
            let receipt = Receipt { status: ok.into(), cumulative_gas_used, logs }.with_bloom();
            match kind {
                0 => ReceiptEnvelope::Legacy(receipt),
                1 => ReceiptEnvelope::Eip2930(receipt),
                2 => ReceiptEnvelope::Eip1559(receipt),
                3 => ReceiptEnvelope::Eip4844(receipt),
                _ => ReceiptEnvelope::Eip7702(receipt),
            }
        },
    )
}

fn block_of(receipts: Vec<ReceiptEnvelope>) -> ReceiptedBlock {
    let header = Header { receipts_root: calculate_receipt_root(&receipts), ..Header::default() };
    ReceiptedBlock::new(header, receipts).unwrap()
}

fn check_proof(block: &ReceiptedBlock, index: usize) {
    let evidence = block.evidence(index as u64, 0).unwrap();
    let key = Nibbles::unpack(alloy_rlp::encode_fixed_size(&index));
    let value = block.receipts()[index].encoded_2718();
    let root = block.header().receipts_root;
    verify_proof(root, key, Some(value), &evidence.receiptProof).unwrap();
    let header: Header = alloy_rlp::decode_exact(&evidence.header).unwrap();
    assert_eq!(header.hash_slow(), block.hash());
}

#[test]
fn receipts_of_blocks_of_every_size_are_shown() {
    for count in [1, 2, 16, 17, 127, 128, 129, 130, 255, 256, 300] {
        let receipts = (0..count).map(|index| {
            let receipt = Receipt { status: true.into(), cumulative_gas_used: index, logs: Vec::new() };
            ReceiptEnvelope::Eip1559(receipt.with_bloom())
        });
        let block = block_of(receipts.collect());
        for index in [0, 1, count / 2, 126, 127, 128, count - 1].into_iter().filter(|index| *index < count) {
            check_proof(&block, index as usize);
        }
        let expected =
            EvidenceError::NoSuchReceipt { block_hash: block.hash(), index: count, count: count as usize };
        assert_eq!(block.evidence(count, 0), Err(expected));
    }
    assert!(block_of(Vec::new()).claims(JOB_MANAGER_ADDRESS).is_empty());
}

#[test]
fn receipts_of_another_block_are_refused() {
    let block = execution_block(&Header::default(), 1, vec![vec![claim_log(1).log()]]);
    let other = execution_block(&Header::default(), 1, vec![vec![claim_log(2).log()]]);
    let error = ReceiptedBlock::new(block.header().clone(), other.receipts().to_vec()).unwrap_err();
    assert!(matches!(error, EvidenceError::OtherReceipts { .. }), "{error}");
}

#[test]
fn the_contract_reads_what_rust_reads() {
    let proposer = signer(2);
    let test = TestSettlement::new(SettlementParameters::development(), std::slice::from_ref(&proposer));
    let foreign = Log { address: Address::repeat_byte(1), ..claim_log(9).log() };
    let logs = (0..130).map(|index| match index {
        3 | 128 => vec![foreign.clone(), claim_log(index).log(), claim_log(index + 1).log()],
        _ => vec![other_log(Address::repeat_byte(3), 1, 100)],
    });
    let block = execution_block(&test.genesis, 1, logs.collect());
    test.propose(&proposer, block.header());

    let claims = block.claims(JOB_MANAGER_ADDRESS);
    let places: Vec<_> = claims.iter().map(|claim| (claim.transaction_index, claim.log_index)).collect();
    assert_eq!(places, [(3, 1), (3, 2), (128, 1), (128, 2)]);
    for claim in &claims {
        let evidence = block.evidence(claim.transaction_index, claim.log_index).unwrap();
        let kind = ChallengeKind::Refute;
        let bond = U256::from(SettlementParameters::development().refute_bond_wei);
        test.transact(&signer(3), bond, &Settlement::challengeCall { evidence, kind: kind as u8 });
        let id = test.read(Settlement::claimIdOfCall { key: claim.key() });
        assert_eq!(id, claim.id());
        assert_eq!(id, claim_id(&claim.key()));
        let challenger = signer(3).address();
        let call = Settlement::challengeIdCall { claimId: id, challenger, kind: kind as u8 };
        assert_eq!(test.read(call), challenge_id(id, challenger, kind));
        assert_eq!(test.read(Settlement::claimInfoCall { claimId: id }).state, ClaimState::Challenged as u8);
        // The statement is the claim's: another one is refused.
        let wrong = ivm_contracts::ISettlement::Statement { outcomeHash: B256::ZERO, ..claim.statement() };
        let call = |statement| Settlement::proveCall {
            key: claim.key(),
            statement,
            outcomeHash: claim.outcome_hash,
            proof: Bytes::new(),
        };
        assert!(test.send(&signer(4), U256::ZERO, &call(wrong)).is_err());
        test.verifier.tell(claim.program_id, claim.input_commitment, claim.outcome_hash);
        test.transact(&signer(4), U256::ZERO, &call(claim.statement()));
        assert_eq!(test.read(Settlement::claimInfoCall { claimId: id }).state, ClaimState::Confirmed as u8);
    }
    // What Rust does not read as a claim the contract does not either.
    for (transaction, log) in [(3, 0), (4, 0), (3, 3)] {
        let evidence = block.evidence(transaction, log).unwrap();
        let call = Settlement::challengeCall { evidence, kind: 0 };
        let bond = U256::from(SettlementParameters::development().refute_bond_wei);
        let refused = test.send(&signer(3), bond, &call).unwrap_err();
        assert!(refused.contract_error().is_some(), "{refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn proofs_of_any_receipts_verify(
        receipts in prop_oneof![
            prop::collection::vec(any_receipt(), 1..20),
            prop::collection::vec(any_receipt(), 120..300),
        ],
        which in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let count = receipts.len();
        let block = block_of(receipts);
        for index in which {
            check_proof(&block, index.index(count));
        }
        for claim in block.claims(JOB_MANAGER_ADDRESS) {
            let log = &block.receipts()[claim.transaction_index as usize].logs()[claim.log_index as usize];
            prop_assert_eq!(log.address, JOB_MANAGER_ADDRESS);
            let salt = claim.cycles;
            let expected = claim_log(salt);
            prop_assert_eq!((claim.job_id, claim.program_id), (expected.job_id, expected.program_id));
            prop_assert_eq!(claim.max_cycles, expected.max_cycles);
        }
    }
}

/// The block that the contract's own tests read claims from.
#[test]
fn the_shared_vectors_are_read_alike() {
    use alloy_eips::Decodable2718;
    use alloy_rlp::Decodable;
    use alloy_sol_types::SolEvent;
    use alloy_trie::nodes::TrieNode;
    use ivm_contracts::JobManager::ClaimPosted;

    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../contracts/test/vectors/receipts.json")).unwrap();
    let block = &vectors["block"];
    let bytes = |value: &serde_json::Value| serde_json::from_value::<Bytes>(value.clone()).unwrap();
    let word = |value: &serde_json::Value| serde_json::from_value::<B256>(value.clone()).unwrap();
    let header: Header = alloy_rlp::decode_exact(bytes(&block["header"])).unwrap();
    assert_eq!(header.hash_slow(), word(&block["hash"]));
    assert_eq!(header.receipts_root, word(&block["receiptsRoot"]));
    let claims = block["claims"].as_array().unwrap();
    assert!(!claims.is_empty());
    for claim in claims {
        let proof: Vec<Bytes> = claim["receiptProof"].as_array().unwrap().iter().map(bytes).collect();
        let TrieNode::Leaf(leaf) = TrieNode::decode(&mut &proof.last().unwrap()[..]).unwrap() else {
            panic!("the proof ends with a leaf")
        };
        let index = claim["transactionIndex"].as_u64().unwrap() as usize;
        let key = Nibbles::unpack(alloy_rlp::encode_fixed_size(&index));
        verify_proof(header.receipts_root, key, Some(leaf.value.clone()), &proof).unwrap();
        let receipt = ReceiptEnvelope::decode_2718_exact(&leaf.value).unwrap();
        let log = &receipt.logs()[claim["logIndex"].as_u64().unwrap() as usize];
        let posted = ClaimPosted::decode_log_validate(log).unwrap();
        assert_eq!(posted.jobId, word(&claim["jobId"]));
        assert_eq!(posted.programId, word(&claim["programId"]));
        assert_eq!(posted.inputCommitment, word(&claim["inputCommitment"]));
        assert_eq!(posted.outcomeHash, word(&claim["outcomeHash"]));
        assert_eq!(Some(posted.maxCycles), claim["maxCycles"].as_u64());
    }
}
