//! The input's layout: fixed fields one after the other, numbers big-endian.
//!
//! | bytes | what | by whom |
//! | ---: | --- | --- |
//! | 32 | hash of the block at whose end the past ends | the pool |
//! | 20 | address of the pool | the pool |
//! | 32 | slot of the trader's word in the pool's storage | the pool |
//! | 16 | volume of the trader now | the pool |
//! | 1 | number of tiers | the pool |
//! | 19 each | tier: 16 of volume, 3 of fee | the pool |
//! | 2, then as many | header of the block, RLP | the trader |
//! | 1, then 2 and as many each | nodes from the state's root to the pool | the trader |
//! | 1, then 2 and as many each | nodes from the pool's storage root to the word | the trader |

use ivm_guest::alloy_primitives::{Address, B256};

use crate::{Fault, HistoryProof};

/// What a volume earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Least volume, in units of the pool's first token.
    pub min_volume: u128,
    /// Fee in millionths of what is swapped in; 24 bits.
    pub fee_millionths: u32,
}

const TIER_SIZE_BYTES: usize = 19;

/// An input, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    /// Hash of the anchored block.
    pub anchor: B256,
    /// The pool.
    pub pool: Address,
    /// Slot of the trader's word in the pool's storage.
    pub slot: B256,
    /// The trader's volume now.
    pub volume_now: u128,
    /// What the trader shows of the past.
    pub proof: HistoryProof<'a>,
    tiers: &'a [[u8; TIER_SIZE_BYTES]],
}

impl<'a> Input<'a> {
    /// Reads an input.
    ///
    /// # Errors
    /// When it ends too early or too late.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader { bytes, offset: 0 };
        let anchor = B256::from(reader.array("the anchor")?);
        let pool = Address::from(reader.array("the pool")?);
        let slot = B256::from(reader.array("the slot")?);
        let volume_now = u128::from_be_bytes(reader.array("the volume")?);
        let [tier_count] = reader.array("the number of tiers")?;
        let tiers = reader.take(usize::from(tier_count) * TIER_SIZE_BYTES, "the tiers")?;
        let header = reader.sized("the header")?;
        let account_nodes = reader.nodes("a node of the account's proof")?;
        let storage_nodes = reader.nodes("a node of the word's proof")?;
        let left = bytes.len() - reader.offset;
        if left != 0 {
            return Err(Fault::BytesLeftOver { got: left });
        }
        let proof = HistoryProof { header, account_nodes, storage_nodes };
        Ok(Self { anchor, pool, slot, volume_now, proof, tiers: tiers.as_chunks().0 })
    }

    /// The tiers, in the order of the table.
    pub fn tiers(&self) -> impl Iterator<Item = Tier> {
        self.tiers.iter().map(|tier| {
            let (volume, fee) = tier.split_at(16);
            let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
            Tier { min_volume: number(volume), fee_millionths: number(fee) as u32 }
        })
    }

    /// The fee of the last tier that a volume reaches, in millionths.
    pub fn fee_of_volume(&self, volume: u128) -> Option<u32> {
        self.tiers().filter(|tier| tier.min_volume <= volume).last().map(|tier| tier.fee_millionths)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, needed_bytes: usize, part: &'static str) -> Result<&'a [u8], Fault> {
        let (size_bytes, offset) = (self.bytes.len(), self.offset);
        // The offset is never past the end, and what is needed at most 64 KiB: no sum overflows.
        let taken = self.bytes.get(offset..offset + needed_bytes).ok_or(Fault::InputTooShort {
            size_bytes,
            part,
            needed_bytes,
            offset,
        })?;
        self.offset += needed_bytes;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, part)?);
        Ok(array)
    }

    /// Bytes after their number.
    fn sized(&mut self, part: &'static str) -> Result<&'a [u8], Fault> {
        let size_bytes = u16::from_be_bytes(self.array(part)?);
        self.take(size_bytes.into(), part)
    }

    /// Nodes after their number.
    fn nodes(&mut self, part: &'static str) -> Result<Vec<&'a [u8]>, Fault> {
        let [count] = self.array(part)?;
        (0..count).map(|_| self.sized(part)).collect()
    }
}
