//! Aggregated proofs.

use std::{fs, ops::ControlFlow, path::Path};

use ivm_engine::interpreter::count_instructions;
use ivm_zkvm::{OpenVm, ProofKind, ProveProgress, Zkvm};

use crate::{
    forgeries::{Proven, outcome, word},
    guest::EchoWord,
};

/// Two segments.
const ECHO: EchoWord = EchoWord { mark: 1, loops: 500, status: 0 };

/// Set to renew the proof that the light verifier's own tests read.
const UPDATE_VARIABLE: &str = "IVM_UPDATE_KEYS";

#[test]
fn aggregated_proofs() {
    let zkvm = OpenVm::new().with_segment_memory(1);
    let program = zkvm.admit(&ECHO.elf()).unwrap();
    let execution = zkvm.execute(&program, &word(), 10_000).unwrap();
    assert_eq!(execution.outcome, outcome());
    let instructions = count_instructions(program.engine(), &word().memory_image(), 10_000).unwrap();
    let mut progress = Vec::new();
    let mut note = |step| {
        progress.push(step);
        ControlFlow::Continue(())
    };
    let proof = zkvm.prove(&program, &word(), 10_000, ProofKind::Aggregated, &mut note).unwrap();
    assert_eq!(
        progress[..],
        [
            ProveProgress::Planned { segments: 2, aggregations: 4, instructions },
            ProveProgress::SegmentStarted { index: 0 },
            ProveProgress::SegmentStarted { index: 1 },
            ProveProgress::AggregationStarted { index: 0 },
            ProveProgress::AggregationStarted { index: 1 },
            ProveProgress::AggregationStarted { index: 2 },
            ProveProgress::AggregationStarted { index: 3 },
            ProveProgress::Finished
        ]
    );
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        let folder =
            Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../verifier/tests/fixtures");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("aggregated.proof"), proof.bytes()).unwrap();
        fs::write(folder.join("program"), program.verifying().to_bytes()).unwrap();
    }
    Proven { zkvm, echo: ECHO, program, proof }.stands_alone();
}
