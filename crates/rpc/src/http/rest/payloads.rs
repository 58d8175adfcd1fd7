//! Payloads, by their hashes.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_DISPOSITION, ETAG, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use ivm_primitives::limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES;
use jsonrpsee::server::{HttpBody, HttpResponse};
use serde::Serialize;

use super::body::{self, BodyError};
use super::error::RestError;
use super::jobs::hash;
use super::{Context, json, located};
use crate::http::applications::has;
use crate::http::page;
use crate::ivm::{IvmError, submit_payload};

const OCTETS: &str = "application/octet-stream";
/// What has a hash for its name never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What a payload is kept under.
#[derive(Serialize)]
pub(super) struct KeptPayload {
    pub(super) hash: B256,
}

/// `PUT /v1/payloads`
pub(super) async fn keep(context: Context, request: Request<Incoming>) -> Result<HttpResponse, RestError> {
    let (head, sent) = request.into_parts();
    let timeout = context.api.config.limits.body_timeout;
    let sent = body::read(&head.headers, sent, MAX_OFFCHAIN_INPUT_SIZE_BYTES, timeout).await;
    let payload = sent.map_err(|error| match error {
        BodyError::TooLarge { got, limit } => IvmError::PayloadTooLarge { got, limit }.into(),
        other => RestError::from(other),
    })?;
    let hash = submit_payload(Arc::clone(&context.backend), (Bytes::from(payload),)).await?;
    let mut response = json(StatusCode::CREATED, &KeptPayload { hash })?;
    located(&mut response, &format!("/v1/payloads/{hash}"));
    Ok(response)
}

/// `GET /v1/payloads/{hash}`
pub(super) async fn payload(
    context: &Context,
    text: &str,
    headers: &HeaderMap,
) -> Result<HttpResponse, RestError> {
    let hash = hash("hash", text)?;
    let tag = format!("\"{hash}\"");
    let mut response = if has(headers, &tag) {
        page(StatusCode::NOT_MODIFIED, OCTETS, "")
    } else {
        let payload = context.backend.payload(hash).await?.ok_or(IvmError::UnknownPayload { hash })?;
        page(StatusCode::OK, OCTETS, HttpBody::new(Full::new(payload.0)))
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    // A stranger's bytes at the node's address: to keep, not to show.
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}
