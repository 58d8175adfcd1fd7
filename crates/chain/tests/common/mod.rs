//! A chain with funded accounts, and transactions of theirs.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod ethereum;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, TxHash, TxKind, U256, address, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ivm_chain::{BuildRequest, Chain, ChainConfig, CommittedBlock, PoolError, Storage};

pub(crate) const CHAIN_ID: u64 = 4956;
pub(crate) const GWEI: u128 = 1_000_000_000;
pub(crate) const PROPOSER: Address = address!("0x00000000000000000000000000000000000c0ffe");

/// Creation code of a contract that stores a word of calldata in slot 0 and logs it with topic 0xaa, and that without
/// calldata returns slot 0.
pub(crate) const STORE_INITCODE: [u8; 37] =
    hex!("601c8060095f395ff33615601357 5f35805f555f5260aa60205fa1005b5f545f5260205ff3");
/// Creation code that destroys the contract while it is created.
pub(crate) const SELFDESTRUCT_INITCODE: [u8; 2] = hex!("33ff");
/// Creation code of a contract that reverts with 0xdead.
pub(crate) const REVERT_INITCODE: [u8; 19] = hex!("600a8060095f395ff361dead5f526002601efd");

pub(crate) fn signer(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index + 1)).expect("valid key")
}

pub(crate) fn config() -> ChainConfig {
    let account =
        GenesisAccount { balance: U256::from(1_000_000 * GWEI) * U256::from(GWEI), ..Default::default() };
    let alloc = (0..4).map(|index| (signer(index).address(), account.clone())).collect();
    ChainConfig { alloc, genesis_timestamp: 1_700_000_000, ..ChainConfig::default() }
}

pub(crate) fn chain() -> Chain {
    Chain::open(config(), Storage::Memory).expect("opens")
}

/// A transaction that is valid as it stands: a transfer of 1 wei by nobody in particular.
pub(crate) fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: U256::from(1),
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

pub(crate) fn create(nonce: u64, initcode: &[u8]) -> TxEip1559 {
    TxEip1559 {
        to: TxKind::Create,
        value: U256::ZERO,
        gas_limit: 500_000,
        input: Bytes::copy_from_slice(initcode),
        ..transfer(nonce)
    }
}

pub(crate) fn call(nonce: u64, to: Address, input: impl Into<Bytes>) -> TxEip1559 {
    TxEip1559 {
        to: TxKind::Call(to),
        value: U256::ZERO,
        gas_limit: 100_000,
        input: input.into(),
        ..transfer(nonce)
    }
}

pub(crate) fn sign(
    tx: impl SignableTransaction<alloy_primitives::Signature> + Into<TxEnvelopeParts>,
    from: u8,
) -> TxEnvelope {
    let signature = signer(from).sign_hash_sync(&tx.signature_hash()).expect("signs");
    tx.into().signed(signature)
}

/// The kinds of transaction the tests sign.
pub(crate) enum TxEnvelopeParts {
    Eip1559(TxEip1559),
    Legacy(alloy_consensus::TxLegacy),
    Eip4844(alloy_consensus::TxEip4844),
    Eip7702(alloy_consensus::TxEip7702),
}

impl TxEnvelopeParts {
    fn signed(self, signature: alloy_primitives::Signature) -> TxEnvelope {
        match self {
            Self::Eip1559(tx) => tx.into_signed(signature).into(),
            Self::Legacy(tx) => tx.into_signed(signature).into(),
            Self::Eip4844(tx) => tx.into_signed(signature).into(),
            Self::Eip7702(tx) => tx.into_signed(signature).into(),
        }
    }
}

macro_rules! parts {
    ($($kind:ident($tx:ty)),*) => {$(
        impl From<$tx> for TxEnvelopeParts {
            fn from(tx: $tx) -> Self {
                Self::$kind(tx)
            }
        }
    )*};
}
parts!(
    Eip1559(TxEip1559),
    Legacy(alloy_consensus::TxLegacy),
    Eip4844(alloy_consensus::TxEip4844),
    Eip7702(alloy_consensus::TxEip7702)
);

pub(crate) fn submit(chain: &Chain, tx: &TxEnvelope) -> Result<TxHash, PoolError> {
    chain.submit_transaction(&tx.encoded_2718())
}

pub(crate) fn request(leading: Vec<TxEnvelope>) -> BuildRequest {
    BuildRequest {
        leading_transactions: leading,
        timestamp: 1_700_000_000,
        beneficiary: PROPOSER,
        prev_randao: B256::repeat_byte(9),
        ..BuildRequest::default()
    }
}

/// Builds and commits a block from the pool.
pub(crate) fn mine(chain: &Chain) -> CommittedBlock {
    let built = chain.build_block(request(Vec::new())).expect("builds");
    chain.commit(built, Vec::new()).expect("commits")
}
