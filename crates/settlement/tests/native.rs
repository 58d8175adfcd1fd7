//! The verifier in the EVM: a real proof, and everything that is not one.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_sol_types::{SolCall, SolError};
use ivm_chain::{NativeCall, NativeContract, NativeFault, NativeReturn};
use ivm_contracts::IProofVerifier::verifyCall;
use ivm_da::PayloadStore;
use ivm_primitives::{JobInput, Outcome, input_commitment};
use ivm_settlement::native::{
    CallMalformed, LOCATOR_SIZE_BYTES, LocatorMalformed, MALFORMED_CALL_GAS, PayloadSizes, VERIFY_BASE_GAS,
    verification_gas,
};
use ivm_settlement::{Payloads, ProofLocator, ProofVerifier};
use ivm_verifier::VerifyingProgram;
use proptest::prelude::*;

const PLENTY: u64 = 60_000_000;

/// Whoever calls gets the same answer.
fn ask(verifier: &ProofVerifier, input: &[u8], gas_limit: u64) -> Result<NativeReturn, NativeFault> {
    verifier.call(&NativeCall { caller: Address::ZERO, is_direct: true, block_number: 1, input, gas_limit })
}

fn fixture(name: &str) -> Bytes {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../verifier/tests/fixtures");
    std::fs::read(folder.join(name)).unwrap().into()
}

/// Payloads in memory, and how often they are asked for.
#[derive(Debug)]
struct Counted {
    store: PayloadStore,
    reads: AtomicUsize,
}

impl Payloads for Counted {
    fn get(&self, hash: B256) -> Result<Option<Bytes>, String> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Payloads::get(&self.store, hash)
    }
}

struct Case {
    payloads: Arc<Counted>,
    verifier: ProofVerifier,
    call: verifyCall,
    locator: ProofLocator,
}

impl Case {
    /// The statement of the committed proof, and where its parts are.
    fn true_one() -> Self {
        let payloads = Arc::new(Counted {
            store: PayloadStore::in_memory(64 * 1024 * 1024),
            reads: AtomicUsize::new(0),
        });
        let put = |payload: Bytes| payloads.store.put(&payload).unwrap();
        let program = fixture("program");
        let locator = ProofLocator {
            onchain_input_hash: put(Bytes::from_static(b"word")),
            offchain_input_hash: KECCAK256_EMPTY,
            verifying_program_hash: put(program.clone()),
            proof_hash: put(fixture("aggregated.proof")),
        };
        let call = verifyCall {
            programId: VerifyingProgram::from_bytes(&program).unwrap().id(),
            inputCommitment: JobInput::onchain_only(b"word").unwrap().commitment(),
            outcomeHash: Outcome::Success(b"word".into()).hash(),
            proof: locator.to_bytes(),
        };
        let verifier = ProofVerifier::new(payloads.clone());
        Self { payloads, verifier, call, locator }
    }

    fn put(&self, payload: impl Into<Bytes>) -> B256 {
        self.payloads.store.put(&payload.into()).unwrap()
    }

    fn with_proof(&mut self, proof: impl Into<Bytes>) -> bool {
        self.locator.proof_hash = self.put(proof);
        self.answer()
    }

    /// The answer for the locator as it stands.
    fn answer(&mut self) -> bool {
        self.call.proof = self.locator.to_bytes();
        let answered = ask(&self.verifier, &self.call.abi_encode(), PLENTY).unwrap();
        verifyCall::abi_decode_returns(&answered.output).unwrap()
    }
}

#[test]
fn the_committed_proof_is_valid() {
    let mut case = Case::true_one();
    assert!(case.answer());
    assert!(case.answer());
}

#[test]
fn a_proof_of_another_statement_is_not_valid() {
    for change in 0..3 {
        let mut case = Case::true_one();
        match change {
            0 => case.call.programId.0[31] ^= 1,
            1 => case.call.outcomeHash = Outcome::Panicked(b"word".into()).hash(),
            _ => {
                case.locator.onchain_input_hash = case.put(Bytes::from_static(b"work"));
                case.call.inputCommitment = JobInput::onchain_only(b"work").unwrap().commitment();
            }
        }
        assert!(!case.answer(), "{change}");
    }
}

#[test]
fn the_inputs_are_those_that_the_statement_commits_to() {
    let mut case = Case::true_one();
    case.call.inputCommitment = JobInput::onchain_only(b"work").unwrap().commitment();
    assert!(!case.answer());
    // The same hashes the other way round are other inputs.
    let mut case = Case::true_one();
    let ProofLocator { onchain_input_hash: onchain, offchain_input_hash: offchain, .. } = case.locator;
    (case.locator.onchain_input_hash, case.locator.offchain_input_hash) = (offchain, onchain);
    assert!(!case.answer());
    case.call.inputCommitment = input_commitment(offchain, onchain);
    assert!(!case.answer());
}

#[test]
fn damaged_payloads_are_not_valid() {
    let proof = fixture("aggregated.proof");
    let mut case = Case::true_one();
    for size in [0, 1, 40, proof.len() / 2, proof.len() - 1] {
        assert!(!case.with_proof(proof.slice(..size)), "cut at {size}");
    }
    assert!(!case.with_proof([&proof[..], &[0]].concat()));
    for at in (0..proof.len()).step_by(proof.len() / 40) {
        let mut damaged = proof.to_vec();
        damaged[at] ^= 1;
        assert!(!case.with_proof(damaged), "byte {at}");
    }

    let program = fixture("program");
    let mut case = Case::true_one();
    for size in [0, 43, program.len() - 1] {
        case.locator.verifying_program_hash = case.put(program.slice(..size));
        assert!(!case.answer(), "cut at {size}");
    }
    // A proof where the program should be, and the other way round.
    let mut case = Case::true_one();
    let ProofLocator { verifying_program_hash, proof_hash, .. } = case.locator;
    (case.locator.verifying_program_hash, case.locator.proof_hash) = (proof_hash, verifying_program_hash);
    assert!(!case.answer());
    // An input that is over its limit.
    let mut case = Case::true_one();
    case.locator.onchain_input_hash = case.put(vec![7; 130 * 1024]);
    case.call.inputCommitment = input_commitment(case.locator.onchain_input_hash, KECCAK256_EMPTY);
    assert!(!case.answer());
}

#[test]
fn what_does_not_decode_is_refused_with_a_reason() {
    let mut case = Case::true_one();
    let refuse = |verifier: &ProofVerifier, input: &[u8]| match ask(verifier, input, PLENTY) {
        Err(NativeFault::Reverted { gas_used, output }) => {
            assert_eq!(gas_used, MALFORMED_CALL_GAS);
            output
        }
        other => panic!("{other:?}"),
    };
    for size in [0, 31, LOCATOR_SIZE_BYTES - 1, LOCATOR_SIZE_BYTES + 1, 2 * LOCATOR_SIZE_BYTES] {
        case.call.proof = vec![1; size].into();
        let output = refuse(&case.verifier, &case.call.abi_encode());
        let expected =
            LocatorMalformed { gotBytes: U256::from(size), expectedBytes: U256::from(LOCATOR_SIZE_BYTES) };
        assert_eq!(LocatorMalformed::abi_decode(&output).unwrap(), expected);
    }
    let good = Case::true_one().call.abi_encode();
    for size in [0, 3, 4, 100, good.len() - 1] {
        assert!(CallMalformed::abi_decode(&refuse(&case.verifier, &good[..size])).is_ok(), "{size}");
    }
    let mut selector = good;
    selector[0] ^= 1;
    assert!(CallMalformed::abi_decode(&refuse(&case.verifier, &selector)).is_ok());
    assert_eq!(case.payloads.reads.load(Ordering::Relaxed), 0);
}

#[test]
fn a_payload_that_is_not_held_is_no_verdict() {
    let fields: [fn(&mut ProofLocator) -> &mut B256; 3] = [
        |locator| &mut locator.onchain_input_hash,
        |locator| &mut locator.verifying_program_hash,
        |locator| &mut locator.proof_hash,
    ];
    for field in fields {
        let mut case = Case::true_one();
        let payload = Bytes::from_static(b"somewhere else");
        let hash = keccak256(&payload);
        *field(&mut case.locator) = hash;
        let ProofLocator { onchain_input_hash, offchain_input_hash, .. } = case.locator;
        case.call.inputCommitment = input_commitment(onchain_input_hash, offchain_input_hash);
        case.call.proof = case.locator.to_bytes();
        let input = case.call.abi_encode();
        let fault = ask(&case.verifier, &input, PLENTY).unwrap_err();
        assert!(
            matches!(&fault, NativeFault::Unavailable(what) if what.contains(&hash.to_string())),
            "{fault}"
        );
        // It is not remembered: once the payload is there, there is a verdict.
        case.put(payload);
        assert!(!case.answer());
    }
}

#[test]
fn gas_is_charged_by_size_and_before_the_work() {
    let case = Case::true_one();
    let input = case.call.abi_encode();
    let sizes = PayloadSizes {
        program: fixture("program").len() as u64,
        inputs: 4,
        proof: fixture("aggregated.proof").len() as u64,
    };
    let cost = verification_gas(sizes);
    let limits = [0, MALFORMED_CALL_GAS - 1, VERIFY_BASE_GAS - 1, VERIFY_BASE_GAS, cost - 1];
    for gas_limit in limits {
        assert_eq!(ask(&case.verifier, &input, gas_limit), Err(NativeFault::OutOfGas), "{gas_limit}");
    }
    let answered = ask(&case.verifier, &input, cost).unwrap();
    assert_eq!(answered.gas_used, cost);
    // A verdict that is known costs the same.
    assert_eq!(ask(&case.verifier, &input, cost), Ok(answered));
    assert_eq!(ask(&case.verifier, &input, cost - 1), Err(NativeFault::OutOfGas));
}

#[test]
fn a_proof_is_verified_once_and_an_unpaid_payload_read_once() {
    let mut case = Case::true_one();
    let input = case.call.abi_encode();
    for _ in 0..3 {
        assert_eq!(ask(&case.verifier, &input, VERIFY_BASE_GAS + 10), Err(NativeFault::OutOfGas));
    }
    // It was out of gas at the first payload.
    assert_eq!(case.payloads.reads.load(Ordering::Relaxed), 1);
    assert!(case.answer());
    let reads = case.payloads.reads.load(Ordering::Relaxed);
    for _ in 0..3 {
        assert!(case.answer());
    }
    assert_eq!(case.payloads.reads.load(Ordering::Relaxed), reads);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn random_payloads_are_not_valid(
        program in prop::collection::vec(any::<u8>(), 0..600),
        onchain in prop::collection::vec(any::<u8>(), 0..100),
        proof in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let mut case = Case::true_one();
        case.locator.onchain_input_hash = case.put(onchain.clone());
        case.call.inputCommitment = JobInput::onchain_only(onchain).unwrap().commitment();
        prop_assert!(!case.with_proof(proof));
        case.locator.verifying_program_hash = case.put(program);
        prop_assert!(!case.answer());
    }

    #[test]
    fn random_calls_do_not_panic(input in prop::collection::vec(any::<u8>(), 0..400), gas in 0..PLENTY) {
        let verifier = Case::true_one().verifier;
        let selected = [&verifyCall::SELECTOR[..], &input].concat();
        for input in [input, selected] {
            if let Ok(answered) = ask(&verifier, &input, gas) {
                prop_assert!(answered.gas_used <= gas);
            }
        }
    }
}
