//! What Rust knows of the contract, held to the contract in the EVM: genesis, parameters, signed headers, fork choice.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::Header;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256, b256};
use ivm_chain::{Chain, ChainConfig, Storage};
use ivm_contracts::{BlockState, ChallengeKind, JOB_MANAGER_ADDRESS, ProposerState, Settlement};
use ivm_da::PayloadStore;
use ivm_settlement::native::{PayloadSizes, verification_gas};
use ivm_settlement::testing::{ClaimLog, TestSettlement, execution_block, ready, signer};
use ivm_settlement::{
    BlockRef, DEFAULT_SETTLEMENT_GAS_LIMIT, EmbeddedSettlement, Equivocation, ForkChoice,
    PROOF_VERIFIER_ADDRESS, ParametersError, ProofVerifier, SETTLEMENT_ADDRESS, SettlementChain,
    SettlementGenesis, SettlementGenesisError, SettlementParameters, SignedHeader, SignedHeaderError,
    header_domain,
};
use proptest::prelude::*;

fn verifier() -> Arc<ProofVerifier> {
    Arc::new(ProofVerifier::new(Arc::new(PayloadStore::in_memory(1024))))
}

fn genesis() -> SettlementGenesis {
    let execution = Chain::open(ChainConfig::default(), Storage::Memory).unwrap();
    SettlementGenesis::development(&execution, signer(1).address(), vec![signer(2).address()])
}

#[test]
fn the_genesis_is_known() {
    let config = genesis().chain_config(verifier()).unwrap();
    let hash = config.genesis_header().hash_slow();
    // Changes with the contract, and with nothing else.
    assert_eq!(hash, b256!("ee431702bea7ee9cf1de1066234f289b80aa8847a0afabeb654d92471aa2020d"));
    assert_eq!(genesis().chain_config(verifier()).unwrap(), config);
}

#[test]
fn the_contract_is_as_its_constructor_leaves_it() {
    let genesis = genesis();
    let config = genesis.chain_config(verifier()).unwrap();
    let chain = Chain::open(config, Storage::Memory).unwrap();
    let settlement = EmbeddedSettlement::new(chain.clone());
    let latest = BlockId::latest();
    let state = chain.state_at(latest).unwrap();
    assert_eq!(state.balance(SETTLEMENT_ADDRESS).unwrap(), U256::from(genesis.parameters.proposer_bond_wei));
    let reader: &dyn SettlementChain = &settlement;
    assert_eq!(ready(reader.parameters()).unwrap(), genesis.parameters);
    let tip = BlockRef { number: 0, hash: genesis.execution_genesis_hash };
    assert_eq!(ready(reader.tip()).unwrap(), tip);
    assert_eq!(settlement.read_at(latest, Settlement::verifierCall {}).unwrap(), PROOF_VERIFIER_ADDRESS);
    assert_eq!(settlement.read_at(latest, Settlement::jobManagerCall {}).unwrap(), JOB_MANAGER_ADDRESS);
    assert_eq!(settlement.read_at(latest, Settlement::ownerCall {}).unwrap(), signer(1).address());
    let proposer = ready(reader.proposer_info(signer(2).address())).unwrap();
    assert_eq!(proposer.state, ProposerState::Active as u8);
    assert_eq!(proposer.bondWei, U256::from(genesis.parameters.proposer_bond_wei));
    assert_eq!(settlement.fork_choice_at_head().unwrap(), ForkChoice::new(tip));
    assert_eq!(ready(reader.fork_choice()).unwrap(), (0, ForkChoice::new(tip)));
}

#[test]
fn an_unsound_genesis_is_refused() {
    let unsound = SettlementGenesis { execution_genesis_hash: B256::ZERO, ..genesis() };
    let error = unsound.chain_config(verifier()).unwrap_err();
    assert!(
        matches!(&error, SettlementGenesisError::Constructor(reason) if reason.contains("ParameterOutOfRange")),
        "{error}"
    );
    let funded = BTreeMap::from([(SETTLEMENT_ADDRESS, U256::from(1))]);
    let error = SettlementGenesis { funds: funded, ..genesis() }.chain_config(verifier()).unwrap_err();
    assert!(matches!(error, SettlementGenesisError::FundedContract(SETTLEMENT_ADDRESS)));
}

#[test]
fn parameters_are_checked_as_the_constructor_does() {
    let good = SettlementParameters::development();
    assert_eq!(good.check(), Ok(()));
    assert_eq!(SettlementParameters::production().check(), Ok(()));
    let unsound = [
        SettlementParameters { challenge_period_blocks: 0, ..good },
        SettlementParameters { prover_period_blocks: 1 << 32, ..good },
        SettlementParameters { proposer_bond_wei: 0, ..good },
        SettlementParameters { refute_bond_wei: 0, ..good },
        SettlementParameters { demand_bond_wei: 0, ..good },
        SettlementParameters { challenger_share_bps: 5_000, prover_share_bps: 5_000, ..good },
        SettlementParameters { prover_share_of_bond_bps: 10_001, ..good },
        SettlementParameters { max_timestamp_drift_seconds: 86_401, ..good },
    ];
    for parameters in unsound {
        let refused = parameters.check().unwrap_err();
        let error = SettlementGenesis { parameters, ..genesis() }.chain_config(verifier()).unwrap_err();
        assert!(matches!(error, SettlementGenesisError::Parameters(found) if found == refused), "{error}");
    }
    let refused =
        SettlementParameters { challenger_share_bps: 9_000, prover_share_bps: 1_000, ..good }.check();
    assert_eq!(refused, Err(ParametersError::SharesTooHigh { got: 10_000 }));
}

#[test]
fn the_largest_proof_fits_a_block() {
    use ivm_primitives::limits;
    let sizes = PayloadSizes {
        program: limits::MAX_ELF_SIZE_BYTES as u64,
        inputs: (limits::MAX_ONCHAIN_INPUT_SIZE_BYTES + limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES) as u64,
        // An aggregated one, as every long run has.
        proof: 300_000,
    };
    let contract = 500_000;
    assert!(verification_gas(sizes) + contract < DEFAULT_SETTLEMENT_GAS_LIMIT, "{}", verification_gas(sizes));
}

fn header(parent: &Header, salt: u64) -> Header {
    execution_block(parent, salt, Vec::new()).header().clone()
}

#[test]
fn two_signed_headers_on_one_parent_cost_the_bond() {
    let proposer = signer(2);
    let parameters = SettlementParameters::development();
    let test = TestSettlement::new(parameters, std::slice::from_ref(&proposer));
    let domain = header_domain(4957, SETTLEMENT_ADDRESS);
    let sign = |header: Header, key: u8| SignedHeader::sign(header, &domain, &signer(key)).unwrap();
    let [one, other] = [1, 2].map(|salt| sign(header(&test.genesis, salt), 2));

    let digest = test.read(Settlement::proposedHeaderDigestCall {
        blockHash: one.hash(),
        parentHash: one.header().parent_hash,
        number: 1,
    });
    let by_contract = alloy_primitives::Signature::from_raw(&one.signature_bytes()).unwrap();
    assert_eq!(by_contract.recover_address_from_prehash(&digest).unwrap(), proposer.address());
    assert_eq!(one.signer(&domain).unwrap(), proposer.address());

    // Neither one header twice, nor two of different signers, parents or heights.
    let next = sign(header(one.header(), 1), 2);
    let elsewhere = sign(Header { parent_hash: B256::repeat_byte(7), ..header(&test.genesis, 3) }, 2);
    for innocent in [&one, &next, &elsewhere, &sign(header(&test.genesis, 2), 3)] {
        assert_eq!(Equivocation::of(&one, innocent, &domain), None);
        let report =
            Equivocation { signer: proposer.address(), one: one.clone(), other: innocent.clone() }.report();
        assert!(test.send(&signer(5), U256::ZERO, &report).is_err());
    }
    // Signed for another chain, or another contract.
    for domain in [header_domain(4956, SETTLEMENT_ADDRESS), header_domain(4957, Address::ZERO)] {
        let foreign = SignedHeader::sign(other.header().clone(), &domain, &proposer).unwrap();
        assert_eq!(Equivocation::of(&one, &foreign, &header_domain(4957, SETTLEMENT_ADDRESS)), None);
    }

    let found = Equivocation::of(&one, &other, &domain).unwrap();
    assert_eq!(found.signer, proposer.address());
    test.transact(&signer(5), U256::ZERO, &found.report());
    let info = test.read(Settlement::proposerInfoCall { proposer: proposer.address() });
    assert_eq!(info.state, ProposerState::Jailed as u8);
    let reward = U256::from(parameters.proposer_bond_wei) * U256::from(parameters.challenger_share_bps)
        / U256::from(10_000);
    assert_eq!(test.read(Settlement::balanceOfCall { account: signer(5).address() }), reward);
}

#[test]
fn signed_headers_from_outside_are_checked() {
    let domain = header_domain(4957, SETTLEMENT_ADDRESS);
    let header = header(&Header::default(), 1);
    let signed = SignedHeader::sign(header, &domain, &signer(2)).unwrap();
    let (bytes, signature) = (signed.header_bytes(), signed.signature_bytes());
    assert_eq!(SignedHeader::from_bytes(&bytes, &signature).unwrap(), signed);
    for size in [0, 1, bytes.len() - 1] {
        assert!(matches!(
            SignedHeader::from_bytes(&bytes[..size], &signature),
            Err(SignedHeaderError::Header(_))
        ));
    }
    let trailing = [&bytes[..], &[0]].concat();
    assert!(matches!(SignedHeader::from_bytes(&trailing, &signature), Err(SignedHeaderError::Header(_))));
    assert!(matches!(
        SignedHeader::from_bytes(&[0; 1025], &signature),
        Err(SignedHeaderError::TooLarge { got: 1025 })
    ));
    assert!(matches!(
        SignedHeader::from_bytes(&bytes, &signature[..64]),
        Err(SignedHeaderError::Signature(_))
    ));
    // The other signature of the same key.
    let order =
        U256::from_be_bytes(b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0);
    let mut high = signature.to_vec();
    let s = U256::from_be_slice(&high[32..64]);
    high[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    high[64] ^= 27 ^ 28;
    assert!(matches!(SignedHeader::from_bytes(&bytes, &high), Err(SignedHeaderError::HighS)));
}

/// What a random sequence does.
#[derive(Clone, Copy, Debug)]
enum Action {
    Propose,
    Pass(u8),
    Finalize(u8),
    /// Proves false the claim of an open block, counted from the tip.
    Refute(u8),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => Just(Action::Propose),
        2 => (1_u8..4).prop_map(Action::Pass),
        1 => (1_u8..4).prop_map(Action::Finalize),
        2 => (0_u8..4).prop_map(Action::Refute),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 30, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_of_events_is_what_the_contract_says(actions in prop::collection::vec(action(), 1..30)) {
        let parameters = SettlementParameters { challenge_period_blocks: 4, ..SettlementParameters::development() };
        // One loses its bond with each refutation, and the next one goes on.
        let proposers: Vec<_> = (2..30).map(signer).collect();
        let test = TestSettlement::new(parameters, &proposers);
        let mut proposing = proposers.iter();
        let mut proposer = proposing.next().unwrap();
        let truth = B256::repeat_byte(0x77);
        let genesis = BlockRef { number: 0, hash: test.genesis.hash_slow() };
        let (mut folded, mut as_of) = (ForkChoice::new(genesis), 0);
        let mut blocks = BTreeMap::from([(genesis.hash, test.genesis.clone())]);
        let mut shown = BTreeMap::new();

        for (salt, action) in (1..).zip(actions) {
            let choice = test.settlement.fork_choice_at_head().unwrap();
            match action {
                Action::Propose => {
                    let claim = ClaimLog {
                        job_id: B256::from(U256::from(salt)),
                        program_id: B256::repeat_byte(1),
                        input_commitment: B256::from(U256::from(salt)),
                        max_cycles: 10,
                        outcome_hash: B256::repeat_byte(9),
                        cycles: 5,
                    };
                    test.verifier.tell(claim.program_id, claim.input_commitment, truth);
                    let parent = &blocks[&choice.tip().hash];
                    let block = execution_block(parent, salt, vec![vec![claim.log()]]);
                    test.propose(proposer, block.header());
                    blocks.insert(block.hash(), block.header().clone());
                    shown.insert(block.hash(), block);
                }
                Action::Pass(count) => test.mine_blocks(count.into()),
                Action::Finalize(count) => {
                    let call = Settlement::finalizeCall { maxBlocks: U256::from(count) };
                    test.transact(&signer(39), U256::ZERO, &call);
                }
                Action::Refute(depth) => {
                    let path = choice.path();
                    if let Some(block) = path.iter().rev().nth(depth.into()) {
                        let evidence = shown[&block.hash].evidence(0, 0).unwrap();
                        let call = Settlement::proveUnchallengedCall { evidence, outcomeHash: truth, proof: Bytes::new() };
                        test.transact(&signer(38), U256::ZERO, &call);
                        proposer = proposing.next().unwrap();
                    }
                }
            }

            let head = test.settlement.chain().head().block.number();
            let reader: &dyn SettlementChain = &test.settlement;
            for log in ready(reader.all_logs(as_of + 1, head)).unwrap() {
                folded.apply(&log.event).unwrap();
            }
            as_of = head;
            prop_assert_eq!(folded.tip(), ready(reader.tip()).unwrap());
            prop_assert_eq!(folded.finalized().number, ready(reader.finalized_number()).unwrap());
            for hash in blocks.keys() {
                let state = ready(reader.block_info(*hash)).unwrap().state;
                prop_assert_eq!(Some(folded.status(*hash)), BlockState::from_byte(state));
            }
            for number in folded.finalized().number..=folded.tip().number + 1 {
                prop_assert_eq!(folded.hash_at(number), ready(reader.canonical_hash(number)).unwrap());
            }
            let kept = test.settlement.fork_choice_at_head().unwrap();
            prop_assert_eq!((kept.tip(), kept.finalized(), kept.path()), (folded.tip(), folded.finalized(), folded.path()));
            let (block, read) = ready(reader.fork_choice()).unwrap();
            prop_assert_eq!((block, read.path()), (head, folded.path()));
        }
    }
}

#[test]
fn a_refusal_names_the_contracts_error() {
    let test = TestSettlement::new(SettlementParameters::development(), &[signer(2)]);
    let call = Settlement::proposeCall { header: Bytes::from_static(&[1, 2, 3]) };
    let refused = test.send(&signer(2), U256::ZERO, &call).unwrap_err();
    assert!(refused.to_string().contains("HeaderMalformed"), "{refused}");
    let block = execution_block(&test.genesis, 1, Vec::new());
    let call = Settlement::proposeCall { header: alloy_rlp::encode(block.header()).into() };
    let refused = test.send(&signer(3), U256::ZERO, &call).unwrap_err();
    assert!(refused.to_string().contains("WrongProposerState"), "{refused}");
    assert_eq!(ChallengeKind::from_byte(2), None);
    assert!(!ready(test.settlement.has_pending(signer(3).address())).unwrap());
}

#[test]
fn a_proposal_leads_a_settlement_block() {
    let proposer = signer(2);
    let test = TestSettlement::new(SettlementParameters::development(), std::slice::from_ref(&proposer));
    let chain = test.settlement.chain();
    let block = execution_block(&test.genesis, 1, Vec::new());
    let transaction = test.settlement.propose_transaction(&proposer, block.header()).unwrap();
    let request = ivm_chain::BuildRequest {
        leading_transactions: vec![transaction],
        timestamp: chain.head().block.header().timestamp + 1,
        ..Default::default()
    };
    let built = chain.build_block(request).unwrap();
    assert!(built.rejected_leading().is_empty(), "{:?}", built.rejected_leading());
    assert!(built.receipts()[0].status());
    let gas = built.block().header().gas_used;
    assert!(gas < 200_000, "{gas}");
    chain.commit(built, Vec::new()).unwrap();
    assert_eq!(test.settlement.fork_choice_at_head().unwrap().tip().hash, block.hash());
}

#[test]
fn genesis_places_the_code_that_a_deployment_does() {
    use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
    use alloy_eips::Encodable2718;
    use alloy_signer::SignerSync;
    use alloy_sol_types::SolConstructor;

    let test = TestSettlement::new(SettlementParameters::development(), &[signer(2)]);
    let chain = test.settlement.chain();
    let constructor = Settlement::constructorCall {
        rules: SettlementParameters::development().into(),
        owner: signer(1).address(),
        verifier_: PROOF_VERIFIER_ADDRESS,
        jobManager_: JOB_MANAGER_ADDRESS,
        genesis: ivm_contracts::ISettlement::ExecutionGenesis {
            hash: test.genesis.hash_slow(),
            number: test.genesis.number,
            timestamp: test.genesis.timestamp,
        },
        proposers_: vec![signer(2).address()],
    };
    let transaction = TxEip1559 {
        chain_id: 4957,
        gas_limit: 20_000_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        value: U256::from(SettlementParameters::development().proposer_bond_wei),
        input: [Settlement::BYTECODE.to_vec(), constructor.abi_encode()].concat().into(),
        ..TxEip1559::default()
    };
    let signature = signer(5).sign_hash_sync(&transaction.signature_hash()).unwrap();
    let signed: TxEnvelope = transaction.into_signed(signature).into();
    chain.submit_transaction(&signed.encoded_2718()).unwrap();
    assert!(test.mine().receipts[0].status());
    let state = chain.state_at(BlockId::latest()).unwrap();
    let deployed = signer(5).address().create(0);
    assert_eq!(state.code(deployed).unwrap(), state.code(SETTLEMENT_ADDRESS).unwrap());
    assert_eq!(state.balance(deployed).unwrap(), state.balance(SETTLEMENT_ADDRESS).unwrap());
}
