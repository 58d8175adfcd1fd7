//! Data that is the same everywhere, and what is made of results.

/// Marsaglia's xorshift with 32 bits of state.
pub(crate) struct Generator(u32);

impl Generator {
    pub(crate) const fn new() -> Self {
        Self(2_463_534_242)
    }

    #[inline]
    pub(crate) const fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

/// Folds words into 64 bits, cheaply on a machine of 32 bits; their order counts.
pub(crate) struct Digest {
    low: u32,
    high: u32,
}

impl Digest {
    pub(crate) const fn new() -> Self {
        Self { low: 0x811c_9dc5, high: 0x9e37_79b9 }
    }

    #[inline]
    pub(crate) const fn add(&mut self, word: u32) {
        self.low = (self.low ^ word).wrapping_mul(0x0100_0193);
        self.high = self.high.rotate_left(5) ^ self.low;
    }

    pub(crate) const fn value(&self) -> u64 {
        (self.high as u64) << 32 | self.low as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_xorshift32() {
        // First numbers of the generator in Marsaglia's paper of 2003, whose seed this is.
        let mut generator = Generator::new();
        assert_eq!([generator.next(), generator.next()], [723_471_715, 2_497_366_906]);
    }

    #[test]
    fn the_order_of_words_counts() {
        let digest = |words: [u32; 2]| {
            let mut digest = Digest::new();
            words.into_iter().for_each(|word| digest.add(word));
            digest.value()
        };
        assert_ne!(digest([1, 2]), digest([2, 1]));
    }
}
