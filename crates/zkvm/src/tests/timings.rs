//! Measurements, printed: `cargo test --release -p ivm-zkvm -- --ignored --nocapture timings`.

use std::{hint::black_box, ops::ControlFlow, time::Instant};

use ivm_primitives::JobInput;

use openvm_circuit::system::program::trace::compute_exe_commit_from_mem_config;

use super::{bundled, zkvm};
use crate::peer::with_memory;
use crate::{
    OpenVm, ProofKind, Zkvm,
    config::vm_config,
    keys::{aggregation_prover, vm_key},
};

/// CPU time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // User and system time, in hundredths of a second, twelve fields behind the command's name.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<f64>().unwrap() / 100.0).sum()
}

fn measure<T>(what: &str, times: u32, mut work: impl FnMut() -> T) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    for _ in 0..times {
        black_box(work());
    }
    let each = |seconds: f64| seconds * 1e3 / f64::from(times);
    let (wall, cpu) = (each(start.elapsed().as_secs_f64()), each(cpu_seconds() - cpu));
    eprintln!("{what:<50} {wall:>9.2} ms {cpu:>9.2} CPU-ms");
}

#[test]
#[ignore = "prints measurements"]
fn timings() {
    let Some(elf) = bundled("echo") else { return };
    measure("VM key, generated", 5, || vm_key(None).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let key = vm_key(Some(folder.path())).unwrap();
    measure("VM key, cached", 5, || vm_key(Some(folder.path())).unwrap());
    measure("aggregation keys, generated", 1, || aggregation_prover(&key, None));
    measure("aggregation keys, cached first", 1, || aggregation_prover(&key, Some(folder.path())));
    measure("aggregation keys, cached", 2, || aggregation_prover(&key, Some(folder.path())));
    let zkvm = zkvm();
    let program = zkvm.admit(&elf).unwrap();
    measure("admit echo, keys new", 2, || OpenVm::new().admit(&elf).unwrap());
    measure("admit echo, keys there", 5, || zkvm.admit(&elf).unwrap());
    measure("  build the machine", 5, || zkvm.machine().unwrap());
    let machine = zkvm.machine().unwrap();
    measure("  commit the code", 5, || machine.commit_program_on_device(&program.exe().program));
    let memory = &vm_config().system.config.memory_config;
    let commit = |input: &JobInput| program.verifying().execution_commitment(input);
    measure("execution commitment, empty input", 5, || commit(&JobInput::default()));
    for megabytes in [1, 10] {
        let bytes: Vec<u8> = (0..megabytes << 20).map(|index: u32| (index >> 3) as u8 | 1).collect();
        let input = JobInput::new("".into(), bytes.into()).unwrap();
        measure(&format!("execution commitment, {megabytes} MiB input"), 2, || commit(&input));
        measure(&format!("  the same by OpenVM's function, {megabytes} MiB"), 1, || {
            compute_exe_commit_from_mem_config(
                program.code_commitment(),
                &with_memory(&program, &input.memory_image()),
                memory,
            )
        });
    }
    measure("execute echo", 20, || zkvm.execute(&program, &JobInput::default(), 1 << 30).unwrap());
    let spin = engine_loop();
    let start = Instant::now();
    let run = ivm_engine::run(&spin, &[], 1 << 32).unwrap();
    eprintln!("interpreter, loop: {:.0} MHz", run.cycles as f64 / start.elapsed().as_secs_f64() / 1e6);
    if let Some(elf) = bundled("volatility") {
        let volatility = zkvm.admit(&elf).unwrap();
        let start = Instant::now();
        let result = zkvm.execute(&volatility, &prices(), 1 << 30);
        eprintln!("volatility: {:?} in {:?}", result.map(|run| run.cycles), start.elapsed());
    }
    for kind in [ProofKind::Segments, ProofKind::Aggregated] {
        let input = JobInput::onchain_only(b"hello").unwrap();
        let outcome = zkvm.execute(&program, &input, 1 << 20).unwrap().outcome.hash();
        let mut proof = None;
        measure(&format!("prove echo, {kind}"), 1, || {
            proof =
                Some(zkvm.prove(&program, &input, 1 << 20, kind, &mut |_| ControlFlow::Continue(())).unwrap())
        });
        let proof = proof.unwrap();
        eprintln!("proof, {kind}: {} bytes", proof.size_bytes());
        measure("verify echo", 5, || zkvm.verify(&program, &input, outcome, &proof).unwrap());
    }
}

fn engine_loop() -> ivm_engine::Program {
    use ivm_engine::testing::*;
    let words =
        [&li(5, 50_000_000)[..], &[alu(4, 0, 6, 6, 5), addi(5, 5, -1), b_type(1, 5, 0, -8), terminate(0)]];
    ivm_engine::Program::from_elf(&elf(&words.concat())).unwrap()
}

/// 5,104 prices, as the volatility program takes them.
fn prices() -> JobInput {
    let prices = (0..5104_u32).map(|day| 130_000 + (day * day * 7919) % 9_000);
    JobInput::onchain_only(prices.flat_map(u32::to_be_bytes).collect::<Vec<_>>()).unwrap()
}
