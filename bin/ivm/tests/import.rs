//! An Ethereum chain from a file, as a person has it: imported, exported, carried as a snapshot, served.

#![allow(clippy::unwrap_used)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use alloy_primitives::{Address, Bytes, U64, U256};
use alloy_sol_types::SolCall;
use common::{command, fail, ivm, succeed, text};
use ivm_bench::accounts::Account;
use ivm_chain::{BuildRequest, Chain, ChainConfig, Storage};
use ivm_client::{Client, rpc_params};
use ivm_contracts::ExampleToken;
use ivm_node::dev_accounts;
use serde_json::{Value, json};

const CHAIN_ID: u64 = 77;
const BLOCKS: u64 = 5;

/// A genesis as geth's tools write it: every fork from the start, the merge after the first block.
fn genesis(owner: Address) -> Value {
    let zero_blocks = [
        "homesteadBlock",
        "eip150Block",
        "eip155Block",
        "eip158Block",
        "byzantiumBlock",
        "constantinopleBlock",
        "petersburgBlock",
        "istanbulBlock",
        "berlinBlock",
        "londonBlock",
        "mergeNetsplitBlock",
        "shanghaiTime",
        "cancunTime",
        "pragueTime",
    ];
    let mut config = json!({ "chainId": CHAIN_ID, "terminalTotalDifficulty": 131_072, "ethash": {} });
    for fork in zero_blocks {
        config[fork] = 0.into();
    }
    json!({
        "config": config,
        "nonce": "0x0",
        "timestamp": "0x0",
        "extraData": "0x68697665636861696e",
        "gasLimit": "0x23f3e20",
        "difficulty": "0x20000",
        "mixHash": "0x0000000000000000000000000000000000000000000000000000000000000000",
        "coinbase": "0x0000000000000000000000000000000000000000",
        "alloc": { owner.to_string(): { "balance": "0xc097ce7bc90715b34b9f1000000000" } },
        "number": "0x0",
        "gasUsed": "0x0",
        "parentHash": "0x0000000000000000000000000000000000000000000000000000000000000000",
        "baseFeePerGas": "0x3b9aca00",
    })
}

struct Files {
    folder: tempfile::TempDir,
    token: Address,
    owner: Address,
    head: String,
}

impl Files {
    /// A genesis file, and a file of blocks in which a token is deployed and handed around.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut owner = Account::dev(CHAIN_ID).unwrap();
        let text = genesis(owner.address()).to_string();
        fs::write(folder.path().join("genesis.json"), &text).unwrap();
        let config = ChainConfig::ethereum(serde_json::from_str(&text).unwrap()).unwrap();
        let chain = Chain::open(config, Storage::Memory).unwrap();
        let token = owner.address().create(0);
        for number in 1..=BLOCKS {
            let transaction = if number == 1 {
                owner.sign(
                    alloy_primitives::TxKind::Create,
                    U256::ZERO,
                    ExampleToken::BYTECODE.clone(),
                    3_000_000,
                )
            } else {
                let to = Address::with_last_byte(number as u8);
                let call = ExampleToken::transferCall { to, value: U256::from(number) };
                owner.sign(token.into(), U256::ZERO, call.abi_encode(), 60_000)
            };
            let request =
                BuildRequest { leading_transactions: vec![transaction.unwrap()], ..Default::default() };
            let built = chain.build_block(request).unwrap();
            assert!(built.rejected_leading().is_empty(), "{:?}", built.rejected_leading());
            chain.commit(built, Vec::new()).unwrap();
        }
        let mut file = fs::File::create(folder.path().join("chain.rlp")).unwrap();
        chain.export_file(&mut file, 1..=BLOCKS, &mut |_| {}).unwrap();
        Self { head: chain.head().block.hash().to_string(), owner: owner.address(), folder, token }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn argument(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn import(&self, file: &str, data: &str) -> Vec<String> {
        let (file, genesis, data) = (self.argument(file), self.argument("genesis.json"), self.argument(data));
        ["import", &file, "--genesis", &genesis, "--data-dir", &data].map(str::to_owned).to_vec()
    }
}

struct Serving {
    process: Child,
    url: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(data: &Path) -> Serving {
    let mut process = command(["serve", "--http-port", "0", "--data-dir", data.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.starts_with("JSON-RPC")).expect("it says where it serves");
    Serving { process, url: line.trim_start_matches("JSON-RPC").trim().to_owned() }
}

async fn balance(client: &Client, token: Address, account: Address) -> U256 {
    let call = ExampleToken::balanceOfCall { account }.abi_encode();
    let call = json!({ "to": token, "input": Bytes::from(call) });
    let output: Bytes = client.request("eth_call", rpc_params![call, "latest"]).await.unwrap();
    U256::from_be_slice(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_imported_exported_carried_and_served() {
    let files = Files::new();
    let printed = succeed(files.import("chain.rlp", "data"));
    assert!(printed.contains("5 blocks") && printed.contains(&files.head), "{printed}");
    let again = succeed(files.import("chain.rlp", "data"));
    assert!(again.contains("5 blocks were there already"), "{again}");

    let exported = files.argument("exported.rlp");
    succeed(["export", &exported, "--data-dir", &files.argument("data")]);
    assert_eq!(fs::read(&exported).unwrap(), fs::read(files.path("chain.rlp")).unwrap());

    let snapshot = files.argument("state.snapshot");
    succeed(["snapshot", "export", &snapshot, "--data-dir", &files.argument("data")]);
    let genesis = files.argument("genesis.json");
    let carried = files.argument("carried");
    let printed = succeed(["snapshot", "import", &snapshot, "--genesis", &genesis, "--data-dir", &carried]);
    assert!(printed.contains(&files.head), "{printed}");

    for data in ["data", "carried"] {
        let serving = serve(&files.path(data));
        let signer = dev_accounts().unwrap().remove(0).signer;
        let client = Client::connect(&serving.url, signer).await.unwrap();
        assert_eq!(client.chain_id(), CHAIN_ID);
        let head: Value = client.request("eth_getBlockByNumber", rpc_params!["latest", false]).await.unwrap();
        assert_eq!(head["hash"], files.head.as_str());
        assert_eq!(balance(&client, files.token, Address::with_last_byte(5)).await, U256::from(5));
        let nonce: U64 =
            client.request("eth_getTransactionCount", rpc_params![files.owner, "latest"]).await.unwrap();
        assert_eq!(nonce, U64::from(BLOCKS));
        let logs = json!({ "address": files.token, "fromBlock": "0x1", "toBlock": "latest" });
        let logs: Vec<Value> = client.request("eth_getLogs", rpc_params![logs]).await.unwrap();
        assert_eq!(logs.len(), BLOCKS as usize);
    }
}

#[test]
fn what_is_wrong_is_named_and_what_came_before_stays() {
    let files = Files::new();
    let mut blocks = fs::read(files.path("chain.rlp")).unwrap();
    let length = blocks.len();
    blocks[length - 40] ^= 1;
    fs::write(files.path("changed.rlp"), &blocks).unwrap();
    let output = ivm(files.import("changed.rlp", "data"));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(!output.status.success() && stderr.contains("block 5"), "{stderr}");
    assert!(stdout.contains("4 blocks") && !stderr.contains("panicked at"), "{stdout}");
    let mended = succeed(files.import("chain.rlp", "data"));
    assert!(mended.contains("1 blocks") && mended.contains("4 blocks were there already"), "{mended}");

    fail(files.import("no-such.rlp", "data"), "cannot open");
    let mut other = genesis(files.owner);
    other["timestamp"] = "0x1".into();
    fs::write(files.path("genesis.json"), other.to_string()).unwrap();
    fail(files.import("chain.rlp", "data"), "holds the chain with genesis");
    fail(["serve", "--http-port", "0", "--data-dir", &files.argument("nothing")], "holds no Ethereum chain");
}
