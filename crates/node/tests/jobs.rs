//! Jobs end to end: a real node, real contracts, a real socket.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, hex, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use common::{TestNode, start, start_in_memory};
use ivm_client::rpc_params;
use ivm_contracts::{EchoConsumer, JOB_MANAGER_ADDRESS, JobManager, hostile};
use ivm_node::{BlockMode, Storage};
use ivm_primitives::Outcome;
use ivm_rpc::{JobOutcomeStatus, JobState};

const MAX_CYCLES: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_result_comes_back_in_the_next_block() {
    let node = start_in_memory().await;
    let (program, consumer) = (node.echo_program().await, node.echo_consumer().await);
    let job_id = node.request_echo(consumer, program, b"hello", MAX_CYCLES).await;
    let job = node.client.job(job_id, |job| job.state == JobState::Delivered).await.unwrap();

    assert_eq!(job.result_block, job.requested_block.map(|block| block + 1));
    assert_eq!((job.consumer, job.program_id), (consumer, program));
    let outcome = job.outcome.unwrap();
    assert_eq!((outcome.status, &outcome.data), (JobOutcomeStatus::Success, &Bytes::from_static(b"hello")));
    assert_eq!(outcome.hash, Outcome::Success(Bytes::from_static(b"hello")).hash());
    assert!(job.cycles.unwrap() < MAX_CYCLES);

    // The claim in the receipt is what a challenger would dispute.
    let receipt = node.client.receipt(job.result_transaction.unwrap()).await.unwrap();
    let claim =
        receipt.logs().iter().find_map(|log| JobManager::ClaimPosted::decode_log(&log.inner).ok()).unwrap();
    assert_eq!(
        (claim.jobId, claim.outcomeHash, claim.inputCommitment),
        (job_id, outcome.hash, job.input_commitment)
    );
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_outcome() {
    let node = start_in_memory().await;
    let (program, consumer) = (node.echo_program().await, node.echo_consumer().await);
    let job_id = node.request_echo(consumer, program, b"panic:no luck", MAX_CYCLES).await;
    let job = node.client.job(job_id, |job| job.result_block.is_some()).await.unwrap();
    let outcome = job.outcome.unwrap();
    assert_eq!((outcome.status, outcome.data), (JobOutcomeStatus::Panicked, Bytes::from_static(b"no luck")));
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_callbacks_hurt_nobody_else() {
    let node = start_in_memory().await;
    let program = node.echo_program().await;
    let honest = node.echo_consumer().await;
    let mut bad = Vec::new();
    for code in [&hostile::RevertingConsumer::BYTECODE, &hostile::GasBurnerConsumer::BYTECODE] {
        bad.push(node.client.deploy(code).await.unwrap());
    }
    bad.push(node.client.deploy(&hostile::ReentrantConsumer::BYTECODE).await.unwrap());
    let bomb = [hostile::ReturnBombConsumer::BYTECODE.as_ref(), &[0; 31], &[1]].concat();
    bad.push(node.client.deploy(&bomb).await.unwrap());

    let mut jobs = vec![(node.request_echo(honest, program, b"before", MAX_CYCLES).await, true)];
    for consumer in bad {
        node.fund(consumer).await;
        jobs.push((node.request_hostile(consumer, program, b"trouble").await, false));
    }
    jobs.push((node.request_echo(honest, program, b"after", MAX_CYCLES).await, true));
    for (job_id, is_honest) in jobs {
        let job = node.client.job(job_id, |job| job.result_block.is_some()).await.unwrap();
        assert!(job.outcome.is_some());
        if is_honest {
            assert_eq!(job.state, JobState::Delivered);
        }
    }
    let stored = node.client.call(honest, EchoConsumer::latestOutputHashCall {}).await;
    assert!(stored.is_ok_and(|hash| hash == keccak256(b"after")));
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_callback_can_be_retried_by_anyone() {
    let node = start_in_memory().await;
    let program = node.echo_program().await;
    let consumer = node.client.deploy(&hostile::RevertingConsumer::BYTECODE).await.unwrap();
    node.fund(consumer).await;
    let job_id = node.request_hostile(consumer, program, b"later").await;
    let job = node.client.job(job_id, |job| job.result_block.is_some()).await.unwrap();
    assert_eq!(job.state, JobState::CallbackFailed);

    let behave = hostile::RevertingConsumer::behaveCall {};
    node.client.transact(consumer.into(), behave.abi_encode(), U256::ZERO).await.unwrap();
    let retry = JobManager::retryDeliveryCall {
        job: ivm_contracts::IJobManager::Job {
            consumer,
            nonce: 0,
            programId: program,
            onchainInputHash: job.onchain_input_hash,
            offchainInputHash: job.offchain_input_hash,
            maxCycles: job.max_cycles,
            callbackGasLimit: job.callback_gas_limit,
            deadlineBlock: job.deadline_block,
            cyclePriceWei: job.cycle_price_wei.unwrap(),
        },
        status: 0,
        output: job.outcome.unwrap().data,
    };
    node.client.transact(JOB_MANAGER_ADDRESS.into(), retry.abi_encode(), U256::ZERO).await.unwrap();
    node.client.job(job_id, |job| job.state == JobState::Delivered).await.unwrap();
    node.node.stop().await.unwrap();
}

/// Asks the manager directly, as an account without code.
async fn request_directly(node: &TestNode, call: JobManager::requestJobCall, value: U256) -> B256 {
    node.client.request_job(JOB_MANAGER_ADDRESS, call.abi_encode(), value).await.unwrap().0
}

async fn direct_call(
    node: &TestNode,
    program: B256,
    max_cycles: u64,
    blocks: u64,
) -> JobManager::requestJobCall {
    JobManager::requestJobCall {
        programId: program,
        onchainInput: Bytes::from_static(b"direct"),
        offchainInputHash: KECCAK256_EMPTY,
        maxCycles: max_cycles,
        callbackGasLimit: 50_000,
        deadlineBlock: node.node.chain().head().block.number() + blocks,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_without_code_gets_a_recorded_outcome() {
    let node = start_in_memory().await;
    let program = node.echo_program().await;
    let call = direct_call(&node, program, MAX_CYCLES, 5000).await;
    let value = node.quote(MAX_CYCLES, 50_000).await;
    let job_id = request_directly(&node, call, value).await;
    let job = node.client.job(job_id, |job| job.result_block.is_some()).await.unwrap();
    assert_eq!(job.state, JobState::CallbackFailed);
    assert_eq!(job.outcome.unwrap().data, Bytes::from_static(b"direct"));
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_an_outcome_is_never_posted_and_expires() {
    let node = start_in_memory().await;
    let program = node.echo_program().await;
    let (call, value) = (direct_call(&node, program, 10, 100).await, node.quote(10, 50_000).await);
    let before: U256 = node
        .client
        .call(JOB_MANAGER_ADDRESS, JobManager::balanceOfCall { account: node.client.address() })
        .await
        .unwrap();
    let job_id = request_directly(&node, call, value).await;
    let stuck = node.client.job(job_id, |job| job.state == JobState::NoOutcome).await.unwrap();
    assert!(stuck.no_outcome_reason.unwrap().contains("did not end within 10 cycles"));
    let expired = node.client.job(job_id, |job| job.state == JobState::Expired).await.unwrap();
    assert_eq!((expired.result_block, expired.outcome), (None, None));
    let after: U256 = node
        .client
        .call(JOB_MANAGER_ADDRESS, JobManager::balanceOfCall { account: node.client.address() })
        .await
        .unwrap();
    // 5 % are retained.
    assert_eq!(after - before, value - value / U256::from(20));
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_its_offchain_input() {
    let node = start_in_memory().await;
    let program = node.echo_program().await;
    let mut call = direct_call(&node, program, 10_000_000, 5000).await;
    let payload = Bytes::from(vec![7; 50_000]);
    call.offchainInputHash = keccak256(&payload);
    let value = node.quote(10_000_000, 50_000).await;
    let job_id = request_directly(&node, call, value).await;
    let waiting = node.client.job(job_id, |job| job.no_outcome_reason.is_some()).await.unwrap();
    assert_eq!(waiting.state, JobState::Pending);
    let hash: B256 = node.client.request("ivm_submitPayload", rpc_params![payload.clone()]).await.unwrap();
    assert_eq!(hash, keccak256(&payload));
    let job = node.client.job(job_id, |job| job.result_block.is_some()).await.unwrap();
    assert_eq!(job.outcome.unwrap().data, Bytes::from([b"direct".as_slice(), &payload].concat()));
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_with_what_was_expected() {
    let node = start_in_memory().await;
    let program = node.echo_program().await;
    let refused = async |change: &dyn Fn(&mut JobManager::requestJobCall), value: U256| -> Vec<u8> {
        let mut call = direct_call(&node, program, MAX_CYCLES, 5000).await;
        change(&mut call);
        let error = node
            .client
            .transact(JOB_MANAGER_ADDRESS.into(), call.abi_encode(), value)
            .await
            .expect_err("it must be refused");
        let (code, _, data) = error.rpc_error().expect("the node answers");
        assert_eq!(code, 3, "{error}");
        hex::decode(data.expect("revert data")).unwrap()
    };
    let fee = node.quote(MAX_CYCLES, 50_000).await;
    let starts = |data: Vec<u8>, selector: [u8; 4]| assert_eq!(data[..4], selector);

    starts(refused(&|call| call.maxCycles = 0, fee).await, JobManager::MaxCyclesZero::SELECTOR);
    let over = ivm_primitives::limits::MAX_CYCLES_PER_JOB + 1;
    let data = refused(&|call| call.maxCycles = over, fee).await;
    let error = JobManager::MaxCyclesTooHigh::abi_decode(&data).unwrap();
    assert_eq!((error.got, error.limit), (over, over - 1));
    starts(
        refused(&|call| call.programId = B256::repeat_byte(1), fee).await,
        JobManager::UnknownProgram::SELECTOR,
    );
    let data = refused(&|_| {}, fee - U256::ONE).await;
    let error = JobManager::InsufficientFunds::abi_decode(&data).unwrap();
    assert_eq!((error.got, error.expected), (fee - U256::ONE, fee));
    starts(
        refused(&|call| call.callbackGasLimit = 5_000_001, fee).await,
        JobManager::CallbackGasTooHigh::SELECTOR,
    );
    starts(refused(&|call| call.deadlineBlock = 0, fee).await, JobManager::DeadlineTooSoon::SELECTOR);
    let limit = ivm_primitives::limits::MAX_ONCHAIN_INPUT_SIZE_BYTES;
    let data = refused(&|call| call.onchainInput = vec![0; limit + 1].into(), fee).await;
    let error = JobManager::InputTooLarge::abi_decode(&data).unwrap();
    assert_eq!(error.got, U256::from(limit + 1));
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_programs_are_refused() {
    let node = start_in_memory().await;
    let refused = async |elf: &[u8]| {
        let error = node.client.submit_program(elf).await.expect_err("it must be refused");
        let (code, message, _) = error.rpc_error().expect("the node answers");
        (code, message.to_owned())
    };
    let elf = common::ECHO_ELF;
    assert_eq!(refused(&elf[..100]).await.0, -32020);
    let mut other_machine = elf.to_vec();
    other_machine[18] = 62;
    let (code, message) = refused(&other_machine).await;
    assert_eq!(code, -32020);
    assert!(message.contains("machine is 62, expected 243"), "{message}");
    assert_eq!(refused(&vec![0; ivm_primitives::limits::MAX_ELF_SIZE_BYTES + 1]).await.0, -32021);
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_demand_blocks_come_only_when_there_is_work() {
    let node = start(Storage::Memory, BlockMode::OnDemand).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(node.node.chain().head().block.number(), 0);
    let (program, consumer) = (node.echo_program().await, node.echo_consumer().await);
    let job_id = node.request_echo(consumer, program, b"on demand", MAX_CYCLES).await;
    let job = node.client.job(job_id, |job| job.state == JobState::Delivered).await.unwrap();
    assert_eq!(job.result_block, job.requested_block.map(|block| block + 1));
    let head = node.node.chain().head().block.number();
    let _: serde_json::Value = node.client.request("evm_mine", rpc_params![]).await.unwrap();
    assert_eq!(node.node.chain().head().block.number(), head + 1);
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_from_many_consumers_all_come_back() {
    let node = start_in_memory().await;
    let program = node.echo_program().await;
    let mut consumers: Vec<Address> = Vec::new();
    for _ in 0..4 {
        consumers.push(node.echo_consumer().await);
    }
    let mut hashes = Vec::new();
    for index in 0..100_u32 {
        let call = EchoConsumer::requestEchoCall {
            programId: program,
            message: index.to_be_bytes().to_vec().into(),
            maxCycles: MAX_CYCLES,
        };
        let to = consumers[index as usize % consumers.len()];
        hashes.push(node.client.send(to.into(), call.abi_encode(), U256::ZERO, 300_000).await.unwrap());
    }
    for (hash, index) in hashes.into_iter().zip(0_u32..) {
        let receipt = node.client.receipt(hash).await.unwrap();
        let requested = receipt
            .logs()
            .iter()
            .find_map(|log| JobManager::JobRequested::decode_log(&log.inner).ok())
            .unwrap();
        let job = node.client.job(requested.jobId, |job| job.state == JobState::Delivered).await.unwrap();
        assert_eq!(job.outcome.unwrap().data, Bytes::copy_from_slice(&index.to_be_bytes()));
    }
    node.node.stop().await.unwrap();
}
