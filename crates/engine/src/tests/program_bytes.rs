//! Programs as bytes, and the executor in this process.

use proptest::prelude::*;

use super::{SCRATCH, program};
use crate::{
    Call, Executor, ExecutorError, InProcess, InputDoesNotFit, Program, ProgramKey, Reach, RunEnd,
    testing::{ElfFile, ElfSegment, TEXT_ADDRESS, addi, terminate},
};

fn with_data() -> Program {
    let segments = vec![
        ElfSegment::text(TEXT_ADDRESS, &[addi(5, 0, 7), terminate(0)]),
        ElfSegment::data(SCRATCH, b"data of three words"),
    ];
    Program::from_elf(&ElfFile::new(TEXT_ADDRESS + 4, segments).build()).unwrap()
}

#[test]
fn a_program_is_the_same_after_being_bytes() {
    for program in [with_data(), program(&[terminate(3)])] {
        assert_eq!(Program::from_bytes(&program.to_bytes()), Ok(program));
    }
}

#[test]
fn bytes_cut_short_or_long_are_refused() {
    let bytes = with_data().to_bytes();
    for length in 0..bytes.len() {
        assert!(Program::from_bytes(&bytes[..length]).is_err(), "{length}");
    }
    assert!(Program::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(position in 0..60_usize, value: u8, number: u32) {
        let mut bytes = with_data().to_bytes();
        let position = position % (bytes.len() - 4);
        bytes[position] ^= value;
        let _ = Program::from_bytes(&bytes);
        bytes[position..position + 4].copy_from_slice(&number.to_le_bytes());
        let _ = Program::from_bytes(&bytes);
    }
}

#[test]
fn the_executor_in_this_process_reports_what_the_interpreter_does() {
    let program = program(&[addi(5, 0, 7), terminate(0)]);
    let key = ProgramKey([1; 32]);
    let call = Call { key, program: &program, input_image: &[], max_cycles: 10, reach: Reach::Whole };
    let report = InProcess.execute(&call).unwrap();
    assert_eq!(report.end, RunEnd::Terminated { exit_code: 0 });
    assert_eq!((report.state.cycles, report.state.registers[5]), (2, 7));
    assert_eq!(report.outcome_bytes, Some(Vec::new()));

    let image = vec![0; 1 << 27];
    let refused = InProcess.execute(&Call { input_image: &image, ..call });
    let expected = InputDoesNotFit { size_bytes: image.len() };
    assert_eq!(refused, Err(ExecutorError::InputDoesNotFit(expected)));

    let image = vec![0; 3 << 20];
    assert!(InProcess.execute(&Call { input_image: &image, ..call }).is_ok());
    let refused = InProcess.execute(&Call { input_image: &image, reach: Reach::Low, ..call });
    let expected = InputDoesNotFit { size_bytes: image.len() };
    assert_eq!(refused, Err(ExecutorError::InputDoesNotFit(expected)));
}
