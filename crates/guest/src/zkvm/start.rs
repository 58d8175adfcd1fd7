//! Where a run starts and ends.

use std::panic::PanicHookInfo;

use ivm_primitives::{OutcomeStatus, limits::STACK_TOP_ADDRESS};

use super::commit;
use crate::io::{UNNAMED_PANIC, committed_message, take_output};

// The stack grows down from its top to address 0; the program lies above it. A stack overflow wraps past address 0,
// faults, and so has no outcome.
core::arch::global_asm!(
    ".section .text._start",
    ".globl _start",
    "_start:",
    ".option push",
    ".option norelax",
    "la gp, __global_pointer$",
    ".option pop",
    "li sp, {stack_top}",
    "call __ivm_start",
    stack_top = const STACK_TOP_ADDRESS,
);

unsafe extern "C" {
    /// Defined by [`entry!`](crate::entry).
    safe fn __ivm_program();
}

#[unsafe(no_mangle)]
extern "C" fn __ivm_start() -> ! {
    std::panic::set_hook(Box::new(commit_panic));
    __ivm_program();
    commit(OutcomeStatus::Success, &take_output())
}

fn commit_panic(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or(UNNAMED_PANIC);
    commit(OutcomeStatus::Panicked, committed_message(message).as_bytes())
}
