//! Holds Rust's requests and prices to the vectors that `contracts/test/Vectors.t.sol` holds Solidity to.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use ivm_contracts::{
    JobKind, JobNonce, JobParameterFields, JobParameters, JobRequest, LoadWord, job_id, request_domain,
};
use serde_json::Value;

fn vectors(json: &str) -> Value {
    serde_json::from_str(json).expect("the vectors are JSON")
}

fn field<T: std::str::FromStr<Err: std::fmt::Debug>>(vectors: &Value, name: &str) -> T {
    vectors[name].as_str().expect(name).parse().expect(name)
}

fn cases<'a>(vectors: &'a Value, name: &str) -> &'a [Value] {
    vectors[name].as_array().expect(name)
}

fn request(v: &Value) -> JobRequest {
    JobRequest {
        consumer: field(v, "consumer"),
        nonce: field(v, "nonce"),
        ordered: v["ordered"].as_bool().expect("ordered"),
        programId: field(v, "programId"),
        onchainInput: field::<Bytes>(v, "onchainInput"),
        offchainInputHash: field(v, "offchainInputHash"),
        maxCycles: field(v, "maxCycles"),
        callbackGasLimit: field(v, "callbackGasLimit"),
        deadlineBlock: field(v, "deadlineBlock"),
        feePayer: field(v, "feePayer"),
        maxFeeWei: field::<U256>(v, "maxFeeWei"),
    }
}

#[test]
fn requests_match() {
    let v = vectors(include_str!("../../../contracts/test/vectors/requests.json"));
    let chain_id = v["chainId"].as_u64().expect("chainId");
    let price_wei: u64 = field(&v, "cyclePriceWei");
    assert_eq!(request_domain(chain_id).separator(), field::<B256>(&v, "domainSeparator"));
    let parameters = JobParameters::new(JobParameterFields {
        callback_gas_price_wei: field(&v, "callbackGasPriceWei"),
        ..JobParameterFields::default()
    })
    .expect("the vector is valid");
    for case in cases(&v, "requests") {
        let request = request(case);
        let signature_size_bytes = field(&v, "signatureSize");
        let fee_wei =
            parameters.request_fee_wei(price_wei, &request, signature_size_bytes, request.maxCycles);
        assert_eq!(fee_wei, field::<U256>(case, "feeWei"));
        assert_eq!(request.digest(chain_id), field::<B256>(case, "digest"));
        assert_eq!(request.job_nonce().map(JobNonce::raw), Some(field(case, "jobNonce")));
        assert_eq!(request.job_id(chain_id), Some(field(case, "jobId")));
        let job = request.to_job(price_wei).expect("the number is in range");
        assert_eq!(keccak256(job.abi_encode()), field::<B256>(case, "jobHash"));
    }
}

#[test]
fn a_digest_depends_on_chain_and_every_field() {
    let v = vectors(include_str!("../../../contracts/test/vectors/requests.json"));
    let good = request(&cases(&v, "requests")[0]);
    let changes: [fn(&mut JobRequest); 11] = [
        |request| request.consumer = Address::ZERO,
        |request| request.nonce += 1,
        |request| request.ordered = !request.ordered,
        |request| request.programId = B256::ZERO,
        |request| request.onchainInput = Bytes::new(),
        |request| request.offchainInputHash = B256::ZERO,
        |request| request.maxCycles += 1,
        |request| request.callbackGasLimit += 1,
        |request| request.deadlineBlock += 1,
        |request| request.feePayer = Address::ZERO,
        |request| request.maxFeeWei += U256::from(1),
    ];
    assert_ne!(good.digest(1), good.digest(2));
    for (index, change) in changes.into_iter().enumerate() {
        let mut other = good.clone();
        change(&mut other);
        assert_ne!(good.digest(1), other.digest(1), "field {index}");
    }
}

#[test]
fn a_number_that_is_too_large_gives_no_job() {
    let v = vectors(include_str!("../../../contracts/test/vectors/requests.json"));
    let mut request = request(&cases(&v, "requests")[0]);
    request.nonce = JobNonce::NUMBERS;
    assert_eq!((request.job_id(1), request.to_job(1)), (None, None));
}

#[test]
fn runs_match() {
    let v = vectors(include_str!("../../../contracts/test/vectors/requests.json"));
    let sync = &v["sync"];
    let nonce = JobNonce::sync(field(sync, "blockNumber"), field(sync, "index")).expect("in range");
    assert_eq!(nonce.kind(), JobKind::Sync);
    assert_eq!(nonce.raw(), field::<u64>(sync, "jobNonce"));
    let chain_id = v["chainId"].as_u64().expect("chainId");
    assert_eq!(job_id(chain_id, field(sync, "consumer"), nonce.raw()), field::<B256>(sync, "jobId"));
}

#[test]
fn loads_match() {
    let v = vectors(include_str!("../../../contracts/test/vectors/load.json"));
    let fields = &v["fields"];
    let expected = LoadWord {
        cycle_price_wei: field(fields, "cyclePriceWei"),
        block_number: field(fields, "blockNumber"),
        posted_cycles: field(fields, "postedCycles"),
        sync_cycles: field(fields, "syncCycles"),
        sync_count: field(fields, "syncCount"),
    };
    assert_eq!(LoadWord::from(field::<B256>(&v, "word")), expected);

    for (index, case) in cases(&v, "cases").iter().enumerate() {
        let parameters = JobParameters::new(JobParameterFields {
            min_cycle_price_wei: field(case, "minCyclePriceWei"),
            target_cycles_per_block: field(case, "targetCyclesPerBlock"),
            ..JobParameterFields::default()
        })
        .expect("the vector is valid");
        let load = LoadWord::from(field::<B256>(case, "word"));
        let number: u64 = field(case, "blockNumber");
        let price_wei: u64 = field(case, "cyclePriceWei");
        assert_eq!(load.price_as_of(number, &parameters), price_wei, "case {index}");
        let later = load.as_of(number, &parameters);
        assert_eq!(later.cycle_price_wei, price_wei, "case {index}");
        assert_eq!(later.block_number, number.max(load.block_number), "case {index}");
        let still = number <= load.block_number;
        assert_eq!(later.posted_cycles, if still { load.posted_cycles } else { 0 }, "case {index}");
        assert_eq!(later.sync_count, if still { load.sync_count } else { 0 }, "case {index}");
    }
}

#[test]
fn looking_at_a_price_in_between_does_not_change_it() {
    let parameters = JobParameters::default();
    let target = parameters.target_cycles_per_block();
    for posted_cycles in [0, target / 3, target, target * 3 / 2, target * 2] {
        let load =
            LoadWord { cycle_price_wei: 50_000_000, block_number: 100, posted_cycles, ..LoadWord::default() };
        for between in 101..=130 {
            let direct = load.price_as_of(131, &parameters);
            assert_eq!(load.as_of(between, &parameters).price_as_of(131, &parameters), direct);
        }
    }
}
