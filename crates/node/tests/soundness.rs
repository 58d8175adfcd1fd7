//! The soundness table of `docs/protocol/arbitration.md`, cell by cell, with real programs, real proofs, the real verifier
//! and the real contract: what is true × what is claimed × what is done about it. Nobody can prove anything but the truth.

#![allow(clippy::unwrap_used)]

use std::{ops::ControlFlow, sync::Arc};

use alloy_primitives::{B256, Bytes, U256, keccak256};
use ivm_contracts::{
    BlockState, ChallengeKind, ChallengeState, ClaimState, JOB_MANAGER_ADDRESS, ProposerState, Settlement,
};
use ivm_da::PayloadStore;
use ivm_engine::testing::{elf, jal, load};
use ivm_primitives::{JobInput, Outcome};
use ivm_settlement::{
    Claim, ProofLocator, ProofVerifier, ReceiptedBlock, SETTLEMENT_ADDRESS, SettlementParameters,
    challenge_id,
    testing::{ClaimLog, TestSettlement, execution_block, signer},
};
use ivm_verifier::ProofKind;
use ivm_zkvm::{OpenVm, Zkvm};

const PROPOSER: u8 = 2;
const OTHER_PROPOSER: u8 = 3;
const CHALLENGER: u8 = 10;
const PROVER: u8 = 11;
const ECHO_ELF: &[u8] = include_bytes!("../../../programs/elf/echo.elf");

const RULES: SettlementParameters = SettlementParameters {
    challenge_period_blocks: 6,
    prover_period_blocks: 8,
    ..SettlementParameters::development()
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    /// With the outcome of this place in [`outcomes`].
    Ends(usize),
    Traps,
    NeverEnds,
}

const TRUTHS: [Truth; 5] = [Truth::Ends(0), Truth::Ends(1), Truth::Ends(2), Truth::Traps, Truth::NeverEnds];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Response {
    Refute,
    Demand,
    Unchallenged,
    UnchallengedButProven,
}

const RESPONSES: [Response; 4] =
    [Response::Refute, Response::Demand, Response::Unchallenged, Response::UnchallengedButProven];

/// `Success(X)`, `Success(Y)`, `Panicked`.
fn outcomes() -> [Outcome; 3] {
    [
        Outcome::Success(Bytes::from_static(b"X")),
        Outcome::Success(Bytes::from_static(b"Y")),
        Outcome::Panicked(Bytes::from_static(b"Z")),
    ]
}

/// A program on an input, and what is true of it.
struct Run {
    truth: Truth,
    program_id: B256,
    input: JobInput,
    /// The proof of the truth, where there is one: what the verifier takes.
    proof: Option<Bytes>,
}

/// Runs all truths, and proves what can be.
fn runs(payloads: &PayloadStore) -> Vec<Run> {
    let zkvm = OpenVm::new();
    let echo = zkvm.admit(ECHO_ELF).unwrap();
    let traps = zkvm.admit(&elf(&[load(2, 5, 0, 1)])).unwrap();
    let never_ends = zkvm.admit(&elf(&[jal(0, 0)])).unwrap();
    let mut runs = Vec::new();
    for truth in TRUTHS {
        let (program, input) = match truth {
            Truth::Ends(index) => (&echo, [b"X".as_slice(), b"Y", b"panic:Z"][index]),
            Truth::Traps => (&traps, b"X".as_slice()),
            Truth::NeverEnds => (&never_ends, b"X".as_slice()),
        };
        let input = JobInput::onchain_only(input).unwrap();
        let execution = zkvm.execute(program, &input, 100_000);
        let proof = match truth {
            Truth::Ends(index) => {
                assert_eq!(execution.unwrap().outcome, outcomes()[index]);
                let mut go_on = |_| ControlFlow::Continue(());
                let proof = zkvm.prove(program, &input, 100_000, ProofKind::Segments, &mut go_on).unwrap();
                let put = |bytes: &[u8]| {
                    payloads.put(&Bytes::copy_from_slice(bytes)).unwrap();
                    keccak256(bytes)
                };
                let locator = ProofLocator {
                    onchain_input_hash: put(input.onchain()),
                    offchain_input_hash: keccak256([]),
                    verifying_program_hash: put(&program.verifying().to_bytes()),
                    proof_hash: put(proof.bytes()),
                };
                Some(locator.to_bytes())
            }
            Truth::Traps | Truth::NeverEnds => {
                execution.unwrap_err();
                None
            }
        };
        runs.push(Run { truth, program_id: program.id(), input, proof });
    }
    runs
}

/// How a cell ends: states, and who has what in the contract afterwards.
#[derive(Debug, PartialEq, Eq)]
struct End {
    claim: ClaimState,
    challenge: ChallengeState,
    block: BlockState,
    slashed: bool,
    challenger_wei: u128,
    prover_wei: u128,
    proposer_wei: u128,
    burned_wei: u128,
}

/// The table itself.
fn expected(truth: Truth, claimed: usize, response: Response) -> End {
    let share = |bps: u16| RULES.proposer_bond_wei * u128::from(bps) / 10_000;
    let (challenger_share, prover_share) = (share(RULES.challenger_share_bps), share(RULES.prover_share_bps));
    let stands = End {
        claim: ClaimState::Unknown,
        challenge: ChallengeState::None,
        block: BlockState::Final,
        slashed: false,
        challenger_wei: 0,
        prover_wei: 0,
        proposer_wei: 0,
        burned_wei: 0,
    };
    let falls = End { block: BlockState::Dropped, slashed: true, ..stands };
    let is_provable = matches!(truth, Truth::Ends(_));
    match response {
        // One honest challenger is what it takes: nobody looked, and the claim stands, true or not.
        Response::Unchallenged => stands,
        Response::UnchallengedButProven if !is_provable => stands,
        Response::UnchallengedButProven if truth == Truth::Ends(claimed) => {
            End { claim: ClaimState::Confirmed, ..stands }
        }
        Response::Refute | Response::Demand if truth == Truth::Ends(claimed) => {
            let lost =
                if response == Response::Refute { RULES.refute_bond_wei } else { RULES.demand_bond_wei };
            let prover_wei = lost * u128::from(RULES.prover_share_of_bond_bps) / 10_000;
            let (claim, challenge) = (ClaimState::Confirmed, ChallengeState::Lost);
            End { claim, challenge, prover_wei, proposer_wei: lost - prover_wei, ..stands }
        }
        // There is no proof against a run without an outcome: this is what a demand is for.
        Response::Refute if !is_provable => End {
            claim: ClaimState::Challenged,
            challenge: ChallengeState::Expired,
            burned_wei: RULES.refute_bond_wei,
            ..stands
        },
        Response::Demand => End {
            claim: ClaimState::Lapsed,
            challenge: ChallengeState::Won,
            challenger_wei: RULES.demand_bond_wei + challenger_share,
            burned_wei: RULES.proposer_bond_wei - challenger_share,
            ..falls
        },
        Response::Refute => End {
            claim: ClaimState::Refuted,
            challenge: ChallengeState::Won,
            challenger_wei: RULES.refute_bond_wei + challenger_share,
            prover_wei: prover_share,
            burned_wei: RULES.proposer_bond_wei - challenger_share - prover_share,
            ..falls
        },
        Response::UnchallengedButProven => End {
            claim: ClaimState::Refuted,
            prover_wei: challenger_share + prover_share,
            burned_wei: RULES.proposer_bond_wei - challenger_share - prover_share,
            ..falls
        },
    }
}

/// A claim on a contract of its own.
struct Cell<'a> {
    test: TestSettlement,
    runs: &'a [Run],
    run: &'a Run,
    block: ReceiptedBlock,
    claim: Claim,
    response: Response,
}

impl<'a> Cell<'a> {
    fn new(
        verifier: &Arc<ProofVerifier>,
        runs: &'a [Run],
        run: &'a Run,
        claimed: usize,
        response: Response,
    ) -> Self {
        let proposers = [signer(PROPOSER), signer(OTHER_PROPOSER)];
        let test = TestSettlement::with_verifier(RULES, &proposers, verifier.clone());
        let log = ClaimLog {
            job_id: B256::repeat_byte(1),
            program_id: run.program_id,
            input_commitment: run.input.commitment(),
            max_cycles: 100_000,
            outcome_hash: outcomes()[claimed].hash(),
            cycles: 1_000,
        };
        let block = execution_block(&test.genesis, 1, vec![vec![log.log()]]);
        test.propose(&signer(PROPOSER), block.header());
        let claim = block.claims(JOB_MANAGER_ADDRESS)[0];
        Self { test, runs, run, block, claim, response }
    }

    fn kind(&self) -> ChallengeKind {
        if self.response == Response::Refute { ChallengeKind::Refute } else { ChallengeKind::Demand }
    }

    fn is_challenged(&self) -> bool {
        matches!(self.response, Response::Refute | Response::Demand)
    }

    fn bond_wei(&self) -> u128 {
        match self.response {
            Response::Refute => RULES.refute_bond_wei,
            Response::Demand => RULES.demand_bond_wei,
            Response::Unchallenged | Response::UnchallengedButProven => 0,
        }
    }

    fn challenge(&self) {
        let evidence = self.block.evidence(0, 0).unwrap();
        let call = Settlement::challengeCall { evidence, kind: self.kind() as u8 };
        self.test.transact(&signer(CHALLENGER), U256::from(self.bond_wei()), &call);
    }

    /// Sends a proof. False when the contract refuses it.
    fn send_proof(&self, outcome_hash: B256, proof: &Bytes) -> bool {
        let prover = signer(PROVER);
        let sent = if self.is_challenged() {
            let call = Settlement::proveCall {
                key: self.claim.key(),
                statement: self.claim.statement(),
                outcomeHash: outcome_hash,
                proof: proof.clone(),
            };
            self.test.send(&prover, U256::ZERO, &call)
        } else {
            let evidence = self.block.evidence(0, 0).unwrap();
            let call = Settlement::proveUnchallengedCall {
                evidence,
                outcomeHash: outcome_hash,
                proof: proof.clone(),
            };
            self.test.send(&prover, U256::ZERO, &call)
        };
        if sent.is_ok() {
            self.test.mine();
        }
        sent.is_ok()
    }

    /// Tries every proof there is, for every outcome: none but that of this run proves, and that the truth alone. When it
    /// would refute a claim that is under demand, nobody sends it, so that the demand decides by itself.
    fn prove_what_can_be(&self) -> bool {
        for run in self.runs {
            for (index, outcome) in outcomes().iter().enumerate() {
                let Some(proof) = &run.proof else { continue };
                if run.truth != self.run.truth || run.truth != Truth::Ends(index) {
                    assert!(!self.send_proof(outcome.hash(), proof), "{:?} proves {outcome:?}", run.truth);
                }
            }
        }
        let Truth::Ends(index) = self.run.truth else { return false };
        let truth = outcomes()[index].hash();
        if self.response == Response::Demand && truth != self.claim.outcome_hash {
            return false;
        }
        assert!(self.send_proof(truth, self.run.proof.as_ref().unwrap()), "the truth is not provable");
        true
    }

    fn play(&self) -> End {
        if self.is_challenged() {
            self.challenge();
        }
        let is_proven = self.response != Response::Unchallenged && self.prove_what_can_be();
        self.test.mine_blocks(RULES.prover_period_blocks + 1);
        if self.is_challenged() {
            let (key, challenger, kind) = (self.claim.key(), signer(CHALLENGER), self.kind() as u8);
            if is_proven {
                let call = Settlement::settleChallengeCall { key, challenger: challenger.address(), kind };
                self.test.transact(&challenger, U256::ZERO, &call);
            } else {
                let call = Settlement::expireCall { key, challenger: challenger.address(), kind };
                self.test.transact(&challenger, U256::ZERO, &call);
            }
        }
        self.test.transact(
            &signer(PROVER),
            U256::ZERO,
            &Settlement::finalizeCall { maxBlocks: U256::from(10) },
        );
        self.end()
    }

    fn end(&self) -> End {
        let claim = self.test.read(Settlement::claimInfoCall { claimId: self.claim.id() });
        let id = challenge_id(self.claim.id(), signer(CHALLENGER).address(), self.kind());
        let challenge = self.test.read(Settlement::challengeInfoCall { id });
        let block = self.test.read(Settlement::blockInfoCall { blockHash: self.block.hash() });
        let proposer = signer(PROPOSER).address();
        let proposer_state = self.test.read(Settlement::proposerInfoCall { proposer }).state;
        let is_jailed = ProposerState::from_byte(proposer_state) == Some(ProposerState::Jailed);
        assert_eq!(claim.slashed, is_jailed);
        let balance = |key: u8| {
            self.test.read(Settlement::balanceOfCall { account: signer(key).address() }).to::<u128>()
        };
        End {
            claim: ClaimState::from_byte(claim.state).unwrap(),
            challenge: ChallengeState::from_byte(challenge.state).unwrap(),
            block: BlockState::from_byte(block.state).unwrap(),
            slashed: claim.slashed,
            challenger_wei: balance(CHALLENGER),
            prover_wei: balance(PROVER),
            proposer_wei: balance(PROPOSER),
            burned_wei: self.test.read(Settlement::burnedWeiCall {}).to(),
        }
    }

    /// What came in is what is there and what was burned; what is there is bonds and balances.
    fn check_funds(&self, end: &End) {
        let state = self.test.settlement.chain().state_at(alloy_eips::BlockId::latest()).unwrap();
        let held: u128 = state.balance(SETTLEMENT_ADDRESS).unwrap().to();
        assert_eq!(held + end.burned_wei, 2 * RULES.proposer_bond_wei + self.bond_wei());
        let bonds = if end.slashed { 1 } else { 2 } * RULES.proposer_bond_wei;
        assert_eq!(held, bonds + end.challenger_wei + end.prover_wei + end.proposer_wei);
    }
}

#[test]
fn every_cell_of_the_table() {
    let payloads = Arc::new(PayloadStore::in_memory(64 * 1024 * 1024));
    let runs = runs(&payloads);
    let verifier = Arc::new(ProofVerifier::new(payloads));
    let mut cells = 0;
    for run in &runs {
        for claimed in 0..outcomes().len() {
            for response in RESPONSES {
                let cell = Cell::new(&verifier, &runs, run, claimed, response);
                let end = cell.play();
                let what = format!("truth {:?}, claim {claimed}, {response:?}", run.truth);
                assert_eq!(end, expected(run.truth, claimed, response), "{what}");
                cell.check_funds(&end);
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 60);
}
