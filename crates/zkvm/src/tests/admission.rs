//! What admission refuses, and that the engine's decoder and the circuit's translation agree on what is allowed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ivm_engine::{
    ElfError, Program,
    decode::{DecodeError, decode},
    testing::{self, ElfFile, ElfSegment, TEXT_ADDRESS, custom, i_type, terminate},
};
use ivm_primitives::limits::MAX_ELF_SIZE_BYTES;
use proptest::prelude::*;

use super::{admit, bundled, zkvm};
use crate::{AdmitError, Zkvm, exe::executable};

fn refusal(words: &[u32]) -> AdmitError {
    zkvm().admit(&testing::elf(words)).unwrap_err()
}

#[test]
fn hints_are_refused() {
    // hint_storew, hint_buffer, and the phantoms that fill the hint stream.
    for word in [
        i_type(0x0b, 1, 5, 0, 0),
        i_type(0x0b, 1, 5, 6, 1),
        i_type(0x0b, 3, 0, 0, 0),
        i_type(0x0b, 3, 5, 0, 2),
    ] {
        let expected = ElfError::Instruction { address: TEXT_ADDRESS, error: DecodeError::Hint { word } };
        assert_eq!(refusal(&[word, terminate(0)]), AdmitError::Elf(expected));
    }
}

#[test]
fn the_circuit_has_no_hint_instruction_to_begin_with() {
    // Were the engine's decoder to let one through, the machine could not run it.
    let word = i_type(0x0b, 1, 5, 0, 0);
    let mut program = Program::from_elf(&testing::elf(&[testing::addi(5, 0, 0), terminate(0)])).unwrap();
    program.words[0] = word;
    let exe = executable(&program).unwrap();
    // OpenVM unwraps an executor that is not there.
    let vm = AssertUnwindSafe(zkvm().machine().unwrap());
    assert!(catch_unwind(|| vm.metered_interpreter(&exe).map(drop).unwrap()).is_err());
}

#[test]
fn unprovable_encodings_are_refused() {
    for word in [
        0,
        u32::MAX,
        custom(0, 5, 6, 0),
        custom(4, 5, 6, 7),
        i_type(0x0b, 2, 1, 5, 0),
        i_type(0x0b, 2, 0, 5, 32),
    ] {
        let expected =
            ElfError::Instruction { address: TEXT_ADDRESS, error: DecodeError::NotAllowed { word } };
        assert_eq!(refusal(&[word, terminate(0)]), AdmitError::Elf(expected));
    }
}

#[test]
fn oversized_files_are_refused_unread() {
    let got = MAX_ELF_SIZE_BYTES + 1;
    assert_eq!(zkvm().admit(&vec![0; got]).unwrap_err(), AdmitError::TooLarge { got });
    let at_limit = zkvm().admit(&vec![0; MAX_ELF_SIZE_BYTES]).unwrap_err();
    assert!(matches!(at_limit, AdmitError::Elf(ElfError::Malformed(_))));
}

#[test]
fn other_files_are_refused() {
    assert!(matches!(zkvm().admit(b"").unwrap_err(), AdmitError::Elf(ElfError::Malformed(_))));
    let mut x86 = ElfFile::new(TEXT_ADDRESS, vec![ElfSegment::text(TEXT_ADDRESS, &[terminate(0)])]);
    x86.machine = 62;
    let refused = zkvm().admit(&x86.build()).unwrap_err();
    assert_eq!(refused.to_string(), "ELF machine is 62, expected 243 (RISC-V)");
}

#[test]
fn ids_commit_to_code_data_and_start() {
    let text = ElfSegment::text(TEXT_ADDRESS, &[testing::addi(5, 0, 1), terminate(0)]);
    let data = |byte| ElfSegment::data(TEXT_ADDRESS + 0x1000, &[byte]);
    let id = |file: ElfFile| zkvm().admit(&file.build()).unwrap().id();
    let base = id(ElfFile::new(TEXT_ADDRESS, vec![text.clone(), data(1)]));
    assert_eq!(
        base,
        id(ElfFile::new(TEXT_ADDRESS, vec![data(1), text.clone()])),
        "order of headers is not the program"
    );
    assert_ne!(base, id(ElfFile::new(TEXT_ADDRESS, vec![text.clone(), data(2)])), "data");
    assert_ne!(base, id(ElfFile::new(TEXT_ADDRESS + 4, vec![text, data(1)])), "start");
    assert_ne!(admit(&[terminate(0)]).id(), admit(&[terminate(1)]).id(), "code");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_the_decoder_allows_the_circuit_translates(word in any::<u32>(), opcode in 0_usize..12) {
        let opcodes = [0x03, 0x0b, 0x0f, 0x13, 0x17, 0x23, 0x33, 0x37, 0x63, 0x67, 0x6f, 0x73];
        let word = (word & !0x7f) | opcodes[opcode];
        if decode(word).is_ok() {
            let program = Program::from_elf(&testing::elf(&[word])).unwrap();
            let exe = executable(&program).unwrap();
            prop_assert_eq!(exe.program.instructions_and_debug_infos.len(), 1);
            prop_assert!(exe.program.instructions_and_debug_infos[0].is_some());
        }
    }
}

/// Changes to a file: where, by how much of its length in parts of 65,536, and to what.
type Changes = Vec<(u16, u8)>;

fn changed(file: &[u8], changes: &Changes) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for (at, value) in changes {
        let at = (usize::from(*at) * bytes.len()) >> 16;
        bytes[at] = *value;
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Real programs with changed bytes: what the engine takes, the circuit translates whole.
    #[test]
    fn what_is_taken_of_changed_files_is_translated_whole(
        which in 0_usize..2,
        changes in prop::collection::vec(any::<(u16, u8)>(), 1..8),
    ) {
        let file = bundled(["echo", "square-root"][which]).expect("committed");
        if let Ok(program) = Program::from_elf(&changed(&file, &changes)) {
            let exe = executable(&program).unwrap();
            prop_assert_eq!(exe.program.instructions_and_debug_infos.len(), program.words.len());
        }
    }
}
