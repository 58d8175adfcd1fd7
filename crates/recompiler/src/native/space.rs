//! A guest address space in a mapping of its own, with nothing but guard pages within reach of generated code.

use std::{io, ptr::NonNull};

use ivm_engine::{MemoryView, Reach};
use ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};

/// Unmapped before the space: an immediate offset reaches 2 KiB below a base.
const GUARD_BEFORE_SIZE_BYTES: usize = 64 * 1024;
/// Of a large page, at a multiple of which the space starts.
const LARGE_PAGE_SIZE_BYTES: usize = 2 * 1024 * 1024;
/// Whatever 32-bit address code might form, with an offset, stays inside the reservation, wherever the space starts.
const RESERVATION_SIZE_BYTES: usize =
    GUARD_BEFORE_SIZE_BYTES + LARGE_PAGE_SIZE_BYTES + (1 << 32) + GUARD_BEFORE_SIZE_BYTES;
/// From here on the space asks for large pages: one of them takes 30 times as long to touch first as a small one, and
/// then stands for 512. Most programs, with their stacks, their inputs and all that they allocate, stay below.
const LARGE_PAGES_FROM: usize = 4 * 1024 * 1024;
/// What runs of little reach have.
const LOW_SIZE_BYTES: usize = Reach::Low.size_bytes();

/// A guest address space: 128 MiB, zero at first, in the middle of 4 GiB that fault when touched.
///
/// Generated code checks every access before it makes it; the guard is there for the bug that nobody knows of.
///
/// Its first 4 MiB are made of small pages, the rest of large ones where the system has them (transparent huge pages,
/// `always` or `madvise`): where it has not, pages are small.
///
/// Pages that a run touched are given back to the system after it, and come back as zeros. Once there was a run of little
/// reach ([`Reach::Low`]), what it reaches is kept and overwritten with zeros instead: that takes 0.1 ms at most, and each
/// page that a run has to be given anew takes 1 to 2 us, so that many short runs could be made to take a millisecond each.
#[derive(Debug)]
pub struct Space {
    reservation: NonNull<u8>,
    /// Bytes from the start on that may not be zero.
    used_size_bytes: usize,
    /// Whether what is in [`Reach::Low`] is kept.
    keeps_low: bool,
}

// SAFETY: the mapping belongs to this value alone.
unsafe impl Send for Space {}

impl Space {
    /// Reserves and maps a space; pages become resident as they are touched.
    ///
    /// # Errors
    /// The system's, when it is out of address space.
    pub fn new() -> io::Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a fresh mapping, at an address the system chooses.
        let start = unsafe {
            mmap_anonymous(std::ptr::null_mut(), RESERVATION_SIZE_BYTES, ProtFlags::empty(), flags)?
        };
        let reservation = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let space = Self { reservation, used_size_bytes: 0, keeps_low: false };
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the range is part of the mapping just made.
        unsafe { mprotect(space.base().cast(), ADDRESS_SPACE_SIZE_BYTES, access)? };
        space.want_pages(0, LARGE_PAGES_FROM, Advice::LinuxNoHugepage);
        space.want_pages(LARGE_PAGES_FROM, ADDRESS_SPACE_SIZE_BYTES, Advice::LinuxHugepage);
        Ok(space)
    }

    /// Says of what size pages should be. It is about speed alone, and a system may know nothing of it, so that it does
    /// not matter when it fails.
    fn want_pages(&self, from: usize, to: usize, size: Advice) {
        // SAFETY: the range is part of this value's mapping, and no byte in it changes.
        let _ = unsafe { madvise(self.base().wrapping_add(from).cast(), to - from, size) };
    }

    /// Where guest address 0 is.
    pub(crate) fn base(&self) -> *mut u8 {
        let start = self.reservation.as_ptr().wrapping_add(GUARD_BEFORE_SIZE_BYTES);
        start.wrapping_add(start.align_offset(LARGE_PAGE_SIZE_BYTES))
    }

    /// Makes every byte zero again.
    ///
    /// # Errors
    /// The system's; the space must not be used any more then.
    pub fn clear(&mut self) -> io::Result<()> {
        if self.used_size_bytes == 0 {
            return Ok(());
        }
        let kept_size = if self.keeps_low { LOW_SIZE_BYTES } else { 0 };
        if self.used_size_bytes > kept_size {
            let given_back = self.base().wrapping_add(kept_size);
            let size = ADDRESS_SPACE_SIZE_BYTES - kept_size;
            // SAFETY: private anonymous memory reads as zeros after this, and nothing borrows it now.
            unsafe { madvise(given_back.cast(), size, Advice::LinuxDontNeed)? };
        }
        // SAFETY: that many bytes are mapped writable, and nothing borrows them now.
        unsafe { self.base().write_bytes(0, kept_size) };
        self.used_size_bytes = 0;
        Ok(())
    }

    /// The space as the interpreter sees it.
    pub fn view(&mut self) -> MemoryView<'_> {
        self.view_within(Reach::Whole)
    }

    /// As much of it.
    pub fn view_within(&mut self, reach: Reach) -> MemoryView<'_> {
        if reach == Reach::Low && !self.keeps_low {
            self.keeps_low = true;
            self.want_pages(0, LOW_SIZE_BYTES, Advice::LinuxHugepage);
        }
        self.used_size_bytes = self.used_size_bytes.max(reach.size_bytes());
        // SAFETY: that many bytes are mapped readable and writable at the base for as long as this value lives, and
        // `&mut self` keeps others away from them.
        MemoryView::new(unsafe { std::slice::from_raw_parts_mut(self.base(), reach.size_bytes()) })
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, and nothing borrows it any more.
        let unmapped = unsafe { munmap(self.reservation.as_ptr().cast(), RESERVATION_SIZE_BYTES) };
        debug_assert!(unmapped.is_ok());
    }
}
