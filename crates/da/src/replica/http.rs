//! The HTTP client below: hyper, which the node's servers use too.
//!
//! Whatever the service sends has a bound, answers that report an error a small one.

use std::{io, time::Duration};

use async_trait::async_trait;
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error as ClientError, connect::HttpConnector as TcpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
};

use super::{ReplicaConfig, ReplicaError, config::Scheme, trust};
use crate::MAX_PAYLOAD_SIZE_BYTES;

/// Most bytes of an answer: a payload and one more, so that an overlong one is seen, or a page of a list.
const MAX_ANSWER_SIZE_BYTES: usize = MAX_PAYLOAD_SIZE_BYTES + 1;
/// Most bytes of an answer that reports an error.
const MAX_ERROR_SIZE_BYTES: usize = 64 * 1024;
/// How long a connection that nobody uses is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A client, shared by all requests.
#[derive(Clone, Debug)]
pub(super) enum Http {
    Plain(Client<TcpConnector, HttpRequestBody>),
    Encrypted(Client<HttpsConnector<TcpConnector>, HttpRequestBody>),
}

impl Http {
    pub(super) fn new(config: &ReplicaConfig, scheme: Scheme) -> Result<Self, ReplicaError> {
        let mut connector = TcpConnector::new();
        connector.set_connect_timeout(Some(config.connect_timeout));
        connector.set_nodelay(true);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(config.max_concurrency);
        match scheme {
            Scheme::Http => Ok(Self::Plain(builder.build(connector))),
            Scheme::Https => {
                connector.enforce_http(false);
                let connector = HttpsConnectorBuilder::new()
                    .with_tls_config(trust::tls_config(&config.trust)?)
                    .https_only()
                    .enable_http1()
                    .wrap_connector(connector);
                Ok(Self::Encrypted(builder.build(connector)))
            }
        }
    }
}

impl HttpConnector for Http {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Http {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = match self {
            Self::Plain(client) => client.request(request).await,
            Self::Encrypted(client) => client.request(request).await,
        };
        let (parts, body) = answer.map_err(failed)?.into_parts();
        let limit = if parts.status.is_success() { MAX_ANSWER_SIZE_BYTES } else { MAX_ERROR_SIZE_BYTES };
        let body = Limited::new(body, limit)
            .map_err(|error| HttpError::new(HttpErrorKind::Interrupted, io::Error::other(error)));
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

fn failed(error: ClientError) -> HttpError {
    let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
    HttpError::new(kind, error)
}
