//! The settlement contract's events, folded: the execution chain, and what is disputed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use ivm_contracts::{BlockState, ChallengeKind, ClaimState, Settlement};
use ivm_settlement::{Claim, ForkChoice, SettlementChain, SettlementError, SettlementEvent};

/// A challenge that is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenChallenge {
    /// Who made it.
    pub challenger: Address,
    /// What it says.
    pub kind: ChallengeKind,
    /// Last settlement block for its answer.
    pub deadline_block: u64,
}

/// A claim that was challenged. Its `cycles` are not known here: the contract does not look at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The claim.
    pub claim: Claim,
    /// How it was decided, once it is.
    pub verdict: Option<ClaimState>,
    /// Its challenges that are not closed, in the order in which they were made.
    pub open: Vec<OpenChallenge>,
}

impl Dispute {
    /// The earliest deadline of a demand; past it the claim counts as false.
    pub fn demand_deadline_block(&self) -> Option<u64> {
        let demands = self.open.iter().filter(|challenge| challenge.kind == ChallengeKind::Demand);
        demands.map(|demand| demand.deadline_block).min()
    }

    /// The earliest deadline of all.
    pub fn deadline_block(&self) -> Option<u64> {
        self.open.iter().map(|challenge| challenge.deadline_block).min()
    }
}

/// What an agent knows of the settlement chain.
#[derive(Clone, Debug)]
pub struct Watch {
    head: u64,
    fork_choice: ForkChoice,
    disputes: BTreeMap<B256, Dispute>,
}

impl Watch {
    /// Reads what there is. Challenges are looked for from `from_block` on, that of the contract's creation or any later one
    /// before which nothing of interest was.
    ///
    /// # Errors
    /// [`SettlementError`].
    pub async fn start(chain: &dyn SettlementChain, from_block: u64) -> Result<Self, SettlementError> {
        let (head, fork_choice) = chain.fork_choice().await?;
        let mut watch = Self { head, fork_choice, disputes: BTreeMap::new() };
        for log in chain.all_logs(from_block, head).await? {
            watch.note_dispute(&log.event);
        }
        watch.forget();
        Ok(watch)
    }

    /// Takes in what happened since.
    ///
    /// # Errors
    /// [`SettlementError`]; then nothing changes.
    pub async fn update(&mut self, chain: &dyn SettlementChain) -> Result<(), SettlementError> {
        let head = chain.block_number().await?;
        if head <= self.head {
            return Ok(());
        }
        let logs = chain.all_logs(self.head + 1, head).await?;
        let mut fork_choice = self.fork_choice.clone();
        for log in &logs {
            fork_choice.apply(&log.event)?;
        }
        for log in &logs {
            self.note_dispute(&log.event);
        }
        fork_choice.forget_below(fork_choice.finalized().number);
        (self.head, self.fork_choice) = (head, fork_choice);
        self.forget();
        Ok(())
    }

    /// Number of the newest settlement block that was taken in.
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// The execution chain.
    pub const fn fork_choice(&self) -> &ForkChoice {
        &self.fork_choice
    }

    /// Claims with challenges that are not closed, by their ids.
    pub const fn disputes(&self) -> &BTreeMap<B256, Dispute> {
        &self.disputes
    }

    /// Whether a block is in the execution chain and not final.
    pub fn is_open(&self, block_hash: B256) -> bool {
        self.fork_choice.status(block_hash) == BlockState::Proposed
    }

    fn note_dispute(&mut self, event: &SettlementEvent) {
        match event {
            SettlementEvent::ClaimChallenged(event) => self.note_challenge(event),
            SettlementEvent::ClaimDecided(event) => {
                if let Some(dispute) = self.disputes.get_mut(&event.claimId) {
                    dispute.verdict = ClaimState::from_byte(event.state);
                }
            }
            SettlementEvent::ChallengeClosed(event) => {
                if let Some(dispute) = self.disputes.get_mut(&event.claimId) {
                    dispute.open.retain(|challenge| {
                        challenge.challenger != event.challenger || challenge.kind as u8 != event.kind
                    });
                }
            }
            _ => {}
        }
    }

    fn note_challenge(&mut self, event: &Settlement::ClaimChallenged) {
        // The contract knows no other kinds, nor indices of more than 32 bits.
        let (Some(kind), Ok(transaction_index), Ok(log_index)) = (
            ChallengeKind::from_byte(event.kind),
            event.transactionIndex.try_into(),
            event.logIndex.try_into(),
        ) else {
            tracing::error!(claim = %event.claimId, "a challenge of an unknown kind was passed over");
            return;
        };
        let dispute = self.disputes.entry(event.claimId).or_insert_with(|| Dispute {
            claim: Claim {
                block_hash: event.blockHash,
                transaction_index,
                log_index,
                job_id: event.jobId,
                program_id: event.programId,
                input_commitment: event.inputCommitment,
                max_cycles: event.maxCycles,
                outcome_hash: event.outcomeHash,
                cycles: 0,
            },
            verdict: None,
            open: Vec::new(),
        });
        let deadline_block = event.deadlineBlock;
        dispute.open.push(OpenChallenge { challenger: event.challenger, kind, deadline_block });
    }

    /// Forgets disputes in which nothing is left to do.
    fn forget(&mut self) {
        self.disputes.retain(|_, dispute| !dispute.open.is_empty());
    }
}
