//! Jobs asked for by signature and inside transactions: a real node, real contracts, real runs.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy_sol_types::{SolCall, SolConstructor, SolError, SolEvent, SolValue};
use common::{ECHO_ELF, TestNode, in_folder, start, start_in_memory};
use ivm_client::{ClientError, JobDraft, Numbering, rpc_params};
use ivm_contracts::{InstantSquareRoot, JOB_MANAGER_ADDRESS, JobManager, OffchainPriceConsumer};
use ivm_node::{BlockMode, Storage};
use ivm_rpc::{EstimateRequest, JobEstimate, JobInfo, JobKind, JobState};
use serde_json::json;

/// A program too large for a run inside a transaction.
const EVM_ELF: &[u8] = include_bytes!("../../../programs/elf/corpus-evm.elf");

const SQUARE_ROOT_ELF: &[u8] = include_bytes!("../../../programs/elf/square-root.elf");
const MAX_CYCLES: u64 = 1_000_000;

/// A consumer whose signer is the client, with money.
async fn price_consumer(node: &TestNode) -> Address {
    let signer = OffchainPriceConsumer::constructorCall { signer: node.client.address() };
    let code = [OffchainPriceConsumer::BYTECODE.as_ref(), &signer.abi_encode()].concat();
    let consumer = node.client.deploy(&code).await.unwrap();
    node.fund(consumer).await;
    consumer
}

/// A draft of a request for the square root of a number.
fn draft(consumer: Address, program: B256, number: u64) -> JobDraft {
    JobDraft {
        onchain_input: U256::from(number).abi_encode().into(),
        max_cycles: Some(MAX_CYCLES),
        ..JobDraft::new(consumer, program, 200_000)
    }
}

async fn square_root(node: &TestNode) -> B256 {
    node.client.submit_program(SQUARE_ROOT_ELF).await.unwrap().program_id
}

async fn delivered(node: &TestNode, job_id: B256) -> JobInfo {
    node.client.job(job_id, |job| job.state.is_last()).await.unwrap()
}

/// The fault that a refusal names.
fn fault_of(error: &ClientError) -> String {
    let (code, message, _) = error.rpc_error().unwrap();
    assert_eq!(code, -32029, "{message}");
    message.trim_start_matches("request refused: ").split(':').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_lands_with_its_result_in_one_transaction() {
    let node = start_in_memory().await;
    let (program, consumer) = (square_root(&node).await, price_consumer(&node).await);
    let submitted = node.client.request_offchain_job(&draft(consumer, program, 1764)).await.unwrap();
    let job = delivered(&node, submitted.job_id).await;
    assert_eq!((job.state, job.kind), (JobState::Delivered, JobKind::Offchain));
    assert_eq!(job.requested_block, job.result_block);
    let receipt = node.client.receipt(job.result_transaction.unwrap()).await.unwrap();
    let of_job = |topic: B256| receipt.logs().iter().any(|log| log.topics()[..2] == [topic, job.job_id]);
    for event in [
        JobManager::JobRequested::SIGNATURE_HASH,
        JobManager::ClaimPosted::SIGNATURE_HASH,
        JobManager::JobDelivered::SIGNATURE_HASH,
    ] {
        assert!(of_job(event), "{event}");
    }
    let price = node.client.call(consumer, OffchainPriceConsumer::latestPriceCall {}).await.unwrap();
    assert_eq!(price, U256::from(42));
    // It was paid for: cycles used at the price, callback, check and bytes.
    let balance = JobManager::balanceOfCall { account: consumer };
    let left = node.client.call(JOB_MANAGER_ADDRESS, balance).await.unwrap();
    let cycles_fee = U256::from(job.cycles.unwrap()) * U256::from(job.cycle_price_wei.unwrap());
    let paid = U256::from(10_u64.pow(18)) * U256::from(10) - left;
    assert!(paid > cycles_fee, "{paid} > {cycles_fee}");
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ordered_requests_are_delivered_in_order_whatever_comes_first() {
    let node = start_in_memory().await;
    let (program, consumer) = (square_root(&node).await, price_consumer(&node).await);
    let ordered = |number: u64, value| JobDraft {
        numbering: Numbering::Ordered(number),
        ..draft(consumer, program, value)
    };
    let mut jobs = Vec::new();
    for (number, value) in [(2, 16), (1, 9), (0, 4)] {
        jobs.push(node.client.request_offchain_job(&ordered(number, value)).await.unwrap().job_id);
    }
    let mut places = Vec::new();
    for job_id in jobs.into_iter().rev() {
        let job = delivered(&node, job_id).await;
        assert_eq!((job.state, job.kind), (JobState::Delivered, JobKind::OffchainOrdered));
        let receipt = node.client.receipt(job.result_transaction.unwrap()).await.unwrap();
        let log = receipt.logs().iter().find(|log| log.topics().get(1) == Some(&job_id)).unwrap();
        places.push((job.result_block.unwrap(), log.log_index.unwrap()));
    }
    assert!(places.is_sorted(), "{places:?}");
    let price = node.client.call(consumer, OffchainPriceConsumer::latestPriceCall {}).await.unwrap();
    assert_eq!(price, U256::from(4), "the last in order");
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_before_any_work() {
    let node = start_in_memory().await;
    let (program, consumer) = (square_root(&node).await, price_consumer(&node).await);
    let good = node.client.prepare_job_request(&draft(consumer, program, 4)).await.unwrap();
    let refused = async |request: ivm_client::JobRequest| {
        let signed = node.client.sign_job_request(request).unwrap();
        fault_of(&node.client.submit_job(&signed, None).await.unwrap_err())
    };
    let with = |change: fn(&mut ivm_client::JobRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    assert_eq!(refused(with(|request| request.deadlineBlock = 1)).await, "DeadlinePassed");
    assert_eq!(refused(with(|request| request.deadlineBlock = u64::MAX)).await, "DeadlineTooFar");
    assert_eq!(refused(with(|request| request.programId = B256::repeat_byte(7))).await, "UnknownProgram");
    assert_eq!(refused(with(|request| request.maxCycles = 0)).await, "MaxCyclesZero");
    assert_eq!(refused(with(|request| request.maxCycles = u64::MAX)).await, "MaxCyclesTooHigh");
    assert_eq!(refused(with(|request| request.callbackGasLimit = u64::MAX)).await, "CallbackGasTooHigh");
    assert_eq!(refused(with(|request| request.consumer = Address::repeat_byte(7))).await, "AllowanceTooLow");
    assert_eq!(refused(with(|request| request.maxFeeWei = U256::ONE)).await, "FeeOverMax");
    assert_eq!(refused(with(|request| request.nonce = 1 << 62)).await, "NonceTooLarge");
    // Signed for another request, another chain, by another key.
    let mut signed = node.client.sign_job_request(good.clone()).unwrap();
    signed.request.onchainInput = Bytes::from_static(b"other");
    assert_eq!(fault_of(&node.client.submit_job(&signed, None).await.unwrap_err()), "BadSignature");
    let poor = price_consumer_of(&node, Address::repeat_byte(9)).await;
    let request = node.client.prepare_job_request(&draft(poor, program, 4)).await.unwrap();
    assert_eq!(refused(request).await, "InsufficientFunds");
    // The same number twice.
    let signed = node.client.sign_job_request(good.clone()).unwrap();
    let job_id = node.client.submit_job(&signed, None).await.unwrap().job_id;
    delivered(&node, job_id).await;
    assert_eq!(refused(good).await, "NonceUsed");
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_number_ends_the_request_that_waits() {
    let node = start_in_memory().await;
    let (program, consumer) = (square_root(&node).await, price_consumer(&node).await);
    let request = node.client.prepare_job_request(&draft(consumer, program, 4)).await.unwrap();
    // It waits for an input that does not come.
    let waiting = ivm_client::JobRequest { offchainInputHash: keccak256(b"not here"), ..request.clone() };
    let signed = node.client.sign_job_request(waiting).unwrap();
    let job_id = node.client.submit_job(&signed, None).await.unwrap().job_id;
    let revoke = OffchainPriceConsumer::revokeNumberCall { number: request.nonce, ordered: false };
    node.client.transact(consumer.into(), revoke.abi_encode(), U256::ZERO).await.unwrap();
    let job = delivered(&node, job_id).await;
    assert_eq!(job.state, JobState::Refused);
    assert!(job.no_outcome_reason.unwrap().contains("NonceUsed"));
    let signed = node.client.sign_job_request(request).unwrap();
    let refused = node.client.submit_job(&signed, None).await.unwrap_err();
    assert_eq!(fault_of(&refused), "NonceUsed");
    node.node.stop().await.unwrap();
}

/// A consumer with another signer, and no money.
async fn price_consumer_of(node: &TestNode, signer: Address) -> Address {
    let signer = OffchainPriceConsumer::constructorCall { signer };
    let code = [OffchainPriceConsumer::BYTECODE.as_ref(), &signer.abi_encode()].concat();
    node.client.deploy(&code).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_together_do_not_cost_more_than_their_payer_has() {
    // No blocks: whatever is taken waits.
    let node = start(Storage::Memory, BlockMode::Interval(Duration::from_millis(50))).await;
    let program = square_root(&node).await;
    let consumer = price_consumer_of(&node, node.client.address()).await;
    let request = node.client.prepare_job_request(&draft(consumer, program, 4)).await.unwrap();
    // Money for one and a half.
    let fee: U256 = request.maxFeeWei / U256::from(2);
    let deposit = JobManager::depositCall { account: consumer };
    node.client
        .transact(JOB_MANAGER_ADDRESS.into(), deposit.abi_encode(), fee * U256::from(3) / U256::from(2))
        .await
        .unwrap();
    // The first waits for an input that does not come.
    let first = ivm_client::JobRequest { offchainInputHash: keccak256(b"not here"), ..request.clone() };
    let signed = node.client.sign_job_request(first).unwrap();
    let waits = node.client.submit_job(&signed, None).await.unwrap().job_id;
    let second = ivm_client::JobRequest { nonce: request.nonce ^ 1, ..request };
    let signed = node.client.sign_job_request(second).unwrap();
    let error = node.client.submit_job(&signed, None).await.unwrap_err();
    assert_eq!(fault_of(&error), "InsufficientFunds");
    assert_eq!(node.client.find_job(waits).await.unwrap().unwrap().state, JobState::Pending);
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_its_offchain_input_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let interval = BlockMode::Interval(Duration::from_millis(50));
    let node = start(in_folder(folder.path()), interval).await;
    let program = node.client.submit_program(ECHO_ELF).await.unwrap().program_id;
    let consumer = price_consumer(&node).await;
    let offchain = Bytes::from(U256::from(7).abi_encode());
    let request = node.client.prepare_job_request(&draft(consumer, program, 5)).await.unwrap();
    let request = ivm_client::JobRequest { offchainInputHash: keccak256(&offchain), ..request };
    let signed = node.client.sign_job_request(request).unwrap();
    let job_id = node.client.submit_job(&signed, None).await.unwrap().job_id;
    let kept_at = node.node.chain().head().block.number() + 2;
    while node.node.chain().head().block.number() < kept_at {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    node.node.stop().await.unwrap();

    let node = start(in_folder(folder.path()), interval).await;
    let waits = node.client.find_job(job_id).await.unwrap().unwrap();
    assert_eq!((waits.state, waits.requested_block), (JobState::Pending, None));
    node.client.submit_payload(&offchain).await.unwrap();
    let job = delivered(&node, job_id).await;
    assert_eq!(job.state, JobState::Delivered);
    assert_eq!(job.offchain_input_hash, keccak256(&offchain));
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_request_is_given_up_and_another_takes_its_number() {
    let node = start_in_memory().await;
    let (program, consumer) = (square_root(&node).await, price_consumer(&node).await);
    let head = node.node.chain().head().block.number();
    let late = JobDraft {
        numbering: Numbering::Ordered(0),
        deadline_block: Some(head + 4),
        ..draft(consumer, program, 4)
    };
    let request = node.client.prepare_job_request(&late).await.unwrap();
    let request = ivm_client::JobRequest { offchainInputHash: keccak256(b"not here"), ..request };
    let signed = node.client.sign_job_request(request).unwrap();
    let job_id = node.client.submit_job(&signed, None).await.unwrap().job_id;
    let job = delivered(&node, job_id).await;
    assert_eq!(job.state, JobState::Refused);
    assert!(job.no_outcome_reason.unwrap().contains("did not come"), "it says why");
    let again = JobDraft { numbering: Numbering::Ordered(0), ..draft(consumer, program, 4) };
    let submitted = node.client.request_offchain_job(&again).await.unwrap();
    assert_eq!(submitted.job_id, job_id);
    let job = node.client.job(job_id, |job| job.state == JobState::Delivered).await.unwrap();
    assert_eq!(job.kind, JobKind::OffchainOrdered);
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_inside_a_transaction() {
    let node = start_in_memory().await;
    let program = square_root(&node).await;
    let contract = node.client.deploy(&InstantSquareRoot::BYTECODE).await.unwrap();
    let call = |number: u64| InstantSquareRoot::computeSquareRootCall {
        programId: program,
        number: U256::from(number),
        maxCycles: 50_000,
    };
    // In a call it is computed and leaves nothing.
    assert_eq!(node.client.call(contract, call(144)).await.unwrap(), U256::from(12));
    let receipt = node.client.transact(contract.into(), call(1764).abi_encode(), U256::ZERO).await.unwrap();
    let root = node.client.call(contract, InstantSquareRoot::latestRootCall {}).await.unwrap();
    assert_eq!(root, U256::from(42));

    let executed =
        receipt.logs().iter().find_map(|log| JobManager::JobExecuted::decode_log(&log.inner).ok()).unwrap();
    let claim =
        receipt.logs().iter().find_map(|log| JobManager::ClaimPosted::decode_log(&log.inner).ok()).unwrap();
    assert_eq!((executed.jobId, executed.consumer), (claim.jobId, contract));
    let job = node.client.find_job(claim.jobId).await.unwrap().unwrap();
    assert_eq!((job.state, job.kind, job.cycles), (JobState::Delivered, JobKind::Sync, Some(claim.cycles)));
    let outcome = job.outcome.unwrap();
    assert_eq!((outcome.hash, outcome.data), (claim.outcomeHash, Bytes::from(U256::from(42).abi_encode())));
    // Gas follows the cycles.
    assert!(receipt.gas_used > claim.cycles, "{} > {}", receipt.gas_used, claim.cycles);

    // A trace and a simulation run it too.
    let hash = receipt.transaction_hash;
    let trace: serde_json::Value = node
        .client
        .request("debug_traceTransaction", rpc_params![hash, json!({ "tracer": "callTracer" })])
        .await
        .unwrap();
    assert!(trace.to_string().contains("0x0000000000000000000000000000000000004957"), "{trace}");
    let simulated: serde_json::Value = node
        .client
        .request(
            "eth_simulateV1",
            rpc_params![
                json!({ "blockStateCalls": [{ "calls": [{
                "from": node.client.address(), "to": contract, "input": Bytes::from(call(81).abi_encode()),
            }] }] }),
                "latest"
            ],
        )
        .await
        .unwrap();
    assert_eq!(simulated[0]["calls"][0]["status"], "0x1", "{simulated}");
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_without_an_outcome_revert_with_their_reason() {
    let node = start_in_memory().await;
    let program = node.echo_program().await;
    let execute = |program: B256, input: &[u8], max_cycles| JobManager::executeCall {
        programId: program,
        input: Bytes::copy_from_slice(input),
        maxCycles: max_cycles,
    };
    let revert_of = async |call: JobManager::executeCall| {
        let error = node.client.call(JOB_MANAGER_ADDRESS, call).await.unwrap_err();
        let data = error.rpc_error().unwrap().2.unwrap();
        alloy_primitives::hex::decode(data).unwrap()
    };
    let out_of_cycles =
        JobManager::NoOutcome::abi_decode(&revert_of(execute(program, b"hello", 10)).await).unwrap();
    assert_eq!((out_of_cycles.programId, out_of_cycles.reason), (program, 1));
    let unknown = revert_of(execute(B256::repeat_byte(3), b"", 1000)).await;
    assert_eq!(JobManager::UnknownProgram::abi_decode(&unknown).unwrap().programId, B256::repeat_byte(3));
    let over = revert_of(execute(program, b"", 999_999_999)).await;
    assert!(JobManager::SyncBudgetExceeded::abi_decode(&over).is_ok());
    // A panic is an outcome.
    let outcome =
        node.client.call(JOB_MANAGER_ADDRESS, execute(program, b"panic:no", 100_000)).await.unwrap();
    assert_eq!((outcome.status, outcome.output), (1, Bytes::from_static(b"no")));
    // Nobody but the job manager is answered.
    let direct = json!({ "to": ivm_contracts::EXECUTOR_ADDRESS, "input": "0x00" });
    let error = node.client.request::<Bytes>("eth_call", rpc_params![direct, "latest"]).await.unwrap_err();
    assert_eq!(error.rpc_error().unwrap().0, 3, "it reverts");
    // A transaction that fails so is in a block, pays for all its cycles, and claims nothing.
    let call = execute(program, b"hello", 3000);
    let hash = node
        .client
        .send(
            JOB_MANAGER_ADDRESS.into(),
            JobManager::executeCall { maxCycles: 30, ..call }.abi_encode(),
            U256::ZERO,
            500_000,
        )
        .await
        .unwrap();
    let receipt = node.client.receipt(hash).await.unwrap();
    assert!(!receipt.status() && receipt.logs().is_empty());
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn estimates_say_what_a_job_then_takes() {
    let node = start_in_memory().await;
    let (program, consumer) = (square_root(&node).await, price_consumer(&node).await);
    let request = EstimateRequest {
        program_id: program,
        onchain_input: U256::from(1764).abi_encode().into(),
        offchain_input: Bytes::new(),
        max_cycles: None,
        callback_gas_limit: Some(200_000),
    };
    let with_offchain_input = EstimateRequest { offchain_input: Bytes::from_static(&[1]), ..request.clone() };
    let estimate: JobEstimate = node.client.request("ivm_estimateJob", rpc_params![request]).await.unwrap();
    assert!(estimate.sync_gas.unwrap() > 2 * estimate.cycles);
    let quote = node.quote(estimate.max_cycles, 200_000).await;
    assert_eq!(estimate.fee_wei, quote);
    let draft = JobDraft { max_cycles: Some(estimate.max_cycles), ..draft(consumer, program, 1764) };
    let job_id = node.client.request_offchain_job(&draft).await.unwrap().job_id;
    let job = delivered(&node, job_id).await;
    assert_eq!(job.cycles, Some(estimate.cycles));
    assert_eq!(job.outcome.unwrap(), estimate.outcome);

    // Runs that have no outcome inside a transaction: one is given no offchain input there, and the other program does not
    // fit into the memory of such a run.
    let large = node.client.submit_program(EVM_ELF).await.unwrap().program_id;
    let too_large = EstimateRequest { program_id: large, ..with_offchain_input.clone() };
    let too_large = EstimateRequest { offchain_input: Bytes::new(), ..too_large };
    for request in [with_offchain_input, too_large] {
        let elsewhere: JobEstimate =
            node.client.request("ivm_estimateJob", rpc_params![request]).await.unwrap();
        assert_eq!(elsewhere.sync_gas, None);
    }

    let newest = U64::from(job.result_block.unwrap());
    let history: ivm_rpc::CycleFeeHistory =
        node.client.request("ivm_feeHistory", rpc_params![U64::from(3), newest]).await.unwrap();
    assert_eq!(history.cycles_used.last(), Some(&estimate.cycles));
    assert_eq!(history.cycle_price_wei.len(), 4);
    assert!(
        history.cycle_price_wei.iter().all(|&price| price == 1_000_000),
        "below the target it is the floor"
    );
    node.node.stop().await.unwrap();
}
