//! Kinds of proof, as arguments.

use clap::ValueEnum;
use ivm_zkvm::ProofKind;

/// A kind of proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// A proof for each segment of the run.
    #[default]
    Segments,
    /// One proof over all segments.
    Aggregated,
}

impl From<KindArg> for ProofKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Segments => Self::Segments,
            KindArg::Aggregated => Self::Aggregated,
        }
    }
}
