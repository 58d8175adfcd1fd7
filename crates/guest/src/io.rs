//! Raw input and output.

use std::cell::RefCell;

use alloy_primitives::Bytes;
use ivm_primitives::limits::MAX_OUTPUT_SIZE_BYTES;

use crate::platform;

thread_local! {
    static OUTPUT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// The input carried by the request. In the zkVM this is a view of memory: nothing is copied.
pub fn onchain_input() -> Bytes {
    platform::onchain_input()
}

/// The input held by DA, whose hash the request carries. In the zkVM this is a view of memory: nothing is copied.
pub fn offchain_input() -> Bytes {
    platform::offchain_input()
}

/// Gives the program's output. At most once.
///
/// # Panics
/// When an output was given before, or this one is over
/// [`MAX_OUTPUT_SIZE_BYTES`](ivm_primitives::limits::MAX_OUTPUT_SIZE_BYTES).
pub fn output(bytes: impl Into<Vec<u8>>) {
    let bytes = bytes.into();
    assert!(
        bytes.len() <= MAX_OUTPUT_SIZE_BYTES,
        "output is {} bytes, the limit is {MAX_OUTPUT_SIZE_BYTES}",
        bytes.len()
    );
    let previous = OUTPUT.with_borrow_mut(|output| output.replace(bytes));
    assert!(previous.is_none(), "output was given twice");
}

/// Takes what the program gave, for the runtime at its end.
pub(crate) fn take_output() -> Vec<u8> {
    OUTPUT.take().unwrap_or_default()
}

/// What a panic whose payload is not text is committed as.
pub(crate) const UNNAMED_PANIC: &str = "panic without a text message";

/// The part of a panic message that is committed to.
pub(crate) fn committed_message(message: &str) -> &str {
    use ivm_primitives::limits::MAX_PANIC_MESSAGE_SIZE_BYTES;
    &message[..message.floor_char_boundary(MAX_PANIC_MESSAGE_SIZE_BYTES)]
}
