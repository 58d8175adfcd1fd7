//! The ELF loader: what it takes, each reason it refuses for, and that no bytes make it panic.

use proptest::prelude::*;

use crate::{
    ElfError, Program,
    decode::DecodeError,
    elf::MAX_LOAD_SEGMENTS,
    run,
    testing::{self, ElfFile, ElfSegment, TEXT_ADDRESS, addi, i_type, terminate},
};

const END: u32 = 0x0100_0000;

fn text() -> ElfSegment {
    ElfSegment::text(TEXT_ADDRESS, &[addi(5, 0, 1), terminate(0)])
}

fn file(segments: Vec<ElfSegment>) -> ElfFile {
    ElfFile::new(TEXT_ADDRESS, segments)
}

fn refusal(file: &ElfFile) -> ElfError {
    Program::from_elf(&file.build()).unwrap_err()
}

#[track_caller]
fn assert_segment_refused(segments: Vec<ElfSegment>, why: &str) {
    match refusal(&file(segments)) {
        ElfError::Segment { problem, .. } => assert!(problem.contains(why), "{problem}"),
        other => panic!("{other}"),
    }
}

#[test]
fn takes_text_data_and_zeros() {
    let data = ElfSegment { memory_size: 100, ..ElfSegment::data(TEXT_ADDRESS + 8, &[1, 2, 3]) };
    // In any order, and with headers that load nothing.
    let note = ElfSegment { kind: 4, ..ElfSegment::data(3, &[1]) };
    let empty = ElfSegment::data(1, &[]);
    let mut elf = file(vec![note, data, text(), empty]);
    elf.entry += 4;
    let program = Program::from_elf(&elf.build()).unwrap();
    assert_eq!((program.pc_base, program.pc_start), (TEXT_ADDRESS, TEXT_ADDRESS + 4));
    assert_eq!(program.words, [addi(5, 0, 1), terminate(0)]);
    assert_eq!(program.instructions.len(), 2);
    assert_eq!(program.segments[1].bytes, [1, 2, 3]);
    assert_eq!(program.input_address, (TEXT_ADDRESS + 8 + 100).next_multiple_of(16));
}

#[test]
fn takes_a_segment_up_to_the_very_end() {
    let data = ElfSegment { memory_size: END - TEXT_ADDRESS - 8, ..ElfSegment::data(TEXT_ADDRESS + 8, &[]) };
    assert_eq!(Program::from_elf(&file(vec![text(), data]).build()).unwrap().input_address, END);
}

#[test]
fn refuses_what_is_no_elf() {
    let good = testing::elf(&[terminate(0)]);
    let mut bad_magic = good.clone();
    bad_magic[1] = b'F';
    let big_endian = ElfFile { data_encoding: 2, ..file(vec![text()]) }.build();
    for bytes in [&[][..], b"\x7fELF", b"#!/bin/sh\n", &bad_magic, &big_endian] {
        assert!(matches!(Program::from_elf(bytes), Err(ElfError::Malformed(_))));
    }
    for size in 0..good.len() {
        assert!(Program::from_elf(&good[..size]).is_err(), "cut at {size}");
    }
    assert!(Program::from_elf(&good).is_ok());
}

#[test]
fn refuses_other_kinds_of_elf() {
    let field = |file: &ElfFile| match refusal(file) {
        ElfError::Header { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(field(&ElfFile { machine: 62, ..file(vec![text()]) }), "machine");
    assert_eq!(field(&ElfFile { kind: 3, ..file(vec![text()]) }), "type");
    // A well-formed header of an ELF64.
    let mut elf64 = vec![0; 64];
    elf64[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    (elf64[16], elf64[18], elf64[20]) = (2, 243, 1);
    let refused = Program::from_elf(&elf64).unwrap_err();
    assert!(matches!(refused, ElfError::Header { field: "class", .. }), "{refused}");
}

#[test]
fn refuses_segments_in_the_wrong_place() {
    let at = |address| vec![text(), ElfSegment::data(address, &[1, 2, 3, 4])];
    assert_segment_refused(at(TEXT_ADDRESS + 9), "not word-aligned");
    assert_segment_refused(at(TEXT_ADDRESS - 4), "in the stack");
    assert_segment_refused(at(0), "in the stack");
    assert_segment_refused(at(END), "end of the program area");
    assert_segment_refused(at(0xffff_fffc), "end of the program area");
    assert_segment_refused(at(TEXT_ADDRESS + 4), "overlaps");
    // A segment that ends inside a word takes the whole word.
    let data = ElfSegment::data(TEXT_ADDRESS + 8, &[1]);
    let next = |address| ElfSegment::data(address, &[2]);
    assert!(Program::from_elf(&file(vec![text(), data.clone(), next(TEXT_ADDRESS + 12)]).build()).is_ok());
    let zeros = ElfSegment { memory_size: 5, ..data };
    assert_segment_refused(vec![text(), zeros, next(TEXT_ADDRESS + 12)], "overlaps");
}

#[test]
fn refuses_segments_of_the_wrong_size() {
    let cut = |memory_size| ElfSegment { memory_size, ..ElfSegment::data(TEXT_ADDRESS + 8, &[1, 2, 3, 4]) };
    assert_segment_refused(vec![text(), cut(3)], "more bytes in the file");
    assert_segment_refused(vec![text(), cut(u32::MAX)], "end of the program area");
    let mut bytes = file(vec![text(), cut(4)]).build();
    bytes.pop();
    let refused = Program::from_elf(&bytes).unwrap_err();
    assert!(matches!(refused, ElfError::Segment { problem, .. } if problem.contains("end of the file")));
}

#[test]
fn refuses_text_it_cannot_run() {
    assert_eq!(refusal(&file(vec![ElfSegment::data(TEXT_ADDRESS, &[1])])), ElfError::NoText);
    assert_eq!(refusal(&file(vec![])), ElfError::NoText);
    let mut no_headers = file(vec![text()]).build();
    no_headers[28..32].fill(0);
    assert_eq!(Program::from_elf(&no_headers).unwrap_err(), ElfError::Malformed("no program headers".into()));
    let second = ElfSegment::text(TEXT_ADDRESS + 16, &[terminate(0)]);
    assert_segment_refused(vec![text(), second], "second executable segment");
    let zeros = ElfSegment { memory_size: 12, ..text() };
    assert_segment_refused(vec![zeros], "whole words");
    let odd = ElfSegment { bytes: vec![0x13, 0, 0, 0, 1], memory_size: 5, ..text() };
    assert_segment_refused(vec![odd], "whole words");
}

#[test]
fn refuses_too_many_segments() {
    let with = |count: u32| {
        let data = (1..count).map(|index| ElfSegment::data(TEXT_ADDRESS + 16 * index, &[1]));
        file([text()].into_iter().chain(data).collect())
    };
    let limit = MAX_LOAD_SEGMENTS as u32;
    assert!(Program::from_elf(&with(limit).build()).is_ok());
    assert_eq!(refusal(&with(limit + 1)), ElfError::TooManySegments { got: MAX_LOAD_SEGMENTS + 1 });
}

#[test]
fn refuses_entry_points_outside_the_text() {
    for entry in [0, TEXT_ADDRESS - 4, TEXT_ADDRESS + 2, TEXT_ADDRESS + 8, u32::MAX] {
        let elf = ElfFile { entry, ..file(vec![text()]) };
        assert_eq!(refusal(&elf), ElfError::EntryPoint { got: u64::from(entry) });
    }
}

#[test]
fn refuses_instructions_outside_the_allowed_set_wherever_they_are() {
    let hint = i_type(0x0b, 1, 5, 0, 0);
    for (word, error) in [
        (hint, DecodeError::Hint { word: hint }),
        (0xffff_ffff, DecodeError::NotAllowed { word: 0xffff_ffff }),
    ] {
        // Behind the end of the run: never reached, refused all the same.
        let refused = Program::from_elf(&testing::elf(&[terminate(0), word])).unwrap_err();
        assert_eq!(refused, ElfError::Instruction { address: TEXT_ADDRESS + 4, error });
    }
}

fn sample() -> Vec<u8> {
    let words: Vec<u32> = (0..20).map(|index| addi(index, index, 1)).chain([terminate(0)]).collect();
    let data = ElfSegment::data(TEXT_ADDRESS + 0x100, &[7; 40]);
    file(vec![ElfSegment::text(TEXT_ADDRESS, &words), data]).build()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
        let mut bytes = bytes;
        if magic {
            let header = &sample()[..52];
            let size = header.len().min(bytes.len());
            bytes[..size].copy_from_slice(&header[..size]);
        }
        let _ = Program::from_elf(&bytes);
    }

    #[test]
    fn mutated_files_never_panic_and_what_is_taken_runs(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = sample();
        for (at, value) in changes {
            // Mostly the headers: a change in the text is dull.
            let at = at.index(2 * 116) % bytes.len();
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        if let Ok(program) = Program::from_elf(&bytes) {
            prop_assert_eq!(program.words.len(), program.instructions.len());
            prop_assert!(run(&program, &[1, 2, 3], 1_000).unwrap().cycles <= 1_000);
        }
    }

    #[test]
    fn random_programs_of_allowed_words_never_panic(words in prop::collection::vec(any::<u32>(), 1..60)) {
        // Force opcodes that decode, so that most words pass.
        let opcodes = [0x03, 0x0b, 0x0f, 0x13, 0x17, 0x23, 0x33, 0x37, 0x63, 0x67, 0x6f, 0x73];
        let words: Vec<u32> = words
            .iter()
            .map(|word| (word & !0x7f) | opcodes[*word as usize % opcodes.len()])
            .filter(|&word| crate::decode::decode(word).is_ok())
            .chain([terminate(0)])
            .collect();
        let program = Program::from_elf(&testing::elf(&words)).unwrap();
        prop_assert!(run(&program, &[], 2_000).unwrap().cycles <= 2_000);
    }
}
