//! What is known of registers while code is emitted from an entry downwards: constants, and accesses already checked.
//!
//! Facts hold on the straight line of code from an entry, past branches not taken, up to the next entry.

use ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES;

/// What earlier checks showed of a register used as a base: `register + offset` is in the address space for every
/// offset in `low..high`, and `register % alignment == residue`.
///
/// `low` is never above 0, so the register itself is in the space, or at most `-low` past its end: adding an
/// offset to it in 64 bits does not wrap where 32 bits would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Checked {
    low: i32,
    high: i32,
    alignment: u32,
    residue: u32,
}

/// Facts of all registers.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    constants: [Option<u32>; 32],
    checked: [Option<Checked>; 32],
}

impl Facts {
    pub(crate) fn none() -> Self {
        let mut constants = [None; 32];
        constants[0] = Some(0);
        Self { constants, checked: [None; 32] }
    }

    /// The register's value, if it is known.
    pub(crate) fn constant(&self, register: u8) -> Option<u32> {
        self.constants.get(usize::from(register)).copied().flatten()
    }

    /// The register was written; nothing is known of it.
    pub(crate) fn forget(&mut self, register: u8) {
        if (1..32).contains(&register) {
            self.constants[usize::from(register)] = None;
            self.checked[usize::from(register)] = None;
        }
    }

    pub(crate) fn set_constant(&mut self, register: u8, value: u32) {
        self.forget(register);
        if (1..32).contains(&register) {
            self.constants[usize::from(register)] = Some(value);
        }
    }

    /// `destination = source + offset` was executed.
    pub(crate) fn moved(&mut self, destination: u8, source: u8, offset: i32) {
        let moved = self.checked.get(usize::from(source)).copied().flatten().and_then(|checked| {
            let Checked { low, high, alignment, residue } = checked;
            let (low, high) = (low.checked_sub(offset)?, high.checked_sub(offset)?);
            let residue = residue.wrapping_add(offset as u32) % alignment;
            (low <= 0 && high > low).then_some(Checked { low, high, alignment, residue })
        });
        self.forget(destination);
        if (1..32).contains(&destination) {
            self.checked[usize::from(destination)] = moved;
        }
    }

    /// A check showed that `register + low .. register + high` is in the space, and `register + aligned_at` is a
    /// multiple of `alignment`.
    pub(crate) fn record(&mut self, register: u8, low: i32, high: i32, alignment: u32, aligned_at: i32) {
        let Some(slot) = self.checked.get_mut(usize::from(register)) else { return };
        if low > 0 || high <= low || high - low > ADDRESS_SPACE_SIZE_BYTES as i32 {
            return;
        }
        let residue = (aligned_at as u32).wrapping_neg() % alignment;
        // Both ends of both ranges are in the space, and so is what lies between.
        *slot = Some(match *slot {
            Some(old) if old.alignment > alignment => {
                Checked { low: low.min(old.low), high: high.max(old.high), ..old }
            }
            Some(old) => Checked { low: low.min(old.low), high: high.max(old.high), alignment, residue },
            None => Checked { low, high, alignment, residue },
        });
    }

    /// Whether an access of `size` bytes at `register + offset` needs no check.
    pub(crate) fn covers(&self, register: u8, offset: i32, size: u32) -> bool {
        self.checked.get(usize::from(register)).copied().flatten().is_some_and(|checked| {
            checked.low <= offset
                && offset + size as i32 <= checked.high
                && size <= checked.alignment
                && checked.residue.wrapping_add(offset as u32).is_multiple_of(size)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_covers_what_it_showed_and_no_more() {
        let mut facts = Facts::none();
        facts.record(5, -8, 16, 4, -8);
        for (offset, size, expected) in [
            (-8, 4, true),
            (12, 4, true),
            (15, 1, true),
            (14, 2, true),
            (13, 4, false),
            (13, 2, false),
            (16, 1, false),
            (-9, 1, false),
        ] {
            assert_eq!(facts.covers(5, offset, size), expected, "{offset} {size}");
            assert!(!facts.covers(6, offset, size));
        }
        facts.forget(5);
        assert!(!facts.covers(5, 0, 4));
    }

    #[test]
    fn facts_follow_a_moved_base() {
        let mut facts = Facts::none();
        facts.record(5, 0, 16, 4, 0);
        facts.moved(6, 5, 4);
        assert!(facts.covers(6, -4, 4) && facts.covers(6, 8, 4) && !facts.covers(6, 12, 4));
        facts.moved(6, 6, -8);
        assert!(!facts.covers(6, 4, 4), "below the base that was shown to be in the space");
        facts.moved(7, 5, 1);
        assert!(!facts.covers(7, 0, 4) && facts.covers(7, -1, 4) && facts.covers(7, 0, 1));
    }

    #[test]
    fn x0_is_zero_whatever_is_written() {
        let mut facts = Facts::none();
        facts.set_constant(0, 7);
        facts.forget(0);
        assert_eq!(facts.constant(0), Some(0));
        facts.set_constant(32, 7);
        assert_eq!(facts.constant(32), None);
    }
}
