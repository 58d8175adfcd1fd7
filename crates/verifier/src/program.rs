//! What a verifier needs to know of a program.

use std::borrow::Cow;

use alloy_primitives::B256;
use ivm_engine::{
    Program,
    elf::{MAX_LOAD_SEGMENTS, Segment},
};
use ivm_primitives::{
    JobInput, ProgramId,
    input::{INPUT_ALIGNMENT_BYTES, INPUT_HEADER_SIZE_BYTES},
    limits::{
        ADDRESS_SPACE_SIZE_BYTES, MAX_ELF_SIZE_BYTES, MAX_OFFCHAIN_INPUT_SIZE_BYTES,
        MAX_ONCHAIN_INPUT_SIZE_BYTES, PROGRAM_END_LIMIT_ADDRESS, STACK_TOP_ADDRESS,
    },
};
use openvm_stark_backend::p3_field::{PrimeCharacteristicRing, PrimeField32};

use crate::{
    ProgramDecodeError,
    memory_root::memory_root,
    stark::{CHUNK, Digest, F, compress, hash},
};

// Every input that passes its own limits fits behind every program.
const _: () = assert!(
    PROGRAM_END_LIMIT_ADDRESS as usize
        + INPUT_HEADER_SIZE_BYTES
        + MAX_ONCHAIN_INPUT_SIZE_BYTES
        + MAX_OFFCHAIN_INPUT_SIZE_BYTES
        < ADDRESS_SPACE_SIZE_BYTES
);

/// Two lengths that are over the limits, and nothing of those lengths.
const ID_IMAGE: [u8; INPUT_HEADER_SIZE_BYTES] = [0xff; INPUT_HEADER_SIZE_BYTES];

/// What a verifier needs to know of a program: the commitment to its code, and its initial memory.
///
/// Admission yields one (`AdmittedProgram::verifying` of `ivm-zkvm`). The commitment to the code is a polynomial
/// commitment that takes a second and a prover's code to compute, so a light client takes the value from whoever has
/// it, stores its [bytes](Self::to_bytes), and checks that [`id`](Self::id) is the program id it knows from the chain:
/// the id binds all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingProgram<'a> {
    code_commitment: Digest,
    pc_start: u32,
    input_address: u32,
    segments: Cow<'a, [Segment]>,
}

impl<'a> VerifyingProgram<'a> {
    /// A program whose code has this commitment.
    pub fn new(program: &'a Program, code_commitment: Digest) -> Self {
        Self {
            code_commitment,
            pc_start: program.pc_start,
            input_address: program.input_address,
            segments: Cow::Borrowed(&program.segments),
        }
    }

    /// Commitment to the code, as eight big-endian words.
    pub fn code_commitment(&self) -> B256 {
        digest_to_b256(&self.code_commitment)
    }

    /// The program id: the execution commitment for an image in the input's place that no input has.
    ///
    /// Code, data and start pc do not say where the input goes (that follows from the size of the program's zeroed
    /// memory), so without the mark two programs with one id could read one input differently.
    pub fn id(&self) -> ProgramId {
        self.commitment(&ID_IMAGE)
    }

    /// Commitment to code, initial memory with an input in it, and start pc: what proofs of its runs expose.
    pub fn execution_commitment(&self, input: &JobInput) -> B256 {
        self.commitment(&input.memory_image())
    }

    fn commitment(&self, input_image: &[u8]) -> B256 {
        let segments = self.segments.iter().map(|segment| (segment.address, segment.bytes.as_slice()));
        let regions: Vec<_> = segments.chain([(self.input_address, input_image)]).collect();
        let pc_start = F::from_u32(self.pc_start);
        digest_to_b256(&execution_commitment(&self.code_commitment, &memory_root(&regions), pc_start))
    }

    /// Encodes it, for storage.
    ///
    /// ```text
    /// code commitment: 32 | pc_start: u32 | input_address: u32 | segments: u32 | (address: u32 | size: u32 | bytes)*
    /// ```
    ///
    /// Numbers are little-endian, but for the commitment's words.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.code_commitment().to_vec();
        for word in [self.pc_start, self.input_address, self.segments.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        for segment in self.segments.iter() {
            bytes.extend(segment.address.to_le_bytes());
            bytes.extend((segment.bytes.len() as u32).to_le_bytes());
            bytes.extend(&segment.bytes);
        }
        bytes
    }
}

impl VerifyingProgram<'static> {
    /// Decodes what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// [`ProgramDecodeError`] when the bytes are not a program's, or are larger than any program's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProgramDecodeError> {
        const HEADERS_SIZE_BYTES: usize = 44 + 8 * MAX_LOAD_SEGMENTS;
        if bytes.len() > MAX_ELF_SIZE_BYTES + HEADERS_SIZE_BYTES {
            return Err(ProgramDecodeError("larger than any program"));
        }
        let mut reader = Reader(bytes);
        let mut code_commitment = Digest::default();
        for element in &mut code_commitment {
            *element = field(u32::from_be_bytes(reader.word()?))?;
        }
        let pc_start = reader.number()?;
        let input_address = reader.number()?;
        let count = reader.number()? as usize;
        if count > MAX_LOAD_SEGMENTS {
            return Err(ProgramDecodeError("more segments than a program may have"));
        }
        let mut segments = Vec::with_capacity(count);
        let mut end = STACK_TOP_ADDRESS;
        for _ in 0..count {
            let (address, size) = (reader.number()?, reader.number()?);
            if address < end {
                return Err(ProgramDecodeError("segments overlap, or lie in the stack"));
            }
            let bytes = reader.take(size as usize)?.to_vec();
            end = address
                .checked_add(size)
                .filter(|&end| end <= PROGRAM_END_LIMIT_ADDRESS)
                .ok_or(ProgramDecodeError("a segment reaches past the program area"))?;
            segments.push(Segment { address, bytes });
        }
        if !(end..=PROGRAM_END_LIMIT_ADDRESS).contains(&input_address)
            || !input_address.is_multiple_of(INPUT_ALIGNMENT_BYTES)
        {
            return Err(ProgramDecodeError("the input address is not one behind the program"));
        }
        if pc_start >= PROGRAM_END_LIMIT_ADDRESS || !reader.0.is_empty() {
            return Err(ProgramDecodeError("the start is not in the program, or bytes are left over"));
        }
        Ok(Self { code_commitment, pc_start, input_address, segments: Cow::Owned(segments) })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], ProgramDecodeError> {
        let (taken, rest) = self.0.split_at_checked(size).ok_or(ProgramDecodeError("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn word(&mut self) -> Result<[u8; 4], ProgramDecodeError> {
        self.take(4)?.first_chunk().copied().ok_or(ProgramDecodeError("cut short"))
    }

    fn number(&mut self) -> Result<u32, ProgramDecodeError> {
        self.word().map(u32::from_le_bytes)
    }
}

fn field(value: u32) -> Result<F, ProgramDecodeError> {
    if value >= F::ORDER_U32 {
        return Err(ProgramDecodeError("a word of the code commitment is not a field element"));
    }
    Ok(F::from_u32(value))
}

/// Commitment to a code commitment, a root of initial memory and a start pc, as OpenVM's `compute_exe_commit`.
pub(crate) fn execution_commitment(code: &Digest, initial_root: &Digest, pc_start: F) -> Digest {
    let mut padded_pc = [F::ZERO; CHUNK];
    padded_pc[0] = pc_start;
    compress(&compress(&hash(code), &hash(initial_root)), &hash(&padded_pc))
}

/// Eight field elements as eight big-endian words.
pub(crate) fn digest_to_b256(digest: &Digest) -> B256 {
    let mut bytes = [0; 32];
    for (element, bytes) in digest.iter().zip(bytes.as_chunks_mut::<4>().0) {
        *bytes = element.as_canonical_u32().to_be_bytes();
    }
    B256::from(bytes)
}
