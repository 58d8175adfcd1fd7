//! A set of full blocks of mixed work: a third of the gas each for transfers, token transfers, and a contract that hashes
//! and writes storage.

use std::collections::BTreeMap;

use alloy_consensus::TxEnvelope;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, TxKind, U256, address, hex};
use alloy_sol_types::SolCall;
use ivm_chain::{BuildRequest, Chain, ChainConfig, SealedBlock, Storage};
use ivm_contracts::ExampleToken;

use crate::BenchError;
use crate::accounts::{Account, TOKEN_TRANSFER_GAS, TRANSFER_GAS};

/// Accounts that send.
const SENDERS: u64 = 200;
/// Where the contract that hashes is.
const WORKER: Address = address!("00000000000000000000000000000000000b3eac");
/// Its code: hashes as often as its first word says, then stores the last hash in the slot that its second word names.
const WORKER_CODE: [u8; 37] =
    hex!("6000355b8015601c57806000526020600020602052600190036003565b60205160203555 00");
/// Hashes of one call, and the gas it may use.
const HASHES: u64 = 300;
const WORKER_GAS: u64 = 120_000;
/// Gas used by one of each, to share a block out.
const USED_GAS: [(Kind, u64); 3] = [(Kind::Transfer, 21_000), (Kind::Token, 40_000), (Kind::Work, 85_000)];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Transfer,
    Token,
    Work,
}

/// Blocks, and the chain they are of.
#[derive(Debug)]
pub struct BlockSet {
    /// What the chain is opened with.
    pub config: ChainConfig,
    /// The blocks from number 1 on. The first two set things up, the others are full.
    pub blocks: Vec<SealedBlock>,
}

impl BlockSet {
    /// Builds so many full blocks, on a chain in memory.
    ///
    /// # Errors
    /// When the chain refuses something, which is a bug.
    pub fn build(full_blocks: u64) -> Result<Self, BenchError> {
        let config = config()?;
        let chain = Chain::open(config.clone(), Storage::Memory)?;
        let mut source = Source::new(&config)?;
        let mut blocks = vec![commit(&chain, vec![source.deploy()?])?, commit(&chain, source.hand_out()?)?];
        for _ in 0..full_blocks {
            let transactions = source.mixed(config.block_gas_limit)?;
            blocks.push(commit(&chain, transactions)?);
        }
        Ok(Self { config, blocks })
    }

    /// Gas used by all blocks.
    pub fn gas_used(&self) -> u64 {
        self.blocks.iter().map(|block| block.header().gas_used).sum()
    }

    /// Transactions of all blocks.
    pub fn transactions(&self) -> usize {
        self.blocks.iter().map(|block| block.transactions().len()).sum()
    }
}

/// A chain with funded senders, the contract that hashes, and a base fee that has room to rise.
pub(crate) fn config() -> Result<ChainConfig, BenchError> {
    let mut config = ChainConfig { genesis_base_fee_wei: 7, ..ChainConfig::default() };
    config.pool.max_per_sender = 100_000;
    config.pool.max_transactions = 100_000;
    let funds = U256::from(10).pow(U256::from(27));
    let mut alloc = BTreeMap::new();
    for number in 0..=SENDERS {
        let account = Account::numbered(number, config.chain_id)?.address();
        alloc.insert(account, GenesisAccount { balance: funds, ..GenesisAccount::default() });
    }
    let code = Some(Bytes::from_static(&WORKER_CODE));
    alloc.insert(WORKER, GenesisAccount { code, nonce: Some(1), ..GenesisAccount::default() });
    config.alloc = alloc;
    Ok(config)
}

pub(crate) fn commit(
    chain: &Chain,
    leading_transactions: Vec<TxEnvelope>,
) -> Result<SealedBlock, BenchError> {
    let expected = leading_transactions.len();
    let timestamp = chain.head().block.header().timestamp + 1;
    let request = BuildRequest { leading_transactions, timestamp, ..BuildRequest::default() };
    let built = chain.build_block(request)?;
    let got = built.block().transactions().len();
    if got != expected {
        let (got, expected) = (got.to_string(), expected.to_string());
        return Err(BenchError::Different { what: "transactions of a block", got, expected });
    }
    Ok(chain.commit(built, Vec::new())?.block)
}

/// Where transactions come from.
#[derive(Clone)]
pub(crate) struct Source {
    owner: Account,
    senders: Vec<Account>,
    token: Address,
    made: u64,
}

impl Source {
    pub(crate) fn new(config: &ChainConfig) -> Result<Self, BenchError> {
        let owner = Account::numbered(SENDERS, config.chain_id)?;
        let senders = (0..SENDERS)
            .map(|number| Account::numbered(number, config.chain_id))
            .collect::<Result<Vec<_>, _>>()?;
        let token = owner.address().create(0);
        Ok(Self { owner, senders, token, made: 0 })
    }

    pub(crate) fn deploy(&mut self) -> Result<TxEnvelope, BenchError> {
        self.owner.sign(TxKind::Create, U256::ZERO, ExampleToken::BYTECODE.clone(), 3_000_000)
    }

    pub(crate) fn hand_out(&mut self) -> Result<Vec<TxEnvelope>, BenchError> {
        let Self { owner, senders, token, .. } = self;
        senders
            .iter()
            .map(|sender| {
                let call =
                    ExampleToken::transferCall { to: sender.address(), value: U256::from(1_000_000_000) };
                owner.sign((*token).into(), U256::ZERO, call.abi_encode(), TOKEN_TRANSFER_GAS)
            })
            .collect()
    }

    /// Transactions of mixed work that use about so much gas, and fit into a block with this limit.
    pub(crate) fn mixed(&mut self, gas_limit: u64) -> Result<Vec<TxEnvelope>, BenchError> {
        // The last ones need room for the gas they may use, not only for what they do; and new accounts cost more.
        let share = (gas_limit - gas_limit / 14) / 3;
        let mut transactions = Vec::new();
        for (kind, gas) in USED_GAS {
            for _ in 0..share / gas {
                transactions.push(self.next(kind)?);
            }
        }
        Ok(transactions)
    }

    /// Leaves some out, so that what follows differs.
    pub(crate) fn skip(&mut self, count: u64) {
        self.made += count;
    }

    /// Transfers alone.
    pub(crate) fn transfers(&mut self, gas_limit: u64) -> Result<Vec<TxEnvelope>, BenchError> {
        (0..gas_limit / TRANSFER_GAS).map(|_| self.next(Kind::Transfer)).collect()
    }

    fn next(&mut self, kind: Kind) -> Result<TxEnvelope, BenchError> {
        self.made += 1;
        let number = self.made;
        let index = (number % self.senders.len() as u64) as usize;
        let sender = &mut self.senders[index];
        // Every fourth to an account that was not there before.
        let receiver = if number.is_multiple_of(4) { number } else { number % 1000 };
        let to = Address::left_padding_from(&(0x10_0000 + receiver).to_be_bytes());
        match kind {
            Kind::Transfer => sender.sign(to.into(), U256::from(1), Bytes::new(), TRANSFER_GAS),
            Kind::Token => {
                let call = ExampleToken::transferCall { to, value: U256::from(1) };
                sender.sign(self.token.into(), U256::ZERO, call.abi_encode(), TOKEN_TRANSFER_GAS)
            }
            Kind::Work => {
                let input = [U256::from(HASHES), U256::from(receiver)].map(|word| word.to_be_bytes::<32>());
                sender.sign(WORKER.into(), U256::ZERO, input.concat(), WORKER_GAS)
            }
        }
    }
}
