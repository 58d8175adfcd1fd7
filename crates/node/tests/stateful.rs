//! An app whose state lives offchain: its root on chain, the whole state the offchain input of each step.

#![allow(clippy::unwrap_used)]

mod common;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolConstructor};
use common::TestNode;
use ivm_contracts::LedgerConsumer;
use ivm_primitives::limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES;
use ivm_rpc::{JobOutcomeStatus, JobState};

const LEDGER_ELF: &[u8] = include_bytes!("../../../programs/elf/ledger.elf");

struct Ledger<'a> {
    node: &'a TestNode,
    consumer: Address,
    program: B256,
}

impl Ledger<'_> {
    async fn root(&self) -> B256 {
        self.node.client.call(self.consumer, LedgerConsumer::stateRootCall {}).await.unwrap()
    }

    /// Asks for a step. The state is submitted apart.
    async fn add(&self, account: u64, amount: u64) -> B256 {
        let call = LedgerConsumer::addCall {
            programId: self.program,
            account: U256::from(account),
            amount: U256::from(amount),
            maxCycles: 100_000_000,
        };
        self.node.client.request_job(self.consumer, call.abi_encode(), U256::ZERO).await.unwrap().0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_10_mib_moves_step_by_step() {
    let node = common::start_in_memory().await;
    let program = node.client.submit_program(LEDGER_ELF).await.unwrap().program_id;
    let mut state = vec![0_u8; MAX_OFFCHAIN_INPUT_SIZE_BYTES];
    let first = LedgerConsumer::constructorCall { firstStateRoot: keccak256(&state) };
    let code = [LedgerConsumer::BYTECODE.as_ref(), &first.abi_encode()].concat();
    let consumer = node.client.deploy(&code).await.unwrap();
    node.fund(consumer).await;
    let ledger = Ledger { node: &node, consumer, program };

    let last = (MAX_OFFCHAIN_INPUT_SIZE_BYTES / 8 - 1) as u64;
    for (account, amount, balance) in [(0, 5, 5_u64), (last, 7, 7), (0, 6, 11)] {
        // The job is asked for before its input is there, and waits for it.
        let job_id = ledger.add(account, amount).await;
        node.client.submit_payload(&state).await.unwrap();
        let job = node.client.job(job_id, |job| job.state.is_last()).await.unwrap();
        assert_eq!(job.state, JobState::Delivered, "{job:?}");
        let place = account as usize * 8;
        state[place..place + 8].copy_from_slice(&balance.to_be_bytes());
        assert_eq!(ledger.root().await, keccak256(&state));
        let latest = node.client.call(consumer, LedgerConsumer::latestBalanceCall {}).await.unwrap();
        assert_eq!(latest, U256::from(balance));
    }

    // A step that is not possible panics, which is delivered, and leaves the root.
    let job_id = ledger.add(last + 1, 1).await;
    node.client.submit_payload(&state).await.unwrap();
    let job = node.client.job(job_id, |job| job.state.is_last()).await.unwrap();
    assert_eq!(job.outcome.unwrap().status, JobOutcomeStatus::Panicked);
    assert_eq!(ledger.root().await, keccak256(&state));
    node.node.stop().await.unwrap();
}
