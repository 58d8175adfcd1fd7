//! A guest's address space: bytes, zero at first, mapped lazily by the allocator.

use ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES;

/// What was wrong with an access; whoever executes adds the program counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// Not aligned to its size.
    Unaligned,
    /// Reaches past the address space.
    OutOfBounds,
}

/// The bytes of one address space.
pub type AddressSpace = [u8; ADDRESS_SPACE_SIZE_BYTES];

/// How much of the address space a run may touch. What is beyond is, to the run, past the end of memory.
///
/// An outcome does not depend on it, whether there is one does: a run that stays in [`Reach::Low`] is the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// All of it, as the circuit allows.
    #[default]
    Whole,
    /// Its first 2 MiB: the stack, and program, input and heap of 1 MiB together. What takes long per cycle is memory that
    /// no cache holds, and memory that is touched for the first time; there is little of either here. It is for runs
    /// whose time has to be bounded by their cycles.
    Low,
}

impl Reach {
    /// Bytes within reach, from address 0 on: a power of two.
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::Whole => ADDRESS_SPACE_SIZE_BYTES,
            Self::Low => 2 * 1024 * 1024,
        }
    }
}

/// An address space of its own.
#[derive(Debug)]
pub struct Memory {
    bytes: Box<AddressSpace>,
}

impl Default for Memory {
    fn default() -> Self {
        // A zeroed allocation this large comes from fresh, untouched pages: only what a guest touches is resident.
        let bytes = vec![0; ADDRESS_SPACE_SIZE_BYTES].into_boxed_slice();
        match bytes.try_into() {
            Ok(bytes) => Self { bytes },
            Err(_) => unreachable!("allocated at exactly this size"),
        }
    }
}

impl Memory {
    /// Reads any range, for host use (no alignment needed).
    pub fn slice(&self, address: u32, size: usize) -> Option<&[u8]> {
        let start = address as usize;
        self.bytes.get(start..start.checked_add(size)?)
    }

    /// The space, to run in.
    pub fn view(&mut self) -> MemoryView<'_> {
        self.view_within(Reach::Whole)
    }

    /// As much of the space, to run in.
    pub fn view_within(&mut self, reach: Reach) -> MemoryView<'_> {
        MemoryView::new(&mut self.bytes[..reach.size_bytes()])
    }
}

/// An address space to run in, or the part of it within [`Reach`], whoever owns its bytes.
#[derive(Debug)]
pub struct MemoryView<'a> {
    bytes: &'a mut [u8],
}

impl<'a> MemoryView<'a> {
    /// A view of these bytes.
    pub const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    /// Bytes in it, from address 0 on.
    pub(crate) const fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Copies bytes in, for building the initial memory.
    ///
    /// # Errors
    /// [`AccessError::OutOfBounds`] when they do not fit.
    pub fn write_image(&mut self, address: u32, image: &[u8]) -> Result<(), AccessError> {
        let start = address as usize;
        let end = start.checked_add(image.len()).ok_or(AccessError::OutOfBounds)?;
        self.bytes.get_mut(start..end).ok_or(AccessError::OutOfBounds)?.copy_from_slice(image);
        Ok(())
    }

    /// Reads any range, for host use (no alignment needed).
    pub fn slice(&self, address: u32, size: usize) -> Option<&[u8]> {
        let start = address as usize;
        self.bytes.get(start..start.checked_add(size)?)
    }

    /// Loads `N` bytes at an address aligned to `N`.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, address: u32) -> Result<[u8; N], AccessError> {
        if !(address as usize).is_multiple_of(N) {
            return Err(AccessError::Unaligned);
        }
        match self.bytes.get(address as usize..address as usize + N) {
            Some(bytes) => bytes.try_into().map_err(|_| AccessError::OutOfBounds),
            None => Err(AccessError::OutOfBounds),
        }
    }

    /// Stores `N` bytes at an address aligned to `N`.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&mut self, address: u32, value: [u8; N]) -> Result<(), AccessError> {
        if !(address as usize).is_multiple_of(N) {
            return Err(AccessError::Unaligned);
        }
        match self.bytes.get_mut(address as usize..address as usize + N) {
            Some(bytes) => {
                bytes.copy_from_slice(&value);
                Ok(())
            }
            None => Err(AccessError::OutOfBounds),
        }
    }

    /// A word-aligned block, for the custom instructions.
    pub(crate) fn block(&self, address: u32, size: usize) -> Result<&[u8], AccessError> {
        if !address.is_multiple_of(4) {
            return Err(AccessError::Unaligned);
        }
        self.slice(address, size).ok_or(AccessError::OutOfBounds)
    }

    /// A word-aligned block to write, for the custom instructions.
    pub(crate) fn block_mut(&mut self, address: u32, size: usize) -> Result<&mut [u8], AccessError> {
        if !address.is_multiple_of(4) {
            return Err(AccessError::Unaligned);
        }
        let start = address as usize;
        self.bytes.get_mut(start..start + size).ok_or(AccessError::OutOfBounds)
    }
}
