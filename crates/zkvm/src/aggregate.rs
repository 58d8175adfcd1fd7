//! Aggregating segments' proofs into one, as they come.
//!
//! The tree of OpenVM's `AggProver::prove_vm`: leaves verify up to four segments, a first internal layer up to three
//! leaves, and a layer that verifies itself up to three proofs, until one is left, which is wrapped once more. OpenVM's
//! own loop wants all segments' proofs at once; here a parent is proven as soon as its children are there, so that the
//! proofs held grow with the logarithm of the run.

use openvm_continuations::prover::ChildVkKind;
use openvm_sdk::{
    DefaultStarkEngine, SC,
    config::{MAX_NUM_CHILDREN_INTERNAL, MAX_NUM_CHILDREN_LEAF},
    prover::AggProver,
};
use openvm_stark_backend::proof::Proof as StarkProof;

use crate::{ProveError, prove::prover_error};

/// The first layer whose proofs are all of one circuit, so that one alone is a root.
const FIRST_ROOT_LAYER: usize = 3;

/// Most children of a proof over proofs of this layer.
const fn arity(layer: usize) -> usize {
    if layer == 0 { MAX_NUM_CHILDREN_LEAF } else { MAX_NUM_CHILDREN_INTERNAL }
}

/// Proofs that an aggregation of so many segments takes.
pub(crate) fn aggregations(segments: usize) -> usize {
    let (mut proofs, mut layer, mut total) = (segments, 0, 1);
    while layer < FIRST_ROOT_LAYER || proofs > 1 {
        proofs = proofs.div_ceil(arity(layer));
        total += proofs;
        layer += 1;
    }
    total
}

/// A tree that grows from its leaves.
pub(crate) struct Tree<'a> {
    prover: &'a AggProver,
    /// Proofs that wait for siblings: segments, leaves, the first internal layer, the layers above.
    waiting: Vec<Vec<StarkProof<SC>>>,
    proven: usize,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(prover: &'a AggProver) -> Self {
        Self { prover, waiting: Vec::new(), proven: 0 }
    }

    /// Adds the next segment's proof, and proves the parents it completes. `before` is told the index of each.
    pub(crate) fn add(
        &mut self,
        segment: StarkProof<SC>,
        before: &mut dyn FnMut(usize) -> Result<(), ProveError>,
    ) -> Result<(), ProveError> {
        let (mut layer, mut proof) = (0, segment);
        loop {
            if self.waiting.len() <= layer {
                self.waiting.push(Vec::new());
            }
            self.waiting[layer].push(proof);
            if self.waiting[layer].len() < arity(layer) {
                return Ok(());
            }
            proof = self.parent(layer, before)?;
            layer += 1;
        }
    }

    /// Proves what is left of the tree, up to the one proof.
    pub(crate) fn finish(
        mut self,
        before: &mut dyn FnMut(usize) -> Result<(), ProveError>,
    ) -> Result<StarkProof<SC>, ProveError> {
        let mut layer = 0;
        loop {
            let is_top = self.waiting.iter().skip(layer + 1).all(Vec::is_empty);
            match self.waiting.get(layer).map_or(0, Vec::len) {
                0 if is_top => return Err(ProveError::Prover("there is no segment to aggregate".into())),
                0 => {}
                1 if is_top && layer >= FIRST_ROOT_LAYER => break,
                _ => {
                    let parent = self.parent(layer, before)?;
                    if self.waiting.len() <= layer + 1 {
                        self.waiting.push(Vec::new());
                    }
                    self.waiting[layer + 1].push(parent);
                }
            }
            layer += 1;
        }
        // Once more over the root, which makes it smaller.
        self.parent(layer, before)
    }

    /// Proves that all proofs waiting on a layer were verified, and drops them.
    fn parent(
        &mut self,
        layer: usize,
        before: &mut dyn FnMut(usize) -> Result<(), ProveError>,
    ) -> Result<StarkProof<SC>, ProveError> {
        before(self.proven)?;
        self.proven += 1;
        let children = std::mem::take(&mut self.waiting[layer]);
        type Engine = DefaultStarkEngine;
        let AggProver { leaf_prover, internal_for_leaf_prover, internal_recursive_prover, .. } = self.prover;
        match layer {
            0 => leaf_prover.agg_prove_no_def::<Engine>(&children, ChildVkKind::App),
            1 => internal_for_leaf_prover.agg_prove_no_def::<Engine>(&children, ChildVkKind::Standard),
            2 => internal_recursive_prover.agg_prove_no_def::<Engine>(&children, ChildVkKind::Standard),
            _ => internal_recursive_prover.agg_prove_no_def::<Engine>(&children, ChildVkKind::RecursiveSelf),
        }
        .map_err(prover_error)
    }
}

#[cfg(test)]
mod tests {
    use super::aggregations;

    #[test]
    fn steps_are_those_of_the_tree() {
        // Leaf, first internal layer, its parent, and the wrap.
        assert_eq!(aggregations(1), 4);
        assert_eq!(aggregations(4), 4);
        assert_eq!(aggregations(5), 5);
        assert_eq!(aggregations(12), 3 + 1 + 1 + 1);
        // 10 leaves, 4 over them, 2 over these, a root, and the wrap.
        assert_eq!(aggregations(40), 10 + 4 + 2 + 1 + 1);
    }
}
