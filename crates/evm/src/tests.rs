//! Forks, environments by fork, and what transactions cost at them.

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Header, Signed, TxEip1559, TxEip4844, TxEnvelope, TxLegacy};
use alloy_genesis::ChainConfig;
use alloy_hardforks::{EthereumHardfork as Fork, ForkCondition};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use revm::context::result::{HaltReason, InvalidTransaction, OutOfGasError};
use revm::primitives::hardfork::SpecId;

use crate::rules::{Environment, Rules};
use crate::schedule::{DaoFork, ForkSchedule, ScheduleError};
use crate::{check_transaction, halt_message, intrinsic_gas};

/// Forks by block at 10, 20, …; the merge at a total difficulty of 1000; forks by time at 2000, 3000, ….
fn staggered() -> ChainConfig {
    ChainConfig {
        homestead_block: Some(10),
        dao_fork_block: Some(15),
        dao_fork_support: true,
        eip150_block: Some(20),
        eip155_block: Some(30),
        eip158_block: Some(30),
        byzantium_block: Some(40),
        constantinople_block: Some(50),
        petersburg_block: Some(60),
        istanbul_block: Some(70),
        muir_glacier_block: Some(75),
        berlin_block: Some(80),
        london_block: Some(90),
        arrow_glacier_block: Some(92),
        gray_glacier_block: Some(94),
        terminal_total_difficulty: Some(U256::from(1000)),
        shanghai_time: Some(2000),
        cancun_time: Some(3000),
        prague_time: Some(4000),
        osaka_time: Some(5000),
        bpo1_time: Some(6000),
        deposit_contract_address: Some(Address::repeat_byte(7)),
        ..ChainConfig::default()
    }
}

fn rules() -> Rules {
    Rules::Ethereum(Arc::new(ForkSchedule::from_genesis(&staggered()).expect("a schedule")))
}

fn of_work(number: u64) -> Header {
    Header {
        number,
        difficulty: U256::from(1),
        timestamp: 1000,
        mix_hash: B256::repeat_byte(1),
        ..Header::default()
    }
}

fn of_stake(timestamp: u64) -> Header {
    Header {
        number: 100,
        timestamp,
        mix_hash: B256::repeat_byte(1),
        base_fee_per_gas: Some(7),
        excess_blob_gas: Some(0),
        gas_limit: 30_000_000,
        ..Header::default()
    }
}

fn spec(header: &Header) -> SpecId {
    Environment::new(header, &rules(), 1).evm.cfg_env.spec
}

#[test]
fn each_block_has_the_newest_of_its_forks() {
    let by_block = [
        (9, SpecId::FRONTIER),
        (10, SpecId::HOMESTEAD),
        (20, SpecId::TANGERINE),
        (30, SpecId::SPURIOUS_DRAGON),
        (40, SpecId::BYZANTIUM),
        (49, SpecId::BYZANTIUM),
        // But for its gas of storage Constantinople is Petersburg, and has no name of its own in revm.
        (50, SpecId::PETERSBURG),
        (60, SpecId::PETERSBURG),
        (70, SpecId::ISTANBUL),
        (80, SpecId::BERLIN),
        (89, SpecId::BERLIN),
        (90, SpecId::LONDON),
        (u64::MAX, SpecId::LONDON),
    ];
    for (number, expected) in by_block {
        assert_eq!(spec(&of_work(number)), expected, "block {number}");
    }
    let by_time = [
        (1999, SpecId::MERGE),
        (2000, SpecId::SHANGHAI),
        (3000, SpecId::CANCUN),
        (4000, SpecId::PRAGUE),
        (5000, SpecId::OSAKA),
        (u64::MAX, SpecId::OSAKA),
    ];
    for (timestamp, expected) in by_time {
        assert_eq!(spec(&of_stake(timestamp)), expected, "time {timestamp}");
    }
    // A block of work is never past London, whatever its time.
    assert_eq!(spec(&Header { timestamp: 9000, ..of_work(100) }), SpecId::LONDON);
}

#[test]
fn infinity_vm_is_prague_from_the_start() {
    let header = Header { difficulty: U256::from(1), ..Header::default() };
    let environment = Environment::new(&header, &Rules::InfinityVm, 5).evm;
    assert_eq!(environment.cfg_env.spec, SpecId::PRAGUE);
    assert_eq!(environment.cfg_env.chain_id, 5);
    assert_eq!(environment.block_env.prevrandao, Some(B256::ZERO));
    let forks = Rules::InfinityVm.forks(&header);
    assert!(forks.is_active(Fork::Prague) && !forks.is_active(Fork::Osaka) && !forks.is_active(Fork::Dao));
}

#[test]
fn the_merge_changes_the_environment() {
    let work = Environment::new(&of_work(95), &rules(), 1).evm.block_env;
    assert_eq!((work.difficulty, work.prevrandao), (U256::from(1), None));
    let stake = Environment::new(&of_stake(1500), &rules(), 1).evm.block_env;
    assert_eq!((stake.difficulty, stake.prevrandao), (U256::ZERO, Some(B256::repeat_byte(1))));
}

#[test]
fn blob_prices_follow_the_schedule() {
    let rules = rules();
    let targets: Vec<_> = [1999, 2999, 3000, 4000, 5000, 6000]
        .map(|time| rules.blob_params(time).map(|params| (params.target_blob_count, params.max_blob_count)))
        .into();
    // BPO1 is scheduled, but has no parameters of its own: those before it hold.
    assert_eq!(targets, [None, None, Some((3, 6)), Some((6, 9)), Some((6, 9)), Some((6, 9))]);

    let excess = Header { excess_blob_gas: Some(20_000_000), ..of_stake(3000) };
    let price = |header: &Header| {
        let environment = Environment::new(header, &rules, 1).evm;
        environment.block_env.blob_excess_gas_and_price.map(|blobs| blobs.blob_gasprice)
    };
    // e^(excess / fraction), with Cancun's fraction and with Prague's, which is larger.
    assert_eq!(price(&excess), Some(399));
    assert_eq!(price(&Header { timestamp: 4000, ..excess }), Some(54));
}

#[test]
fn a_genesis_file_names_blob_parameters() {
    let mut config = staggered();
    let text = r#"{"cancun":{"target":1,"max":2,"baseFeeUpdateFraction":100},
        "bpo1":{"target":10,"max":15,"baseFeeUpdateFraction":8346193}}"#;
    config.blob_schedule = serde_json::from_str(text).expect("parses");
    let schedule = ForkSchedule::from_genesis(&config).expect("a schedule");
    let at = |time| schedule.blob_params(time).expect("blobs");
    assert_eq!((at(3000).max_blob_count, at(3000).update_fraction), (2, 100));
    assert_eq!(at(4000).max_blob_count, 9);
    assert_eq!((at(6000).max_blob_count, at(6000).max_blobs_per_tx), (15, 6));

    for (name, value, reason) in
        [("max", 0, "a target above the maximum"), ("baseFeeUpdateFraction", 0, "of 0")]
    {
        let mut parameters = serde_json::json!({ "target": 1, "max": 2, "baseFeeUpdateFraction": 100 });
        parameters[name] = value.into();
        config.blob_schedule =
            serde_json::from_value(serde_json::json!({ "cancun": parameters })).expect("parses");
        let error = ForkSchedule::from_genesis(&config).expect_err("contradicts itself");
        assert!(matches!(&error, ScheduleError::BlobParameters { fork, .. } if fork == "cancun"), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_schedule_tells_when_it_merges() {
    let merges = |config: ChainConfig, difficulty: u64| {
        ForkSchedule::from_genesis(&config).expect("a schedule").is_merged_after(U256::from(difficulty))
    };
    assert!(!merges(staggered(), 999) && merges(staggered(), 1000));
    let never = ChainConfig { terminal_total_difficulty: None, ..staggered() };
    assert!(!merges(never.clone(), u64::MAX));
    // Passed, it says no more than that.
    assert!(merges(ChainConfig { terminal_total_difficulty_passed: true, ..never }, 0));
    assert!(!merges(ChainConfig { terminal_total_difficulty_passed: true, ..staggered() }, 999));
}

#[test]
fn what_a_genesis_file_leaves_out_is_filled_in_as_geth_does() {
    let schedule = ForkSchedule::from_genesis(&staggered()).expect("a schedule");
    assert_eq!(schedule.dao(), Some(DaoFork::Supported(15)));
    assert_eq!(schedule.deposit_contract(), Some(Address::repeat_byte(7)));
    assert_eq!(schedule.activation(Fork::Frontier), ForkCondition::ZERO_BLOCK);
    let opposed = ChainConfig { dao_fork_support: false, ..staggered() };
    let opposed = ForkSchedule::from_genesis(&opposed).expect("a schedule");
    assert_eq!(opposed.dao(), Some(DaoFork::Opposed(15)));
    // Without Petersburg there is no time between it and Constantinople.
    let early = ChainConfig { petersburg_block: None, ..staggered() };
    let early = ForkSchedule::from_genesis(&early).expect("a schedule");
    assert_eq!(early.activation(Fork::Petersburg), ForkCondition::Block(50));
    // An empty file is Frontier for ever.
    let rules =
        Rules::Ethereum(Arc::new(ForkSchedule::from_genesis(&ChainConfig::default()).expect("a schedule")));
    let forks = rules.forks(&of_work(u64::MAX));
    assert!(forks.is_active(Fork::Frontier) && !forks.is_active(Fork::Homestead));
}

fn signed(transaction: impl Into<Unsigned>) -> Recovered<TxEnvelope> {
    let signature = Signature::test_signature();
    let envelope = match transaction.into() {
        Unsigned::Legacy(tx) => Signed::new_unhashed(tx, signature).into(),
        Unsigned::Fees(tx) => Signed::new_unhashed(tx, signature).into(),
        Unsigned::Blobs(tx) => Signed::new_unhashed(tx, signature).into(),
    };
    Recovered::new_unchecked(envelope, Address::repeat_byte(1))
}

enum Unsigned {
    Legacy(TxLegacy),
    Fees(TxEip1559),
    Blobs(TxEip4844),
}

impl From<TxLegacy> for Unsigned {
    fn from(tx: TxLegacy) -> Self {
        Self::Legacy(tx)
    }
}

impl From<TxEip1559> for Unsigned {
    fn from(tx: TxEip1559) -> Self {
        Self::Fees(tx)
    }
}

impl From<TxEip4844> for Unsigned {
    fn from(tx: TxEip4844) -> Self {
        Self::Blobs(tx)
    }
}

fn legacy(input: Bytes, to: TxKind) -> TxLegacy {
    TxLegacy { gas_price: 10, gas_limit: 1_000_000, input, to, ..TxLegacy::default() }
}

fn fees() -> TxEip1559 {
    TxEip1559 {
        chain_id: 1,
        gas_limit: 100_000,
        max_fee_per_gas: 10,
        to: TxKind::Call(Address::ZERO),
        ..TxEip1559::default()
    }
}

#[test]
fn intrinsic_gas_follows_the_forks() {
    let to = TxKind::Call(Address::ZERO);
    let initial = |header: &Header, transaction: &Recovered<TxEnvelope>| {
        check_transaction(transaction, header, &rules(), 1).expect("valid").initial
    };
    let work = |number| Header { gas_limit: 30_000_000, ..of_work(number) };
    // A byte of data cost 68 until Istanbul, 16 from then on; a zero 4 at all times.
    let data = signed(legacy(Bytes::from_static(&[1, 0]), to));
    assert_eq!(initial(&work(60), &data), 21_000 + 68 + 4);
    assert_eq!(initial(&work(70), &data), 21_000 + 16 + 4);
    // A creation is 32,000 more from Homestead on, and a word of its code 2 more from Shanghai on.
    let creation = signed(legacy(Bytes::from_static(&[1]), TxKind::Create));
    assert_eq!(initial(&work(9), &creation), 21_000 + 68);
    assert_eq!(initial(&work(10), &creation), 53_000 + 68);
    assert_eq!(initial(&of_stake(1999), &creation), 53_000 + 16);
    assert_eq!(initial(&of_stake(2000), &creation), 53_000 + 16 + 2);
    // From Prague on calldata has a floor.
    let floor = check_transaction(&data, &of_stake(4000), &rules(), 1).expect("valid").floor;
    assert_eq!(floor, 21_000 + 10 * (4 + 1));
    assert_eq!(intrinsic_gas(&data).floor, floor);
}

#[test]
fn rules_refuse_transactions_without_looking_at_state() {
    let check = |header: &Header, transaction: Recovered<TxEnvelope>| {
        check_transaction(&transaction, header, &rules(), 1).map(drop)
    };
    let prague = of_stake(4000);
    assert_eq!(check(&prague, signed(fees())), Ok(()));
    let work = Header { gas_limit: 30_000_000, ..of_work(89) };
    assert_eq!(check(&work, signed(fees())), Err(InvalidTransaction::Eip1559NotSupported));
    let nonce = TxEip1559 { nonce: u64::MAX, ..fees() };
    assert_eq!(check(&prague, signed(nonce)), Err(InvalidTransaction::NonceOverflowInTransaction));
    let chain = TxEip1559 { chain_id: 2, ..fees() };
    assert_eq!(check(&prague, signed(chain)), Err(InvalidTransaction::InvalidChainId));
    let cheap = TxEip1559 { max_fee_per_gas: 6, ..fees() };
    assert_eq!(check(&prague, signed(cheap)), Err(InvalidTransaction::GasPriceLessThanBasefee));
    let tip = TxEip1559 { max_priority_fee_per_gas: 11, ..fees() };
    assert_eq!(check(&prague, signed(tip)), Err(InvalidTransaction::PriorityFeeGreaterThanMaxFee));
    let starved = TxEip1559 { gas_limit: 20_999, ..fees() };
    assert!(matches!(
        check(&prague, signed(starved)),
        Err(InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas: 21_000, gas_limit: 20_999 })
    ));
    let greedy = TxEip1559 { gas_limit: 30_000_001, ..fees() };
    assert_eq!(check(&prague, signed(greedy)), Err(InvalidTransaction::CallerGasLimitMoreThanBlock));
    // Osaka caps a transaction's gas (EIP-7825).
    let large = TxEip1559 { gas_limit: 16_777_217, ..fees() };
    assert_eq!(check(&prague, signed(large.clone())), Ok(()));
    assert!(matches!(
        check(&of_stake(5000), signed(large)),
        Err(InvalidTransaction::TxGasLimitGreaterThanCap { .. })
    ));
    // Init code is limited from Shanghai on (EIP-3860).
    let code = Bytes::from(vec![0; crate::MAX_INITCODE_SIZE_BYTES + 1]);
    let creation = signed(legacy(code, TxKind::Create));
    assert_eq!(check(&of_stake(1999), creation.clone()), Ok(()));
    assert_eq!(check(&of_stake(2000), creation), Err(InvalidTransaction::CreateInitCodeSizeLimit));

    let blobs = |count: u8| TxEip4844 {
        chain_id: 1,
        gas_limit: 21_000,
        max_fee_per_gas: 10,
        max_fee_per_blob_gas: 1,
        blob_versioned_hashes: (0..count).map(|_| B256::left_padding_from(&[1; 32])).collect(),
        ..TxEip4844::default()
    };
    assert_eq!(check(&of_stake(2000), signed(blobs(1))), Err(InvalidTransaction::Eip4844NotSupported));
    assert_eq!(check(&of_stake(3000), signed(blobs(6))), Ok(()));
    assert_eq!(check(&of_stake(3000), signed(blobs(0))), Err(InvalidTransaction::EmptyBlobs));
    assert_eq!(
        check(&of_stake(3000), signed(blobs(7))),
        Err(InvalidTransaction::TooManyBlobs { have: 7, max: 6 })
    );
    assert_eq!(check(&prague, signed(blobs(9))), Ok(()));
}

#[test]
fn halts_read_as_geths() {
    let cases = [
        (HaltReason::InvalidFEOpcode, "invalid opcode: INVALID"),
        (HaltReason::OutOfGas(OutOfGasError::Memory), "out of gas"),
        (HaltReason::StackUnderflow, "stack underflow"),
        (HaltReason::InvalidJump, "invalid jump destination"),
        (HaltReason::CallTooDeep, "max call depth exceeded"),
        (HaltReason::StateChangeDuringStaticCall, "write protection"),
        (HaltReason::PrecompileErrorWithContext("invalid input length".into()), "invalid input length"),
    ];
    for (reason, expected) in cases {
        assert_eq!(halt_message(&reason), expected);
    }
}
