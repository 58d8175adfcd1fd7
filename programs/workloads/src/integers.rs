//! Loops of integers alone.

use crate::data::{Digest, Generator};

/// The sum over `k` of `a[i][k] * b[k][j]`, modulo 2^32, row after row.
pub(crate) fn matrix_product(rows: u32) -> u64 {
    let size = rows as usize;
    let mut generator = Generator::new();
    let mut square = || (0..size * size).map(|_| generator.next()).collect::<Vec<u32>>();
    let (a, b) = (square(), square());
    let mut product = vec![0_u32; size * size];
    if size > 0 {
        for (product_row, a_row) in product.chunks_exact_mut(size).zip(a.chunks_exact(size)) {
            for (&factor, b_row) in a_row.iter().zip(b.chunks_exact(size)) {
                for (sum, &value) in product_row.iter_mut().zip(b_row) {
                    *sum = sum.wrapping_add(factor.wrapping_mul(value));
                }
            }
        }
    }
    let mut digest = Digest::new();
    product.iter().for_each(|&value| digest.add(value));
    digest.value()
}

/// Three generators side by side, and a step of Collatz's that depends on them.
pub(crate) fn integer_loop(rounds: u32) -> u64 {
    let mut generator = Generator::new();
    let (mut congruential, mut weyl, mut collatz, mut steps) = (12_345_u32, 0_u32, 27_u32, 0_u32);
    for _ in 0..rounds {
        let random = generator.next();
        congruential = congruential.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        weyl = weyl.wrapping_add(0x9e37_79b9) ^ (congruential >> 16);
        collatz = if collatz & 1 == 0 { collatz >> 1 } else { collatz.wrapping_mul(3).wrapping_add(1) };
        if collatz <= 1 {
            collatz = random | 2;
            steps += 1;
        }
    }
    let mut digest = Digest::new();
    [generator.next(), congruential, weyl, collatz, steps].into_iter().for_each(|word| digest.add(word));
    digest.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_one_row_is_a_product() {
        let mut generator = Generator::new();
        let mut digest = Digest::new();
        digest.add(generator.next().wrapping_mul(generator.next()));
        assert_eq!(matrix_product(1), digest.value());
        assert_eq!(matrix_product(0), Digest::new().value());
    }
}
