//! How quickly a file of transfers is imported: `cargo run --release -p ivm-chain --example import_speed -- BLOCKS`.

use std::error::Error;
use std::time::Instant;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_genesis::{ChainConfig as GenesisConfig, Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ivm_chain::{BuildRequest, Chain, ChainConfig, Storage};

/// Senders, each of whom has one transaction in a block.
const SENDERS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let blocks: u64 = std::env::args().nth(1).map_or(Ok(20), |argument| argument.parse())?;
    let signers = (1..=SENDERS)
        .map(|index| PrivateKeySigner::from_bytes(&B256::from(U256::from(index))))
        .collect::<Result<Vec<_>, _>>()?;
    let config = ChainConfig::ethereum(genesis(&signers))?;
    let chain = Chain::open(config.clone(), Storage::Memory)?;
    for nonce in 0..blocks {
        let transactions = signers.iter().map(|signer| transfer(signer, nonce)).collect::<Result<_, _>>()?;
        let request = BuildRequest { leading_transactions: transactions, ..BuildRequest::default() };
        let built = chain.build_block(request)?;
        chain.commit(built, Vec::new())?;
    }
    let mut file = Vec::new();
    chain.export_file(&mut file, 1..=blocks, &mut |_| {})?;

    let folder = tempfile::tempdir()?;
    for (name, storage) in
        [("in memory", Storage::Memory), ("on disk", Storage::Path(folder.path().to_owned()))]
    {
        let copy = Chain::open(config.clone(), storage)?;
        let start = Instant::now();
        let done = copy.import_file(file.as_slice(), &mut |_| {})?;
        let seconds = start.elapsed().as_secs_f64();
        let (transactions, mgas) = (done.transactions, done.gas as f64 / 1e6);
        println!(
            "{name}: {blocks} blocks, {transactions} transfers, {mgas:.1} Mgas in {seconds:.2} s: {:.1} Mgas/s, {:.0} \
             transfers/s",
            mgas / seconds,
            transactions as f64 / seconds,
        );
    }
    Ok(())
}

fn genesis(signers: &[PrivateKeySigner]) -> Genesis {
    let rich = GenesisAccount { balance: U256::from(10).pow(U256::from(24)), ..GenesisAccount::default() };
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
        terminal_total_difficulty: Some(U256::ZERO),
        shanghai_time: Some(0),
        ..GenesisConfig::default()
    };
    let alloc = signers.iter().map(|signer| (signer.address(), rich.clone())).collect();
    Genesis { config, alloc, gas_limit: 30_000_000, ..Genesis::default() }
}

fn transfer(signer: &PrivateKeySigner, nonce: u64) -> Result<TxEnvelope, Box<dyn Error>> {
    let tx = TxEip1559 {
        chain_id: 1,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1 << 60,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(Address::from_word(B256::from(U256::from(nonce)))),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signature = signer.sign_hash_sync(&tx.signature_hash())?;
    Ok(tx.into_signed(signature).into())
}
