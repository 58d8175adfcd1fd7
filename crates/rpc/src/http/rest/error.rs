//! What a request is refused with: a status of HTTP, and in the body the code and words of JSON-RPC.

use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderValue, RETRY_AFTER};
use jsonrpsee::server::HttpResponse;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::{INVALID_REQUEST_CODE, OVERSIZED_REQUEST_CODE, PARSE_ERROR_CODE};
use serde_json::Value;

use super::body::BodyError;
use super::{JSON, error_body};
use crate::args::BodyFault;
use crate::error::{INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, RpcError};
use crate::http::page;
use crate::ivm::IvmError;

/// Faults of requests that are of their moment: the same may be taken at another, or with another number.
const CONFLICTS: [&str; 2] = ["NonceUsed", "NotNextInOrder"];

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum RestError {
    #[error("there is nothing at this path; /v1 lists what there is")]
    UnknownPath,
    #[error("the path has no such method: {allowed}")]
    OtherMethod {
        /// Those that it has.
        allowed: String,
    },
    #[error("content type {got:?}, expected {expected:?}")]
    MediaType {
        /// What the request says.
        got: String,
        /// What it must be.
        expected: &'static str,
    },
    #[error("invalid {name} in the path: expected 0x and 64 hexadecimal digits")]
    Hash {
        /// What is not one.
        name: &'static str,
    },
    #[error("{0}")]
    Unwritable(String),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Json(#[from] BodyFault),
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

impl From<IvmError> for RestError {
    fn from(error: IvmError) -> Self {
        Self::Rpc(error.into())
    }
}

impl RestError {
    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::OtherMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Hash { .. } | Self::Json(_) | Self::Body(BodyError::BrokenOff { .. }) => {
                StatusCode::BAD_REQUEST
            }
            Self::Body(BodyError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::TooSlow { .. }) => StatusCode::REQUEST_TIMEOUT,
            Self::Rpc(RpcError::Args(_)) => StatusCode::BAD_REQUEST,
            Self::Rpc(RpcError::Busy { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Rpc(RpcError::Ivm(error)) => ivm_status(error),
            Self::Rpc(_) | Self::Unwritable(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Its code, as JSON-RPC has it.
    pub(super) fn code(&self) -> i32 {
        match self {
            Self::UnknownPath | Self::OtherMethod { .. } => METHOD_NOT_FOUND,
            Self::MediaType { .. } | Self::Body(BodyError::TooSlow { .. } | BodyError::BrokenOff { .. }) => {
                INVALID_REQUEST_CODE
            }
            Self::Body(BodyError::TooLarge { .. }) => OVERSIZED_REQUEST_CODE,
            Self::Hash { .. } | Self::Json(BodyFault::Value { .. }) => INVALID_PARAMS,
            Self::Json(BodyFault::Syntax { .. }) => PARSE_ERROR_CODE,
            Self::Rpc(error) => error.code(),
            Self::Unwritable(_) => INTERNAL_ERROR,
        }
    }

    /// The body that says so, and its code.
    pub(super) fn into_body(self) -> (Value, i32) {
        let code = self.code();
        let body = match self {
            Self::Rpc(error) => {
                let error = ErrorObjectOwned::from(error);
                let data = error.data().and_then(|data| serde_json::from_str(data.get()).ok());
                error_body(code, error.message(), data)
            }
            other => error_body(code, &other.to_string(), None),
        };
        (body, code)
    }

    /// The answer that says so, and its code.
    pub(super) fn response(self) -> (HttpResponse, Option<i32>) {
        let status = self.status();
        let header = match &self {
            Self::OtherMethod { allowed } => HeaderValue::from_str(allowed).ok().map(|value| (ALLOW, value)),
            Self::Rpc(RpcError::Ivm(error)) => error.retry_after().map(|wait| {
                // Whole seconds; less than one is one.
                let seconds = wait.as_millis().div_ceil(1000).max(1);
                (RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)))
            }),
            Self::Rpc(RpcError::Busy { .. }) => Some((RETRY_AFTER, HeaderValue::from(1))),
            _ => None,
        };
        let (body, code) = self.into_body();
        let mut response = page(status, JSON, body.to_string());
        response.headers_mut().extend(header.map(|(name, value)| (Some(name), value)));
        (response, Some(code))
    }
}

/// Status of an error of jobs and payloads.
fn ivm_status(error: &IvmError) -> StatusCode {
    match error {
        IvmError::UnknownJob { .. } | IvmError::UnknownPayload { .. } => StatusCode::NOT_FOUND,
        IvmError::RequestRefused { fault, .. } if CONFLICTS.contains(fault) => StatusCode::CONFLICT,
        IvmError::RequestRefused { .. }
        | IvmError::UnknownProgram { .. }
        | IvmError::NoOutcome { .. }
        | IvmError::NotProposer { .. }
        | IvmError::OtherParent { .. }
        | IvmError::BlockRefused { .. }
        | IvmError::NotProvable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        IvmError::InvalidProgram { .. } | IvmError::InvalidHeader { .. } | IvmError::OtherInput { .. } => {
            StatusCode::BAD_REQUEST
        }
        IvmError::ProgramTooLarge { .. }
        | IvmError::PayloadTooLarge { .. }
        | IvmError::FieldTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        IvmError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        IvmError::Busy { .. } | IvmError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        IvmError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
