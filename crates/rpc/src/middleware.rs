//! What is done around every call: it is counted, and refused in geth's words where it cannot be served.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use jsonrpsee::MethodResponse;
use jsonrpsee::core::middleware::{Batch, BatchEntry, Notification, RpcServiceT};
use jsonrpsee::core::server::BatchResponseBuilder;
use jsonrpsee::types::{ErrorObject, Request};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tower::Layer;

use crate::error::{INTERNAL_ERROR, LIMIT_EXCEEDED, METHOD_NOT_FOUND, SERVER_ERROR};
use crate::metrics::SharedMetrics;

/// Wraps every connection's service in a [`GethErrors`].
#[derive(Clone)]
pub(crate) struct GethErrorsLayer {
    pub(crate) methods: Arc<HashSet<&'static str>>,
    pub(crate) max_response_size_bytes: usize,
    pub(crate) max_calls_per_connection: usize,
    pub(crate) metrics: SharedMetrics,
}

impl<S> Layer<S> for GethErrorsLayer {
    type Service = GethErrors<S>;

    fn layer(&self, service: S) -> Self::Service {
        let places = Arc::new(Semaphore::new(self.max_calls_per_connection.min(Semaphore::MAX_PERMITS)));
        GethErrors { service: Arc::new(service), layer: self.clone(), places }
    }
}

/// Refuses what cannot be served in geth's words.
pub(crate) struct GethErrors<S> {
    service: Arc<S>,
    layer: GethErrorsLayer,
    /// For the calls of this connection that are under way.
    places: Arc<Semaphore>,
}

impl<S> Clone for GethErrors<S> {
    fn clone(&self) -> Self {
        Self {
            service: Arc::clone(&self.service),
            layer: self.layer.clone(),
            places: Arc::clone(&self.places),
        }
    }
}

impl<S> RpcServiceT for GethErrors<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type BatchResponse = MethodResponse;
    type NotificationResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let started = Instant::now();
            let known = this.layer.methods.get(request.method_name()).copied();
            let response = match known {
                Some(method) => this.known(method, request).await,
                None => {
                    let name = shortened(request.method_name());
                    let message = format!("the method {name} does not exist/is not available");
                    refuse(&request, METHOD_NOT_FOUND, message)
                }
            };
            // A label for each name that clients make up would be without end.
            let method = known.unwrap_or("unknown");
            this.layer.metrics.request(method, response.as_error_code(), started.elapsed());
            response
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let mut responses = BatchResponseBuilder::new_with_limit(this.layer.max_response_size_bytes);
            let mut notified = false;
            for entry in batch {
                // Many short calls in a row would keep others from this thread.
                tokio::task::consume_budget().await;
                let response = match entry {
                    Ok(BatchEntry::Call(request)) => this.call(request).await,
                    Ok(BatchEntry::Notification(_)) => {
                        notified = true;
                        continue;
                    }
                    Err(error) => {
                        let (error, id) = error.into_parts();
                        MethodResponse::error(id, error)
                    }
                };
                if let Err(too_large) = responses.append(response) {
                    return too_large;
                }
            }
            if responses.is_empty() && notified {
                return MethodResponse::notification();
            }
            MethodResponse::from_batch(responses.finish())
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.service.notification(notification)
    }
}

impl<S> GethErrors<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse>,
{
    /// Makes a call of a method that there is, unless too many of the connection's are under way.
    async fn known(&self, method: &'static str, request: Request<'_>) -> MethodResponse {
        let Ok(_place) = self.places.try_acquire() else {
            let limit = self.layer.max_calls_per_connection;
            let message = format!("too many calls under way on this connection: limit {limit}");
            return refuse(&request, LIMIT_EXCEEDED, message);
        };
        let subscribes = matches!(method, "eth_subscribe" | "eth_unsubscribe");
        let unsupported = || refuse(&request, METHOD_NOT_FOUND, "notifications not supported".to_owned());
        let refusal = subscribes.then(unsupported);
        let not_found = || refuse(&request, SERVER_ERROR, "subscription not found".to_owned());
        let not_found = (method == "eth_unsubscribe").then(not_found);
        let response = self.service.call(request).await;
        match (refusal, not_found) {
            // jsonrpsee's answer where there is no connection to notify on.
            (Some(refusal), _) if response.as_error_code() == Some(INTERNAL_ERROR) => refusal,
            // jsonrpsee's answer for an id that it does not know.
            (_, Some(not_found)) if is_false(&response) => not_found,
            _ => response,
        }
    }
}

fn refuse(request: &Request<'_>, code: i32, message: String) -> MethodResponse {
    MethodResponse::error(request.id.clone(), ErrorObject::owned(code, message, None::<()>))
}

/// Whether the result of a call is `false`.
fn is_false(response: &MethodResponse) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        result: Option<bool>,
    }
    let answer = serde_json::from_str::<Answer>(response.as_json().get());
    answer.is_ok_and(|answer| answer.result == Some(false))
}

/// A method's name, cut where it is longer than any could be.
fn shortened(name: &str) -> &str {
    const MAX_CHARS: usize = 64;
    name.char_indices().nth(MAX_CHARS).map_or(name, |(end, _)| &name[..end])
}
