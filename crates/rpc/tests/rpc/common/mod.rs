//! A server on a free port, a chain with funded accounts behind it, and clients.

pub(crate) mod http;
pub(crate) mod jobs;

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, TxHash, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use async_trait::async_trait;
use ivm_chain::{BuildRequest, Chain, ChainConfig, CommittedBlock, Storage};
use ivm_rpc::{
    IvmBackend, IvmError, JobInfo, JobKind, JobOutcome, JobOutcomeStatus, JobState, ProgramInfo, ProofInfo,
    ProofState, RpcConfig, RpcServer, SettlementInfo, SubmittedProgram, serve,
};
use jsonrpsee::client_transport::ws::{Url, WsTransportClientBuilder};
use jsonrpsee::core::client::{Client, ClientBuilder};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const CHAIN_ID: u64 = 4956;
pub(crate) const GWEI: u128 = 1_000_000_000;
pub(crate) const GENESIS_TIME: u64 = 1_700_000_000;
pub(crate) const RECIPIENT: Address = Address::repeat_byte(0x77);

/// Creation code of a contract that stores a word of calldata in slot 0 and logs it with topic 0xaa, and that without
/// calldata returns slot 0.
pub(crate) const STORE_INITCODE: [u8; 37] =
    hex!("601c8060095f395ff33615601357 5f35805f555f5260aa60205fa1005b5f545f5260205ff3");
/// Code that reverts with `Error("no")`, and creation code of it.
pub(crate) const REVERT_INITCODE: [u8; 130] = hex!(
    "60798060095f395ff3"
    "6064601560003960646000fd"
    "000000000000000000"
    "08c379a0"
    "0000000000000000000000000000000000000000000000000000000000000020"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "6e6f000000000000000000000000000000000000000000000000000000000000"
);

pub(crate) struct Node {
    pub(crate) chain: Chain,
    pub(crate) server: RpcServer,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut RpcConfig)) -> Self {
        Self::start_over(Some(Arc::new(Backend)), change).await
    }

    pub(crate) async fn start_over(
        backend: Option<Arc<dyn IvmBackend>>,
        change: impl FnOnce(&mut RpcConfig),
    ) -> Self {
        let mut config = RpcConfig { listen: "127.0.0.1:0".parse().unwrap(), ..RpcConfig::default() };
        config.accounts = [signer(0)].into_iter().collect();
        change(&mut config);
        let chain = Chain::open(chain_config(), Storage::Memory).unwrap();
        let server = serve(config, chain.clone(), backend, None).await.unwrap();
        Self { chain, server }
    }

    /// A node that only reads, over a chain of its own.
    pub(crate) async fn start_on(chain: Chain) -> Self {
        let config = RpcConfig { listen: "127.0.0.1:0".parse().unwrap(), ..RpcConfig::default() };
        let server = serve(config, chain.clone(), None, None).await.unwrap();
        Self { chain, server }
    }

    pub(crate) async fn ws(&self) -> Client {
        let url = format!("ws://{}", self.server.local_addr());
        let transport = WsTransportClientBuilder::default();
        let (sender, receiver) = transport.build(Url::parse(&url).unwrap()).await.unwrap();
        ClientBuilder::default().build_with_tokio(sender, receiver)
    }

    /// The result of a call that must succeed.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The error of a call that must fail.
    pub(crate) async fn fails(&self, method: &str, params: Value) -> ErrorObjectOwned {
        let answer = self.request(method, params).await;
        assert!(answer.get("error").is_some(), "{method}: {answer}");
        serde_json::from_value(answer["error"].clone()).unwrap()
    }

    async fn request(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        serde_json::from_str(&self.post(&body.to_string()).await.1).unwrap()
    }

    /// HTTP status and body of a POST of this body.
    pub(crate) async fn post(&self, body: &str) -> (u16, String) {
        let (head, body) = self.exchange(body, "").await;
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
    }

    /// HTTP head and body of a POST of this body with this header.
    pub(crate) async fn exchange(&self, body: &str, header: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.server.local_addr()).await.unwrap();
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{header}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// HTTP head and body of a GET.
    pub(crate) async fn get(&self, path: &str) -> (String, String) {
        self.read("GET", path, "Host: x\r\n").await
    }

    /// HTTP head and body of a request without a body, with these headers.
    pub(crate) async fn read(&self, method: &str, path: &str, headers: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.server.local_addr()).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// All that is said to a POST of these bytes.
    pub(crate) async fn post_bytes(&self, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.server.local_addr()).await.unwrap();
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Builds and commits a block from the pool.
    pub(crate) fn mine(&self) -> CommittedBlock {
        let request = BuildRequest {
            timestamp: GENESIS_TIME + self.chain.head().block.number(),
            beneficiary: Address::repeat_byte(0xbe),
            ..BuildRequest::default()
        };
        let built = self.chain.build_block(request).unwrap();
        self.chain.commit(built, Vec::new()).unwrap()
    }

    /// Sends a transaction of an account over RPC.
    pub(crate) async fn send(&self, transaction: TxEip1559, from: u8) -> TxHash {
        let raw = raw(sign(transaction, from));
        serde_json::from_value(self.call("eth_sendRawTransaction", json!([raw])).await).unwrap()
    }

    /// Deploys a contract from account 0 and mines it.
    pub(crate) async fn deploy(&self, nonce: u64, initcode: &[u8]) -> Address {
        self.send(create(nonce, initcode), 0).await;
        let mined = self.mine();
        assert!(mined.receipts.last().unwrap().status(), "deployed");
        signer(0).address().create(nonce)
    }
}

pub(crate) fn signer(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index + 1)).unwrap()
}

pub(crate) fn chain_config() -> ChainConfig {
    let account =
        GenesisAccount { balance: U256::from(1000 * GWEI) * U256::from(GWEI), ..GenesisAccount::default() };
    ChainConfig {
        alloc: (0..2).map(|index| (signer(index).address(), account.clone())).collect(),
        genesis_timestamp: GENESIS_TIME,
        ..ChainConfig::default()
    }
}

/// A valid transfer of 1 wei.
pub(crate) fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: TxKind::Call(RECIPIENT),
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

pub(crate) fn invoke(nonce: u64, to: Address, word: u64) -> TxEip1559 {
    TxEip1559 {
        to: TxKind::Call(to),
        value: U256::ZERO,
        gas_limit: 100_000,
        input: B256::from(U256::from(word)).into(),
        ..transfer(nonce)
    }
}

pub(crate) fn sign(transaction: TxEip1559, from: u8) -> TxEnvelope {
    let signature = signer(from).sign_hash_sync(&transaction.signature_hash()).unwrap();
    transaction.into_signed(signature).into()
}

pub(crate) fn raw(transaction: TxEnvelope) -> Bytes {
    transaction.encoded_2718().into()
}

/// Knows one program and one job, all 0x11; fails by what it is asked for.
pub(crate) struct Backend;

pub(crate) const KNOWN: B256 = B256::repeat_byte(0x11);

fn program() -> SubmittedProgram {
    SubmittedProgram {
        program_id: KNOWN,
        elf_hash: KNOWN,
        elf_size_bytes: 1000,
        instructions: 250,
        registered: true,
    }
}

#[async_trait]
impl IvmBackend for Backend {
    async fn submit_program(&self, elf: Bytes) -> Result<SubmittedProgram, IvmError> {
        match elf.first() {
            Some(0x7f) => Ok(program()),
            Some(0xff) => Err(IvmError::Busy { what: "programs wait for admission", limit: 4 }),
            _ => Err(IvmError::InvalidProgram { reason: "not an ELF file".to_owned() }),
        }
    }

    async fn program(&self, program_id: B256) -> Result<Option<ProgramInfo>, IvmError> {
        Ok((program_id == KNOWN).then(|| ProgramInfo { program: program(), registered_block: Some(17) }))
    }

    async fn submit_payload(&self, payload: Bytes) -> Result<B256, IvmError> {
        Ok(alloy_primitives::keccak256(payload))
    }

    async fn job(&self, job_id: B256) -> Result<Option<JobInfo>, IvmError> {
        Ok((job_id == KNOWN).then(|| JobInfo {
            job_id,
            kind: JobKind::Onchain,
            nonce: 3,
            cycle_price_wei: Some(1_000_000),
            consumer: RECIPIENT,
            program_id: KNOWN,
            onchain_input_hash: KNOWN,
            offchain_input_hash: KNOWN,
            input_commitment: KNOWN,
            max_cycles: 1_000_000,
            callback_gas_limit: 200_000,
            deadline_block: 100,
            requested_block: Some(10),
            state: JobState::CallbackFailed,
            result_block: Some(11),
            result_transaction: Some(KNOWN),
            outcome: Some(JobOutcome {
                status: JobOutcomeStatus::Success,
                data: Bytes::from_static(&[1, 2]),
                hash: KNOWN,
            }),
            cycles: Some(4096),
            no_outcome_reason: None,
        }))
    }

    async fn proof(&self, job_id: B256) -> Result<ProofInfo, IvmError> {
        if job_id != KNOWN {
            return Err(IvmError::UnknownJob { job_id });
        }
        Ok(ProofInfo {
            state: ProofState::Queued,
            proof: None,
            proof_size_bytes: None,
            prove_ms: None,
            error: None,
        })
    }

    async fn settlement(&self) -> Result<SettlementInfo, IvmError> {
        Ok(SettlementInfo {
            chain_id: 4957,
            contract: RECIPIENT,
            rpc_port: Some(8546),
            head_block: 7,
            validating: true,
            refused: Vec::new(),
        })
    }
}
