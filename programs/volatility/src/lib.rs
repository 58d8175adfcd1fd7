//! Annualised realised volatility of a price series, in integers only.
//!
//! Input: prices as packed big-endian `uint32`, in cents, oldest first. Output: `abi.encode(uint256 volatilityE18,
//! uint64 observations)`, where the volatility is the sample standard deviation of the daily log returns times the
//! square root of 252 trading days, and there is one observation less than there are prices.

#![deny(missing_docs)]

mod fixed_point;

use fixed_point::{FRACTION_BITS, integer_square_root, natural_log_ratio};
use ivm_guest::alloy_primitives::U256;

/// Trading days in a year: the convention that annualises daily figures.
const TRADING_DAYS_PER_YEAR: u128 = 252;

/// Bits dropped from each squared return so that the sum of all fits: 2 * 58 - 32 = 84 bits of fraction stay.
const SQUARE_SHIFT: u32 = 32;

/// The volatility, times 10^18, and the number of observations, of prices oldest first.
///
/// # Panics
/// When there are less than three prices, or one of them is zero.
pub fn realised_volatility_e18(mut prices: impl ExactSizeIterator<Item = u32>) -> (u128, u64) {
    assert!(prices.len() >= 3, "{} prices given, at least 3 are needed", prices.len());
    let mut previous = prices.next().unwrap_or_default();
    let mut observations = 0_u64;
    let mut sum = 0_i64;
    let mut sum_of_squares = 0_u128;
    for price in prices {
        let log_return = natural_log_ratio(price, previous);
        // The sum telescopes to the log of last over first price, so it stays as small as one return.
        sum += log_return;
        sum_of_squares += (i128::from(log_return) * i128::from(log_return)).unsigned_abs() >> SQUARE_SHIFT;
        observations += 1;
        previous = price;
    }
    let count = u128::from(observations);
    let square_of_sum = (i128::from(sum) * i128::from(sum)).unsigned_abs() >> SQUARE_SHIFT;
    let variance = sum_of_squares.saturating_sub(square_of_sum / count) / (count - 1);
    (standard_deviation_e18(variance * TRADING_DAYS_PER_YEAR), observations)
}

/// Square root of a number with `2 * FRACTION_BITS - SQUARE_SHIFT` bits of fraction, times 10^18.
fn standard_deviation_e18(variance: u128) -> u128 {
    const VARIANCE_FRACTION_BITS: u32 = 2 * FRACTION_BITS - SQUARE_SHIFT;
    // Shift left as far as it goes, by an even number, so that the root keeps all the precision there is.
    let spare_bits = variance.leading_zeros() & !1;
    let root = integer_square_root(variance << spare_bits);
    let root_fraction_bits = (VARIANCE_FRACTION_BITS + spare_bits) / 2;
    ((U256::from(root) * U256::from(1_000_000_000_000_000_000_u64)) >> root_fraction_bits as usize).to()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same figure in floating point.
    fn reference(prices: &[u32]) -> f64 {
        let returns: Vec<f64> =
            prices.windows(2).map(|pair| (f64::from(pair[1]) / f64::from(pair[0])).ln()).collect();
        let mean = returns.iter().sum::<f64>() / returns.len() as f64;
        let squares: f64 = returns.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (returns.len() as f64 - 1.0) * 252.0).sqrt()
    }

    fn check(prices: &[u32]) {
        let (volatility_e18, observations) = realised_volatility_e18(prices.iter().copied());
        assert_eq!(observations as usize, prices.len() - 1);
        let (got, expected) = (volatility_e18 as f64 / 1e18, reference(prices));
        assert!((got - expected).abs() <= 1e-8 * expected.max(1.0), "got {got}, expected {expected}");
    }

    #[test]
    fn agrees_with_floating_point() {
        check(&[10_000, 10_100, 10_050, 10_200, 10_150]);
        check(&[145_522, 139_942, 140_211, 140_345, 144_147, 145_760]);
        check(&[1, 4_000_000_000, 1, 4_000_000_000]);
        check(&[7, 8, 9]);
        let walk: Vec<u32> = (0..2_000_u32)
            .scan(150_000_u32, |price, step| {
                *price = *price + (step * 7_919 % 401) - 200;
                Some(*price)
            })
            .collect();
        check(&walk);
    }

    #[test]
    fn a_flat_series_has_none() {
        assert_eq!(realised_volatility_e18([500, 500, 500, 500].into_iter()), (0, 3));
    }
}
