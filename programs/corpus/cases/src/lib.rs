//! Runs of the corpus, and what comes of them natively.
//!
//! `cases.tsv` beside this crate's sources holds them for tests that run the ELFs, so that those need not build what the
//! programs are made of. The tests here hold the file to what the libraries do natively; `IVM_UPDATE_CASES=1` writes it.
//! A line is a run: use, program, what it is of, input, status and output or panic message, separated by tabs; the
//! input, and the last, in hex.

#![deny(missing_docs)]

use std::{fmt::Write, panic::catch_unwind};

use Use::{Checked, Measured, Proven};
use corpus_evm::Address;

/// What a run is for. Every run is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// No more than that.
    Checked,
    /// It is in the table of `docs/real-programs.md`.
    Measured,
    /// It is small enough to be proven in a test.
    Proven,
}

/// One run of a program.
#[derive(Clone, Debug)]
pub struct Case {
    /// What for.
    pub used_as: Use,
    /// Name of the program.
    pub program: &'static str,
    /// What it is of.
    pub what: String,
    /// The onchain input.
    pub input: Vec<u8>,
    /// The program's function.
    pub run: fn(&[u8]) -> Vec<u8>,
}

impl Case {
    fn new(used_as: Use, program: &'static str, what: &str, input: Vec<u8>) -> Self {
        let run = match program {
            "corpus-chess" => corpus_chess::run,
            "corpus-deflate" => corpus_deflate::run,
            "corpus-ecdsa" => corpus_ecdsa::run,
            "corpus-evm" => corpus_evm::run,
            "corpus-json" => corpus_json::run,
            "corpus-regex" => corpus_regex::run,
            "corpus-wasm" => corpus_wasm::run,
            other => panic!("no program {other}"),
        };
        Self { used_as, program, what: what.to_owned(), input, run }
    }

    /// Runs it natively: the output, or the panic's message.
    ///
    /// # Errors
    /// The message, when it panics.
    pub fn run_natively(&self) -> Result<Vec<u8>, String> {
        catch_unwind(|| (self.run)(&self.input)).map_err(|payload| {
            payload.downcast::<String>().map(|message| *message).unwrap_or_else(|payload| {
                payload.downcast_ref::<&str>().copied().unwrap_or("panic without a text message").to_owned()
            })
        })
    }

    /// Its line of the file.
    pub fn line(&self) -> String {
        let (status, bytes) = match self.run_natively() {
            Ok(output) => ("success", output),
            Err(message) => ("panicked", message.into_bytes()),
        };
        let used_as = match self.used_as {
            Checked => "checked",
            Measured => "measured",
            Proven => "proven",
        };
        [used_as, self.program, &self.what, &hex(&self.input), status, &hex(&bytes)].join("\t")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// All runs.
pub fn cases() -> Vec<Case> {
    let receiver = Address::repeat_byte(0xb0);
    let transfer = |amount: u64| corpus_evm::transfer(receiver, corpus_evm::U256::from(amount));
    let too_much = corpus_evm::transfer(receiver, corpus_evm::U256::MAX);
    let mut bad_signature = corpus_ecdsa::sample();
    bad_signature[100] ^= 1;
    let mut bad_key = corpus_ecdsa::sample();
    bad_key[64] ^= 1;
    let mut cases = vec![
        Case::new(Measured, "corpus-json", "200 orders", corpus_json::sample(200)),
        Case::new(Proven, "corpus-json", "one order", corpus_json::sample(1)),
        Case::new(Checked, "corpus-json", "no list", b"{}".to_vec()),
        Case::new(Checked, "corpus-json", "half a list", corpus_json::sample(3)[..100].to_vec()),
        Case::new(Measured, "corpus-regex", "6 patterns and a set, 20 lines", corpus_regex::sample(20)),
        Case::new(Checked, "corpus-regex", "no text", Vec::new()),
        Case::new(Checked, "corpus-regex", "not UTF-8", vec![b'a', 0xff]),
        Case::new(Measured, "corpus-deflate", "16 KiB, level 6", corpus_deflate::sample(6, 16 << 10)),
        Case::new(Checked, "corpus-deflate", "100 bytes, level 1", corpus_deflate::sample(1, 100)),
        Case::new(Checked, "corpus-deflate", "1,000 bytes, stored", corpus_deflate::sample(0, 1_000)),
        Case::new(Checked, "corpus-deflate", "4,000 bytes, level 10", corpus_deflate::sample(10, 4_000)),
        Case::new(Checked, "corpus-deflate", "no such level", vec![11]),
        Case::new(Measured, "corpus-wasm", "sieve, recursion, floats", corpus_wasm::sample(10_000, 16, 200)),
        Case::new(Checked, "corpus-wasm", "little work", corpus_wasm::sample(20, 3, 2)),
        Case::new(Checked, "corpus-wasm", "a trap", corpus_wasm::sample(1 << 20, 0, 0)),
        Case::new(Checked, "corpus-wasm", "wrong size", vec![0; 5]),
        Case::new(Measured, "corpus-chess", "start, 3 plies", corpus_chess::sample(3, corpus_chess::START)),
        Case::new(
            Measured,
            "corpus-chess",
            "Kiwipete, 3 plies",
            corpus_chess::sample(3, corpus_chess::KIWIPETE),
        ),
        Case::new(Proven, "corpus-chess", "Kiwipete, 1 ply", corpus_chess::sample(1, corpus_chess::KIWIPETE)),
        Case::new(Checked, "corpus-chess", "no position", b"\x02what?".to_vec()),
        Case::new(Measured, "corpus-ecdsa", "one signature", corpus_ecdsa::sample()),
        Case::new(Checked, "corpus-ecdsa", "a bad signature", bad_signature),
        Case::new(Proven, "corpus-ecdsa", "a bad key", bad_key),
        Case::new(Measured, "corpus-evm", "token deployed, transfer", transfer(5)),
        Case::new(Checked, "corpus-evm", "transfer of nothing", transfer(0)),
        Case::new(Checked, "corpus-evm", "transfer of too much", too_much),
        Case::new(Checked, "corpus-evm", "no address", vec![1; 19]),
    ];
    for (name, number, input, _) in corpus_evm::PRECOMPILES {
        let digits = input.as_bytes().as_chunks::<2>().0;
        let digit = |character: u8| (character as char).to_digit(16).unwrap_or_default() as u8;
        let input: Vec<u8> = digits.iter().map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        let input = corpus_evm::call(Address::with_last_byte(*number), &input);
        cases.push(Case::new(Checked, "corpus-evm", name, input));
    }
    cases
}

#[cfg(test)]
mod tests {
    use std::{env, fs, hint::black_box, time::Instant};

    use super::*;

    #[test]
    fn the_file_holds_what_comes_natively() {
        let file = env::var("CARGO_MANIFEST_DIR").expect("set by cargo") + "/cases.tsv";
        let lines: String = cases().iter().map(|case| case.line() + "\n").collect();
        if env::var_os("IVM_UPDATE_CASES").is_some() {
            fs::write(&file, &lines).expect("the file is written");
        }
        let file = fs::read_to_string(&file).expect("cases.tsv");
        for (native, written) in lines.lines().zip(file.lines()) {
            assert_eq!(
                native, written,
                "if it is the program that changed, run again with IVM_UPDATE_CASES=1"
            );
        }
        assert_eq!(lines.lines().count(), file.lines().count());
    }

    #[test]
    #[ignore = "prints measurements"]
    fn native_times() {
        for case in cases().iter().filter(|case| case.used_as == Measured) {
            let shortest = (0..50).map(|_| {
                let start = Instant::now();
                let _ = black_box(case.run_natively());
                start.elapsed()
            });
            let milliseconds = shortest.min().unwrap_or_default().as_secs_f64() * 1e3;
            println!("{}\t{}\t{milliseconds:.3} ms", case.program, case.what);
        }
    }
}
