//! What every method works with.

use std::sync::Arc;

use ivm_chain::Chain;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::config::RpcConfig;
use crate::dev::DevControl;
use crate::error::{RpcError, RpcResult};
use crate::fees::TipOracle;
use crate::filters::Filters;
use crate::ivm::{IvmBackend, JobWatch};
use crate::metrics::{Metrics, SharedMetrics};
use crate::pending::PendingHistory;
use crate::rate::Rates;

/// What every method works with.
pub(crate) struct Api {
    pub(crate) chain: Chain,
    /// What serves `ivm_*`; a node that only reads has none.
    pub(crate) ivm: Option<Arc<dyn IvmBackend>>,
    pub(crate) dev: Option<Arc<dyn DevControl>>,
    pub(crate) config: RpcConfig,
    pub(crate) filters: Filters,
    pub(crate) pending: PendingHistory,
    pub(crate) tips: TipOracle,
    pub(crate) modules: Vec<&'static str>,
    pub(crate) metrics: SharedMetrics,
    pub(crate) calls: Turns,
    pub(crate) traces: Turns,
    pub(crate) rates: Rates,
    pub(crate) jobs: Arc<JobWatch>,
    /// For streams of events.
    pub(crate) streams: Arc<Semaphore>,
    /// Held while a transaction of the node's own accounts gets its nonce and goes into the pool.
    pub(crate) sending: Mutex<()>,
}

impl Api {
    pub(crate) fn new(
        config: RpcConfig,
        chain: Chain,
        ivm: Option<Arc<dyn IvmBackend>>,
        dev: Option<Arc<dyn DevControl>>,
    ) -> Self {
        let limits = &config.limits;
        let mut modules = vec!["debug", "eth", "net", "personal", "rpc", "txpool", "web3"];
        modules.extend(dev.is_some().then_some("evm"));
        modules.extend(ivm.is_some().then_some("ivm"));
        modules.sort_unstable();
        Self {
            chain,
            ivm,
            dev,
            filters: Filters::new(limits),
            pending: PendingHistory::new(limits.max_pending_history),
            tips: TipOracle::default(),
            modules,
            metrics: Arc::new(Metrics::new()),
            calls: Turns::new(limits.max_running_calls, limits.max_waiting_calls),
            traces: Turns::new(limits.max_running_traces, limits.max_waiting_calls),
            rates: Rates::new(limits),
            jobs: Arc::default(),
            streams: Arc::new(Semaphore::new(limits.max_event_streams.min(Semaphore::MAX_PERMITS))),
            sending: Mutex::new(()),
            config,
        }
    }
}

/// Who may run on a blocking thread now, and who may wait for that.
pub(crate) struct Turns {
    running: Arc<Semaphore>,
    places: Semaphore,
    max_waiting: usize,
}

impl Turns {
    fn new(max_running: usize, max_waiting: usize) -> Self {
        let places = max_running.saturating_add(max_waiting).min(Semaphore::MAX_PERMITS);
        Self {
            running: Arc::new(Semaphore::new(max_running.clamp(1, Semaphore::MAX_PERMITS))),
            places: Semaphore::new(places.max(1)),
            max_waiting,
        }
    }
    /// Runs what may block for a while on a thread for that, when it is its turn.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> RpcResult<T> + Send + 'static,
    ) -> RpcResult<T> {
        let place = self.places.try_acquire();
        let _place = place.map_err(|_| RpcError::Busy { limit: self.max_waiting })?;
        let turn = Arc::clone(&self.running).acquire_owned().await;
        let turn = turn.map_err(|error| RpcError::Unfinished { reason: error.to_string() })?;
        let done = tokio::task::spawn_blocking(move || {
            // Held by the work itself: a client that goes away does not let others in before it is over.
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| RpcError::Unfinished { reason: error.to_string() })?
    }
}
