//! What a program written with the SDK does natively: the same outcomes as in the zkVM.

#![allow(clippy::unwrap_used)]

use ivm_guest::{
    JobInput, Outcome, abi_output, alloy_primitives::U256, alloy_sol_types::SolValue, limits, native,
    offchain_abi_input, offchain_serde_input, onchain_abi_input, onchain_input, onchain_serde_input, output,
    serde_output, sha256,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    name: String,
    amounts: Vec<u32>,
}

fn input(onchain: impl Into<Vec<u8>>, offchain: impl Into<Vec<u8>>) -> JobInput {
    JobInput::new(onchain.into().into(), offchain.into().into()).unwrap()
}

fn panicked(message: &str) -> Outcome {
    Outcome::Panicked(message.as_bytes().to_vec().into())
}

#[test]
fn a_program_without_output_succeeds_with_none() {
    assert_eq!(native::run(|| (), input("", "")), Outcome::Success(Default::default()));
}

#[test]
fn abi_types_come_in_and_go_out() {
    fn sum() {
        let (a, b): (U256, u64) = onchain_abi_input();
        let c: U256 = offchain_abi_input();
        abi_output(&(a + U256::from(b) + c));
    }
    let inputs = input((U256::from(5), 6_u64).abi_encode(), U256::from(7).abi_encode());
    assert_eq!(native::run(sum, inputs), Outcome::Success(U256::from(18).abi_encode().into()));
}

#[test]
fn serde_types_come_in_and_go_out() {
    fn merge() {
        let mut order: Order = onchain_serde_input();
        order.amounts.extend(offchain_serde_input::<Vec<u32>>());
        serde_output(&order);
    }
    let order = Order { name: "a".into(), amounts: vec![1] };
    let inputs = input(postcard::to_stdvec(&order).unwrap(), postcard::to_stdvec(&vec![2_u32, 300]).unwrap());
    let expected = Order { name: "a".into(), amounts: vec![1, 2, 300] };
    assert_eq!(native::run(merge, inputs), Outcome::Success(postcard::to_stdvec(&expected).unwrap().into()));
    let Outcome::Panicked(message) = native::run(merge, input([0xff; 3], "")) else { panic!("not refused") };
    assert!(message.starts_with(b"onchain input is not the postcard encoding expected"));
}

#[test]
fn outputs_are_bounded_and_given_once() {
    fn twice() {
        output(b"one");
        output(b"two");
    }
    fn too_large() {
        output(vec![0; limits::MAX_OUTPUT_SIZE_BYTES + 1]);
    }
    fn largest() {
        output(vec![0; limits::MAX_OUTPUT_SIZE_BYTES]);
    }
    assert_eq!(native::run(twice, input("", "")), panicked("output was given twice"));
    assert_eq!(native::run(too_large, input("", "")), panicked("output is 65537 bytes, the limit is 65536"));
    assert!(matches!(native::run(largest, input("", "")), Outcome::Success(bytes) if bytes.len() == 65536));
}

#[test]
fn long_messages_are_cut_between_characters() {
    fn shout() {
        panic!("{}", String::from_utf8_lossy(&onchain_input()).repeat(1000));
    }
    let Outcome::Panicked(message) = native::run(shout, input("€", "")) else { panic!("not panicked") };
    assert_eq!(message.len(), limits::MAX_PANIC_MESSAGE_SIZE_BYTES / 3 * 3);
    assert!(std::str::from_utf8(&message).is_ok());
}

#[test]
fn runs_do_not_see_each_other() {
    fn leave() {
        output(onchain_input());
        panic!("after the output");
    }
    assert_eq!(native::run(leave, input("x", "")), panicked("after the output"));
    assert_eq!(native::run(|| (), input("", "")), Outcome::Success(Default::default()));
}

#[test]
fn sha256_is_sha256() {
    use ivm_guest::alloy_primitives::hex;
    // FIPS 180-2, appendix B, and the empty message.
    let of = |message: &[u8]| hex::encode(sha256(message));
    assert_eq!(of(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(of(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(of(two_blocks), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_eq!(of(&[b'a'; 1_000_000]), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
