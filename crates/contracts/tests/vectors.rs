//! Holds Rust to the vectors that `contracts/test/Vectors.t.sol` holds Solidity to.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolEvent, SolValue};
use ivm_contracts::{
    JOB_MANAGER_ADDRESS, JobManager, JobParameterFields, JobParameters,
    genesis::{PROVER_SHARE_SLOT, TERMS_SLOT},
    genesis_accounts, job_id,
};
use ivm_primitives::{JobInput, Outcome, limits};
use serde_json::Value;

fn vectors(json: &str) -> Value {
    serde_json::from_str(json).expect("the vectors are JSON")
}

fn field<T: std::str::FromStr<Err: std::fmt::Debug>>(vectors: &Value, name: &str) -> T {
    vectors[name].as_str().expect(name).parse().expect(name)
}

fn number(vectors: &Value, name: &str) -> u64 {
    vectors[name].as_u64().expect(name)
}

#[test]
fn commitments_match() {
    let v = vectors(include_str!("../../../contracts/test/vectors/commitments.json"));

    let consumer: Address = field(&v, "consumer");
    assert_eq!(job_id(number(&v, "chainId"), consumer, number(&v, "nonce")), field::<B256>(&v, "jobId"));

    let input = JobInput::new(field(&v, "onchainInput"), field(&v, "offchainInput")).expect("within limits");
    assert_eq!(input.commitment(), field::<B256>(&v, "inputCommitment"));

    let output: Bytes = field(&v, "output");
    assert_eq!(Outcome::Success(output).hash(), field::<B256>(&v, "successHash"));
    let message: Bytes = field(&v, "panicMessage");
    assert_eq!(Outcome::Panicked(message).hash(), field::<B256>(&v, "panicHash"));

    assert_eq!(JobManager::ClaimPosted::SIGNATURE_HASH, field::<B256>(&v, "claimPostedTopic"));
}

#[test]
fn limits_match() {
    let v = vectors(include_str!("../../../contracts/test/vectors/limits.json"));
    assert_eq!(limits::MAX_ELF_SIZE_BYTES as u64, number(&v, "maxElfSizeBytes"));
    assert_eq!(limits::MAX_ONCHAIN_INPUT_SIZE_BYTES as u64, number(&v, "maxOnchainInputSizeBytes"));
    assert_eq!(limits::MAX_OUTPUT_SIZE_BYTES as u64, number(&v, "maxOutputSizeBytes"));
    assert_eq!(limits::MAX_PANIC_MESSAGE_SIZE_BYTES as u64, number(&v, "maxPanicMessageSizeBytes"));
    assert_eq!(limits::MAX_CYCLES_PER_JOB, number(&v, "maxCyclesPerJob"));
    assert_eq!(limits::MAX_CALLBACK_GAS, number(&v, "maxCallbackGas"));
}

#[test]
fn genesis_parameters_match() {
    let v = vectors(include_str!("../../../contracts/test/vectors/parameters.json"));
    let parameters = JobParameters::new(JobParameterFields {
        min_cycle_price_wei: number(&v, "minCyclePriceWei"),
        callback_gas_price_wei: number(&v, "callbackGasPriceWei"),
        max_deadline_blocks: number(&v, "maxDeadlineBlocks") as u32,
        retained_bps: number(&v, "retainedBps") as u16,
        target_cycles_per_block: number(&v, "targetCyclesPerBlock"),
        max_sync_cycles_per_block: number(&v, "maxSyncCyclesPerBlock"),
        prover_share_bps: number(&v, "proverShareBps") as u16,
        prover_account: field(&v, "proverAccount"),
    })
    .expect("the vector is valid");
    let manager = &genesis_accounts(parameters)[0];
    assert_eq!(manager.address, JOB_MANAGER_ADDRESS);
    assert_eq!(
        manager.storage,
        [(TERMS_SLOT, field(&v, "termsWord")), (PROVER_SHARE_SLOT, field(&v, "proverShareWord")),]
    );
}

#[test]
fn ids_depend_on_every_part() {
    let consumer = Address::with_last_byte(1);
    let id = job_id(1, consumer, 0);
    assert_ne!(id, job_id(2, consumer, 0));
    assert_ne!(id, job_id(1, Address::with_last_byte(2), 0));
    assert_ne!(id, job_id(1, consumer, 1));
    let encoded = (U256::from(1), JOB_MANAGER_ADDRESS, consumer, U256::ZERO).abi_encode();
    assert_eq!(id, alloy_primitives::keccak256(encoded));
}
