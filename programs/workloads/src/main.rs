//! Runs the workload that the onchain input names, on the data of the offchain input: see the library.
//!
//! The output is the workload's digest, 8 bytes, little-endian.

#![cfg_attr(target_os = "zkvm", no_main)]

use ivm_guest::{offchain_input, onchain_input, output};

ivm_guest::entry!(run);

fn run() {
    match workloads::run(&onchain_input(), &offchain_input()) {
        Ok(digest) => output(digest.to_le_bytes()),
        Err(error) => panic!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use ivm_guest::{JobInput, Outcome, native};
    use workloads::Workload;

    #[test]
    fn the_program_gives_the_digest_of_the_library() {
        let onchain = Workload::Matrix.input(8);
        let expected = workloads::run(&onchain, &[]).expect("a workload");
        let input = JobInput::onchain_only(onchain).expect("small input");
        assert_eq!(native::run(super::run, input), Outcome::Success(expected.to_le_bytes().to_vec().into()));
    }

    #[test]
    fn bad_inputs_panic_with_what_was_expected() {
        let outcome = |input: &[u8]| {
            native::run(super::run, JobInput::onchain_only(input.to_vec()).expect("small input"))
        };
        let panicked = |message: &str| Outcome::Panicked(message.as_bytes().to_vec().into());
        assert_eq!(outcome(b""), panicked("input is 0 bytes, expected 5: a workload and a size"));
        assert_eq!(outcome(&[200, 0, 0, 0, 0]), panicked("there is no workload 200, the last is 8"));
    }
}
