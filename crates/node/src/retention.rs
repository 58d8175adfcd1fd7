//! How long payloads stay (DESIGN §7): as long as a challenge may need them.
//!
//! * What a block's jobs and results are about stays for the challenge period and the prover period from when the block was
//!   followed, and while a job is open. Blocks are counted on the settlement chain, which never goes back.
//! * Programs that are registered stay.
//! * What nobody paid for stays for a while: see [`ivm_da`].

use std::collections::BTreeSet;

use alloy_primitives::{B256, KECCAK256_EMPTY, keccak256};

use crate::{
    NodeError,
    node::Shared,
    records::{Changes, PROGRAM_PREFIX, ProgramRecord, decode},
};

/// Settlement blocks between two looks at what is over.
pub(crate) const PRUNE_INTERVAL_BLOCKS: u64 = 64;

/// Most payloads removed at once.
const MAX_PRUNED: usize = 512;

/// Most programs that are looked after at the start.
const MAX_PROGRAMS: usize = 1024 * 1024;

/// Blocks that payloads stay beyond both periods: a challenge is sent, ordered and closed.
const MARGIN_BLOCKS: u64 = 64;

impl Shared {
    /// The settlement block to whose end a payload is kept that is needed now.
    fn needed_until(&self) -> Result<u64, NodeError> {
        let head = self.settlement.chain.head().block.number();
        Ok(head.saturating_add(self.settlement.dispute_blocks()?).saturating_add(MARGIN_BLOCKS))
    }

    /// Keeps the payloads that a block's records name.
    pub(crate) fn keep_payloads(&self, changes: &Changes) -> Result<(), NodeError> {
        for payload in &changes.payloads {
            self.payloads.put(payload)?;
        }
        let mut named: BTreeSet<B256> = changes.payloads.iter().map(keccak256).collect();
        // Held or not: a job may be asked for before its input comes.
        for job in changes.jobs.values() {
            named.extend(self.held(job.offchain_input_hash)?);
            named.extend(self.held(job.onchain_input_hash)?);
        }
        if !named.is_empty() {
            let named: Vec<B256> = named.into_iter().collect();
            self.payloads.keep_until(&named, self.needed_until()?)?;
        }
        for program in changes.programs.values() {
            if let Some(elf_hash) = self.held(program.elf_hash)? {
                self.payloads.keep_until(&[elf_hash], u64::MAX)?;
            }
        }
        Ok(())
    }

    /// The hash, when its payload is held.
    fn held(&self, hash: B256) -> Result<Option<B256>, NodeError> {
        if hash == KECCAK256_EMPTY {
            return Ok(None);
        }
        Ok(self.payloads.info(hash)?.map(|_| hash))
    }

    /// At the start: what was brought back into the store, or was there before it kept marks, stays as it should.
    pub(crate) fn keep_programs(&self) -> Result<(), NodeError> {
        let mut held = Vec::new();
        for (key, value) in self.chain.extra_scan(PROGRAM_PREFIX, MAX_PROGRAMS)? {
            held.extend(self.held(decode::<ProgramRecord>(&key, &value)?.elf_hash)?);
        }
        if !held.is_empty() {
            self.payloads.keep_until(&held, u64::MAX)?;
        }
        self.prune_payloads()
    }

    /// Forgets payloads whose time is over.
    pub(crate) fn prune_payloads(&self) -> Result<(), NodeError> {
        let open: Vec<B256> = {
            let open_jobs = self.open_jobs.lock();
            open_jobs.inputs().collect()
        };
        let mut needed = Vec::new();
        for hash in open {
            needed.extend(self.held(hash)?);
        }
        if !needed.is_empty() {
            self.payloads.keep_until(&needed, self.needed_until()?)?;
        }
        let head = self.settlement.chain.head().block.number();
        let removed = self.payloads.prune(head, MAX_PRUNED)?;
        if !removed.is_empty() {
            tracing::debug!(target: "da", "{} payloads are no longer needed and were removed", removed.len());
        }
        Ok(())
    }
}
