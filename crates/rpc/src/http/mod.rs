//! Connections: how many, for how long, and what is asked of them beside JSON-RPC.

mod applications;
mod pages;
mod patient;
mod rest;

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::server::http::response;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse, StopHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::Service;
use tower_http::cors::CorsLayer;

use crate::api::Api;
use crate::connection::Connection;
use patient::Patient;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a connection gets that is one too many.
const REFUSAL: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n\
    Connection: close\r\n\r\ntoo many connections\n";
/// How long a connection is held to be refused.
const REFUSAL_TIME: std::time::Duration = std::time::Duration::from_millis(500);
/// How long the server pauses when it cannot accept, for instance because it has no file descriptors left.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Accepts connections until the server stops. Each is served by a clone of `service`, which lets in the web pages that
/// `cors` does.
pub(crate) async fn accept<S>(
    listener: TcpListener,
    api: Arc<Api>,
    stop: StopHandle,
    service: S,
    cors: Option<CorsLayer>,
) where
    S: Service<HttpRequest, Response = HttpResponse, Error = BoxError> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let places = Arc::new(Semaphore::new(api.config.limits.max_connections as usize));
    let stopped = stop.clone().shutdown();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            () = &mut stopped => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(target: "rpc", %error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            api.metrics.connection_refused();
            refuse(stream);
            continue;
        };
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let held = (place, api.metrics.connection());
        let stream = Patient::new(stream, api.config.limits.write_timeout, held);
        let server = Server {
            api: Arc::clone(&api),
            connection: Arc::new(Connection::new(&api.config.limits, stop.clone())),
            service: service.clone(),
            cors: cors.clone(),
        };
        tokio::spawn(serve(stream, server, stop.clone()));
    }
}

/// Says that there are too many connections. What the client sends is read for a moment, as closing on it would lose
/// the answer on its way.
fn refuse(mut stream: TcpStream) {
    let said = async move {
        stream.write_all(REFUSAL).await?;
        stream.shutdown().await?;
        let mut ignored = [0; 1024];
        while stream.read(&mut ignored).await? > 0 {}
        std::io::Result::Ok(())
    };
    // Whether the client heard it is the client's affair.
    tokio::spawn(tokio::time::timeout(REFUSAL_TIME, said));
}

/// What answers the requests of one connection.
#[derive(Clone)]
struct Server<S> {
    api: Arc<Api>,
    connection: Arc<Connection>,
    service: S,
    cors: Option<CorsLayer>,
}

async fn serve<S, T>(stream: Patient<T>, server: Server<S>, stop: StopHandle)
where
    S: Service<HttpRequest, Response = HttpResponse, Error = BoxError> + Clone + Send + Sync + 'static,
    S::Future: Send,
    T: Unpin + Send + 'static,
{
    let idle_timeout = server.api.config.limits.idle_timeout;
    let handler = service_fn(move |request| answer(server.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .serve_connection(TokioIo::new(stream), handler)
        .with_upgrades();
    let stopped = stop.shutdown();
    tokio::pin!(connection, stopped);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = &mut stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(target: "rpc", %error, "connection ended");
    }
}

async fn answer<S>(server: Server<S>, mut request: Request<Incoming>) -> Result<HttpResponse, BoxError>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = BoxError> + Send,
    S::Future: Send,
{
    let Server { api, connection, mut service, cors } = server;
    if rest::serves(request.uri().path()) {
        return Ok(rest::answer(api, connection, cors, request).await);
    }
    request.extensions_mut().insert(connection);
    if request.method() == Method::GET && !request.headers().contains_key(UPGRADE) {
        match request.uri().path() {
            "/metrics" => return Ok(pages::metrics(&api)),
            "/health" => return Ok(pages::health(&api)),
            _ => {}
        }
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads
        && !request.headers().contains_key(UPGRADE)
        && let Some(page) = applications::answer(&api, &request).await
    {
        return Ok(page);
    }
    if request.headers().contains_key(UPGRADE) {
        return service.call(request.map(HttpBody::new)).await;
    }
    let limits = &api.config.limits;
    let (head, body) = request.into_parts();
    let body = Limited::new(body, limits.max_request_size_bytes as usize).collect();
    match tokio::time::timeout(limits.body_timeout, body).await {
        Ok(Ok(body)) => {
            service.call(Request::from_parts(head, HttpBody::new(Full::new(body.to_bytes())))).await
        }
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Ok(response::too_large(limits.max_request_size_bytes))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(page(StatusCode::REQUEST_TIMEOUT, "text/plain", "the request did not arrive in time\n")),
    }
}

fn page(status: StatusCode, content_type: &'static str, body: impl Into<HttpBody>) -> HttpResponse {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let content_type = hyper::header::HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
