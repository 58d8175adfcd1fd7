//! One client for any node: what it takes in and answers over JSON-RPC.
//!
//! The client sends from many accounts over several connections, transactions signed before the clock starts, in batches,
//! and waits when the node's pool has no room. The rate counts from the first one sent until all are mined.

use std::time::{Duration, Instant};

use alloy_consensus::TxEnvelope;
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U64, U256};
use alloy_sol_types::SolCall;
use ivm_contracts::ExampleToken;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::{ArrayParams, BatchRequestBuilder};
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::accounts::{Account, TOKEN_TRANSFER_GAS, TRANSFER_GAS};
use crate::{BenchError, percentile};

/// Connections that send, and that read.
const CONNECTIONS: usize = 8;
/// Transactions in a batch.
const BATCH: usize = 50;
/// How long a connection waits when the node takes no more.
const BACKOFF: Duration = Duration::from_millis(20);
/// How long the client waits for anything.
const PATIENCE: Duration = Duration::from_secs(180);
/// What each sender is given: 10 ether. A pool wants every waiting transaction's highest cost covered.
const FUNDS_WEI: u128 = 10_000_000_000_000_000_000;
/// What each sender is given of the token, in its smallest unit.
const TOKENS: u128 = 1_000_000_000_000_000_000;

/// How much to ask of a node.
#[derive(Clone, Copy, Debug)]
pub struct LoadPlan {
    /// Accounts that send.
    pub senders: usize,
    /// Transactions of each.
    pub transactions_per_sender: usize,
    /// How long each kind of read is asked for.
    pub read_time: Duration,
}

/// What a node did under load.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// What `web3_clientVersion` says.
    pub client_version: String,
    /// Plain transfers.
    pub transfers: SendReport,
    /// Transfers of an ERC-20.
    pub token_transfers: SendReport,
    /// `eth_getBalance`.
    pub get_balance: ReadReport,
    /// `eth_call` of `balanceOf`.
    pub call: ReadReport,
    /// `eth_getLogs` of one contract over the ten newest blocks.
    pub get_logs: ReadReport,
}

/// A run of transactions.
#[derive(Clone, Debug, Serialize)]
pub struct SendReport {
    /// How many.
    pub transactions: usize,
    /// From the first sent to the last mined.
    pub seconds: f64,
    /// Transactions by seconds.
    pub per_second: f64,
}

/// A run of reads.
#[derive(Clone, Debug, Serialize)]
pub struct ReadReport {
    /// How many.
    pub calls: usize,
    /// Calls by seconds, over all connections.
    pub per_second: f64,
    /// Half of them took at most this.
    pub p50_ms: f64,
    /// 99 in 100 took at most this.
    pub p99_ms: f64,
}

/// A run of transactions that can never be mined: each waits for one that is never sent.
#[derive(Clone, Debug, Serialize)]
pub struct FloodReport {
    /// How many were sent.
    pub sent: usize,
    /// How many the node took.
    pub taken: usize,
    /// Sent by seconds.
    pub per_second: f64,
}

/// A node under load.
#[derive(Clone, Debug)]
pub struct Target {
    url: String,
    client: HttpClient,
    chain_id: u64,
}

impl Target {
    /// Connects to a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn connect(url: &str) -> Result<Self, BenchError> {
        let client = HttpClientBuilder::default()
            .request_timeout(PATIENCE)
            .max_response_size(64 * 1024 * 1024)
            .build(url)
            .map_err(|error| failed(url, "connect", error))?;
        let mut target = Self { url: url.to_owned(), client, chain_id: 0 };
        target.chain_id = target.call::<U64>("eth_chainId", rpc_params![]).await?.to();
        Ok(target)
    }

    /// Measures everything of the plan, one after the other.
    ///
    /// # Errors
    /// When the node refuses what it should take, or takes too long.
    pub async fn measure(&self, plan: LoadPlan) -> Result<LoadReport, BenchError> {
        let mut owner = Account::dev(self.chain_id)?;
        owner.set_nonce(self.nonce(owner.address(), "pending").await?);
        let mut senders = (0..plan.senders as u64)
            .map(|number| Account::numbered(number, self.chain_id))
            .collect::<Result<Vec<_>, _>>()?;
        let token = self.prepare(&mut owner, &senders).await?;

        let count = plan.transactions_per_sender;
        let transfers = self.send_all(&mut senders, count, |sender, index| {
            // To accounts of their own: what many transfers write is then spread over the state.
            let to = Account::numbered(1_000_000 + index as u64 % 1000, self.chain_id)?.address();
            sender.sign(to.into(), U256::from(1), Bytes::new(), TRANSFER_GAS)
        });
        let transfers = transfers.await?;
        let token_transfers = self.send_all(&mut senders, count, |sender, index| {
            let to = Address::left_padding_from(&(0x1000 + index as u64 % 1000).to_be_bytes());
            let input = ExampleToken::transferCall { to, value: U256::from(1) }.abi_encode();
            sender.sign(token.into(), U256::ZERO, input, TOKEN_TRANSFER_GAS)
        });
        let token_transfers = token_transfers.await?;

        let holder = senders.first().map(Account::address).unwrap_or_default();
        let call = json!({ "to": token, "input": Bytes::from(ExampleToken::balanceOfCall { account: holder }.abi_encode()) });
        let head: U64 = self.call("eth_blockNumber", rpc_params![]).await?;
        let logs =
            json!({ "address": token, "fromBlock": head.saturating_sub(U64::from(9)), "toBlock": head });
        Ok(LoadReport {
            client_version: self.call("web3_clientVersion", rpc_params![]).await?,
            transfers,
            token_transfers,
            get_balance: self.read("eth_getBalance", rpc_params![holder, "latest"], plan.read_time).await?,
            call: self.read("eth_call", rpc_params![call, "latest"], plan.read_time).await?,
            get_logs: self.read("eth_getLogs", rpc_params![logs], plan.read_time).await?,
        })
    }

    /// Funds the senders, deploys the token, and gives some of it to each.
    async fn prepare(&self, owner: &mut Account, senders: &[Account]) -> Result<Address, BenchError> {
        let token = owner.address().create(owner.nonce());
        let mut transactions =
            vec![owner.sign(TxKind::Create, U256::ZERO, ExampleToken::BYTECODE.clone(), 3_000_000)?];
        for sender in senders {
            let to = sender.address();
            transactions.push(owner.sign(to.into(), U256::from(FUNDS_WEI), Bytes::new(), TRANSFER_GAS)?);
            let input = ExampleToken::transferCall { to, value: U256::from(TOKENS) }.abi_encode();
            transactions.push(owner.sign(token.into(), U256::ZERO, input, TOKEN_TRANSFER_GAS)?);
        }
        self.send_in_order(transactions).await?;
        self.wait_for_nonce(owner.address(), owner.nonce()).await?;
        Ok(token)
    }

    async fn send_all(
        &self,
        senders: &mut [Account],
        count: usize,
        sign: impl Fn(&mut Account, usize) -> Result<TxEnvelope, BenchError>,
    ) -> Result<SendReport, BenchError> {
        let mut lanes: Vec<Vec<Vec<TxEnvelope>>> = vec![Vec::new(); CONNECTIONS];
        for (index, sender) in senders.iter_mut().enumerate() {
            sender.set_nonce(self.nonce(sender.address(), "latest").await?);
            let signed =
                (0..count).map(|number| sign(sender, index * count + number)).collect::<Result<_, _>>()?;
            lanes[index % CONNECTIONS].push(signed);
        }
        let started = Instant::now();
        let sending: Vec<_> = lanes
            .into_iter()
            .map(|lane| {
                let target = self.clone();
                tokio::spawn(async move { target.send_lane(lane).await })
            })
            .collect();
        for lane in sending {
            lane.await.map_err(|error| failed(&self.url, "eth_sendRawTransaction", error))??;
        }
        for sender in senders.iter() {
            self.wait_for_nonce(sender.address(), sender.nonce()).await?;
        }
        let seconds = started.elapsed().as_secs_f64();
        let transactions = senders.len() * count;
        Ok(SendReport { transactions, seconds, per_second: transactions as f64 / seconds })
    }

    /// Sends some senders' transactions over one connection, a batch of each in turn.
    async fn send_lane(&self, lane: Vec<Vec<TxEnvelope>>) -> Result<(), BenchError> {
        let mut rests: Vec<_> = lanes_in_batches(lane);
        while !rests.is_empty() {
            for rest in &mut rests {
                if let Some(batch) = rest.pop() {
                    self.send_in_order(batch).await?;
                }
            }
            rests.retain(|rest| !rest.is_empty());
        }
        Ok(())
    }

    /// Sends transactions of one sender in order; what finds no room is sent again a little later.
    async fn send_in_order(&self, mut transactions: Vec<TxEnvelope>) -> Result<(), BenchError> {
        let started = Instant::now();
        while !transactions.is_empty() {
            let batch = &transactions[..transactions.len().min(BATCH)];
            let answers = self.send_batch(batch).await?;
            let taken = answers
                .iter()
                .take_while(|answer| answer.as_ref().is_none_or(|refusal| is_known(refusal)))
                .count();
            let refusal = answers.into_iter().nth(taken).flatten();
            transactions.drain(..taken);
            let Some(refusal) = refusal else { continue };
            if started.elapsed() > PATIENCE {
                return Err(failed(&self.url, "eth_sendRawTransaction", refusal));
            }
            tokio::time::sleep(BACKOFF).await;
        }
        Ok(())
    }

    /// Sends transactions that wait for ever, from the accounts of an earlier [`Target::measure`], and does not mind refusals.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn flood(&self, count: usize, senders: usize) -> Result<FloodReport, BenchError> {
        let mut accounts = Vec::new();
        for number in 0..senders.max(1) as u64 {
            let mut account = Account::numbered(number, self.chain_id)?;
            account.set_nonce(self.nonce(account.address(), "latest").await? + 10_000);
            accounts.push(account);
        }
        let mut batches = Vec::new();
        while batches.len() * BATCH < count {
            let next = batches.len() % accounts.len();
            let (account, to) = (&mut accounts[next], Address::repeat_byte(1));
            let batch = (0..BATCH).map(|_| account.sign(to.into(), U256::ZERO, Bytes::new(), TRANSFER_GAS));
            batches.push(batch.collect::<Result<Vec<_>, _>>()?);
        }
        let started = Instant::now();
        let mut taken = 0;
        for batch in &batches {
            let answers = self.send_batch(batch).await?;
            taken += answers.iter().filter(|answer| answer.is_none()).count();
        }
        let sent = batches.len() * BATCH;
        Ok(FloodReport { sent, taken, per_second: sent as f64 / started.elapsed().as_secs_f64() })
    }

    /// Sends transactions as one batch; gives the refusal of each that was refused.
    async fn send_batch(&self, transactions: &[TxEnvelope]) -> Result<Vec<Option<String>>, BenchError> {
        let failed = |reason: String| failed(&self.url, "eth_sendRawTransaction", reason);
        let mut batch = BatchRequestBuilder::new();
        for transaction in transactions {
            let raw = Bytes::from(transaction.encoded_2718());
            batch
                .insert("eth_sendRawTransaction", rpc_params![raw])
                .map_err(|error| failed(error.to_string()))?;
        }
        let answers = self.client.batch_request::<serde_json::Value>(batch).await;
        let answers = answers.map_err(|error| failed(error.to_string()))?;
        Ok(answers.into_iter().map(|answer| answer.err().map(|error| error.message().to_owned())).collect())
    }

    async fn wait_for_nonce(&self, address: Address, nonce: u64) -> Result<(), BenchError> {
        let started = Instant::now();
        while self.nonce(address, "latest").await? < nonce {
            if started.elapsed() > PATIENCE {
                return Err(BenchError::Timeout { what: "mining", limit: PATIENCE });
            }
            tokio::time::sleep(BACKOFF).await;
        }
        Ok(())
    }

    /// Asks one thing over and over, on all connections at once.
    async fn read(
        &self,
        method: &'static str,
        params: ArrayParams,
        time: Duration,
    ) -> Result<ReadReport, BenchError> {
        let started = Instant::now();
        let readers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (target, params) = (self.clone(), params.clone());
                tokio::spawn(async move {
                    let mut samples = Vec::new();
                    while started.elapsed() < time {
                        let asked = Instant::now();
                        target.call::<serde_json::Value>(method, params.clone()).await?;
                        samples.push(asked.elapsed().as_secs_f64() * 1e3);
                    }
                    Ok::<_, BenchError>(samples)
                })
            })
            .collect();
        let mut samples = Vec::new();
        for reader in readers {
            samples.extend(reader.await.map_err(|error| failed(&self.url, method, error))??);
        }
        let seconds = started.elapsed().as_secs_f64();
        Ok(ReadReport {
            calls: samples.len(),
            per_second: samples.len() as f64 / seconds,
            p50_ms: percentile(&mut samples, 50),
            p99_ms: percentile(&mut samples, 99),
        })
    }

    async fn nonce(&self, address: Address, block: &str) -> Result<u64, BenchError> {
        Ok(self.call::<U64>("eth_getTransactionCount", rpc_params![address, block]).await?.to())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: ArrayParams,
    ) -> Result<T, BenchError> {
        self.client.request(method, params).await.map_err(|error| failed(&self.url, method, error))
    }
}

/// Each sender's transactions in batches, the first batch last, to take from the end.
fn lanes_in_batches(lane: Vec<Vec<TxEnvelope>>) -> Vec<Vec<Vec<TxEnvelope>>> {
    lane.into_iter()
        .map(|transactions| transactions.chunks(BATCH).rev().map(<[TxEnvelope]>::to_vec).collect())
        .collect()
}

/// Whether a node has the transaction already: one of a batch that was refused in part and sent again.
fn is_known(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("already known")
        || message.contains("already imported")
        || message.contains("nonce too low")
}

fn failed(url: &str, method: &'static str, reason: impl ToString) -> BenchError {
    BenchError::Call { url: url.to_owned(), method, reason: reason.to_string() }
}
