//! Code that was read lately, with the analysis that the EVM makes of it: where one may jump to.
//!
//! Code is what its hash says, on every branch and at every block, so that an entry never becomes wrong.

use std::fmt;

use alloy_primitives::B256;
use lru::LruCache;
use parking_lot::Mutex;
use revm::state::Bytecode;

/// Most bytes of code that are kept.
const MAX_SIZE_BYTES: usize = 32 * 1024 * 1024;

/// The code used last.
pub(crate) struct Codes(Mutex<Kept>);

struct Kept {
    codes: LruCache<B256, Bytecode>,
    size_bytes: usize,
}

impl Default for Codes {
    fn default() -> Self {
        Self(Mutex::new(Kept { codes: LruCache::unbounded(), size_bytes: 0 }))
    }
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codes").field("size_bytes", &self.0.lock().size_bytes).finish_non_exhaustive()
    }
}

impl Codes {
    /// Code with this hash, if it is kept.
    pub(crate) fn get(&self, hash: B256) -> Option<Bytecode> {
        self.0.lock().codes.get(&hash).cloned()
    }

    /// Keeps code, and drops what was not used for longest when there is too much.
    pub(crate) fn keep(&self, hash: B256, code: Bytecode) {
        let kept = &mut *self.0.lock();
        kept.size_bytes += code.len();
        if let Some((_, old)) = kept.codes.push(hash, code) {
            kept.size_bytes -= old.len();
        }
        while kept.size_bytes > MAX_SIZE_BYTES
            && let Some((_, oldest)) = kept.codes.pop_lru()
        {
            kept.size_bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_is_dropped() {
        let codes = Codes::default();
        let code = |byte: u8| Bytecode::new_raw(vec![byte; MAX_SIZE_BYTES / 4].into());
        let hash = B256::with_last_byte;
        for byte in 1..=4 {
            codes.keep(hash(byte), code(byte));
        }
        // Kept twice, it counts once.
        codes.keep(hash(4), code(4));
        assert_eq!(codes.get(hash(1)), Some(code(1)));
        codes.keep(hash(5), code(5));
        assert_eq!(codes.get(hash(2)), None);
        for byte in [1, 3, 4, 5] {
            assert_eq!(codes.get(hash(byte)), Some(code(byte)));
        }
        assert_eq!(codes.0.lock().size_bytes, MAX_SIZE_BYTES);
    }
}
