//! What is counted, in Prometheus's text format.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use ivm_chain::Chain;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Upper end of the first bucket of latencies, in seconds; each further one is four times as wide.
const FIRST_BUCKET_SECONDS: f64 = 0.000_1;
const BUCKETS: u16 = 9;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    /// `ok`, or the code of the error.
    outcome: String,
}

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    latency: Family<MethodLabels, Histogram>,
    refused_connections: Counter,
    connections: Gauge,
    subscriptions: Gauge,
    event_streams: Gauge,
    head: Gauge<u64, AtomicU64>,
    head_timestamp: Gauge<u64, AtomicU64>,
    head_gas_used: Gauge<u64, AtomicU64>,
    block_gas_limit: Gauge<u64, AtomicU64>,
    blocks: Counter,
    gas_used: Counter,
    reorgs: Counter,
    pool_pending: Gauge,
    pool_queued: Gauge,
}

/// Counts one more of something while it lives.
pub(crate) struct Counted(Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn latencies() -> Histogram {
    Histogram::new(exponential_buckets(FIRST_BUCKET_SECONDS, 4.0, BUCKETS))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Mutex::default(),
            requests: Family::default(),
            latency: Family::new_with_constructor(latencies as fn() -> Histogram),
            refused_connections: Counter::default(),
            connections: Gauge::default(),
            subscriptions: Gauge::default(),
            event_streams: Gauge::default(),
            head: Gauge::default(),
            head_timestamp: Gauge::default(),
            head_gas_used: Gauge::default(),
            block_gas_limit: Gauge::default(),
            blocks: Counter::default(),
            gas_used: Counter::default(),
            reorgs: Counter::default(),
            pool_pending: Gauge::default(),
            pool_queued: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let mut registry = self.registry.lock();
        let rpc = registry.sub_registry_with_prefix("ivm_rpc");
        rpc.register("requests", "Calls by method and outcome", self.requests.clone());
        let help = "How long calls took";
        rpc.register_with_unit("request_duration", help, Unit::Seconds, self.latency.clone());
        rpc.register("connections", "Open connections", self.connections.clone());
        let help = "Connections refused because there were too many";
        rpc.register("refused_connections", help, self.refused_connections.clone());
        rpc.register("subscriptions", "Open subscriptions", self.subscriptions.clone());
        rpc.register("event_streams", "Open streams of events of jobs", self.event_streams.clone());
        let chain = registry.sub_registry_with_prefix("ivm_chain");
        chain.register("head", "Number of the newest block", self.head.clone());
        let help = "Timestamp of the newest block";
        chain.register_with_unit("head_timestamp", help, Unit::Seconds, self.head_timestamp.clone());
        chain.register("head_gas_used", "Gas used by the newest block", self.head_gas_used.clone());
        chain.register("block_gas_limit", "Gas limit of the newest block", self.block_gas_limit.clone());
        chain.register("blocks", "Blocks that became the head since the start", self.blocks.clone());
        chain.register("gas_used", "Gas used by those blocks", self.gas_used.clone());
        chain.register(
            "reorgs",
            "Times the head moved to another branch since the start",
            self.reorgs.clone(),
        );
        let pool = registry.sub_registry_with_prefix("ivm_pool");
        pool.register("pending", "Transactions that can be mined now", self.pool_pending.clone());
        pool.register("queued", "Transactions that wait for others", self.pool_queued.clone());
    }

    /// A call was answered: with this error, or well. `method` is of JSON-RPC, or a route of REST.
    pub(crate) fn request(&self, method: &'static str, error: Option<i32>, took: Duration) {
        let outcome = error.map_or_else(|| "ok".to_owned(), |code| code.to_string());
        self.requests.get_or_create(&RequestLabels { method, outcome }).inc();
        self.latency.get_or_create(&MethodLabels { method }).observe(took.as_secs_f64());
    }

    pub(crate) fn connection_refused(&self) {
        self.refused_connections.inc();
    }

    pub(crate) fn connection(&self) -> Counted {
        self.connections.inc();
        Counted(self.connections.clone())
    }

    pub(crate) fn subscription(&self) -> Counted {
        self.subscriptions.inc();
        Counted(self.subscriptions.clone())
    }

    pub(crate) fn event_stream(&self) -> Counted {
        self.event_streams.inc();
        Counted(self.event_streams.clone())
    }

    /// A block became the head.
    pub(crate) fn block(&self, gas_used: u64) {
        self.blocks.inc();
        self.gas_used.inc_by(gas_used);
    }

    pub(crate) fn reorg(&self) {
        self.reorgs.inc();
    }

    /// All figures as text, those of the chain as they are now.
    pub(crate) fn text(&self, chain: &Chain) -> Result<String, fmt::Error> {
        let head = chain.head().block;
        self.head.set(head.number());
        self.head_timestamp.set(head.header().timestamp);
        self.head_gas_used.set(head.header().gas_used);
        self.block_gas_limit.set(head.header().gas_limit);
        let (pending, queued) = chain.pool().status();
        self.pool_pending.set(i64::try_from(pending).unwrap_or(i64::MAX));
        self.pool_queued.set(i64::try_from(queued).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry.lock())?;
        Ok(text)
    }
}

/// The figures of one server.
pub(crate) type SharedMetrics = Arc<Metrics>;
