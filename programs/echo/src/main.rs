//! Gives its onchain input back, followed by its offchain input. Tiny on purpose: tests prove it.
//!
//! An onchain input that starts with `panic:` makes it panic with the rest as the message.

#![cfg_attr(target_os = "zkvm", no_main)]

ivm_guest::entry!(run);

fn run() {
    let onchain = ivm_guest::onchain_input();
    if let Some(message) = onchain.strip_prefix(b"panic:") {
        panic!("{}", String::from_utf8_lossy(message));
    }
    ivm_guest::output([onchain, ivm_guest::offchain_input()].concat());
}

#[cfg(test)]
mod tests {
    use ivm_guest::{JobInput, Outcome, native};

    #[test]
    fn gives_both_inputs_back() {
        let input = JobInput::new(b"on".into(), b"off".into()).expect("small input");
        assert_eq!(native::run(super::run, input), Outcome::Success(b"onoff".into()));
    }

    #[test]
    fn panics_when_told_to() {
        let input = JobInput::onchain_only(b"panic:no luck").expect("small input");
        assert_eq!(native::run(super::run, input), Outcome::Panicked(b"no luck".into()));
    }
}
