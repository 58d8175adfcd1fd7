//! Ethereum chains: one that goes through every fork, and what is put into its blocks.

use std::collections::BTreeMap;

use alloy_consensus::{Block, TxEip4844, TxEip7702, TxEnvelope, TxLegacy};
use alloy_genesis::{ChainConfig as GenesisConfig, Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, TxKind, U256};
use ivm_chain::{BlockError, BuildRequest, Chain, ChainConfig, ChainError, CommittedBlock, Storage};

use super::{CHAIN_ID, GWEI, PROPOSER, sign, signer, transfer};

/// Least difficulty, which blocks that come slowly have.
pub(crate) const DIFFICULTY: u64 = 131_072;
/// Blocks between forks.
pub(crate) const FORK_INTERVAL: u64 = 2;
/// Last block of proof of work.
pub(crate) const LAST_OF_WORK: u64 = 26;
/// Seconds between blocks: difficulty falls to its least.
pub(crate) const BLOCK_SECONDS: u64 = 30;

/// A genesis with funded accounts and every fork up to Prague, one every two blocks.
pub(crate) fn every_fork() -> Genesis {
    let block = |index: u64| Some(index * FORK_INTERVAL);
    let time = |index: u64| Some((LAST_OF_WORK + 1 + index * FORK_INTERVAL) * BLOCK_SECONDS);
    let config = GenesisConfig {
        homestead_block: block(1),
        eip150_block: block(2),
        eip155_block: block(3),
        eip158_block: block(3),
        byzantium_block: block(4),
        constantinople_block: block(5),
        petersburg_block: block(6),
        istanbul_block: block(7),
        muir_glacier_block: block(8),
        berlin_block: block(9),
        london_block: block(10),
        arrow_glacier_block: block(11),
        gray_glacier_block: block(12),
        terminal_total_difficulty: Some(U256::from(DIFFICULTY * (LAST_OF_WORK + 1))),
        shanghai_time: time(1),
        cancun_time: time(2),
        prague_time: time(3),
        osaka_time: time(4),
        ..with_chain_id()
    };
    Genesis { config, ..funded() }
}

/// A genesis with funded accounts and every fork up to Prague from the start.
pub(crate) fn prague() -> Genesis {
    let config = GenesisConfig {
        homestead_block: Some(0),
        eip150_block: Some(0),
        eip155_block: Some(0),
        eip158_block: Some(0),
        byzantium_block: Some(0),
        constantinople_block: Some(0),
        petersburg_block: Some(0),
        istanbul_block: Some(0),
        berlin_block: Some(0),
        london_block: Some(0),
        terminal_total_difficulty: Some(U256::from(DIFFICULTY)),
        shanghai_time: Some(0),
        cancun_time: Some(0),
        prague_time: Some(0),
        ..with_chain_id()
    };
    Genesis { config, ..funded() }
}

fn with_chain_id() -> GenesisConfig {
    GenesisConfig { chain_id: CHAIN_ID, ..GenesisConfig::default() }
}

fn funded() -> Genesis {
    let rich = GenesisAccount { balance: U256::from(10).pow(U256::from(24)), ..GenesisAccount::default() };
    let mut alloc: BTreeMap<_, _> = (0..4).map(|index| (signer(index).address(), rich.clone())).collect();
    // The system contracts, as InfinityVM's genesis has them.
    alloc.extend(system_contracts());
    Genesis { alloc, gas_limit: 30_000_000, difficulty: U256::from(DIFFICULTY), ..Genesis::default() }
}

fn system_contracts() -> impl Iterator<Item = (Address, GenesisAccount)> {
    use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
    [
        (eip2935::HISTORY_STORAGE_ADDRESS, &eip2935::HISTORY_STORAGE_CODE),
        (eip4788::BEACON_ROOTS_ADDRESS, &eip4788::BEACON_ROOTS_CODE),
        (eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, &eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE),
        (eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, &eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE),
    ]
    .into_iter()
    .map(|(address, code)| {
        let code = Some(code.clone());
        (address, GenesisAccount { code, nonce: Some(1), ..GenesisAccount::default() })
    })
}

pub(crate) fn open(genesis: Genesis) -> Chain {
    Chain::open(ChainConfig::ethereum(genesis).expect("a genesis"), Storage::Memory).expect("opens")
}

/// A transaction of the oldest kind, valid at every fork.
pub(crate) fn legacy(nonce: u64) -> TxLegacy {
    TxLegacy {
        chain_id: None,
        nonce,
        gas_price: 10 * GWEI,
        gas_limit: 100_000,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: U256::from(1),
        ..TxLegacy::default()
    }
}

pub(crate) fn blobs(nonce: u64, count: u8) -> TxEip4844 {
    TxEip4844 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: Address::repeat_byte(0x77),
        max_fee_per_blob_gas: GWEI,
        blob_versioned_hashes: (0..count)
            .map(|index| {
                let mut hash = B256::repeat_byte(index);
                hash.0[0] = 1;
                hash
            })
            .collect(),
        ..TxEip4844::default()
    }
}

pub(crate) fn delegation(nonce: u64) -> TxEip7702 {
    use alloy_eips::eip7702::Authorization;
    use alloy_signer::SignerSync;
    let authorization =
        Authorization { chain_id: U256::from(CHAIN_ID), address: Address::repeat_byte(0x66), nonce: 0 };
    let signature = signer(3).sign_hash_sync(&authorization.signature_hash()).expect("signs");
    TxEip7702 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: Address::repeat_byte(0x77),
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    }
}

pub(crate) fn request_at(number: u64, leading_transactions: Vec<TxEnvelope>) -> BuildRequest {
    BuildRequest {
        leading_transactions,
        timestamp: number * BLOCK_SECONDS,
        beneficiary: PROPOSER,
        prev_randao: B256::repeat_byte(9),
        parent_beacon_block_root: B256::repeat_byte(8),
        ..BuildRequest::default()
    }
}

/// Builds and commits the next block, with these transactions of which none may be refused.
pub(crate) fn extend(chain: &Chain, transactions: Vec<TxEnvelope>) -> CommittedBlock {
    let number = chain.head().block.number() + 1;
    let built = chain.build_block(request_at(number, transactions)).expect("builds");
    assert_eq!(built.rejected_leading(), &[], "block {number}");
    chain.commit(built, Vec::new()).expect("commits")
}

/// A chain through every fork with a transaction in every block, and blobs where they are allowed.
pub(crate) fn chain_through_every_fork() -> Chain {
    let chain = open(every_fork());
    for nonce in 0..LAST_OF_WORK + 10 {
        let mut transactions = vec![sign(legacy(nonce), 0)];
        if chain.head().block.header().blob_gas_used.is_some() {
            let nonce = chain.state_at(Default::default()).expect("state").nonce(signer(1).address());
            transactions.push(sign(blobs(nonce.expect("nonce"), 2), 1));
        }
        extend(&chain, transactions);
    }
    chain
}

/// The block that differs from this one only by being valid: fields that execution gives are put right one by one, as the
/// errors say.
pub(crate) fn put_right(chain: &Chain, mut block: Block<TxEnvelope>) -> Block<TxEnvelope> {
    for _ in 0..4 {
        let error = match chain.verify(block.clone()) {
            Ok(_) => return block,
            Err(ChainError::InvalidBlock(error)) => error,
            Err(other) => panic!("{other}"),
        };
        let BlockError::Field { field, expected, .. } = &error else { panic!("{error}") };
        let hash =
            || expected.trim_start_matches("Some(").trim_end_matches(')').parse::<B256>().expect("a hash");
        match *field {
            "stateRoot" => block.header.state_root = hash(),
            "receiptsRoot" => block.header.receipts_root = hash(),
            "withdrawalsRoot" => block.header.withdrawals_root = Some(hash()),
            "sha3Uncles" => block.header.ommers_hash = hash(),
            _ => panic!("{error}"),
        }
    }
    panic!("still not valid: {:?}", chain.verify(block).map(drop));
}

/// A transfer that is valid from London on.
pub(crate) fn modern(nonce: u64) -> TxEnvelope {
    sign(transfer(nonce), 2)
}
