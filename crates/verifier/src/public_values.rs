//! The 32 public value bytes, and that they are in the final memory.

use std::io::{Read, Result as IoResult};

use alloy_primitives::B256;
use openvm_stark_backend::{codec::DecodableConfig, p3_field::PrimeField32};

use crate::{
    InvalidProof,
    memory_root::{OVERALL_HEIGHT, PUBLIC_VALUES_SPACE, node_index},
    stark::{CHUNK, Digest, F, Stark, compress, hash},
};

/// Public values of a run, in bytes.
pub(crate) const PUBLIC_VALUES: usize = 32;

/// Height of the tree over the public values.
const PUBLIC_VALUES_HEIGHT: usize = (PUBLIC_VALUES / CHUNK).ilog2() as usize;

/// Public values with their Merkle path.
pub(crate) struct PublicValuesProof {
    siblings: Vec<Digest>,
    values: Vec<F>,
    root: Digest,
}

impl PublicValuesProof {
    pub(crate) fn decode(reader: &mut impl Read) -> IoResult<Self> {
        Ok(Self {
            siblings: Stark::decode_digest_vec(reader)?,
            values: Stark::decode_base_field_vec(reader)?,
            root: Stark::decode_digest(reader)?,
        })
    }

    /// Checks that the values lie in the memory with this root, and returns them.
    pub(crate) fn verify(&self, memory_root: &Digest) -> Result<B256, InvalidProof> {
        let values: &[F; PUBLIC_VALUES] = self
            .values
            .as_slice()
            .try_into()
            .map_err(|_| InvalidProof::PublicValues("there are not 32 of them"))?;
        if self.siblings.len() != OVERALL_HEIGHT - PUBLIC_VALUES_HEIGHT {
            return Err(InvalidProof::PublicValues("their Merkle path has not the height of memory"));
        }
        let mut layer: Vec<Digest> = values.as_chunks::<CHUNK>().0.iter().map(hash).collect();
        while layer.len() > 1 {
            layer = layer.as_chunks::<2>().0.iter().map(|[left, right]| compress(left, right)).collect();
        }
        if layer != [self.root] {
            return Err(InvalidProof::PublicValues("they do not have the root given for them"));
        }
        let index = node_index(PUBLIC_VALUES_SPACE, 0) >> PUBLIC_VALUES_HEIGHT;
        let mut node = self.root;
        for (height, sibling) in self.siblings.iter().enumerate() {
            node = if index >> height & 1 == 1 { compress(sibling, &node) } else { compress(&node, sibling) };
        }
        if node != *memory_root {
            return Err(InvalidProof::PublicValues("they are not in the final memory"));
        }
        let mut bytes = B256::ZERO;
        for (byte, element) in bytes.iter_mut().zip(values) {
            *byte = u8::try_from(element.as_canonical_u32())
                .map_err(|_| InvalidProof::PublicValues("one is not a byte"))?;
        }
        Ok(bytes)
    }
}
