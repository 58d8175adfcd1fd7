//! `/v1/openapi.json`: an OpenAPI document of the table of routes. Schemas are those of `rpc.discover`.

use std::sync::LazyLock;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use jsonrpsee::server::HttpResponse;
use serde_json::{Map, Value, json};

use super::JSON;
use super::operations::{Operation, operation};
use super::routes::{ROUTES, Route};
use crate::discover::{schema, schemas_of};
use crate::http::page;

const OPENAPI_VERSION: &str = "3.1.1";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /v1/openapi.json`
pub(super) fn answer() -> HttpResponse {
    let mut response = page(StatusCode::OK, JSON, DOCUMENT.as_str());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn document() -> Value {
    let mut paths = Map::new();
    for route in &ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = described(route, operation(route.endpoint));
    }
    let paths = Value::Object(paths);
    let schemas = schemas_of(&paths);
    json!({
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "InfinityVM REST",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Jobs and payloads over plain HTTP",
            "description": "The same as the ivm methods of JSON-RPC at the same address. Quantities are hexadecimal. A GET \
                            may be a HEAD.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The node that serves this document"}],
        "security": [],
        "tags": [
            {"name": "jobs", "description": "Jobs asked for by signature, and any job's state"},
            {"name": "payloads", "description": "Bytes by their keccak256"},
            {"name": "about", "description": "This interface"},
        ],
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn described(route: &Route, operation: Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": route.summary,
    });
    if !operation.description.is_empty() {
        described["description"] = json!(operation.description);
    }
    if let Some((name, description, example)) = &operation.parameter {
        let parameter = json!({"name": name, "in": "path", "required": true, "description": description,
            "schema": schema("Hash"), "example": example});
        described["parameters"] = json!([parameter]);
    }
    if let Some(content) = &operation.body {
        described["requestBody"] = json!({"required": true, "content": content});
    }
    described["responses"] = responses(operation);
    described
}

/// Answers and refusals, by status.
fn responses(operation: Operation) -> Value {
    let mut responses = Map::new();
    for answer in operation.answers {
        let mut response = json!({"description": answer.description});
        if let Some(content) = answer.content {
            response["content"] = content;
        }
        if let Some((name, description)) = answer.header {
            response["headers"] =
                json!({name.as_str(): {"description": description, "schema": schema("string")}});
        }
        responses.insert(answer.status.as_str().to_owned(), response);
    }
    for refusal in operation.refusals {
        let reason = refusal.status.canonical_reason().unwrap_or("Refused");
        let content = json!({JSON: {"schema": schema("Error"), "examples": {}}});
        let response = responses
            .entry(refusal.status.as_str())
            .or_insert_with(|| json!({"description": reason, "content": content}));
        if matches!(refusal.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let header =
                json!({"description": "Seconds to wait, where that helps", "schema": {"type": "integer"}});
            response["headers"] = json!({"Retry-After": header});
        }
        let name = format!("code{}", refusal.code.unsigned_abs());
        response["content"][JSON]["examples"][name] = json!({"value": refusal.body});
    }
    Value::Object(responses)
}
