//! The Merkle root of a program's initial memory, from the bytes that are not zero.
//!
//! It is the root OpenVM computes (`MerkleTree::from_memory`): a binary tree over chunks of eight bytes of every
//! address space, a chunk hashed as eight field elements, with Poseidon2. OpenVM's own function maps the whole address
//! space and hashes every chunk up to the last byte that is not zero, one at a time; this one visits what is there, and
//! hashes as many nodes at once as a vector register has lanes.

use ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES;
use openvm_stark_backend::{
    p3_field::{Field, PackedValue, PrimeCharacteristicRing},
    p3_maybe_rayon::prelude::*,
    p3_symmetric::Permutation,
};

use crate::stark::{CHUNK, Digest, F, WIDTH, poseidon2};

/// Height of the tree over one address space.
const ADDRESS_HEIGHT: usize = (ADDRESS_SPACE_SIZE_BYTES / CHUNK).ilog2() as usize;
/// Height of the tree over the address spaces.
const SPACES_HEIGHT: usize = 3;
/// Height of the tree over all memory.
pub(crate) const OVERALL_HEIGHT: usize = SPACES_HEIGHT + ADDRESS_HEIGHT;

// Address spaces; OpenVM counts them from 1.
const MEMORY_SPACE: u64 = 2;
pub(crate) const PUBLIC_VALUES_SPACE: u64 = 3;

type Packed = <F as Field>::Packing;

/// Height of the subtrees that are hashed as one task, in a thread's cache.
const TASK_HEIGHT: usize = 10;

/// A node and where it stands in its layer, from the left.
type Node = (u64, Digest);
/// A chunk of memory, where a leaf stands.
type Chunk = (u64, [u8; CHUNK]);

/// Where the leaf of a chunk stands, from the left.
pub(crate) const fn node_index(space: u64, chunk: u64) -> u64 {
    ((space - 1) << ADDRESS_HEIGHT) + chunk
}

/// Root of the tree whose memory space holds `regions`: disjoint (address, bytes) in any order, within the address
/// space.
pub fn memory_root(regions: &[(u32, &[u8])]) -> Digest {
    let zeros = zero_nodes(OVERALL_HEIGHT);
    let chunks = chunks(regions);
    let tasks: Vec<&[Chunk]> = chunks.chunk_by(|a, b| a.0 >> TASK_HEIGHT == b.0 >> TASK_HEIGHT).collect();
    let mut layer: Vec<Node> = tasks
        .into_par_iter()
        .map(|chunks| {
            let mut layer = leaves(chunks);
            zeros[..TASK_HEIGHT].iter().for_each(|zero| layer = parents(&layer, zero));
            layer[0]
        })
        .collect();
    zeros[TASK_HEIGHT..OVERALL_HEIGHT].iter().for_each(|zero| layer = parents(&layer, zero));
    // One node is left, or none when all of memory is zero.
    layer.first().map_or(zeros[OVERALL_HEIGHT], |&(_, root)| root)
}

/// The node that stands for zeros, for every height.
fn zero_nodes(height: usize) -> Vec<Digest> {
    let zeros = [F::ZERO; CHUNK];
    let mut nodes = vec![compress_all(&[(zeros, zeros)])[0]];
    for below in 0..height {
        nodes.push(compress_all(&[(nodes[below], nodes[below])])[0]);
    }
    nodes
}

/// The chunks that are not all zeros, from the left.
fn chunks(regions: &[(u32, &[u8])]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut sorted = regions.to_vec();
    sorted.sort_unstable_by_key(|&(address, _)| address);
    for (address, mut bytes) in sorted {
        let mut address = address as usize;
        while !bytes.is_empty() {
            let offset = address % CHUNK;
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - offset));
            if now.iter().any(|&byte| byte != 0) {
                let index = node_index(MEMORY_SPACE, (address / CHUNK) as u64);
                // Two regions can meet inside a chunk.
                if chunks.last().is_none_or(|&(last, _)| last != index) {
                    chunks.push((index, [0; CHUNK]));
                }
                if let Some((_, chunk)) = chunks.last_mut() {
                    chunk[offset..offset + now.len()].copy_from_slice(now);
                }
            }
            address += now.len();
            bytes = later;
        }
    }
    chunks
}

fn leaves(chunks: &[Chunk]) -> Vec<Node> {
    let preimages: Vec<_> =
        chunks.iter().map(|&(_, chunk)| (chunk.map(F::from_u8), [F::ZERO; CHUNK])).collect();
    chunks.iter().map(|&(index, _)| index).zip(compress_all(&preimages)).collect()
}

/// The layer above; `zero` is the node that stands for zeros in this one.
fn parents(layer: &[Node], &zero: &Digest) -> Vec<Node> {
    let mut indices = Vec::with_capacity(layer.len());
    let mut children = Vec::with_capacity(layer.len());
    let mut nodes = layer.iter().peekable();
    while let Some(&(index, node)) = nodes.next() {
        indices.push(index / 2);
        children.push(if index % 2 == 1 {
            (zero, node)
        } else {
            (node, nodes.next_if(|&&(next, _)| next == index + 1).map_or(zero, |&(_, right)| right))
        });
    }
    indices.into_iter().zip(compress_all(&children)).collect()
}

fn compress_all(pairs: &[(Digest, Digest)]) -> Vec<Digest> {
    let mut digests = vec![Digest::default(); pairs.len()];
    for (digests, pairs) in digests.chunks_mut(Packed::WIDTH).zip(pairs.chunks(Packed::WIDTH)) {
        compress_lanes(digests, pairs);
    }
    digests
}

/// One permutation for up to [`PackedValue::WIDTH`] pairs.
fn compress_lanes(digests: &mut [Digest], pairs: &[(Digest, Digest)]) {
    let mut state: [Packed; WIDTH] = std::array::from_fn(|element| {
        Packed::from_fn(|lane| match pairs.get(lane) {
            Some((left, _)) if element < CHUNK => left[element],
            Some((_, right)) => right[element - CHUNK],
            None => F::ZERO,
        })
    });
    poseidon2().permute_mut(&mut state);
    for (lane, digest) in digests.iter_mut().enumerate() {
        *digest = std::array::from_fn(|element| state[element].as_slice()[lane]);
    }
}
