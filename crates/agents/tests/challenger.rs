//! The challenger against every lie, against delays and faults, and killed wherever it waits.

#![allow(clippy::unwrap_used)]

mod common;

use alloy_primitives::{B256, U256};
use common::*;
use ivm_contracts::{BlockState, ChallengeKind, ChallengeState, ClaimState, ProposerState};
use ivm_settlement::testing::{execution_block, signer};
use ivm_settlement::{SETTLEMENT_ADDRESS, SettlementEvent, SignedHeader, header_domain};

const PROPOSER: u8 = 2;
const NEXT_PROPOSER: u8 = 3;
const CHALLENGER: u8 = 10;

fn world() -> World {
    World::new(&[signer(PROPOSER), signer(NEXT_PROPOSER)])
}

/// Lets a challenger work for so many blocks.
fn rounds(world: &World, count: usize) {
    let mut challenger = world.challenger(CHALLENGER);
    for _ in 0..count {
        drive(challenge_round(&mut challenger));
        world.test.mine();
    }
}

fn refute_bond() -> U256 {
    U256::from(PARAMETERS.refute_bond_wei)
}

#[test]
fn a_wrong_outcome_is_refuted_at_once() {
    let world = world();
    let good = world.propose(&signer(PROPOSER), &[TRUE]);
    let bad = world.propose(&signer(PROPOSER), &[TRUE, WRONG]);
    let child = world.propose(&signer(PROPOSER), &[TRUE]);
    // Challenged in the first block, proven in the second, closed in the third.
    rounds(&world, 3);
    assert_eq!(world.claim_state(&bad, 1), ClaimState::Refuted);
    let states = [&good, &bad, &child].map(|block| world.block_state(block));
    assert_eq!(states, [BlockState::Proposed, BlockState::Dropped, BlockState::Dropped]);
    assert_eq!(world.proposer_state(PROPOSER), ProposerState::Jailed);
    assert_eq!(world.closed(), [(signer(CHALLENGER).address(), ChallengeState::Won)]);
    // It is challenger and prover.
    let shares = share(PARAMETERS.challenger_share_bps) + share(PARAMETERS.prover_share_bps);
    assert_eq!(world.balance(CHALLENGER), refute_bond() + shares);
    world.check_funds(1..=40);
    // The chain goes on from the good block.
    let again = world.propose(&signer(NEXT_PROPOSER), &[TRUE]);
    assert_eq!(again.header().parent_hash, good.hash());
}

#[test]
fn a_run_without_an_outcome_is_demanded_and_falls_at_the_deadline() {
    for lie in [TRAPS, NEVER_ENDS] {
        let world = world();
        let bad = world.propose(&signer(PROPOSER), &[lie]);
        rounds(&world, 9);
        assert_eq!(world.claim_state(&bad, 0), ClaimState::Challenged);
        rounds(&world, 3);
        assert_eq!(world.claim_state(&bad, 0), ClaimState::Lapsed);
        assert_eq!(world.block_state(&bad), BlockState::Dropped);
        assert_eq!(world.closed(), [(signer(CHALLENGER).address(), ChallengeState::Won)]);
        let bond = U256::from(PARAMETERS.demand_bond_wei);
        assert_eq!(world.balance(CHALLENGER), bond + share(PARAMETERS.challenger_share_bps));
        world.check_funds(1..=40);
    }
}

#[test]
fn what_is_true_or_cannot_be_shown_false_is_let_alone() {
    let world = world();
    world.propose(&signer(PROPOSER), &[TRUE, OVER_LIMIT]);
    // Of a job that nobody knows, of other inputs than the job's, and one that cannot be run.
    let block = world.propose(&signer(PROPOSER), &[TRUE, TRUE, TRUE]);
    let claims = block.claims(ivm_contracts::JOB_MANAGER_ADDRESS);
    world.execution.jobs.lock().remove(&claims[0].job_id);
    world.execution.jobs.lock().get_mut(&claims[1].job_id).unwrap().onchain_input_hash = B256::ZERO;
    let hash = world.execution.jobs.lock()[&claims[2].job_id].onchain_input_hash;
    let input = world.execution.payloads.lock()[&hash].clone();
    world.judge.truths.lock().remove(&input);
    let before = world.test.settlement.chain().state_at(alloy_eips::BlockId::latest()).unwrap();
    let before = before.balance(signer(CHALLENGER).address()).unwrap();
    rounds(&world, 12);
    let after = world.test.settlement.chain().state_at(alloy_eips::BlockId::latest()).unwrap();
    assert_eq!(after.balance(signer(CHALLENGER).address()).unwrap(), before, "it sent something");
    let challenged = world.events().iter().any(|event| matches!(event, SettlementEvent::ClaimChallenged(_)));
    assert!(!challenged);
}

#[test]
fn a_lie_that_shows_late_is_proven_false_without_a_challenge() {
    let world = world();
    let bad = world.propose(&signer(PROPOSER), &[WRONG, NEVER_ENDS]);
    // Nobody makes the block final, and nobody can challenge it any more.
    world.test.mine_blocks(PARAMETERS.challenge_period_blocks);
    rounds(&world, 2);
    assert_eq!(world.claim_state(&bad, 0), ClaimState::Refuted);
    assert_eq!(world.block_state(&bad), BlockState::Dropped);
    assert_eq!(world.closed(), []);
    let shares = share(PARAMETERS.challenger_share_bps) + share(PARAMETERS.prover_share_bps);
    assert_eq!(world.balance(CHALLENGER), shares);
}

#[test]
fn what_the_node_does_not_show_is_looked_at_once_it_does() {
    let world = world();
    let bad = world.propose(&signer(PROPOSER), &[WRONG]);
    let proposal = world.execution.proposals.lock().remove(&bad.hash()).unwrap();
    rounds(&world, 1);
    let withheld =
        ivm_agents::Proposal { receipts: None, refusal: Some("claim 0".into()), ..proposal.clone() };
    world.execution.proposals.lock().insert(bad.hash(), withheld);
    rounds(&world, 1);
    assert_eq!(world.claim_state(&bad, 0), ClaimState::Unknown);
    world.execution.proposals.lock().insert(bad.hash(), proposal);
    // Nor is the input there at first.
    let job = bad.claims(ivm_contracts::JOB_MANAGER_ADDRESS)[0].job_id;
    let hash = world.execution.jobs.lock()[&job].onchain_input_hash;
    let input = world.execution.payloads.lock().remove(&hash).unwrap();
    rounds(&world, 1);
    assert_eq!(world.claim_state(&bad, 0), ClaimState::Unknown);
    world.execution.payloads.lock().insert(hash, input);
    rounds(&world, 3);
    assert_eq!(world.claim_state(&bad, 0), ClaimState::Refuted);
}

#[test]
fn a_node_that_answers_now_and_then_delays_and_no_more() {
    let world = world();
    let bad = world.propose(&signer(PROPOSER), &[WRONG]);
    for _ in 0..5 {
        *world.execution.failures.lock() = 3;
        rounds(&world, 1);
    }
    rounds(&world, 5);
    assert_eq!(world.claim_state(&bad, 0), ClaimState::Refuted);
}

#[test]
fn receipts_that_are_not_the_blocks_are_not_believed() {
    let world = world();
    let block = world.propose(&signer(PROPOSER), &[TRUE]);
    let other = world.block(&[WRONG]);
    let mut proposals = world.execution.proposals.lock();
    proposals.get_mut(&block.hash()).unwrap().receipts = Some(other.receipts().to_vec());
    drop(proposals);
    rounds(&world, 3);
    assert_eq!(world.claim_state(&block, 0), ClaimState::Unknown);
    let swapped = world.execution.proposals.lock()[&other.hash()].clone();
    world.execution.proposals.lock().insert(block.hash(), swapped);
    rounds(&world, 3);
    assert!(world.closed().is_empty());
}

#[test]
fn a_liar_who_challenges_himself_is_not_safe() {
    let world = world();
    let bad = world.propose(&signer(PROPOSER), &[WRONG]);
    // The liar refutes himself, and lets it lapse.
    let evidence = bad.evidence(0, 0).unwrap();
    let kind = ChallengeKind::Refute as u8;
    let call = ivm_contracts::Settlement::challengeCall { evidence, kind };
    world.test.transact(&signer(20), refute_bond(), &call);
    rounds(&world, 3);
    assert_eq!(world.claim_state(&bad, 0), ClaimState::Refuted);
    // He was first, so the challenger's share is his; what is burned is not.
    let shares = refute_bond() + share(PARAMETERS.prover_share_bps);
    assert_eq!(world.balance(CHALLENGER), shares);
    let key = bad.claims(ivm_contracts::JOB_MANAGER_ADDRESS)[0].key();
    let challenger = signer(20).address();
    world.test.transact(
        &signer(20),
        U256::ZERO,
        &ivm_contracts::Settlement::settleChallengeCall { key, challenger, kind },
    );
    let back = world.balance(20);
    assert!(back < U256::from(PARAMETERS.proposer_bond_wei), "{back}");
    world.check_funds(1..=40);
}

#[test]
fn two_headers_of_one_proposer_are_reported_once() {
    let world = world();
    let domain = header_domain(4957, SETTLEMENT_ADDRESS);
    let sign = |salt, key: u8| {
        let block = execution_block(&world.test.genesis, salt, Vec::new());
        SignedHeader::sign(block.header().clone(), &domain, &signer(key)).unwrap()
    };
    let headers = [sign(1, PROPOSER), sign(2, NEXT_PROPOSER), sign(1, PROPOSER), sign(3, 30), sign(4, 30)];
    *world.execution.headers.lock() = headers.into();
    rounds(&world, 2);
    assert_eq!(world.proposer_state(PROPOSER), ProposerState::Active);
    world.execution.headers.lock().extend([sign(5, PROPOSER), sign(6, PROPOSER)]);
    rounds(&world, 3);
    assert_eq!(world.proposer_state(PROPOSER), ProposerState::Jailed);
    assert_eq!(world.proposer_state(NEXT_PROPOSER), ProposerState::Active);
    assert_eq!(world.balance(CHALLENGER), share(PARAMETERS.challenger_share_bps));
    let reports =
        world.events().into_iter().filter(|event| matches!(event, SettlementEvent::EquivocationReported(_)));
    assert_eq!(reports.count(), 1);
}

/// What a dispute left on the chain.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    claims: Vec<ClaimState>,
    closed: Vec<(alloy_primitives::Address, ChallengeState)>,
    challenges: usize,
    verdicts: usize,
    earned: U256,
}

/// Kills the challenger in each of the first blocks after it was polled so often, and then lets one finish.
fn killed_after(polls: usize) -> (Outcome, bool) {
    let world = world();
    let bad = world.propose(&signer(PROPOSER), &[WRONG, TRUE, NEVER_ENDS]);
    let mut finished = true;
    for _ in 0..3 {
        let life = async {
            let mut challenger = world.start_challenger(CHALLENGER).await;
            challenge_round(&mut challenger).await;
        };
        finished &= drop_after(life, polls).is_some();
        world.test.mine();
    }
    rounds(&world, 14);
    world.check_funds(1..=40);
    let events = world.events();
    let count = |wanted: fn(&SettlementEvent) -> bool| events.iter().filter(|event| wanted(event)).count();
    let outcome = Outcome {
        claims: (0..3).map(|index| world.claim_state(&bad, index)).collect(),
        closed: world.closed(),
        challenges: count(|event| matches!(event, SettlementEvent::ClaimChallenged(_))),
        verdicts: count(|event| matches!(event, SettlementEvent::ClaimDecided(_))),
        earned: world.balance(CHALLENGER),
    };
    (outcome, finished)
}

#[test]
fn a_challenger_that_is_killed_anywhere_neither_loses_nor_repeats_a_challenge() {
    let (expected, _) = killed_after(0);
    assert_eq!(expected.claims[..2], [ClaimState::Refuted, ClaimState::Unknown]);
    assert_eq!((expected.challenges, expected.verdicts), (2, 1));
    for polls in 1.. {
        let (outcome, finished) = killed_after(polls);
        // The order in which challenges close may differ, nothing else.
        let sorted = |outcome: &Outcome| {
            let mut closed = outcome.closed.clone();
            closed.sort_by_key(|(_, state)| *state as u8);
            closed
        };
        assert_eq!(sorted(&outcome), sorted(&expected), "killed after {polls}");
        let facts = |outcome: &Outcome| {
            (outcome.claims.clone(), outcome.challenges, outcome.verdicts, outcome.earned)
        };
        assert_eq!(facts(&outcome), facts(&expected), "killed after {polls}");
        if finished {
            assert!(polls > 50, "a life has {polls} points to be killed at");
            return;
        }
    }
}
