//! Random sequences of truths, lies, challengers, provers, liars and crashes, by seed. At every step and at the end the
//! invariants of the design hold.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;

use alloy_primitives::{B256, U256};
use common::*;
use ivm_agents::{Challenger, Prover};
use ivm_contracts::{
    BlockState, ChallengeKind, ChallengeState, ClaimState, JOB_MANAGER_ADDRESS, ProposerState, Settlement,
};
use ivm_settlement::testing::signer;
use ivm_settlement::{ReceiptedBlock, challenge_id};
use proptest::prelude::*;

const HONEST: u8 = 2;
const LIARS: std::ops::Range<u8> = 3..8;
const CHALLENGER: u8 = 10;
const PROVER: u8 = 11;
const TROLL: u8 = 20;
const ROUNDS: u64 = 30;
/// Long enough for every dispute to end and every block to become final.
const QUIET_ROUNDS: u64 = 40;

/// So often in a row an agent is killed at most. The prover's period is twice as long.
const FAILURES_IN_A_ROW: u32 = 3;

/// A small generator: what it gives follows from the seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Of Vigna's SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % sides
    }
}

struct Simulation {
    world: World,
    dice: Dice,
    challenger: Option<Challenger>,
    prover: Option<Prover>,
    challenger_failed: u32,
    prover_failed: u32,
    /// Blocks, and which of their claims are false.
    blocks: Vec<(ReceiptedBlock, Vec<bool>)>,
    trolled: Vec<(B256, usize, usize, ChallengeKind)>,
    max_burned: U256,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let proposers: Vec<_> = std::iter::once(HONEST).chain(LIARS).map(signer).collect();
        Self {
            world: World::new(&proposers),
            dice: Dice(seed),
            challenger: None,
            prover: None,
            challenger_failed: 0,
            prover_failed: 0,
            blocks: Vec::new(),
            trolled: Vec::new(),
            max_burned: U256::ZERO,
        }
    }

    /// Somebody proposes: the honest one the truth, a liar often something else.
    fn propose(&mut self) {
        let liar = LIARS.start + self.dice.roll(u64::from(LIARS.end - LIARS.start)) as u8;
        let honest = self.dice.roll(2) == 0 || self.world.proposer_state(liar) != ProposerState::Active;
        let kinds = [TRUE, TRUE, WRONG, TRAPS, NEVER_ENDS];
        let claims: Vec<_> = (0..self.dice.roll(3))
            .map(|_| if honest { TRUE } else { kinds[self.dice.roll(kinds.len() as u64) as usize] })
            .collect();
        let block = self.world.propose(&signer(if honest { HONEST } else { liar }), &claims);
        self.blocks.push((block, claims.iter().map(|claim| *claim != TRUE).collect()));
    }

    /// The troll challenges any claim, for any reason: a true one, or his friend's lie, to let it lapse.
    fn troll(&mut self) {
        if self.blocks.is_empty() {
            return;
        }
        let which = self.blocks.len() - 1 - self.dice.roll(self.blocks.len().min(3) as u64) as usize;
        let (block, claims) = &self.blocks[which];
        if claims.is_empty() {
            return;
        }
        let claim = self.dice.roll(claims.len() as u64) as usize;
        let (kind, bond) = match self.dice.roll(2) {
            0 => (ChallengeKind::Refute, PARAMETERS.refute_bond_wei),
            _ => (ChallengeKind::Demand, PARAMETERS.demand_bond_wei),
        };
        let call = Settlement::challengeCall {
            evidence: block.evidence(claim as u64, 0).unwrap(),
            kind: kind as u8,
        };
        if self.world.test.send(&signer(TROLL), U256::from(bond), &call).is_ok() {
            let id = block.claims(JOB_MANAGER_ADDRESS)[claim].id();
            self.trolled.push((id, which, claim, kind));
        }
    }

    /// The agents, in any order. They may be killed anywhere, but not at every turn for long: nobody helps who is never there.
    fn agents(&mut self, calm: bool) {
        let challenger_first = self.dice.roll(2) == 0;
        for turn in [challenger_first, !challenger_first] {
            if turn { self.challenge(calm) } else { self.prove(calm) }
        }
    }

    fn challenge(&mut self, calm: bool) {
        let polls = self.polls(calm, self.challenger_failed);
        let mut challenger = self.challenger.take().unwrap_or_else(|| self.world.challenger(CHALLENGER));
        self.challenger = drop_after(challenge_round(&mut challenger), polls).map(|()| challenger);
        self.challenger_failed = if self.challenger.is_some() { 0 } else { self.challenger_failed + 1 };
    }

    fn prove(&mut self, calm: bool) {
        let polls = self.polls(calm, self.prover_failed);
        let mut prover = self.prover.take().unwrap_or_else(|| self.world.prover(PROVER));
        self.prover = drop_after(prove_round(&mut prover), polls).map(|()| prover);
        self.prover_failed = if self.prover.is_some() { 0 } else { self.prover_failed + 1 };
    }

    /// How often an agent that failed so many times in a row is polled.
    fn polls(&mut self, calm: bool, failed: u32) -> usize {
        let killed = !calm && failed < FAILURES_IN_A_ROW && self.dice.roll(2) == 0;
        if killed { 1 + self.dice.roll(300) as usize } else { usize::MAX }
    }

    /// What holds at every step.
    fn check(&mut self) {
        assert_eq!(
            self.world.proposer_state(HONEST),
            ProposerState::Active,
            "an honest proposer was slashed"
        );
        for (block, claims) in &self.blocks {
            let state = self.world.block_state(block);
            assert!(state != BlockState::Final || !claims.contains(&true), "a false claim is final");
            for (index, is_false) in (0..).zip(claims) {
                let state = self.world.claim_state(block, index);
                assert!(!is_false || state != ClaimState::Confirmed, "a false claim was proven");
                let fell = matches!(state, ClaimState::Refuted | ClaimState::Lapsed);
                assert!(*is_false || !fell, "a true claim fell: {state}");
            }
        }
        let burned = self.world.test.read(Settlement::burnedWeiCall {});
        assert!(burned >= self.max_burned, "what was burned came back");
        self.max_burned = burned;
    }

    fn close_trolls(&mut self) {
        for (id, block, claim, kind) in std::mem::take(&mut self.trolled) {
            let challenger = signer(TROLL).address();
            let info = self
                .world
                .test
                .read(Settlement::challengeInfoCall { id: challenge_id(id, challenger, kind) });
            if info.state != ChallengeState::Open as u8 {
                continue;
            }
            let key = self.blocks[block].0.claims(JOB_MANAGER_ADDRESS)[claim].key();
            let settle = Settlement::settleChallengeCall { key: key.clone(), challenger, kind: kind as u8 };
            if self.world.test.send(&signer(TROLL), U256::ZERO, &settle).is_err() {
                let expire = Settlement::expireCall { key, challenger, kind: kind as u8 };
                self.world.test.send(&signer(TROLL), U256::ZERO, &expire).unwrap();
            }
            self.world.test.mine();
        }
    }

    /// Runs it, and gives how its claims and challenges ended.
    fn run(mut self) -> (Vec<ClaimState>, Vec<ChallengeState>) {
        for _ in 0..ROUNDS {
            match self.dice.roll(4) {
                0 | 1 => self.propose(),
                2 => self.troll(),
                _ => {}
            }
            self.agents(false);
            self.world.test.mine();
            self.check();
        }
        for _ in 0..QUIET_ROUNDS {
            self.agents(true);
            self.world.test.mine();
        }
        self.check();
        self.close_trolls();
        self.world.check_funds(1..=40);
        let finals: HashMap<_, _> =
            self.blocks.iter().map(|(block, _)| (block.hash(), self.world.block_state(block))).collect();
        assert!(finals.values().all(|state| *state != BlockState::Proposed), "a block hangs: {finals:?}");
        // An honest challenger loses nothing: whoever was first about a lie has the share, his bonds are his again.
        let closed = self.world.closed();
        let mine = closed.iter().filter(|(challenger, _)| *challenger == signer(CHALLENGER).address());
        for (_, state) in mine {
            assert!(matches!(state, ChallengeState::Won | ChallengeState::Moot), "{state}");
        }
        let claims = self.blocks.iter().flat_map(|(block, claims)| {
            (0..claims.len()).map(|index| self.world.claim_state(block, index as u64)).collect::<Vec<_>>()
        });
        (claims.collect(), closed.iter().map(|(_, state)| *state).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn truth_prevails(seed in any::<u64>()) {
        Simulation::new(seed).run();
    }
}

#[test]
fn truth_prevails_with_seeds_that_are_known() {
    let (mut claims, mut challenges) = (Vec::new(), Vec::new());
    for seed in 0..16 {
        let (some_claims, some_challenges) = Simulation::new(seed).run();
        claims.extend(some_claims);
        challenges.extend(some_challenges);
    }
    // So these are not runs in which nothing happens.
    for state in [ClaimState::Unknown, ClaimState::Confirmed, ClaimState::Refuted, ClaimState::Lapsed] {
        assert!(claims.contains(&state), "no claim ended as {state}");
    }
    for state in [ChallengeState::Won, ChallengeState::Lost, ChallengeState::Moot] {
        assert!(challenges.contains(&state), "no challenge ended as {state}");
    }
}
