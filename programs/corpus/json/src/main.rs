//! The program: onchain input to output by the library.

#![cfg_attr(target_os = "zkvm", no_main)]

ivm_guest::entry!(run);

fn run() {
    ivm_guest::output(corpus_json::run(&ivm_guest::onchain_input()));
}
