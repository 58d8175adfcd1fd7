//! The heap: from the end of the input image to the end of the address space, growing upwards.
//!
//! Only the newest block is taken back or grown in place. Memory is zero at first, so a zeroed block needs clearing
//! only where an older block lay. Running out of memory is the outcome `Panicked("out of memory")`.

use core::{
    alloc::{GlobalAlloc, Layout},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use ivm_primitives::{OutcomeStatus, limits::ADDRESS_SPACE_SIZE_BYTES as HEAP_END};

use super::{commit, input_end};

struct BumpAllocator {
    /// First free address; 0 before the first allocation.
    next: AtomicUsize,
    /// First address never handed out.
    untouched: AtomicUsize,
}

#[global_allocator]
static ALLOCATOR: BumpAllocator = BumpAllocator { next: AtomicUsize::new(0), untouched: AtomicUsize::new(0) };

impl BumpAllocator {
    fn bump(&self, size: usize, align: usize) -> usize {
        let next = match self.next.load(Relaxed) {
            0 => input_end(),
            next => next,
        };
        let start = next.next_multiple_of(align.max(4));
        let Some(end) = start.checked_add(size).filter(|&end| end <= HEAP_END) else {
            commit(OutcomeStatus::Panicked, b"out of memory")
        };
        self.advance(end);
        start
    }

    fn advance(&self, end: usize) {
        self.next.store(end, Relaxed);
        self.untouched.fetch_max(end, Relaxed);
    }
}

// SAFETY: blocks are disjoint, since `next` only moves past what was handed out or back over the newest block.
unsafe impl GlobalAlloc for BumpAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.bump(layout.size(), layout.align()) as *mut u8
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let untouched = self.untouched.load(Relaxed);
        let start = self.bump(layout.size(), layout.align());
        let used_before = untouched.saturating_sub(start).min(layout.size());
        // SAFETY: the block was just handed out and is at least this long.
        unsafe { (start as *mut u8).write_bytes(0, used_before) };
        start as *mut u8
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block as usize + layout.size() == self.next.load(Relaxed) {
            self.next.store(block as usize, Relaxed);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let start = block as usize;
        let is_newest = start + layout.size() == self.next.load(Relaxed);
        if is_newest && new_size <= HEAP_END - start {
            self.advance(start + new_size);
            return block;
        }
        if new_size <= layout.size() {
            return block;
        }
        let moved = self.bump(new_size, layout.align()) as *mut u8;
        // SAFETY: both blocks are at least the old size and disjoint.
        unsafe { moved.copy_from_nonoverlapping(block, layout.size()) };
        moved
    }
}

/// std's own allocator, unused beside ours but linked.
#[unsafe(no_mangle)]
extern "C" fn sys_alloc_aligned(size: usize, align: usize) -> *mut u8 {
    ALLOCATOR.bump(size, align) as *mut u8
}
