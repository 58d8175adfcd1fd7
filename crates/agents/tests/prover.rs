//! The prover: demands and refutes of true claims, urgency, everything, finality.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use alloy_primitives::{Bytes, U256};
use common::*;
use ivm_agents::{Prover, ProverConfig};
use ivm_contracts::{BlockState, ChallengeKind, ChallengeState, ClaimState, ProposerState, Settlement};
use ivm_settlement::ReceiptedBlock;
use ivm_settlement::testing::signer;

const PROPOSER: u8 = 2;
const PROVER: u8 = 11;
const LIAR: u8 = 20;

fn world() -> World {
    World::new(&[signer(PROPOSER)])
}

fn rounds(world: &World, prover: &mut Prover, count: usize) {
    for _ in 0..count {
        drive(prove_round(prover));
        world.test.mine();
    }
}

fn bond(kind: ChallengeKind) -> U256 {
    U256::from(match kind {
        ChallengeKind::Refute => PARAMETERS.refute_bond_wei,
        ChallengeKind::Demand => PARAMETERS.demand_bond_wei,
    })
}

/// Has the liar challenge a claim.
fn challenge(world: &World, block: &ReceiptedBlock, index: u64, kind: ChallengeKind) {
    let evidence = block.evidence(index, 0).unwrap();
    world.test.transact(&signer(LIAR), bond(kind), &Settlement::challengeCall { evidence, kind: kind as u8 });
}

fn close(world: &World, block: &ReceiptedBlock, index: usize, kind: ChallengeKind) {
    let key = block.claims(ivm_contracts::JOB_MANAGER_ADDRESS)[index].key();
    let call = Settlement::settleChallengeCall { key, challenger: signer(LIAR).address(), kind: kind as u8 };
    world.test.transact(&signer(LIAR), U256::ZERO, &call);
}

#[test]
fn a_true_claim_is_proven_against_either_kind_of_challenge() {
    for kind in [ChallengeKind::Refute, ChallengeKind::Demand] {
        let world = world();
        let block = world.propose(&signer(PROPOSER), &[TRUE]);
        challenge(&world, &block, 0, kind);
        let mut prover = world.prover(PROVER);
        rounds(&world, &mut prover, 2);
        assert_eq!(world.claim_state(&block, 0), ClaimState::Confirmed);
        close(&world, &block, 0, kind);
        assert_eq!(world.closed(), [(signer(LIAR).address(), ChallengeState::Lost)]);
        let earned = bond(kind) * U256::from(PARAMETERS.prover_share_of_bond_bps) / U256::from(10_000);
        assert_eq!(world.balance(PROVER), earned);
        assert_eq!(world.balance(PROPOSER), bond(kind) - earned);
        // Then time makes the block final, by the prover's hand.
        rounds(&world, &mut prover, 8);
        assert_eq!(world.block_state(&block), BlockState::Final);
        assert_eq!(world.proposer_state(PROPOSER), ProposerState::Active);
        world.check_funds(1..=40);
    }
}

#[test]
fn the_truth_is_proven_whoever_it_helps() {
    let world = world();
    let block = world.propose(&signer(PROPOSER), &[WRONG]);
    challenge(&world, &block, 0, ChallengeKind::Refute);
    let mut prover = world.prover(PROVER);
    rounds(&world, &mut prover, 2);
    assert_eq!(world.claim_state(&block, 0), ClaimState::Refuted);
    assert_eq!(world.balance(PROVER), share(PARAMETERS.prover_share_bps));
}

#[test]
fn of_a_run_without_an_outcome_there_is_nothing_to_prove() {
    let world = world();
    let block = world.propose(&signer(PROPOSER), &[TRAPS, NEVER_ENDS]);
    challenge(&world, &block, 0, ChallengeKind::Demand);
    challenge(&world, &block, 1, ChallengeKind::Refute);
    let mut prover = world.prover(PROVER);
    rounds(&world, &mut prover, 3);
    assert!(world.judge.proven.lock().is_empty());
    assert_eq!(world.claim_state(&block, 0), ClaimState::Challenged);
}

#[test]
fn the_most_urgent_claim_is_proven_first_and_hopeless_ones_not_at_all() {
    let world = world();
    let block = world.propose(&signer(PROPOSER), &[TRUE, TRUE, TRUE]);
    for index in [2, 0, 1] {
        challenge(&world, &block, index, ChallengeKind::Demand);
    }
    let inputs = ["input 3", "input 1", "input 2"].map(Bytes::from_static_str);
    // Two blocks for a proof, and the deadlines are one block apart.
    *world.judge.estimate.lock() = Some(Duration::from_secs(2));
    let mut prover = world.prover(PROVER);
    rounds(&world, &mut prover, 2);
    assert_eq!(*world.judge.proven.lock(), inputs);
    for index in 0..3 {
        assert_eq!(world.claim_state(&block, index), ClaimState::Confirmed);
    }

    let world = World::new(&[signer(PROPOSER)]);
    let block = world.propose(&signer(PROPOSER), &[TRUE, TRUE]);
    challenge(&world, &block, 1, ChallengeKind::Demand);
    world.test.mine_blocks(3);
    challenge(&world, &block, 0, ChallengeKind::Demand);
    *world.judge.estimate.lock() = Some(Duration::from_secs(6));
    let mut prover = world.prover(PROVER);
    rounds(&world, &mut prover, 2);
    assert_eq!(*world.judge.proven.lock(), [Bytes::from_static(b"input 1")]);
    assert_eq!(world.claim_state(&block, 0), ClaimState::Confirmed);
    assert_eq!(world.claim_state(&block, 1), ClaimState::Challenged);
}

trait FromStaticStr {
    fn from_static_str(text: &'static str) -> Bytes;
}

impl FromStaticStr for Bytes {
    fn from_static_str(text: &'static str) -> Bytes {
        Self::from_static(text.as_bytes())
    }
}

#[test]
fn everything_is_proven_when_asked() {
    let world = world();
    let first = world.propose(&signer(PROPOSER), &[TRUE, TRUE]);
    let mut idle = world.prover(PROVER);
    rounds(&world, &mut idle, 2);
    assert_eq!(world.claim_state(&first, 0), ClaimState::Unknown);
    let config = ProverConfig { prove_everything: true, concurrent_proofs: 2, ..ProverConfig::default() };
    let mut prover = world.prover_with(PROVER, config);
    let second = world.propose(&signer(PROPOSER), &[TRUE, TRAPS]);
    rounds(&world, &mut prover, 2);
    assert_eq!([0, 1].map(|index| world.claim_state(&first, index)), [ClaimState::Confirmed; 2]);
    assert_eq!(world.claim_state(&second, 0), ClaimState::Confirmed);
    assert_eq!(world.claim_state(&second, 1), ClaimState::Unknown);
    // A challenge of a claim that is proven is refused, so there is nothing more to do.
    let evidence = first.evidence(0, 0).unwrap();
    let call = Settlement::challengeCall { evidence, kind: ChallengeKind::Demand as u8 };
    assert!(world.test.send(&signer(LIAR), bond(ChallengeKind::Demand), &call).is_err());
    // And a wrong one of a third block is undone by the way.
    let third = world.propose(&signer(PROPOSER), &[WRONG]);
    rounds(&world, &mut prover, 2);
    assert_eq!(world.claim_state(&third, 0), ClaimState::Refuted);
    world.check_funds(1..=40);
}

#[test]
fn blocks_whose_claims_are_proven_are_final_at_once_and_those_without_claims_before_them() {
    let world = world();
    let empty = world.propose(&signer(PROPOSER), &[]);
    let proven = world.propose(&signer(PROPOSER), &[TRUE, TRUE]);
    let unprovable = world.propose(&signer(PROPOSER), &[TRUE, TRAPS]);
    let after = world.propose(&signer(PROPOSER), &[TRUE]);
    let idle = ProverConfig { prove_everything: true, finalize: false, ..ProverConfig::default() };
    rounds(&world, &mut world.prover_with(PROVER, idle), 1);
    assert_eq!(world.claim_state(&proven, 0), ClaimState::Confirmed);
    let states = || [&empty, &proven, &unprovable, &after].map(|block| world.block_state(block));
    assert_eq!(states(), [BlockState::Proposed; 4], "only who is told to makes blocks final");
    // Started anew it finds out what is proven already.
    let config = ProverConfig { prove_everything: true, concurrent_proofs: 4, ..ProverConfig::default() };
    // One in each settlement block, before the challenge period of either is over.
    rounds(&world, &mut world.prover_with(PROVER, config), 2);
    let (proposed, finalized) = (BlockState::Proposed, BlockState::Final);
    assert_eq!(states(), [finalized, finalized, proposed, proposed]);
    world.check_funds(1..=40);
}

#[test]
fn a_prover_that_is_killed_anywhere_goes_on() {
    let scenario = |polls: usize| {
        let world = world();
        let block = world.propose(&signer(PROPOSER), &[TRUE, TRUE]);
        challenge(&world, &block, 0, ChallengeKind::Demand);
        challenge(&world, &block, 1, ChallengeKind::Refute);
        let mut finished = true;
        for _ in 0..2 {
            let mut prover = world.prover(PROVER);
            finished &= drop_after(prove_round(&mut prover), polls).is_some();
            world.test.mine();
        }
        let mut prover = world.prover(PROVER);
        rounds(&world, &mut prover, 3);
        let states = [0, 1].map(|index| world.claim_state(&block, index));
        assert_eq!(states, [ClaimState::Confirmed; 2], "killed after {polls}");
        finished
    };
    let points = (0..).find(|polls| scenario(*polls)).unwrap();
    assert!(points > 20, "a round has {points} points to be killed at");
}
