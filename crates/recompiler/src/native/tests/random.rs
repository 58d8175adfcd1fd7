//! Random programs, with whatever control flow and faults come of it.

use ivm_engine::{
    Reach, RunEnd,
    testing::random::{Shape, random_program},
};
use proptest::prelude::*;

use super::{Pair, program};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn programs_run_as_interpreted(
        seed: u64,
        steps in 1_u32..300,
        wild: bool,
        low: bool,
        max_cycles in 0_u64..3000,
    ) {
        let words = random_program(seed, Shape { steps, wild });
        let reach = if low { Reach::Low } else { Reach::Whole };
        Pair::default().assert_same_within(reach, &program(&words), b"some input", max_cycles);
    }

    /// Around where the end is, whichever it is: the last block does not fit as a whole there.
    #[test]
    fn programs_run_as_interpreted_to_just_before_their_end(seed: u64, steps in 1_u32..200, before in 0_u64..200) {
        let (program, mut pair) = (program(&random_program(seed, Shape { steps, wild: true })), Pair::default());
        let cycles = pair.assert_same(&program, &[], 3000).state.cycles;
        let report = pair.assert_same(&program, &[], cycles.saturating_sub(before));
        prop_assert!(report.state.cycles <= cycles.saturating_sub(before));
    }
}

/// The generator is worth something only if its programs end in all ways and get far before they do.
#[test]
fn random_programs_end_in_every_way() {
    let mut pair = Pair::default();
    let (mut faulted, mut terminated, mut ran_out, mut cycles) = (0, 0, 0, 0);
    for seed in 0..300 {
        let words = random_program(seed, Shape { steps: 200, wild: seed % 2 == 0 });
        let report = pair.assert_same(&program(&words), &[], 2000);
        cycles += report.state.cycles;
        match report.end {
            RunEnd::Faulted(_) => faulted += 1,
            RunEnd::Terminated { .. } => terminated += 1,
            RunEnd::OutOfCycles => ran_out += 1,
        }
    }
    assert!(faulted > 20 && terminated > 20 && ran_out > 20, "{faulted} {terminated} {ran_out}");
    assert!(cycles > 60_000, "{cycles}");
}
