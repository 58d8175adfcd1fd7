//! The chain in this process: importing, building, committing, reorganising, opening.

mod blocks;
mod importer;
mod opening;
mod producing;
mod reorg;

use serde::Serialize;

pub use blocks::BlockSet;
pub use importer::{ImportReport, measure_import};
pub use opening::{OpeningReport, measure_opening};
pub use producing::{ProducingReport, measure_producing};
pub use reorg::{ReorgReport, measure_reorg};

/// Milliseconds of several runs.
#[derive(Clone, Debug, Serialize)]
pub struct Milliseconds {
    /// Half of the runs took at most this.
    pub p50: f64,
    /// The slowest.
    pub max: f64,
}

impl Milliseconds {
    pub(crate) fn of(mut samples: Vec<f64>) -> Self {
        Self { p50: crate::percentile(&mut samples, 50), max: crate::percentile(&mut samples, 100) }
    }
}
