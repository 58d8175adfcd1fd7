//! The proof system's parts that a verifier needs: BabyBear, Poseidon2, the transcript.
//!
//! The same as `BabyBearPoseidon2Config` of `openvm-stark-sdk`, which would bring a prover, metrics and tracing along.

use std::{
    io::{Read, Result, Write},
    sync::OnceLock,
};

use openvm_stark_backend::{
    StarkProtocolConfig, SystemParams,
    codec::{
        DecodableConfig, EncodableConfig, decode_extension_field32, decode_prime_field32,
        encode_extension_field32, encode_prime_field32,
    },
    duplex_sponge::DuplexSponge,
    hasher::Hasher,
    p3_field::{PrimeCharacteristicRing, extension::BinomialExtensionField},
    p3_symmetric::{PaddingFreeSponge, Permutation, TruncatedPermutation},
};
use p3_baby_bear::{BabyBear, Poseidon2BabyBear, default_babybear_poseidon2_16};

/// Field elements in a digest, and bytes in a chunk of memory.
pub(crate) const CHUNK: usize = 8;
/// Field elements that one permutation takes.
pub(crate) const WIDTH: usize = 2 * CHUNK;

/// The base field.
pub type F = BabyBear;
/// A Poseidon2 digest: a commitment or a node of a Merkle tree.
pub type Digest = [F; CHUNK];
pub(crate) type Poseidon2 = Poseidon2BabyBear<WIDTH>;
/// Fiat-Shamir transcript.
pub(crate) type Transcript = DuplexSponge<F, Poseidon2, WIDTH, CHUNK>;

/// The proof system, for one set of parameters.
#[derive(Clone, Debug)]
pub(crate) struct Stark {
    params: SystemParams,
    hasher: <Self as StarkProtocolConfig>::Hasher,
}

impl Stark {
    pub(crate) fn new(params: SystemParams) -> Self {
        let hasher = Hasher::new(
            PaddingFreeSponge::new(poseidon2().clone()),
            TruncatedPermutation::new(poseidon2().clone()),
        );
        Self { params, hasher }
    }
}

impl StarkProtocolConfig for Stark {
    type F = F;
    type EF = BinomialExtensionField<F, 4>;
    type Digest = Digest;
    type Hasher = Hasher<
        F,
        Digest,
        PaddingFreeSponge<Poseidon2, WIDTH, CHUNK, CHUNK>,
        TruncatedPermutation<Poseidon2, 2, CHUNK, WIDTH>,
    >;

    fn params(&self) -> &SystemParams {
        &self.params
    }

    fn hasher(&self) -> &Self::Hasher {
        &self.hasher
    }
}

impl DecodableConfig for Stark {
    fn decode_base_field<R: Read>(reader: &mut R) -> Result<F> {
        decode_prime_field32(reader)
    }

    fn decode_extension_field<R: Read>(reader: &mut R) -> Result<Self::EF> {
        decode_extension_field32::<F, _, _>(reader)
    }

    fn decode_digest<R: Read>(reader: &mut R) -> Result<Digest> {
        let mut digest = Digest::default();
        for element in &mut digest {
            *element = decode_prime_field32(reader)?;
        }
        Ok(digest)
    }
}

impl EncodableConfig for Stark {
    fn encode_base_field<W: Write>(value: &F, writer: &mut W) -> Result<()> {
        encode_prime_field32(value, writer)
    }

    fn encode_extension_field<W: Write>(value: &Self::EF, writer: &mut W) -> Result<()> {
        encode_extension_field32::<F, _, _>(value, writer)
    }

    fn encode_digest<W: Write>(digest: &Digest, writer: &mut W) -> Result<()> {
        digest.iter().try_for_each(|element| encode_prime_field32(element, writer))
    }
}

pub(crate) fn poseidon2() -> &'static Poseidon2 {
    static PERMUTATION: OnceLock<Poseidon2> = OnceLock::new();
    PERMUTATION.get_or_init(default_babybear_poseidon2_16)
}

/// The parent of two nodes.
pub(crate) fn compress(left: &Digest, right: &Digest) -> Digest {
    let mut state: [F; WIDTH] =
        std::array::from_fn(|index| if index < CHUNK { left[index] } else { right[index - CHUNK] });
    poseidon2().permute_mut(&mut state);
    std::array::from_fn(|index| state[index])
}

/// The hash of eight field elements.
pub(crate) fn hash(values: &[F; CHUNK]) -> Digest {
    compress(values, &[F::ZERO; CHUNK])
}
