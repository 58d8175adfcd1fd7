//! Memory that node and worker share: the node writes long inputs and programs there, the worker reads them.
//!
//! It is a sealed memory file, which neither side maps: reading and writing it is one copy by the kernel, and nothing
//! that the other side does to it can be more than wrong bytes. What a run left there is given back to the system when
//! the run has ended.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES;
use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create,
};

/// Largest program: its segments lie below 16 MiB, with a little for what describes them.
pub(crate) const MAX_PROGRAM_SIZE_BYTES: usize = 17 * 1024 * 1024;

/// What lies where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// The input image. No larger one fits in an address space.
    Input,
    /// The program, as bytes.
    Program,
}

impl Region {
    const fn offset(self) -> u64 {
        match self {
            Self::Input => 0,
            Self::Program => ADDRESS_SPACE_SIZE_BYTES as u64,
        }
    }

    pub(crate) const fn size_bytes(self) -> usize {
        match self {
            Self::Input => ADDRESS_SPACE_SIZE_BYTES,
            Self::Program => MAX_PROGRAM_SIZE_BYTES,
        }
    }
}

/// The node's side.
#[derive(Debug)]
pub(crate) struct Area {
    file: OwnedFd,
}

impl Area {
    /// An area with nothing in it, which takes no memory yet.
    pub(crate) fn new() -> io::Result<Self> {
        let file = memfd_create("ivm-worker-area", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, Region::Program.offset() + Region::Program.size_bytes() as u64)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok(Self { file })
    }

    /// A descriptor for the worker.
    pub(crate) fn share(&self) -> io::Result<OwnedFd> {
        self.file.try_clone()
    }

    /// Writes a region from its start. The bytes must fit.
    pub(crate) fn write(&self, region: Region, bytes: &[u8]) -> io::Result<()> {
        debug_assert!(bytes.len() <= region.size_bytes());
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::pwrite(&self.file, &bytes[written..], region.offset() + written as u64)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => written += count,
            }
        }
        Ok(())
    }

    /// Makes the first bytes of a region zero, and gives their memory back.
    pub(crate) fn clear(&self, region: Region, size: usize) -> io::Result<()> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(fallocate(&self.file, flags, region.offset(), size as u64)?)
    }
}

/// Reads the first `size` bytes of a region into `buffer`: the worker's side.
pub(crate) fn read(
    area: BorrowedFd<'_>,
    region: Region,
    size: usize,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    if size > region.size_bytes() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    buffer.clear();
    buffer.resize(size, 0);
    let mut done = 0;
    while done < size {
        match rustix::io::pread(area.as_fd(), &mut buffer[done..], region.offset() + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_until_it_is_cleared() {
        let area = Area::new().unwrap();
        let reader = area.share().unwrap();
        let mut buffer = Vec::new();
        let input = vec![7; 100_000];
        area.write(Region::Input, &input).unwrap();
        area.write(Region::Program, b"program").unwrap();
        read(reader.as_fd(), Region::Input, input.len(), &mut buffer).unwrap();
        assert_eq!(buffer, input);
        read(reader.as_fd(), Region::Program, 7, &mut buffer).unwrap();
        assert_eq!(buffer, b"program");
        area.clear(Region::Input, input.len()).unwrap();
        read(reader.as_fd(), Region::Input, input.len(), &mut buffer).unwrap();
        assert!(buffer.iter().all(|byte| *byte == 0));
        assert!(read(reader.as_fd(), Region::Program, MAX_PROGRAM_SIZE_BYTES + 1, &mut buffer).is_err());
    }

    #[test]
    fn it_cannot_be_made_larger_or_smaller() {
        let area = Area::new().unwrap();
        assert!(ftruncate(&area.share().unwrap(), 1).is_err());
        assert!(ftruncate(&area.share().unwrap(), 1 << 40).is_err());
    }
}
