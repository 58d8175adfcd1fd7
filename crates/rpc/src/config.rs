//! Where the server listens, whom it serves, and how much of everything.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::signers::DevSigners;

/// Port of a node that is not given another.
pub const DEFAULT_PORT: u16 = 8545;

/// How the server is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcConfig {
    /// Address of both HTTP and WebSocket. Port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Web pages that may read answers.
    pub cors: Cors,
    /// Accounts that `eth_accounts` lists and the node signs for: those a development chain funds.
    pub accounts: DevSigners,
    /// Tip suggested while recent blocks hold no transactions to learn from, in wei.
    pub default_tip_wei: u128,
    /// Age of the newest block from which on `/health` says that the node is not well; `None` for any age.
    pub max_head_age: Option<Duration>,
    /// Bounds on what clients may ask for.
    pub limits: RpcLimits,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            cors: Cors::Disabled,
            accounts: DevSigners::default(),
            default_tip_wei: 1_000_000_000,
            max_head_age: None,
            limits: RpcLimits::default(),
        }
    }
}

/// Cross-origin resource sharing: which web pages a browser lets read answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// None.
    #[default]
    Disabled,
    /// All (`*`). For development.
    Any,
    /// Those of these origins, such as `https://app.example`.
    Origins(Vec<String>),
}

/// How often something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Times in each window, in the long run. 0 is taken as 1.
    pub count: u32,
    /// The window.
    pub window: Duration,
    /// Times at once after a pause that is long enough. 0 is taken as 1.
    pub burst: u32,
}

impl RateLimit {
    /// So many times in a second, and up to `burst` at once.
    pub const fn per_second(count: u32, burst: u32) -> Self {
        Self { count, window: Duration::from_secs(1), burst }
    }
}

/// Bounds on what clients may ask for. Bounds on queries themselves (log range, call gas) are the chain's
/// ([`ivm_chain::QueryLimits`]); sizes of programs and inputs are the protocol's ([`ivm_primitives::limits`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcLimits {
    /// Most bytes of an HTTP body or a WebSocket message. The largest call is a payload of 10 MiB in hex.
    pub max_request_size_bytes: u32,
    /// Most bytes of an answer.
    pub max_response_size_bytes: u32,
    /// How long a connection may send nothing between requests, and how long the head of a request may take.
    pub idle_timeout: Duration,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub write_timeout: Duration,
    /// Most connections, HTTP and WebSocket together; further ones are refused.
    pub max_connections: u32,
    /// Most calls in a batch.
    pub max_batch_length: u32,
    /// Most calls that read the store or run the EVM at once.
    pub max_running_calls: usize,
    /// Most traces made at once: each holds as many frames as its gas pays for.
    pub max_running_traces: usize,
    /// Most bytes a trace records.
    pub max_trace_size_bytes: usize,
    /// Most time a trace takes, whatever its options ask for.
    pub max_trace_time: Duration,
    /// Most time a call, an estimate or a simulation takes.
    pub max_call_time: Duration,
    /// How long a transaction that is sent and waited for is waited for when its sender says nothing.
    pub send_sync_time: Duration,
    /// Most time such a transaction is waited for.
    pub max_send_sync_time: Duration,
    /// Most calls of one connection that are under way at once; further ones are refused.
    pub max_calls_per_connection: usize,
    /// Most calls, and most traces, that wait for their turn; further ones are refused.
    pub max_waiting_calls: usize,
    /// Most subscriptions of a connection.
    pub max_subscriptions_per_connection: u32,
    /// Most messages that wait for a slow WebSocket client.
    pub max_waiting_messages: u32,
    /// How long a subscription waits for a client that does not read, before it ends.
    pub slow_subscriber_timeout: Duration,
    /// How often a WebSocket client is pinged; one that misses two answers is disconnected.
    pub ping_interval: Duration,
    /// Most filters (`eth_newFilter` and its like) of all clients together.
    pub max_filters: usize,
    /// How long a filter lives that nobody asks for its changes.
    pub filter_idle_timeout: Duration,
    /// Most hashes a pending-transaction filter looks back on.
    pub max_pending_history: usize,
    /// Most addresses of a log filter, and most alternatives of each of its topics.
    pub max_filter_alternatives: usize,
    /// Most slots of one `eth_getProof`.
    pub max_proof_slots: usize,
    /// Most percentiles of one `eth_feeHistory`.
    pub max_reward_percentiles: usize,
    /// How often one connection may submit requests for jobs, over JSON-RPC and REST together. What a connection is
    /// counts for proxies too: one in front of the node should be given more, and hold its own clients to less.
    pub submissions_per_connection: RateLimit,
    /// How often requests of one consumer are taken, whoever sends them. Those that are refused do not count, so that
    /// nobody uses up what belongs to another's consumer.
    pub submissions_per_consumer: RateLimit,
    /// Most consumers that are counted; those that have been silent longest are forgotten.
    pub max_counted_consumers: usize,
    /// How often one connection may have jobs estimated. An estimate runs the job.
    pub estimates_per_connection: RateLimit,
    /// Most estimates of one connection that are made at once.
    pub max_running_estimates_per_connection: usize,
    /// Most estimates that are made at once for all.
    pub max_running_estimates: usize,
    /// Most streams of a job's events at once. Each is a connection, which counts as one besides.
    pub max_event_streams: usize,
    /// How long such a stream is silent at most: then it says that it is alive, and looks at its job again.
    pub event_heartbeat: Duration,
    /// How often such a stream looks at its job where the node does not tell of changes.
    pub event_poll_interval: Duration,
    /// How long a stopping server waits for calls under way.
    pub stop_timeout: Duration,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            max_request_size_bytes: 32 * 1024 * 1024,
            max_response_size_bytes: 64 * 1024 * 1024,
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_connections: 1024,
            max_batch_length: 1000,
            max_running_calls: 64,
            max_running_traces: 2,
            max_trace_size_bytes: 64 * 1024 * 1024,
            max_trace_time: Duration::from_secs(60),
            max_call_time: Duration::from_secs(5),
            send_sync_time: Duration::from_secs(20),
            max_send_sync_time: Duration::from_secs(60),
            max_calls_per_connection: 64,
            max_waiting_calls: 4096,
            max_subscriptions_per_connection: 128,
            max_waiting_messages: 1024,
            slow_subscriber_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(30),
            max_filters: 4096,
            filter_idle_timeout: Duration::from_secs(300),
            max_pending_history: 16_384,
            max_filter_alternatives: 1000,
            max_proof_slots: 1024,
            max_reward_percentiles: 100,
            submissions_per_connection: RateLimit::per_second(256, 512),
            submissions_per_consumer: RateLimit::per_second(256, 1024),
            max_counted_consumers: 16_384,
            estimates_per_connection: RateLimit::per_second(8, 16),
            max_running_estimates_per_connection: 2,
            max_running_estimates: 16,
            max_event_streams: 512,
            event_heartbeat: Duration::from_secs(15),
            event_poll_interval: Duration::from_millis(200),
            stop_timeout: Duration::from_secs(5),
        }
    }
}
