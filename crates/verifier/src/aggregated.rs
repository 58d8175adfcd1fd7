//! Aggregated proofs: one STARK, that a tree of circuits verified the segments' STARKs.
//!
//! The rules of OpenVM's `verify_vm_stark_proof_decoded` for a VM without deferrals. Leaves verify segments, a first
//! internal layer verifies leaves, and a layer that verifies itself takes it from there to one proof.

use openvm_stark_backend::{
    p3_field::{PrimeCharacteristicRing, PrimeField32},
    proof::Proof as StarkProof,
    verifier,
};

use crate::{
    InvalidProof, Shown,
    keys::{AggregationKey, KeyCommitment},
    program::{digest_to_b256, execution_commitment},
    public_values::PublicValuesProof,
    stark::{Digest, F, Stark, Transcript, poseidon2},
};

// Places in the circuit.
const VERIFIER_AIR: usize = 0;
const VM_AIR: usize = 1;
const DEFERRAL_AIR: usize = 2;
const CONSTRAINTS_AIR: usize = 3;

/// What stands for a layer that verifies itself, or the layer below it.
const INTERNAL_RECURSIVE_FLAG: F = F::TWO;

/// Most self-verifying layers; the circuits count no further.
const MAX_RECURSION_DEPTH: u32 = 1 << 8;

/// Verifies an aggregated proof.
pub(crate) fn verify(
    key: &AggregationKey,
    proof: &StarkProof<Stark>,
    values: &PublicValuesProof,
) -> Result<Shown, InvalidProof> {
    let mut transcript = Transcript::from(poseidon2().clone());
    verifier::verify(&key.stark, &key.key, proof, &mut transcript)
        .map_err(|error| InvalidProof::Stark { index: 0, reason: error.to_string() })?;
    let exposed = Exposed::of(proof)?;
    exposed.check_layers(key)?;
    exposed.run.check_end()?;
    let Run { code, initial_pc, initial_root, final_root, .. } = exposed.run;
    let outcome_hash = values.verify(&final_root)?;
    let execution = execution_commitment(&code, &initial_root, initial_pc);
    Ok(Shown { execution: digest_to_b256(&execution), outcome_hash })
}

/// What the STARK exposes.
struct Exposed {
    flag: F,
    app: KeyCommitment,
    leaf: KeyCommitment,
    internal_for_leaf: KeyCommitment,
    recursion_depth: F,
    internal_recursive: KeyCommitment,
    /// Commitment to the constraints that this very proof's circuit checked its children with.
    children: Digest,
    run: Run,
}

/// The run that the segments make.
struct Run {
    code: Digest,
    initial_pc: F,
    exit_code: F,
    is_terminate: F,
    initial_root: Digest,
    final_root: Digest,
}

impl Exposed {
    fn of(proof: &StarkProof<Stark>) -> Result<Self, InvalidProof> {
        let lacks = |part| InvalidProof::Shape { index: 0, part };
        let values = |air: usize, part| Values::of(proof, air).ok_or_else(|| lacks(part));

        let mut verifier = values(VERIFIER_AIR, "the verifier")?;
        let exposed = verifier.exposed().filter(|_| verifier.0.is_empty());
        let (flag, [app, leaf, internal_for_leaf, internal_recursive], recursion_depth) =
            exposed.ok_or_else(|| lacks("the verifier"))?;
        let mut vm = values(VM_AIR, "the VM")?;
        let run = vm.run().filter(|_| vm.0.is_empty()).ok_or_else(|| lacks("the VM"))?;
        if proof.public_values.get(DEFERRAL_AIR).is_none_or(|values| !values.is_empty()) {
            return Err(InvalidProof::Aggregation("it is of a VM with deferrals"));
        }
        let constraints = proof.trace_vdata.get(CONSTRAINTS_AIR).and_then(Option::as_ref);
        let children = constraints
            .and_then(|trace| trace.cached_commitments.first().copied())
            .ok_or_else(|| lacks("the constraints"))?;
        Ok(Self { flag, app, leaf, internal_for_leaf, recursion_depth, internal_recursive, children, run })
    }

    /// Checks that every layer of the tree is the circuit it has to be.
    fn check_layers(&self, key: &AggregationKey) -> Result<(), InvalidProof> {
        let wrong = |what| Err(InvalidProof::Aggregation(what));
        if self.flag != INTERNAL_RECURSIVE_FLAG {
            return wrong("it is not of the last layer");
        }
        if self.app != key.layers.app {
            return wrong("its leaves verify another VM");
        }
        if self.leaf != key.layers.leaf {
            return wrong("its leaves are of another circuit");
        }
        if self.internal_for_leaf != key.layers.internal_for_leaf {
            return wrong("its first internal layer is of another circuit");
        }
        let depth = self.recursion_depth.as_canonical_u32();
        let (recursive, children) = match depth {
            // Its children are of the first internal layer: no layer has verified itself yet.
            1 => (KeyCommitment::UNSET, key.layers.internal_for_leaf.constraints),
            2..=MAX_RECURSION_DEPTH => {
                (key.layers.internal_recursive, key.layers.internal_recursive.constraints)
            }
            _ => return wrong("its depth is not within what the circuits count"),
        };
        if self.internal_recursive != recursive {
            return wrong("its internal layers are of another circuit");
        }
        if self.children != children {
            return wrong("it verified its children with another key");
        }
        Ok(())
    }
}

impl Run {
    fn check_end(&self) -> Result<(), InvalidProof> {
        if self.is_terminate != F::ONE {
            let got = self.is_terminate.as_canonical_u32();
            return Err(InvalidProof::End { index: 0, got, expected: 1 });
        }
        if self.exit_code != F::ZERO {
            let got = self.exit_code.as_canonical_u32();
            return Err(InvalidProof::ExitCode { index: 0, got, expected: 0 });
        }
        Ok(())
    }
}

impl KeyCommitment {
    const UNSET: Self = Self { constraints: [F::ZERO; 8], hash: [F::ZERO; 8] };
}

/// Public values, taken one after the other.
struct Values<'a>(&'a [F]);

impl<'a> Values<'a> {
    fn of(proof: &'a StarkProof<Stark>, air: usize) -> Option<Self> {
        proof.trace_vdata.get(air)?.as_ref()?;
        proof.public_values.get(air).map(|values| Self(values))
    }

    /// The last circuit's flag, the commitments to keys from below to above, and the depth.
    fn exposed(&mut self) -> Option<(F, [KeyCommitment; 4], F)> {
        let flag = self.element()?;
        let [app, leaf, internal_for_leaf] = [self.key()?, self.key()?, self.key()?];
        let depth = self.element()?;
        Some((flag, [app, leaf, internal_for_leaf, self.key()?], depth))
    }

    fn run(&mut self) -> Option<Run> {
        let code = self.digest()?;
        let initial_pc = self.element()?;
        let _final_pc = self.element()?;
        let (exit_code, is_terminate) = (self.element()?, self.element()?);
        let (initial_root, final_root) = (self.digest()?, self.digest()?);
        Some(Run { code, initial_pc, exit_code, is_terminate, initial_root, final_root })
    }

    fn key(&mut self) -> Option<KeyCommitment> {
        Some(KeyCommitment { constraints: self.digest()?, hash: self.digest()? })
    }

    fn digest(&mut self) -> Option<Digest> {
        let (digest, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*digest)
    }

    fn element(&mut self) -> Option<F> {
        let (element, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::aggregation_key;

    fn exposed(depth: u32) -> Exposed {
        let layers = &aggregation_key().layers;
        let is_first = depth == 1;
        let below = if is_first { layers.internal_for_leaf } else { layers.internal_recursive };
        Exposed {
            flag: INTERNAL_RECURSIVE_FLAG,
            app: layers.app,
            leaf: layers.leaf,
            internal_for_leaf: layers.internal_for_leaf,
            recursion_depth: F::from_u32(depth),
            internal_recursive: if is_first { KeyCommitment::UNSET } else { layers.internal_recursive },
            children: below.constraints,
            run: Run {
                code: [F::ONE; 8],
                initial_pc: F::ONE,
                exit_code: F::ZERO,
                is_terminate: F::ONE,
                initial_root: [F::ONE; 8],
                final_root: [F::TWO; 8],
            },
        }
    }

    fn check(depth: u32, change: impl FnOnce(&mut Exposed)) -> Result<(), InvalidProof> {
        let mut exposed = exposed(depth);
        change(&mut exposed);
        exposed.check_layers(aggregation_key())?;
        exposed.run.check_end()
    }

    #[test]
    fn every_layer_is_the_circuit_it_has_to_be() {
        for depth in [1, 2, 3, MAX_RECURSION_DEPTH] {
            assert_eq!(check(depth, |_| {}), Ok(()), "depth {depth}");
            let changes: [fn(&mut Exposed); 12] = [
                |exposed| exposed.flag = F::ONE,
                |exposed| exposed.app.constraints[0] += F::ONE,
                |exposed| exposed.app.hash[7] += F::ONE,
                |exposed| exposed.leaf.constraints[7] += F::ONE,
                |exposed| exposed.leaf.hash[0] += F::ONE,
                |exposed| exposed.internal_for_leaf.constraints[3] += F::ONE,
                |exposed| exposed.internal_for_leaf.hash[3] += F::ONE,
                |exposed| exposed.internal_recursive.constraints[0] += F::ONE,
                |exposed| exposed.internal_recursive.hash[7] += F::ONE,
                |exposed| exposed.children[5] += F::ONE,
                |exposed| exposed.recursion_depth = F::ZERO,
                |exposed| exposed.recursion_depth = F::from_u32(MAX_RECURSION_DEPTH + 1),
            ];
            for (index, change) in changes.into_iter().enumerate() {
                let refused = check(depth, change);
                assert!(matches!(refused, Err(InvalidProof::Aggregation(_))), "{index}: {refused:?}");
            }
        }
        // One depth's commitments do not do for the other.
        assert!(check(1, |exposed| exposed.recursion_depth = F::TWO).is_err());
        assert!(check(2, |exposed| exposed.recursion_depth = F::ONE).is_err());
    }

    #[test]
    fn the_run_ends_with_exit_code_0() {
        let end = InvalidProof::End { index: 0, got: 0, expected: 1 };
        assert_eq!(check(2, |exposed| exposed.run.is_terminate = F::ZERO), Err(end));
        let code = InvalidProof::ExitCode { index: 0, got: 2, expected: 0 };
        assert_eq!(check(2, |exposed| exposed.run.exit_code = F::TWO), Err(code));
    }
}
