//! The loops themselves: woken by settlement blocks, stopped when told, earnings withdrawn.

#![allow(clippy::unwrap_used)]

mod common;

use alloy_primitives::{Address, U256};
use common::*;
use ivm_agents::{Challenger, ChallengerConfig, Prover, ProverConfig};
use ivm_contracts::{BlockState, ChallengeKind, ClaimState, Settlement};
use ivm_settlement::testing::signer;
use tokio::sync::oneshot;

/// Lets the agents do what they can, and makes a block, so many times.
async fn blocks(world: &World, count: usize) {
    for _ in 0..count {
        for _ in 0..2_000 {
            tokio::task::yield_now().await;
        }
        world.test.mine();
    }
}

fn held(world: &World, account: Address) -> U256 {
    let state = world.test.settlement.chain().state_at(alloy_eips::BlockId::latest()).unwrap();
    state.balance(account).unwrap()
}

#[tokio::test]
async fn agents_run_until_they_are_told_to_stop() {
    let world = World::new(&[signer(2), signer(3)]);
    let (source, judge) = (world.execution.clone(), world.judge.clone());
    let [challenger_purse, prover_purse] = [0x71, 0x72].map(Address::repeat_byte);
    let config = ChallengerConfig { withdraw_to: Some(challenger_purse), ..ChallengerConfig::default() };
    let challenger =
        Challenger::start(world.chain(), source.clone(), judge.clone(), signer(10), config).await.unwrap();
    let config = ProverConfig { withdraw_to: Some(prover_purse), ..ProverConfig::default() };
    let prover = Prover::start(world.chain(), source, judge, signer(11), config).await.unwrap();
    let (stop_challenger, stopped) = oneshot::channel::<()>();
    let challenging = tokio::spawn(challenger.run(async { drop(stopped.await) }));
    let (stop_prover, stopped) = oneshot::channel::<()>();
    let proving = tokio::spawn(prover.run(async { drop(stopped.await) }));

    let good = world.propose(&signer(2), &[TRUE]);
    let evidence = good.evidence(0, 0).unwrap();
    let bond = U256::from(PARAMETERS.demand_bond_wei);
    let demand = Settlement::challengeCall { evidence, kind: ChallengeKind::Demand as u8 };
    world.test.transact(&signer(20), bond, &demand);
    let bad = world.propose(&signer(3), &[WRONG]);
    blocks(&world, 12).await;
    assert_eq!(world.claim_state(&good, 0), ClaimState::Confirmed);
    assert_eq!(world.claim_state(&bad, 0), ClaimState::Refuted);
    assert_eq!(world.block_state(&good), BlockState::Final);
    let key = good.claims(ivm_contracts::JOB_MANAGER_ADDRESS)[0].key();
    let settle = Settlement::settleChallengeCall { key, challenger: signer(20).address(), kind: 1 };
    world.test.transact(&signer(20), U256::ZERO, &settle);
    let (by_challenger, by_prover) = (world.balance(10), world.balance(11));
    assert!(!by_challenger.is_zero() && !by_prover.is_zero());

    drop((stop_challenger, stop_prover));
    challenging.await.unwrap();
    proving.await.unwrap();
    world.test.mine();
    assert_eq!((world.balance(10), world.balance(11)), (U256::ZERO, U256::ZERO));
    assert_eq!(held(&world, challenger_purse), by_challenger);
    assert_eq!(held(&world, prover_purse), by_prover);
}
