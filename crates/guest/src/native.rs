//! Running a program natively: the same function, the same outcome, at native speed, in a plain test.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use alloy_primitives::{Bytes, hex};
use ivm_primitives::{JobInput, Outcome};
use sha2::{Digest, Sha256};

use crate::io::{UNNAMED_PANIC, committed_message, take_output};

thread_local! {
    static INPUT: RefCell<JobInput> = RefCell::new(JobInput::default());
}

pub(crate) fn onchain_input() -> Bytes {
    INPUT.with_borrow(|input| input.onchain().clone())
}

pub(crate) fn offchain_input() -> Bytes {
    INPUT.with_borrow(|input| input.offchain().clone())
}

pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// Runs `program` on `input` on this thread and returns its outcome; a panic is caught and is one.
pub fn run(program: fn(), input: JobInput) -> Outcome {
    INPUT.set(input);
    take_output();
    let result = catch_unwind(AssertUnwindSafe(program));
    let output = take_output();
    match result {
        Ok(()) => Outcome::Success(output.into()),
        Err(payload) => {
            let message = payload
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                .unwrap_or(UNNAMED_PANIC);
            Outcome::Panicked(committed_message(message).as_bytes().to_vec().into())
        }
    }
}

/// What [`entry!`](crate::entry) makes of a program natively: `program [ONCHAIN_HEX [OFFCHAIN_HEX]]`.
pub fn main(program: fn()) -> ExitCode {
    let parse = |argument: Option<String>| hex::decode(argument.unwrap_or_default());
    let mut arguments = std::env::args().skip(1);
    let (onchain, offchain) = match (parse(arguments.next()), parse(arguments.next())) {
        (Ok(onchain), Ok(offchain)) => (onchain, offchain),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("input is not hex: {error}\nusage: program [ONCHAIN_HEX [OFFCHAIN_HEX]]");
            return ExitCode::FAILURE;
        }
    };
    match JobInput::new(onchain.into(), offchain.into()) {
        Ok(input) => {
            match run(program, input) {
                Outcome::Success(output) => println!("success: {output}"),
                Outcome::Panicked(message) => println!("panicked: {}", String::from_utf8_lossy(&message)),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
