//! Files that are not programs: each is refused, with what was found and what was expected.

mod common;

use std::{fs, path::PathBuf};

use common::{fail, repository};
use tempfile::TempDir;

/// `hint_storew`, as OpenVM encodes it: the funct3 of hints under custom-0.
const HINT_WORD: u32 = 0x0000_100b;

struct Scratch {
    folder: TempDir,
    elf: Vec<u8>,
}

impl Scratch {
    /// A folder, and `echo` to spoil.
    fn new() -> Self {
        let elf = fs::read(repository().join("programs/elf/echo.elf")).expect("a committed ELF");
        Self { folder: tempfile::tempdir().expect("temporary folder"), elf }
    }

    fn write(&self) -> String {
        let path: PathBuf = self.folder.path().join("spoiled.elf");
        fs::write(&path, &self.elf).expect("temporary file");
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    fn refused(&self, message: &str) {
        let path = self.write();
        fail(["program", "inspect", &path], message);
        fail(["program", "run", &path], message);
    }

    fn word(&self, offset: usize) -> usize {
        u32::from_le_bytes(self.elf[offset..offset + 4].try_into().expect("four bytes")) as usize
    }

    /// Offset in the file of the first instruction.
    fn text_offset(&self) -> usize {
        let (headers, size, count) = (self.word(28), self.word(42) & 0xffff, self.word(44) & 0xffff);
        let mut segments = (0..count).map(|index| headers + index * size);
        let executable = segments.find(|&header| self.word(header) == 1 && self.word(header + 24) & 1 == 1);
        self.word(executable.expect("an executable segment") + 4)
    }
}

#[test]
fn truncated() {
    let mut scratch = Scratch::new();
    scratch.elf.truncate(scratch.elf.len() / 2);
    scratch.refused("not a readable ELF file");
    scratch.elf.truncate(10);
    scratch.refused("not a readable ELF file");
    scratch.elf.clear();
    scratch.refused("not a readable ELF file");
}

#[test]
fn cut_inside_a_segment() {
    let mut scratch = Scratch::new();
    // Without its section headers the file is whole, as far as headers tell.
    scratch.elf[32..36].fill(0);
    scratch.elf[46..52].fill(0);
    scratch.elf.truncate(scratch.text_offset() + 100);
    scratch.refused("its bytes are past the end of the file");
}

#[test]
fn oversized() {
    let mut scratch = Scratch::new();
    scratch.elf.resize(4 * 1024 * 1024 + 1, 0);
    scratch.refused("ELF is 4194305 bytes, the limit is 4194304");
}

#[test]
fn for_another_machine() {
    let mut scratch = Scratch::new();
    scratch.elf[18] = 62;
    scratch.refused("ELF machine is 62, expected 243 (RISC-V)");
}

#[test]
fn of_64_bits() {
    let mut scratch = Scratch::new();
    // A header alone: its first 24 bytes are laid out alike, the addresses and offsets behind them are wider.
    scratch.elf.truncate(24);
    scratch.elf.resize(64, 0);
    scratch.elf[4] = 2;
    scratch.refused("ELF class is ELF64, expected ELF32");
}

#[test]
fn with_a_hint_instruction() {
    let mut scratch = Scratch::new();
    let offset = scratch.text_offset();
    scratch.elf[offset..offset + 4].copy_from_slice(&HINT_WORD.to_le_bytes());
    scratch.refused("hints do not exist here");
}

#[test]
fn with_another_id_than_expected() {
    let claimed = format!("0x{}", "11".repeat(32));
    fail(["program", "inspect", "echo", "--expect-id", &claimed], &format!("but {claimed} was claimed"));
}

#[test]
fn not_there() {
    fail(["program", "run", "ekko"], "bundled are: echo, square-root, volatility");
    fail(["program", "run", "/"], "it is not a file");
}
