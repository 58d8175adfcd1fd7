//! `/metrics` and `/health`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use jsonrpsee::server::HttpResponse;
use serde::Serialize;

use super::page;
use crate::api::Api;

/// Prometheus's text format, by its media type.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn metrics(api: &Api) -> HttpResponse {
    match api.metrics.text(&api.chain) {
        Ok(text) => page(StatusCode::OK, METRICS_TYPE, text),
        Err(error) => page(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string()),
    }
}

/// How the node is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    status: &'static str,
    head: u64,
    head_hash: alloy_primitives::B256,
    head_age_seconds: u64,
}

pub(super) fn health(api: &Api) -> HttpResponse {
    let head = api.chain.head().block;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = now.saturating_sub(Duration::from_secs(head.header().timestamp));
    let stale = api.config.max_head_age.is_some_and(|limit| age > limit);
    let health = Health {
        status: if stale { "stale" } else { "ok" },
        head: head.number(),
        head_hash: head.hash(),
        head_age_seconds: age.as_secs(),
    };
    let status = if stale { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    match serde_json::to_string(&health) {
        Ok(body) => page(status, "application/json", body),
        Err(error) => page(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string()),
    }
}
