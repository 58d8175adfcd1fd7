//! The custom instructions on blocks of memory. A fault leaves memory as it was.

use crate::{MemoryView, decode::Operation, fault::Fault};

/// Largest length XORIN absorbs: the rate of Keccak-256.
const MAX_XORIN_SIZE_BYTES: u32 = 136;
const KECCAK_STATE_SIZE_BYTES: usize = 200;

/// Values of the registers that a custom instruction names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operands {
    /// Of `rd`: the address written.
    pub destination: u32,
    /// Of `rs1`.
    pub first: u32,
    /// Of `rs2`.
    pub second: u32,
}

/// Executes one of the four custom instructions that work on memory; any other operation does nothing.
///
/// # Errors
/// The [`Fault`], with `pc` in it.
pub fn execute(
    operation: Operation,
    operands: Operands,
    pc: u32,
    memory: &mut MemoryView<'_>,
) -> Result<(), Fault> {
    let Operands { destination, first, second } = operands;
    let mut blocks = Blocks { pc, memory };
    match operation {
        Operation::Keccakf => blocks.keccakf(destination),
        Operation::Xorin => blocks.xorin(destination, first, second),
        Operation::Sha256 => blocks.sha256(destination, first, second),
        Operation::Sha512 => blocks.sha512(destination, first, second),
        _ => Ok(()),
    }
}

struct Blocks<'a, 'm> {
    pc: u32,
    memory: &'a mut MemoryView<'m>,
}

impl Blocks<'_, '_> {
    fn block(&self, address: u32, size: usize) -> Result<&[u8], Fault> {
        self.memory.block(address, size).map_err(|error| Fault::access(error, self.pc, address, size))
    }

    fn block_mut(&mut self, address: u32, size: usize) -> Result<&mut [u8], Fault> {
        let pc = self.pc;
        self.memory.block_mut(address, size).map_err(|error| Fault::access(error, pc, address, size))
    }

    fn keccakf(&mut self, address: u32) -> Result<(), Fault> {
        let bytes = self.block_mut(address, KECCAK_STATE_SIZE_BYTES)?;
        let mut lanes = [0_u64; 25];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *lane = u64::from_le_bytes(*bytes);
        }
        keccak::f1600(&mut lanes);
        for (lane, bytes) in lanes.iter().zip(bytes.as_chunks_mut::<8>().0) {
            *bytes = lane.to_le_bytes();
        }
        Ok(())
    }

    fn xorin(&mut self, buffer: u32, input: u32, length: u32) -> Result<(), Fault> {
        if length > MAX_XORIN_SIZE_BYTES || !length.is_multiple_of(4) {
            return Err(Fault::XorinLength { pc: self.pc, length });
        }
        if length == 0 {
            // The circuit touches no memory then, and checks the range of both pointers all the same.
            let out_of_bounds = |address| Fault::OutOfBounds { pc: self.pc, address, size: 0 };
            return [buffer, input]
                .into_iter()
                .find(|&address| address as usize >= self.memory.size_bytes())
                .map_or(Ok(()), |address| Err(out_of_bounds(address)));
        }
        // A copy, as the ranges may overlap.
        let mut bytes = [0_u8; MAX_XORIN_SIZE_BYTES as usize];
        let bytes = &mut bytes[..length as usize];
        bytes.copy_from_slice(self.block(input, length as usize)?);
        for (byte, other) in self.block_mut(buffer, length as usize)?.iter_mut().zip(bytes) {
            *byte ^= *other;
        }
        Ok(())
    }

    fn sha256(&mut self, destination: u32, state: u32, input: u32) -> Result<(), Fault> {
        let mut words = [0_u32; 8];
        for (word, bytes) in words.iter_mut().zip(self.block(state, 32)?.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let mut block = [0_u8; 64];
        block.copy_from_slice(self.block(input, 64)?);
        sha2::compress256(&mut words, &[block.into()]);
        for (word, bytes) in words.iter().zip(self.block_mut(destination, 32)?.as_chunks_mut::<4>().0) {
            *bytes = word.to_le_bytes();
        }
        Ok(())
    }

    fn sha512(&mut self, destination: u32, state: u32, input: u32) -> Result<(), Fault> {
        let mut words = [0_u64; 8];
        for (word, bytes) in words.iter_mut().zip(self.block(state, 64)?.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let mut block = [0_u8; 128];
        block.copy_from_slice(self.block(input, 128)?);
        sha2::compress512(&mut words, &[block.into()]);
        for (word, bytes) in words.iter().zip(self.block_mut(destination, 64)?.as_chunks_mut::<8>().0) {
            *bytes = word.to_le_bytes();
        }
        Ok(())
    }
}
