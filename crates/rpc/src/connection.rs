//! What the server remembers of a connection, for all that is asked on it, in JSON-RPC and in REST.

use std::sync::Arc;

use jsonrpsee::server::StopHandle;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::config::RpcLimits;
use crate::rate::Bucket;

/// One connection, of HTTP or of a WebSocket.
pub(crate) struct Connection {
    pub(crate) submissions: Mutex<Bucket>,
    pub(crate) estimates: Mutex<Bucket>,
    pub(crate) running_estimates: Arc<Semaphore>,
    /// Ends what would go on while the server stops.
    pub(crate) stop: StopHandle,
}

impl Connection {
    pub(crate) fn new(limits: &RpcLimits, stop: StopHandle) -> Self {
        let estimates = limits.max_running_estimates_per_connection.min(Semaphore::MAX_PERMITS);
        Self {
            submissions: Mutex::default(),
            estimates: Mutex::default(),
            running_estimates: Arc::new(Semaphore::new(estimates)),
            stop,
        }
    }
}
