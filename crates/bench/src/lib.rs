//! Measures the execution chain, and nodes of any make by their JSON-RPC.
//!
//! * [`load`] is one client for any node: transfers and token transfers a second, reads a second, and how long they take;
//! * [`chain`] measures this chain in its own process: importing against bare revm on the same blocks, building, committing,
//!   reorganising, opening.
//!
//! Nothing here asserts: figures are for people to read, with the machine and the command beside them.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod chain;
pub mod load;

mod error;

pub use error::BenchError;

/// The value below which `percent` of the samples lie, by nearest rank; 0 without samples. Sorts them.
pub fn percentile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_by(f64::total_cmp);
    let index = (samples.len() * percent).div_ceil(100).saturating_sub(1);
    samples.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let mut samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut samples, 50), 50.0);
        assert_eq!(percentile(&mut samples, 99), 99.0);
        assert_eq!(percentile(&mut samples, 100), 100.0);
        assert_eq!(percentile(&mut [], 50), 0.0);
    }
}
