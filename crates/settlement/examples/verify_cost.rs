//! What verifying costs here, and what it is charged: milliseconds, gas, and million gas a second.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use ivm_primitives::{JobInput, Outcome};
use ivm_settlement::native::{PayloadSizes, verification_gas};
use ivm_verifier::{Proof, VerifyingProgram};

const RUNS: u32 = 5;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier/tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

/// The shortest of a few runs.
fn time(mut run: impl FnMut()) -> Duration {
    let runs = (0..RUNS).map(|_| {
        let started = Instant::now();
        run();
        started.elapsed()
    });
    runs.min().unwrap()
}

fn print(what: &str, took: Duration, sizes: PayloadSizes) {
    let gas = verification_gas(sizes);
    let rate = gas as f64 / 1e6 / took.as_secs_f64();
    println!("{what:<44} {:>8.1} ms {gas:>12} gas {rate:>8.0} Mgas/s", took.as_secs_f64() * 1e3);
}

fn main() {
    let bytes = fixture("program");
    let program = VerifyingProgram::from_bytes(&bytes).unwrap();
    let proof = Proof::from_bytes(fixture("aggregated.proof").into());
    let sizes = |inputs: usize, program: usize| PayloadSizes {
        inputs: inputs as u64,
        program: program as u64,
        proof: proof.size_bytes() as u64,
    };
    let outcome = Outcome::Success(b"word".into()).hash();
    let word = JobInput::onchain_only(b"word").unwrap();
    print(
        "aggregated proof, 267 kB",
        time(|| ivm_verifier::verify(&program, &word, outcome, &proof).unwrap()),
        sizes(4, bytes.len()),
    );

    for megabytes in [1, 10] {
        let offchain: Vec<u8> = (0..megabytes << 20).map(|at: usize| (at * 7 + 1) as u8 | 1).collect();
        let input = JobInput::new(b"word".into(), offchain.into()).unwrap();
        let took = time(|| {
            let refused = ivm_verifier::verify(&program, &input, outcome, &proof);
            assert!(refused.is_err(), "it is a proof of another input");
        });
        print(&format!("the same, {megabytes} MiB of input"), took, sizes(megabytes << 20, bytes.len()));
    }

    let code = vec![0x13; 3 << 20];
    let mut large = bytes[..44 - 4].to_vec();
    large.extend(1_u32.to_le_bytes());
    large.extend(0x0010_0000_u32.to_le_bytes());
    large.extend((code.len() as u32).to_le_bytes());
    large.extend(&code);
    // The input goes behind the code.
    large[36..40].copy_from_slice(&0x00f0_0000_u32.to_le_bytes());
    let program = VerifyingProgram::from_bytes(&large).unwrap();
    let took = time(|| {
        assert_ne!(program.id(), program.execution_commitment(&word));
        assert!(ivm_verifier::verify(&program, &word, outcome, &proof).is_err());
    });
    print("the same, program of 3 MiB (one root more)", took, sizes(4, large.len()));
}
