//! The arithmetic: 32-bit multiplications and divisions, which the zkVM has, and few of them.

/// Bits of fraction of a logarithm; 5 bits of integer part and a sign are left.
pub const FRACTION_BITS: u32 = 58;

/// ln 2 with [`FRACTION_BITS`] bits of fraction.
const NATURAL_LOG_OF_2: i64 = 0x02c5_c85f_df47_3de7;

/// `ln(price / previous)`, with [`FRACTION_BITS`] bits of fraction, to about 10^-9 (far better for ratios near 1).
///
/// The ratio is brought into [1/2, 2] by powers of two; then `ln(a/b) = 2 artanh((a-b)/(a+b))`.
///
/// # Panics
/// When a price is zero.
pub fn natural_log_ratio(price: u32, previous: u32) -> i64 {
    assert!(price != 0 && previous != 0, "a price is zero");
    let shift = previous.leading_zeros() as i32 - price.leading_zeros() as i32;
    // Both have their top bit at 31, so the sum needs 33 bits: halve both.
    let (a, b) = (price << price.leading_zeros() >> 1, previous << previous.leading_zeros() >> 1);
    let log = if a >= b { log_of_near_ratio(a - b, a + b) } else { -log_of_near_ratio(b - a, a + b) };
    log + i64::from(shift) * NATURAL_LOG_OF_2
}

/// `2 artanh(difference / sum)`, for a quotient up to 1/3.
fn log_of_near_ratio(difference: u32, sum: u32) -> i64 {
    let (high, remainder) = divide_wide(difference, sum);
    let (low, _) = divide_wide(remainder, sum);
    let quotient = u64::from(high) << 32 | u64::from(low);
    // artanh(y) = y (1 + y²/3 + y⁴/5 + ...); the bracket less one needs 32 bits of fraction only.
    let square = multiply_high(high, high);
    let (mut power, mut correction, mut divisor) = (square, 0_u32, 3_u32);
    while power != 0 {
        correction += power / divisor;
        power = multiply_high(power, square);
        divisor += 2;
    }
    let corrected = quotient + u64::from(high) * u64::from(correction);
    (corrected >> (64 - FRACTION_BITS - 1)) as i64
}

const fn multiply_high(a: u32, b: u32) -> u32 {
    ((a as u64 * b as u64) >> 32) as u32
}

/// `(numerator * 2^32) / divisor` and the remainder, by two 16-bit digits (Knuth's algorithm D); `numerator < divisor`,
/// and `divisor` has its bit 31 or 30 set.
const fn divide_wide(numerator: u32, divisor: u32) -> (u32, u32) {
    let shift = divisor.leading_zeros();
    let (divisor, numerator) = (divisor << shift, numerator << shift);
    let (divisor_high, divisor_low) = (divisor >> 16, divisor & 0xffff);
    let (digit_high, rest) = divide_digit(numerator, divisor, divisor_high, divisor_low);
    let (digit_low, rest) = divide_digit(rest, divisor, divisor_high, divisor_low);
    (digit_high << 16 | digit_low, rest >> shift)
}

/// One 16-bit digit of a quotient and what is left, from `rest * 2^16 / divisor`.
const fn divide_digit(rest: u32, divisor: u32, divisor_high: u32, divisor_low: u32) -> (u32, u32) {
    let mut digit = rest / divisor_high;
    let mut partial = rest - digit * divisor_high;
    while digit >= 0x1_0000 || digit * divisor_low > partial << 16 {
        digit -= 1;
        partial += divisor_high;
        if partial >= 0x1_0000 {
            break;
        }
    }
    // The true remainder fits in 32 bits, so wrapping arithmetic finds it.
    (digit, (rest << 16).wrapping_sub(digit.wrapping_mul(divisor)))
}

/// Largest integer whose square is at most `n`.
pub fn integer_square_root(n: u128) -> u128 {
    n.isqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_division_is_exact() {
        let divisors = [0x4000_0000_u32, 0x4000_0001, 0x7fff_ffff, 0x8000_0000, 0x8000_ffff, 0xffff_ffff];
        for divisor in divisors {
            for numerator in [0, 1, 2, 0xffff, 0x1_0000, 0x1234_5678, divisor / 3, divisor / 2, divisor - 1] {
                let wide = u64::from(numerator) << 32;
                let expected = ((wide / u64::from(divisor)) as u32, (wide % u64::from(divisor)) as u32);
                assert_eq!(divide_wide(numerator, divisor), expected, "{numerator} / {divisor}");
            }
        }
    }

    #[test]
    fn logarithms_agree_with_floating_point() {
        let prices = [1_u32, 2, 3, 999, 1_000, 1_001, 145_522, 150_000, 1 << 31, u32::MAX];
        for price in prices {
            for previous in prices {
                let got = natural_log_ratio(price, previous) as f64
                    / f64::from(1_u32 << 29)
                    / f64::from(1_u32 << 29);
                let expected = (f64::from(price) / f64::from(previous)).ln();
                assert!(
                    (got - expected).abs() < 4e-9,
                    "ln({price}/{previous}): got {got}, expected {expected}"
                );
            }
        }
    }
}
