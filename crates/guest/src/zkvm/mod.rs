//! The runtime inside the zkVM: start, end, memory, and what std expects of its platform.

mod allocator;
mod instructions;
mod keccak;
mod platform;
mod sha256;
mod start;

pub(crate) use sha256::sha256;

use alloy_primitives::Bytes;
use ivm_primitives::{
    OutcomeStatus,
    input::{INPUT_HEADER_SIZE_BYTES, input_address},
};

unsafe extern "C" {
    /// Where the last segment ends; the linker defines it.
    static _end: u8;
}

fn image_address() -> usize {
    input_address(&raw const _end as u32) as usize
}

fn header() -> (usize, usize) {
    let base = image_address() as *const u32;
    // SAFETY: the executor places an input image, header first, at this address before the program starts.
    unsafe { (base.read_volatile() as usize, base.add(1).read_volatile() as usize) }
}

fn onchain_address() -> usize {
    image_address() + INPUT_HEADER_SIZE_BYTES
}

/// Where the input image ends, and so where the heap starts.
fn input_end() -> usize {
    let (onchain, offchain) = header();
    onchain_address() + onchain.next_multiple_of(4) + offchain
}

fn view(address: usize, size: usize) -> Bytes {
    // SAFETY: the range is the input image, which nothing writes: the heap starts after it.
    Bytes::from_static(unsafe { core::slice::from_raw_parts(address as *const u8, size) })
}

pub(crate) fn onchain_input() -> Bytes {
    view(onchain_address(), header().0)
}

pub(crate) fn offchain_input() -> Bytes {
    let (onchain, offchain) = header();
    view(onchain_address() + onchain.next_multiple_of(4), offchain)
}

/// Commits to an outcome and ends the run: reveals `keccak256(status ‖ bytes)` and leaves status, address and size of
/// the bytes in `a0`, `a1`, `a2`, where the executor finds them beside the public values.
fn commit(status: OutcomeStatus, bytes: &[u8]) -> ! {
    let mut hasher = keccak::Keccak256::new();
    hasher.update(&[status.as_byte()]);
    hasher.update(bytes);
    instructions::reveal(&hasher.finalize());
    instructions::terminate(status.as_byte(), bytes)
}
