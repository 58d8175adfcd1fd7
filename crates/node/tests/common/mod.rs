//! A real node on a free port, and a client that speaks to it over HTTP.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::{path::Path, time::Duration};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use ivm_client::Client;
use ivm_contracts::{EchoConsumer, JOB_MANAGER_ADDRESS, JobManager, hostile};
use ivm_node::{
    BlockMode, Node, NodeConfig, Storage, dev_accounts, dev_chain_config, dev_proposers,
    dev_settlement_config,
};

pub const ECHO_ELF: &[u8] = include_bytes!("../../../../programs/elf/echo.elf");
pub const VOLATILITY_ELF: &[u8] = include_bytes!("../../../../programs/elf/volatility.elf");

pub struct TestNode {
    pub node: Node,
    pub client: Client,
}

pub fn config(storage: Storage, block_mode: BlockMode) -> NodeConfig {
    let accounts = dev_accounts().unwrap();
    let proposers = dev_proposers().unwrap();
    let chain = dev_chain_config(&accounts, &proposers);
    let settlement = dev_settlement_config(&accounts).unwrap();
    let mut config = NodeConfig::new(chain, storage, block_mode, proposers, settlement);
    config.rpc.listen.set_port(0);
    config.settlement.rpc.listen.set_port(0);
    config
}

pub async fn start(storage: Storage, block_mode: BlockMode) -> TestNode {
    let node = Node::start(config(storage, block_mode)).await.unwrap();
    let signer = dev_accounts().unwrap().remove(0).signer;
    let client = Client::connect(&format!("http://{}", node.rpc_address()), signer).await.unwrap();
    TestNode { node, client }
}

pub async fn start_in_memory() -> TestNode {
    start(Storage::Memory, BlockMode::Interval(Duration::from_millis(50))).await
}

pub fn in_folder(path: &Path) -> Storage {
    Storage::Folder(path.to_owned())
}

impl TestNode {
    pub async fn quote(&self, max_cycles: u64, callback_gas: u64) -> U256 {
        let call = JobManager::quoteCall { maxCycles: max_cycles, callbackGasLimit: callback_gas };
        self.client.call(JOB_MANAGER_ADDRESS, call).await.unwrap()
    }

    pub async fn echo_program(&self) -> B256 {
        self.client.submit_program(ECHO_ELF).await.unwrap().program_id
    }

    /// A funded `EchoConsumer`.
    pub async fn echo_consumer(&self) -> Address {
        let consumer = self.client.deploy(&EchoConsumer::BYTECODE).await.unwrap();
        self.fund(consumer).await;
        consumer
    }

    /// Ten ether in the consumer's account with the manager.
    pub async fn fund(&self, consumer: Address) {
        let deposit = JobManager::depositCall { account: consumer };
        let value = U256::from(10_u64.pow(18)) * U256::from(10);
        self.client.transact(JOB_MANAGER_ADDRESS.into(), deposit.abi_encode(), value).await.unwrap();
    }

    pub async fn request_echo(
        &self,
        consumer: Address,
        program: B256,
        message: &[u8],
        max_cycles: u64,
    ) -> B256 {
        let call = EchoConsumer::requestEchoCall {
            programId: program,
            message: message.to_vec().into(),
            maxCycles: max_cycles,
        };
        self.client.request_job(consumer, call.abi_encode(), U256::ZERO).await.unwrap().0
    }

    pub async fn request_hostile(&self, consumer: Address, program: B256, input: &[u8]) -> B256 {
        let call = hostile::RevertingConsumer::requestCall {
            programId: program,
            input: input.to_vec().into(),
            maxCycles: 100_000,
        };
        self.client.request_job(consumer, call.abi_encode(), U256::ZERO).await.unwrap().0
    }
}
