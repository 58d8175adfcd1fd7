//! Jobs.

use alloy_primitives::B256;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use jsonrpsee::server::HttpResponse;

use super::error::RestError;
use super::{Context, JSON, body, json, located};
use crate::args::parse_body;
use crate::ivm::{IvmError, JobInfo, submit_job};

/// Longest content type that is repeated to the client, in characters.
const MAX_REPEATED_CHARS: usize = 64;

/// `POST /v1/jobs`
pub(super) async fn submit(context: &Context, request: Request<Incoming>) -> Result<HttpResponse, RestError> {
    let Context { api, backend, connection } = context;
    let (head, sent) = request.into_parts();
    let limits = &api.config.limits;
    let limit = limits.max_request_size_bytes as usize;
    let sent = body::read(&head.headers, sent, limit, limits.body_timeout).await?;
    // Web pages may send other types to any address without being let in first.
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(JSON) {
        let got = media_type.chars().take(MAX_REPEATED_CHARS).collect();
        return Err(RestError::MediaType { got, expected: JSON });
    }
    let job = submit_job(api, backend.as_ref(), connection, parse_body(&sent)?).await?;
    let mut response = json(StatusCode::ACCEPTED, &job)?;
    located(&mut response, &format!("/v1/jobs/{}", job.job_id));
    Ok(response)
}

/// `GET /v1/jobs/{id}`
pub(super) async fn job(context: &Context, id: &str) -> Result<HttpResponse, RestError> {
    json(StatusCode::OK, &found(context, hash("job id", id)?).await?)
}

/// A job that there must be.
pub(super) async fn found(context: &Context, job_id: B256) -> Result<JobInfo, RestError> {
    let job = context.backend.job(job_id).await?;
    Ok(job.ok_or(IvmError::UnknownJob { job_id })?)
}

/// A hash in a path: as JSON has it, and no other way.
pub(super) fn hash(name: &'static str, text: &str) -> Result<B256, RestError> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 2 * B256::len_bytes());
    digits.and_then(|digits| digits.parse().ok()).ok_or(RestError::Hash { name })
}
