//! Admitted programs in memory, up to a bound.

use std::{collections::HashMap, sync::Arc};

use alloy_primitives::B256;
use ivm_da::{DaError, PayloadStore};
use ivm_primitives::ProgramId;
use ivm_zkvm::{Admission, AdmitError, AdmittedProgram, Zkvm};
use parking_lot::Mutex;
use thiserror::Error;

/// Why a program cannot be had.
#[derive(Debug, Error)]
pub enum ProgramError {
    /// Its ELF is not in the payload store.
    #[error("ELF {elf_hash} of program {program_id} is not held: submit it with ivm_submitProgram")]
    Missing {
        /// The program.
        program_id: ProgramId,
        /// keccak256 of its ELF.
        elf_hash: B256,
    },
    /// The payload store failed.
    #[error(transparent)]
    Store(#[from] DaError),
    /// Its ELF is not that program.
    #[error(transparent)]
    Admit(#[from] AdmitError),
}

/// Most admissions remembered: for each program in memory, and for those that left it.
const MAX_ADMISSIONS: usize = 65_536;

/// Admitted programs, the least recently used leaving first. What took a second to derive of one that left is kept, so
/// that it is back in milliseconds.
pub struct ProgramCache {
    zkvm: Arc<dyn Zkvm>,
    payloads: Arc<PayloadStore>,
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Each with the tick of its last use.
    programs: HashMap<ProgramId, (AdmittedProgram, u64)>,
    admissions: HashMap<ProgramId, Admission>,
    tick: u64,
}

impl ProgramCache {
    /// A cache of at most `limit` programs, filled from `payloads`.
    pub fn new(zkvm: Arc<dyn Zkvm>, payloads: Arc<PayloadStore>, limit: usize) -> Self {
        Self { zkvm, payloads, limit: limit.max(1), state: Mutex::default() }
    }

    /// Keeps a program that was just admitted.
    pub fn insert(&self, program: AdmittedProgram) {
        let mut state = self.state.lock();
        state.tick += 1;
        let tick = state.tick;
        if state.admissions.len() < MAX_ADMISSIONS {
            state.admissions.insert(program.id(), program.admission());
        }
        state.programs.insert(program.id(), (program, tick));
        if state.programs.len() > self.limit {
            let oldest = state.programs.iter().min_by_key(|(_, (_, used))| *used).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                state.programs.remove(&oldest);
            }
        }
    }

    /// A program: from memory, or from its ELF, which takes a second when this process has not admitted it yet.
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn get(&self, program_id: ProgramId, elf_hash: B256) -> Result<AdmittedProgram, ProgramError> {
        let admission = {
            let mut state = self.state.lock();
            state.tick += 1;
            let tick = state.tick;
            if let Some((program, used)) = state.programs.get_mut(&program_id) {
                *used = tick;
                return Ok(program.clone());
            }
            state.admissions.get(&program_id).copied()
        };
        let missing = ProgramError::Missing { program_id, elf_hash };
        let elf = self.payloads.get(elf_hash)?.ok_or(missing)?;
        let program = match admission {
            Some(admission) => self.zkvm.readmit(&elf, &admission)?,
            None => self.zkvm.admit(&elf)?,
        };
        if program.id() != program_id {
            return Err(AdmitError::WrongId { got: program.id(), expected: program_id }.into());
        }
        self.insert(program.clone());
        Ok(program)
    }
}

impl std::fmt::Debug for ProgramCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramCache").field("limit", &self.limit).finish_non_exhaustive()
    }
}
