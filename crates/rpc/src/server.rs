//! The server: one port, HTTP and WebSocket.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ivm_chain::Chain;
use jsonrpsee::server::middleware::rpc::RpcServiceBuilder;
use jsonrpsee::server::{BatchRequestConfig, PingConfig, Server, ServerConfig, ServerHandle, stop_channel};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::api::Api;
use crate::config::{Cors, RpcConfig, RpcLimits};
use crate::dev::{self, DevControl};
use crate::ivm::{self, IvmBackend};
use crate::methods::{MethodTable, RegisterError};
use crate::middleware::GethErrorsLayer;
use crate::{capabilities, debug, discover, eth, fees, forks, http, pending, simulate, trace, txpool, web3};

/// Pings in a row a WebSocket client may leave unanswered.
const MAX_MISSED_PINGS: usize = 2;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It cannot listen.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// An origin of [`Cors::Origins`] is not one.
    #[error("not an origin: {origin:?}")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// Two methods have one name.
    #[error(transparent)]
    Methods(#[from] RegisterError),
}

/// A running server. It stops when this is dropped, and in good order by [`RpcServer::stop`].
#[derive(Debug)]
pub struct RpcServer {
    local_addr: SocketAddr,
    handle: ServerHandle,
    methods: Arc<HashSet<&'static str>>,
    tasks: Vec<JoinHandle<()>>,
    stop_timeout: Duration,
}

impl RpcServer {
    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Names of the methods it serves.
    pub fn method_names(&self) -> &HashSet<&'static str> {
        &self.methods
    }

    /// Stops taking calls, and waits for those under way as long as the configuration says.
    pub async fn stop(self) {
        // An error means that it has stopped already.
        let _ = self.handle.stop();
        if tokio::time::timeout(self.stop_timeout, self.handle.clone().stopped()).await.is_err() {
            tracing::warn!(target: "rpc", timeout = ?self.stop_timeout, "calls are cut off");
        }
    }
}

impl Drop for RpcServer {
    fn drop(&mut self) {
        // An error means that it has stopped already.
        let _ = self.handle.stop();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Serves a chain. The `ivm` methods are there when a backend for them is given, the `evm` methods when `dev` is.
///
/// # Errors
/// [`ServeError`], which says what in the configuration cannot be had.
pub async fn serve(
    config: RpcConfig,
    chain: Chain,
    ivm: Option<Arc<dyn IvmBackend>>,
    dev: Option<Arc<dyn DevControl>>,
) -> Result<RpcServer, ServeError> {
    let RpcConfig { listen: address, limits, cors, .. } = config.clone();
    let api = Arc::new(Api::new(config, chain, ivm, dev));
    let methods = methods(&api)?.module;

    let names: Arc<HashSet<_>> = Arc::new(methods.method_names().collect());
    let geth_errors = GethErrorsLayer {
        methods: Arc::clone(&names),
        max_response_size_bytes: limits.max_response_size_bytes as usize,
        max_calls_per_connection: limits.max_calls_per_connection,
        metrics: Arc::clone(&api.metrics),
    };
    let cors = cors_layer(&cors)?;
    let (stop, handle) = stop_channel();
    let service = Server::builder()
        .set_config(server_config(&limits))
        .set_rpc_middleware(RpcServiceBuilder::new().layer(geth_errors))
        .set_http_middleware(ServiceBuilder::new().option_layer(cors.clone()))
        .to_service_builder()
        .build(methods, stop.clone());
    let listen = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let local_addr = listener.local_addr().map_err(listen)?;

    let events = api.chain.subscribe();
    let mut tasks = vec![tokio::spawn(pending::follow(Arc::clone(&api), events))];
    let changes = api.ivm.as_ref().and_then(|backend| backend.job_changes());
    tasks.extend(changes.map(|changes| tokio::spawn(api.jobs.listen(changes))));
    tokio::spawn(http::accept(listener, api, stop, service, cors));
    tracing::info!(target: "rpc", %local_addr, "listening for JSON-RPC over HTTP and WebSocket");
    Ok(RpcServer { local_addr, handle, methods: names, tasks, stop_timeout: limits.stop_timeout })
}

fn methods(api: &Arc<Api>) -> Result<MethodTable, RegisterError> {
    let mut table = MethodTable::new(Arc::clone(api));
    web3::register(&mut table)?;
    eth::register(&mut table)?;
    capabilities::register(&mut table)?;
    fees::register(&mut table)?;
    forks::register(&mut table)?;
    simulate::register(&mut table)?;
    debug::register(&mut table)?;
    trace::register(&mut table)?;
    txpool::register(&mut table)?;
    if let Some(backend) = &api.ivm {
        ivm::register(&mut table, backend)?;
    }
    if let Some(dev) = &api.dev {
        dev::register(&mut table, dev)?;
    }
    discover::register(&mut table)?;
    Ok(table)
}

fn server_config(limits: &RpcLimits) -> ServerConfig {
    let ping = PingConfig::new()
        .ping_interval(limits.ping_interval)
        .inactive_limit(limits.ping_interval.saturating_mul(2))
        .max_failures(MAX_MISSED_PINGS);
    ServerConfig::builder()
        .max_request_body_size(limits.max_request_size_bytes)
        .max_response_body_size(limits.max_response_size_bytes)
        // Connections are counted before they come to jsonrpsee.
        .max_connections(u32::MAX)
        .max_subscriptions_per_connection(limits.max_subscriptions_per_connection)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.max_batch_length))
        .set_message_buffer_capacity(limits.max_waiting_messages)
        .enable_ws_ping(ping)
        .set_id_provider(eth::SubscriptionIds)
        .build()
}

fn cors_layer(cors: &Cors) -> Result<Option<CorsLayer>, ServeError> {
    let origins = match cors {
        Cors::Disabled => return Ok(None),
        Cors::Any => AllowOrigin::from(Any),
        Cors::Origins(origins) => {
            let parsed: Result<Vec<_>, _> = origins
                .iter()
                .map(|origin| origin.parse().map_err(|_| ServeError::Origin { origin: origin.clone() }))
                .collect();
            AllowOrigin::list(parsed?)
        }
    };
    Ok(Some(CorsLayer::new().allow_origin(origins).allow_methods(Any).allow_headers(Any)))
}
