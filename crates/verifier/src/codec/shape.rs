//! Walks the bytes of a proof before they are decoded.
//!
//! OpenVM's decoder takes counts of things that need no bytes of their own (rows of width zero, paths of depth zero),
//! so a proof of a hundred bytes could make it allocate without bound. This walk mirrors the decoder, reads nothing but
//! lengths, and lets no more items through than there are bytes.

const BASE_SIZE_BYTES: u64 = 4;
const EXTENSION_SIZE_BYTES: u64 = 16;
const DIGEST_SIZE_BYTES: u64 = 32;

/// Log of the most rows a WHIR query opens; ours opens 2^4.
const MAX_LOG_QUERY_ROWS: u64 = 16;

/// Most bytes of one STARK; a segment's takes about 1 MB. Decoded, it can take thirty times its bytes.
const MAX_STARK_SIZE_BYTES: usize = 8 << 20;

/// What is wrong with the shape.
pub(super) type ShapeError = &'static str;
type Result<T> = std::result::Result<T, ShapeError>;

/// Checks that decoding a STARK from the start of `bytes` costs no more than its size; returns what is behind it.
pub(super) fn after_stark(bytes: &[u8]) -> Result<&[u8]> {
    let (within, _) = bytes.split_at(bytes.len().min(MAX_STARK_SIZE_BYTES));
    let mut walker = Walker { bytes: within, items_left: within.len() as u64 };
    walker.stark()?;
    Ok(&bytes[within.len() - walker.bytes.len()..])
}

/// As [`after_stark`], for public values with their Merkle path.
pub(super) fn after_public_values(bytes: &[u8]) -> Result<&[u8]> {
    let mut walker = Walker { bytes, items_left: bytes.len() as u64 };
    walker.digest_vec()?;
    walker.base_vec()?;
    walker.digests(1)?;
    Ok(walker.bytes)
}

struct Walker<'a> {
    bytes: &'a [u8],
    items_left: u64,
}

impl Walker<'_> {
    fn stark(&mut self) -> Result<()> {
        let _codec_version = self.length()?;
        self.digests(1)?;
        self.traces()?;
        let public_values = self.length()?;
        self.items(public_values)?;
        for _ in 0..public_values {
            self.base_vec()?;
        }
        self.gkr()?;
        self.batch_constraints()?;
        self.stacking()?;
        self.whir()
    }

    fn traces(&mut self) -> Result<()> {
        let airs = self.length()?;
        self.items(airs)?;
        let bitmap = self.take(airs.div_ceil(8))?;
        // The decoder looks at a bit for each; bits behind them would be another encoding of the same.
        if airs % 8 != 0 && bitmap.last().is_some_and(|last| last >> (airs % 8) != 0) {
            return Err("it marks traces that there are none of");
        }
        let present: u32 = bitmap.iter().map(|byte| byte.count_ones()).sum();
        for _ in 0..present {
            let _log_height = self.length()?;
            self.digest_vec()?;
        }
        Ok(())
    }

    fn gkr(&mut self) -> Result<()> {
        self.base(1)?;
        self.extension(1)?;
        let layers = self.length()?;
        self.extension(layers.saturating_mul(4))?;
        // A polynomial of three values in the first round, two in the second, and so on.
        self.extension(layers.saturating_mul(layers.saturating_sub(1)) / 2 * 3)
    }

    fn batch_constraints(&mut self) -> Result<()> {
        let airs = self.length()?;
        self.extension(airs.saturating_mul(2))?;
        self.extension_vec()?;
        let rounds = self.length()?;
        self.items(rounds)?;
        if rounds > 0 {
            let values = self.length()?;
            self.extension(rounds.saturating_mul(values))?;
        }
        for _ in 0..airs {
            self.extension_vecs()?;
        }
        Ok(())
    }

    fn stacking(&mut self) -> Result<()> {
        self.extension_vec()?;
        let rounds = self.length()?;
        self.extension(rounds.saturating_mul(2))?;
        self.extension_vecs()
    }

    fn whir(&mut self) -> Result<()> {
        self.base(1)?;
        let sumcheck_rounds = self.length()?;
        self.extension(sumcheck_rounds.saturating_mul(2))?;
        let codewords = self.length()?;
        self.digests(codewords)?;
        let rounds = codewords + 1;
        let log_rows = sumcheck_rounds / rounds;
        if !sumcheck_rounds.is_multiple_of(rounds) || log_rows > MAX_LOG_QUERY_ROWS {
            return Err("WHIR rounds do not fit together");
        }
        let rows = 1_u64 << log_rows;
        self.extension(codewords)?;
        self.base(sumcheck_rounds)?;
        self.base(rounds)?;

        let commitments = self.length()?;
        let queries = self.length()?;
        self.items(commitments)?;
        let (mut depth, mut widths) = (0, Vec::new());
        if queries > 0 {
            depth = self.length()?;
            for _ in 0..commitments {
                widths.push(self.length()?);
            }
        }
        for width in widths {
            self.items(queries.saturating_mul(rows + 1))?;
            self.base(queries.saturating_mul(rows).saturating_mul(width))?;
        }
        for _ in 0..commitments {
            self.items(queries)?;
            self.digests(queries.saturating_mul(depth))?;
        }

        let mut queries_of_rounds = Vec::new();
        for _ in 0..codewords {
            let queries = self.length()?;
            self.items(queries)?;
            self.extension(queries.saturating_mul(rows))?;
            queries_of_rounds.push(queries);
        }
        depth = self.length()?;
        for queries in queries_of_rounds {
            self.items(queries)?;
            self.digests(queries.saturating_mul(depth))?;
            depth = depth.checked_sub(1).ok_or("WHIR paths are too short")?;
        }
        self.extension_vec()
    }

    fn base_vec(&mut self) -> Result<()> {
        let count = self.length()?;
        self.base(count)
    }

    fn extension_vec(&mut self) -> Result<()> {
        let count = self.length()?;
        self.extension(count)
    }

    fn extension_vecs(&mut self) -> Result<()> {
        let count = self.length()?;
        self.items(count)?;
        for _ in 0..count {
            self.extension_vec()?;
        }
        Ok(())
    }

    fn digest_vec(&mut self) -> Result<()> {
        let count = self.length()?;
        self.digests(count)
    }

    fn base(&mut self, count: u64) -> Result<()> {
        self.take(count.saturating_mul(BASE_SIZE_BYTES)).map(drop)
    }

    fn extension(&mut self, count: u64) -> Result<()> {
        self.take(count.saturating_mul(EXTENSION_SIZE_BYTES)).map(drop)
    }

    fn digests(&mut self, count: u64) -> Result<()> {
        self.take(count.saturating_mul(DIGEST_SIZE_BYTES)).map(drop)
    }

    fn length(&mut self) -> Result<u64> {
        let bytes = self.take(4)?.first_chunk::<4>().ok_or("cut short")?;
        Ok(u32::from_le_bytes(*bytes).into())
    }

    /// Counts items the decoder will allocate for whether they have bytes or not.
    fn items(&mut self, count: u64) -> Result<()> {
        self.items_left = self.items_left.checked_sub(count).ok_or("more items than bytes")?;
        Ok(())
    }

    fn take(&mut self, size: u64) -> Result<&[u8]> {
        let size = usize::try_from(size).map_err(|_| "cut short")?;
        let (taken, rest) = self.bytes.split_at_checked(size).ok_or("cut short")?;
        self.bytes = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::{Result, after_stark};

    fn check(bytes: &[u8]) -> Result<()> {
        after_stark(bytes).map(|rest| assert!(rest.is_empty()))
    }

    /// A proof up to its WHIR part, with nothing in it.
    fn prefix() -> Vec<u8> {
        let mut bytes = vec![0; 4 + 32];
        bytes.extend([0; 4 + 4]); // traces, public values
        bytes.extend([0; 4 + 16 + 4]); // GKR
        bytes.extend([0; 4 + 4 + 4]); // batch constraints
        bytes.extend([0; 4 + 4 + 4]); // stacking
        bytes
    }

    #[test]
    fn items_without_bytes_are_counted() {
        // WHIR: witness, no rounds, no codewords, one query witness, one commitment, ...
        let mut bytes = prefix();
        for word in [0, 0, 0, 0, 1] {
            bytes.extend(u32::to_le_bytes(word));
        }
        // ... 2^32-1 queries of depth zero and width zero.
        for word in [u32::MAX, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        assert_eq!(check(&bytes), Err("more items than bytes"));

        // 2^32-1 sumcheck rounds of no values.
        let mut bytes = prefix();
        let rounds = 4 + 32 + 8 + 24 + 8;
        bytes[rounds..rounds + 4].fill(0xff);
        assert_eq!(check(&bytes), Err("more items than bytes"));
    }

    #[test]
    fn traces_past_the_last_are_not_marked() {
        let bytes = |bitmap: u8| {
            let mut bytes = vec![0; 4 + 32];
            bytes.extend(3_u32.to_le_bytes());
            bytes.push(bitmap);
            bytes
        };
        assert_eq!(check(&bytes(0b1000)), Err("it marks traces that there are none of"));
        assert_eq!(check(&bytes(0b0000)), Err("cut short"));
    }

    #[test]
    fn the_smallest_shape_passes() {
        let mut bytes = prefix();
        // No queries, no codewords: then the last depth and the final polynomial.
        for word in [0_u32, 0, 0, 0, 1, 0, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        assert_eq!(check(&bytes), Ok(()));
        assert_eq!(check(&bytes[..bytes.len() - 1]), Err("cut short"));
    }
}
