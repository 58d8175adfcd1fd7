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
const LARGE_PAGES_FROM: usize = Reach::Low.size_bytes();

/// A guest address space: 128 MiB, zero at first, in the middle of 4 GiB that fault when touched.
///
/// Generated code checks every access before it makes it; the guard is there for the bug that nobody knows of.
///
/// Its first 4 MiB are made of small pages, the rest of large ones where the system has them (transparent huge pages,
/// `always` or `madvise`): where it has not, pages are small.
#[derive(Debug)]
pub struct Space {
    reservation: NonNull<u8>,
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
        let space = Self { reservation };
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the range is part of the mapping just made.
        unsafe { mprotect(space.base().cast(), ADDRESS_SPACE_SIZE_BYTES, access)? };
        space.choose_page_sizes();
        Ok(space)
    }

    /// Says which pages should be large. It is about speed alone, and a system may know nothing of it, so that it does
    /// not matter when it fails.
    fn choose_page_sizes(&self) {
        let above = self.base().wrapping_add(LARGE_PAGES_FROM);
        let above_size = ADDRESS_SPACE_SIZE_BYTES - LARGE_PAGES_FROM;
        // SAFETY: both ranges are part of this value's mapping, and no byte in them changes.
        unsafe {
            let _ = madvise(self.base().cast(), LARGE_PAGES_FROM, Advice::LinuxNoHugepage);
            let _ = madvise(above.cast(), above_size, Advice::LinuxHugepage);
        }
    }

    /// Where guest address 0 is.
    pub(crate) fn base(&self) -> *mut u8 {
        let start = self.reservation.as_ptr().wrapping_add(GUARD_BEFORE_SIZE_BYTES);
        start.wrapping_add(start.align_offset(LARGE_PAGE_SIZE_BYTES))
    }

    /// Makes every byte zero again, giving touched pages back to the system.
    ///
    /// # Errors
    /// The system's; the space must not be used any more then.
    pub fn clear(&mut self) -> io::Result<()> {
        // SAFETY: private anonymous memory reads as zeros after this, and nothing borrows it now.
        unsafe { madvise(self.base().cast(), ADDRESS_SPACE_SIZE_BYTES, Advice::LinuxDontNeed)? };
        Ok(())
    }

    /// The space as the interpreter sees it.
    pub fn view(&mut self) -> MemoryView<'_> {
        self.view_within(Reach::Whole)
    }

    /// As much of it.
    pub fn view_within(&mut self, reach: Reach) -> MemoryView<'_> {
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
