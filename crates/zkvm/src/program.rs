//! An admitted program.

use std::sync::Arc;

use alloy_primitives::B256;
use ivm_engine::Program;
use ivm_primitives::ProgramId;
use ivm_verifier::{Digest, VerifyingProgram};
use openvm_circuit::arch::instructions::exe::VmExe;
use openvm_sdk::F;

/// A program that passed admission: decoded for the engine, translated for the circuit, committed to. Cheap to clone.
#[derive(Clone)]
pub struct AdmittedProgram {
    inner: Arc<Inner>,
}

struct Inner {
    id: ProgramId,
    elf_hash: B256,
    engine: Program,
    exe: VmExe<F>,
    code_commitment: Digest,
}

impl AdmittedProgram {
    pub(crate) fn new(
        id: ProgramId,
        elf_hash: B256,
        engine: Program,
        exe: VmExe<F>,
        code_commitment: Digest,
    ) -> Self {
        Self { inner: Arc::new(Inner { id, elf_hash, engine, exe, code_commitment }) }
    }

    /// The program id.
    pub fn id(&self) -> ProgramId {
        self.inner.id
    }

    /// keccak256 of the ELF file it came from.
    pub fn elf_hash(&self) -> B256 {
        self.inner.elf_hash
    }

    /// The program as the engine runs it.
    pub fn engine(&self) -> &Program {
        &self.inner.engine
    }

    /// What lies in memory when a run starts: the program's segments, and the image of an input.
    pub(crate) fn initial_memory<'a>(&'a self, input_image: &'a [u8]) -> Vec<(u32, &'a [u8])> {
        let engine = &self.inner.engine;
        let segments = engine.segments.iter().map(|segment| (segment.address, segment.bytes.as_slice()));
        segments.chain([(engine.input_address, input_image)]).collect()
    }

    /// The code as the circuit has it, without initial memory.
    pub(crate) fn exe(&self) -> &VmExe<F> {
        &self.inner.exe
    }

    /// The program as a verifier needs to know it: what a light client stores.
    pub fn verifying(&self) -> VerifyingProgram<'_> {
        VerifyingProgram::new(&self.inner.engine, self.inner.code_commitment)
    }

    /// What took a second to find out about the program: with it, [`Zkvm::readmit`](crate::Zkvm::readmit) takes the program
    /// again in milliseconds.
    pub fn admission(&self) -> Admission {
        Admission {
            id: self.inner.id,
            elf_hash: self.inner.elf_hash,
            code_commitment: self.inner.code_commitment,
        }
    }

    #[cfg(test)]
    pub(crate) fn code_commitment(&self) -> &Digest {
        &self.inner.code_commitment
    }
}

/// That a program was admitted. It comes from [`AdmittedProgram::admission`] alone, so it is true.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    pub(crate) id: ProgramId,
    pub(crate) elf_hash: B256,
    pub(crate) code_commitment: Digest,
}

impl std::fmt::Debug for AdmittedProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdmittedProgram")
            .field("id", &self.inner.id)
            .field("instructions", &self.inner.engine.words.len())
            .finish_non_exhaustive()
    }
}
