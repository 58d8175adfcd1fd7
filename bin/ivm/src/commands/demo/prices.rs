//! The price series that ships inside the binary (see `data/README.md` for where it is from).

use eyre::{Context, Result, eyre};

const SP500_CSV: &str = include_str!("../../../../../data/sp500-2000.csv");

/// Daily closing prices of the S&P 500 since 2000, in cents, oldest first.
pub(crate) fn closes_in_cents() -> Result<Vec<u32>> {
    let mut lines = SP500_CSV.lines();
    let header = lines.next().ok_or_else(|| eyre!("the price file is empty"))?;
    let column = header
        .split(',')
        .position(|name| name == "close")
        .ok_or_else(|| eyre!("the price file has no close column"))?;
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let close = line.split(',').nth(column).ok_or_else(|| eyre!("no close in line {line:?}"))?;
            cents(close).wrap_err_with(|| format!("in line {line:?}"))
        })
        .collect()
}

/// A decimal amount in cents, rounded to the nearest.
fn cents(decimal: &str) -> Result<u32> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    let thousandths =
        whole.parse::<u32>()?.checked_mul(1000).and_then(|whole| whole.checked_add(fraction.parse().ok()?));
    Ok(thousandths.ok_or_else(|| eyre!("price {decimal} is too large"))?.saturating_add(5) / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_rounded_to_cents() {
        for (decimal, expected) in [
            ("1455.219971", 145_522),
            ("1", 100),
            ("1.5", 150),
            ("0.994", 99),
            ("0.995", 100),
            ("0.999999", 100),
        ] {
            assert_eq!(cents(decimal).ok(), Some(expected), "{decimal}");
        }
        assert!(cents("-1.00").is_err());
        assert!(cents("5000000.00").is_err());
    }

    #[test]
    fn the_series_is_whole() {
        let closes = closes_in_cents().unwrap_or_default();
        assert_eq!((closes.len(), closes.first().copied()), (5105, Some(145_522)));
        assert!(closes.iter().all(|close| (60_000..500_000).contains(close)));
    }
}
