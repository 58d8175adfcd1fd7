//! What std's zkVM platform asks for. Printing does nothing; files, clock and cycle counter do not exist.

use std::cell::RefCell;

use super::instructions::abort;
use crate::FixedStream;

thread_local! {
    static STREAM: RefCell<FixedStream> = const { RefCell::new(FixedStream::new()) };
}

/// Fills words from the one fixed stream (std's `HashMap` seeds from it).
///
/// # Safety
/// `words` must be writable for `count` words.
#[unsafe(no_mangle)]
unsafe extern "C" fn sys_rand(words: *mut u32, count: usize) {
    STREAM.with_borrow_mut(|stream| {
        for index in 0..count {
            // SAFETY: by this function's contract.
            unsafe { words.add(index).write(stream.next_u64() as u32) };
        }
    });
}

/// Fills bytes from the same stream.
///
/// # Safety
/// `bytes` must be writable for `size` bytes.
unsafe fn fill(bytes: *mut u8, size: usize) {
    STREAM.with_borrow_mut(|stream| {
        for index in 0..size {
            // SAFETY: by this function's contract.
            unsafe { bytes.add(index).write(stream.next_u64() as u8) };
        }
    });
}

/// What the `getrandom` crate calls, of versions 0.3 and 0.4.
///
/// # Safety
/// `bytes` must be writable for `size` bytes.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(bytes: *mut u8, size: usize) -> Result<(), getrandom::Error> {
    // SAFETY: by this function's contract.
    unsafe { fill(bytes, size) };
    Ok(())
}

/// What the `getrandom` crate calls, of version 0.2; 0 says that all is well.
///
/// # Safety
/// `bytes` must be writable for `size` bytes.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_custom(bytes: *mut u8, size: usize) -> u32 {
    // SAFETY: by this function's contract.
    unsafe { fill(bytes, size) };
    0
}

/// A panic that reached std's runtime past our hook (a panic while panicking): no outcome.
#[unsafe(no_mangle)]
extern "C" fn sys_panic(_message: *const u8, _size: usize) -> ! {
    abort()
}

/// `std::process::exit` and aborts: no outcome, since only a return or a panic is one.
#[unsafe(no_mangle)]
extern "C" fn sys_halt(_exit_code: u8, _state: *const [u32; 8]) -> ! {
    abort()
}

#[unsafe(no_mangle)]
extern "C" fn sys_write(_descriptor: u32, _bytes: *const u8, _size: usize) {}

#[unsafe(no_mangle)]
extern "C" fn sys_log(_bytes: *const u8, _size: usize) {}

#[unsafe(no_mangle)]
extern "C" fn sys_read(_descriptor: u32, _buffer: *mut u8, _size: usize) -> usize {
    panic!("a program has no standard input: read onchain_input() or offchain_input()")
}

#[unsafe(no_mangle)]
extern "C" fn sys_cycle_count() -> u64 {
    panic!("a program has no clock and no cycle counter")
}

/// No variable is set.
#[unsafe(no_mangle)]
extern "C" fn sys_getenv(_words: *mut u32, _count: usize, _name: *const u8, _name_size: usize) -> usize {
    usize::MAX
}

#[unsafe(no_mangle)]
extern "C" fn sys_argc() -> usize {
    0
}

#[unsafe(no_mangle)]
extern "C" fn sys_argv(_words: *mut u32, _count: usize, _index: usize) -> usize {
    panic!("a program has no arguments")
}
