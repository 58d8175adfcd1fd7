//! What is done around every call: unknown methods and subscriptions over HTTP are refused in geth's words.

use std::collections::HashSet;
use std::sync::Arc;

use jsonrpsee::MethodResponse;
use jsonrpsee::core::middleware::{Batch, BatchEntry, Notification, RpcServiceT};
use jsonrpsee::core::server::BatchResponseBuilder;
use jsonrpsee::types::{ErrorObject, Request};
use tower::Layer;

use crate::error::{INTERNAL_ERROR, METHOD_NOT_FOUND};

/// Wraps every connection's service in a [`GethErrors`].
#[derive(Clone)]
pub(crate) struct GethErrorsLayer {
    pub(crate) methods: Arc<HashSet<&'static str>>,
    pub(crate) max_response_size_bytes: usize,
}

impl<S> Layer<S> for GethErrorsLayer {
    type Service = GethErrors<S>;

    fn layer(&self, service: S) -> Self::Service {
        GethErrors { service: Arc::new(service), layer: self.clone() }
    }
}

/// Refuses what cannot be served in geth's words.
pub(crate) struct GethErrors<S> {
    service: Arc<S>,
    layer: GethErrorsLayer,
}

impl<S> Clone for GethErrors<S> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service), layer: self.layer.clone() }
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
        let Self { service, layer } = self.clone();
        async move {
            let name = request.method_name();
            if !layer.methods.contains(name) {
                let message = format!("the method {} does not exist/is not available", shortened(name));
                return refuse(&request, message);
            }
            let subscribes = matches!(name, "eth_subscribe" | "eth_unsubscribe");
            let refusal = subscribes.then(|| refuse(&request, "notifications not supported".to_owned()));
            let response = service.call(request).await;
            match refusal {
                // jsonrpsee's answer where there is no connection to notify on.
                Some(refusal) if response.as_error_code() == Some(INTERNAL_ERROR) => refusal,
                _ => response,
            }
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let mut responses = BatchResponseBuilder::new_with_limit(this.layer.max_response_size_bytes);
            let mut notified = false;
            for entry in batch {
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

fn refuse(request: &Request<'_>, message: String) -> MethodResponse {
    MethodResponse::error(request.id.clone(), ErrorObject::owned(METHOD_NOT_FOUND, message, None::<()>))
}

/// A method's name, cut where it is longer than any could be.
fn shortened(name: &str) -> &str {
    const MAX_CHARS: usize = 64;
    name.char_indices().nth(MAX_CHARS).map_or(name, |(end, _)| &name[..end])
}
