//! Programs that nobody wrote for this VM, and the engine's workloads, on every path: natively, on the engine, on
//! OpenVM's interpreter and its preflight; some are proven.
//!
//! What the corpus does natively is in a file that its own tests write and compare, so that these tests need not be
//! built with all that the corpus is made of: that would change features of OpenVM's dependencies.

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Bytes, hex};
use ivm_engine::interpreter::count_instructions;
use ivm_primitives::{JobInput, Outcome, OutcomeStatus};
use ivm_recompiler::{Code, Space};
use workloads::Workload;

use super::{bundled, differential::assert_same, zkvm};
use crate::{AdmittedProgram, ProofKind, Zkvm};

/// See `programs/corpus/cases/src/lib.rs` for its form.
const CASES: &str = include_str!("../../../../programs/corpus/cases/cases.tsv");
const MAX_CYCLES: u64 = 1 << 32;

/// One run of a program, and its outcome natively.
struct Case<'a> {
    used_as: &'a str,
    program: &'a str,
    what: &'a str,
    input: JobInput,
    outcome: Outcome,
}

impl Case<'_> {
    fn read(line: &str) -> Case<'_> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [used_as, program, what, input, status, bytes] = fields[..] else { panic!("no case: {line}") };
        let status = match status {
            "success" => OutcomeStatus::Success,
            "panicked" => OutcomeStatus::Panicked,
            other => panic!("no status: {other}"),
        };
        let input = JobInput::onchain_only(hex::decode(input).unwrap()).unwrap();
        let outcome = Outcome::new(status, hex::decode(bytes).unwrap().into());
        Case { used_as, program, what, input, outcome }
    }

    fn assert_one_outcome(&self, program: &AdmittedProgram) {
        let ours = zkvm().execute(program, &self.input, MAX_CYCLES).unwrap();
        assert_eq!(ours.outcome, self.outcome, "{}, {}", self.program, self.what);
        assert_same(program, &self.input);
    }
}

fn cases() -> impl Iterator<Item = Case<'static>> {
    CASES.lines().map(Case::read)
}

/// Every ELF of these is committed.
fn admit_bundled(name: &str) -> AdmittedProgram {
    let elf = bundled(name).unwrap_or_else(|| panic!("{name} was not built"));
    zkvm().admit(&elf).unwrap()
}

/// Checks all runs of one program of the corpus.
fn check(name: &str) {
    let program = admit_bundled(name);
    let mut runs = 0;
    for case in cases().filter(|case| case.program == name) {
        case.assert_one_outcome(&program);
        runs += 1;
    }
    assert!(runs >= 3, "{runs} runs of {name}");
}

#[test]
fn corpus_json() {
    check("corpus-json");
}

#[test]
fn corpus_regex() {
    check("corpus-regex");
}

#[test]
fn corpus_deflate() {
    check("corpus-deflate");
}

#[test]
fn corpus_wasm() {
    check("corpus-wasm");
}

#[test]
fn corpus_chess() {
    check("corpus-chess");
}

#[test]
fn corpus_ecdsa() {
    check("corpus-ecdsa");
}

#[test]
fn corpus_evm() {
    check("corpus-evm");
}

#[test]
fn workloads_have_their_native_digests() {
    let program = admit_bundled("workloads");
    let sizes = [1_000, 3_000, 2_000, 3_000, 16, 4_000, 3_000, 800, 100];
    let mut runs: Vec<(Workload, u32, Bytes)> =
        Workload::ALL.into_iter().zip(sizes).map(|(workload, size)| (workload, size, Bytes::new())).collect();
    let document = Bytes::from(workloads::json_document(1_000).into_bytes());
    runs.push((Workload::Sha256, 0, document.slice(..777)));
    runs.push((Workload::Json, 0, document));
    for (workload, size, data) in runs {
        let digest = workload.run(size, &data);
        let case = Case {
            used_as: "checked",
            program: "workloads",
            what: workload.name(),
            input: JobInput::new(workload.input(size).into(), data).unwrap(),
            outcome: Outcome::Success(digest.to_le_bytes().to_vec().into()),
        };
        case.assert_one_outcome(&program);
    }
}

/// Runs that are small, of programs that are not.
#[test]
fn corpus_is_proven() {
    let mut proven = 0;
    for case in cases().filter(|case| case.used_as == "proven") {
        let program = admit_bundled(case.program);
        let start = Instant::now();
        let proof = zkvm()
            .prove(&program, &case.input, MAX_CYCLES, ProofKind::Segments, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        eprintln!("{}, {}: proven in {:?}", case.program, case.what, start.elapsed());
        zkvm().verify(&program, &case.input, case.outcome.hash(), &proof).unwrap();
        let other = Outcome::Success(b"other".into()).hash();
        zkvm().verify(&program, &case.input, other, &proof).unwrap_err();
        proven += 1;
    }
    assert_eq!(proven, 3);
}

/// The shortest time of several.
fn shortest<T>(times: u32, mut work: impl FnMut() -> T) -> Duration {
    let runs = (0..times).map(|_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed()
    });
    runs.min().unwrap_or_default()
}

/// Prints the table of `docs/real-programs.md`, but for native times.
#[test]
#[ignore = "prints measurements"]
fn corpus_table() {
    println!("| program | run | cycles | compiled, ms | MHz | interpreter, ms | compiling, ms | ELF, KB |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut space = Space::new().unwrap();
    for case in cases().filter(|case| case.used_as != "checked") {
        let program = admit_bundled(case.program);
        let cycles = zkvm().execute(&program, &case.input, MAX_CYCLES).unwrap().cycles;
        let engine = shortest(5, || zkvm().execute(&program, &case.input, MAX_CYCLES).unwrap()).as_secs_f64();
        let (engine_program, image) = (Arc::new(program.engine().clone()), case.input.memory_image());
        let compiling = shortest(3, || Code::compile(engine_program.clone()).unwrap()).as_secs_f64();
        let instructions = count_instructions(&engine_program, &image, MAX_CYCLES).unwrap();
        let code = Code::compile(engine_program).unwrap();
        let compiled = shortest(9, || code.run(&mut space, &image, MAX_CYCLES).unwrap()).as_secs_f64();
        println!(
            "| `{}` | {} | {cycles} | {:.2} | {:.0} | {:.1} | {:.1} | {} |",
            case.program,
            case.what,
            compiled * 1e3,
            instructions as f64 / compiled / 1e6,
            engine * 1e3,
            compiling * 1e3,
            bundled(case.program).unwrap().len() / 1000
        );
    }
}
