//! REST: jobs and payloads under `/v1`, for those who do not speak JSON-RPC. It does what the `ivm_*` methods do, by the
//! same functions, under the same limits.

mod body;
mod error;
mod events;
mod examples;
mod jobs;
mod openapi;
mod operations;
mod payloads;
mod routes;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Method, Request, StatusCode};
use jsonrpsee::server::HttpResponse;
use serde::Serialize;
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use self::error::RestError;
use self::routes::{Endpoint, Found, Route};
use super::applications::{INERT_POLICY, secured};
use super::page;
use crate::api::Api;
use crate::connection::Connection;
use crate::ivm::IvmBackend;

/// Below which everything is REST.
const ROOT: &str = "/v1";

const JSON: &str = "application/json";

/// Whether a path is answered here, be it with word that there is nothing.
pub(super) fn serves(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request, to the web pages that may read it.
pub(super) async fn answer(
    api: Arc<Api>,
    connection: Arc<Connection>,
    cors: Option<CorsLayer>,
    request: Request<Incoming>,
) -> HttpResponse {
    let service = service_fn(move |request| {
        let (api, connection) = (Arc::clone(&api), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(counted(api, connection, request).await) }
    });
    let answered = match cors {
        Some(cors) => cors.expose_headers([LOCATION, RETRY_AFTER]).layer(service).oneshot(request).await,
        None => service.oneshot(request).await,
    };
    answered.unwrap_or_else(|never| match never {})
}

/// What a request is answered with.
#[derive(Clone)]
struct Context {
    api: Arc<Api>,
    backend: Arc<dyn IvmBackend>,
    connection: Arc<Connection>,
}

/// Answers, and counts that by route.
async fn counted(api: Arc<Api>, connection: Arc<Connection>, request: Request<Incoming>) -> HttpResponse {
    let started = Instant::now();
    let metrics = Arc::clone(&api.metrics);
    let (label, answered) = match routes::find(request.method(), request.uri().path()) {
        // A label for each path that clients make up would be without end.
        Found::Nothing => ("unknown", Err(RestError::UnknownPath)),
        Found::OtherMethods(allowed) => ("unknown", other_method(request.method(), &allowed)),
        Found::Route(route, parameter) => {
            let parameter = parameter.map(str::to_owned);
            (route.label, routed(api, connection, route, parameter, request).await)
        }
    };
    let (response, code) = match answered {
        Ok(response) => (response, None),
        Err(error) => error.response(),
    };
    metrics.request(label, code, started.elapsed());
    secured(response, INERT_POLICY)
}

/// Tells which methods a path has, for another one.
fn other_method(method: &Method, allowed: &str) -> Result<HttpResponse, RestError> {
    if *method != Method::OPTIONS {
        return Err(RestError::OtherMethod { allowed: allowed.to_owned() });
    }
    let mut response = page(StatusCode::NO_CONTENT, JSON, "");
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    Ok(response)
}

async fn routed(
    api: Arc<Api>,
    connection: Arc<Connection>,
    route: &Route,
    parameter: Option<String>,
    request: Request<Incoming>,
) -> Result<HttpResponse, RestError> {
    // A node that takes no jobs has none of this.
    let backend = api.ivm.clone().ok_or(RestError::UnknownPath)?;
    let context = Context { api, backend, connection };
    let parameter = parameter.as_deref().unwrap_or_default();
    match route.endpoint {
        Endpoint::Index => Ok(json(StatusCode::OK, &routes::index())?),
        Endpoint::OpenApi => Ok(openapi::answer()),
        Endpoint::SubmitJob => jobs::submit(&context, request).await,
        Endpoint::Job => jobs::job(&context, parameter).await,
        Endpoint::JobEvents => events::open(&context, parameter, &request).await,
        Endpoint::KeepPayload => payloads::keep(context, request).await,
        Endpoint::Payload => payloads::payload(&context, parameter, request.headers()).await,
    }
}

/// An answer in JSON, of this moment.
fn json(status: StatusCode, body: &impl Serialize) -> Result<HttpResponse, RestError> {
    let text = serde_json::to_string(body).map_err(|error| RestError::Unwritable(error.to_string()))?;
    let mut response = page(status, JSON, text);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// An answer that something is now at an address.
fn located(response: &mut HttpResponse, location: &str) {
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
}

/// The body of an error.
fn error_body(code: i32, message: &str, data: Option<serde_json::Value>) -> serde_json::Value {
    let mut error = json!({"code": code, "message": message});
    if let Some(data) = data {
        error["data"] = data;
    }
    json!({ "error": error })
}
