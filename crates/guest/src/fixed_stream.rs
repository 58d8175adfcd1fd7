//! The stream that stands in for randomness.

/// SplitMix64 from seed 0: what `sys_rand` and `getrandom` serve inside the zkVM.
///
/// It is the same for every run of every program: an outcome must be a function of program and input. Never derive a
/// secret from it.
#[derive(Clone, Debug, Default)]
pub struct FixedStream {
    state: u64,
}

impl FixedStream {
    /// The stream at its start.
    pub const fn new() -> Self {
        Self { state: 0 }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::FixedStream;

    #[test]
    fn is_splitmix64_from_seed_zero() {
        let mut stream = FixedStream::default();
        // Reference values of SplitMix64 with seed 0.
        assert_eq!(stream.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(stream.next_u64(), 0x6e78_9e6a_a1b9_65f4);
    }
}
