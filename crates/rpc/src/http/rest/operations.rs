//! What the OpenAPI document says of each endpoint. Errors in it are made as the server makes them.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderName, LOCATION};
use ivm_primitives::limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES;
use serde::Serialize;
use serde_json::{Value, json};

use super::body::BodyError;
use super::error::RestError;
use super::routes::{Endpoint, index};
use super::{JSON, error_body, examples};
use crate::args::BodyFault;
use crate::discover::schema;
use crate::error::INTERNAL_ERROR;
use crate::ivm::{IvmError, MAX_SIGNATURE_SIZE_BYTES};

/// An endpoint as the document has it.
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) description: &'static str,
    /// Name, description and example of the segment in braces.
    pub(super) parameter: Option<(&'static str, &'static str, Value)>,
    pub(super) body: Option<Value>,
    pub(super) answers: Vec<Answer>,
    pub(super) refusals: Vec<Refusal>,
}

/// A good answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) description: &'static str,
    pub(super) content: Option<Value>,
    pub(super) header: Option<(HeaderName, &'static str)>,
}

/// An error, as an example.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: i32,
    pub(super) body: Value,
}

impl Operation {
    fn new(id: &'static str, tag: &'static str, answers: Vec<Answer>, errors: Vec<RestError>) -> Self {
        let refusals = errors.into_iter().map(Refusal::from).collect();
        Self { id, tag, description: "", parameter: None, body: None, answers, refusals }
    }

    /// Of a resource that is named by a hash.
    fn of_hash(mut self, name: &'static str, description: &'static str, example: impl Serialize) -> Self {
        self.parameter = Some((name, description, json!(example)));
        self.refusals.push(RestError::Hash { name }.into());
        self
    }

    /// Done by the node behind the server, which may be busy, not do it, or fail.
    fn of_node(mut self) -> Self {
        let busy = IvmError::Busy { what: "jobs wait already", limit: 1024 };
        let unavailable = IvmError::Unavailable { what: "jobs asked for by signature" };
        self.refusals.extend([busy, unavailable].map(|error| RestError::from(error).into()));
        let body = error_body(INTERNAL_ERROR, "internal error: the store failed", None);
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        self.refusals.push(Refusal { status, code: INTERNAL_ERROR, body });
        self
    }

    /// Reads a body.
    fn of_body(mut self, content: Value) -> Self {
        self.body = Some(content);
        self.refusals.push(RestError::from(BodyError::TooSlow { timeout: Duration::from_secs(30) }).into());
        self
    }
}

impl Answer {
    const fn new(status: StatusCode, description: &'static str, content: Option<Value>) -> Self {
        Self { status, description, content, header: None }
    }

    /// JSON of a schema.
    fn json(status: StatusCode, name: &'static str, example: &impl Serialize) -> Self {
        let content = json!({JSON: {"schema": schema(name), "example": example}});
        Self::new(status, name, Some(content))
    }

    fn located(mut self, description: &'static str) -> Self {
        self.header = Some((LOCATION, description));
        self
    }
}

impl From<RestError> for Refusal {
    fn from(error: RestError) -> Self {
        let status = error.status();
        let (body, code) = error.into_body();
        Self { status, code, body }
    }
}

/// What is said of an endpoint.
pub(super) fn operation(endpoint: Endpoint) -> Operation {
    match endpoint {
        Endpoint::Index => {
            let answers = vec![Answer::json(StatusCode::OK, "Routes", &index())];
            Operation::new("listRoutes", "about", answers, Vec::new())
        }
        Endpoint::OpenApi => {
            let content = json!({JSON: {"schema": {"type": "object"}}});
            let answers = vec![Answer::new(StatusCode::OK, "This document", Some(content))];
            Operation::new("describe", "about", answers, Vec::new())
        }
        Endpoint::SubmitJob => submit_job(),
        Endpoint::Job => {
            let answers = vec![Answer::json(StatusCode::OK, "Job", &examples::job())];
            of_job(Operation::new("getJob", "jobs", answers, vec![unknown_job()]))
        }
        Endpoint::JobEvents => job_events(),
        Endpoint::KeepPayload => keep_payload(),
        Endpoint::Payload => payload(),
    }
}

fn of_job(operation: Operation) -> Operation {
    operation.of_hash("id", "The job's id", examples::job_id()).of_node()
}

fn submit_job() -> Operation {
    let answer = Answer::json(StatusCode::ACCEPTED, "SubmittedJob", &examples::submitted());
    let refused = |fault, reason: &str| IvmError::RequestRefused { fault, reason: reason.to_owned() };
    let signed = examples::request();
    let limit = MAX_SIGNATURE_SIZE_BYTES;
    let errors = vec![
        BodyFault::Syntax { reason: "EOF while parsing an object".to_owned() }.into(),
        BodyFault::Value { reason: "request: missing field `nonce`".to_owned() }.into(),
        IvmError::OtherInput { got: signed.request.program_id, expected: signed.request.offchain_input_hash }
            .into(),
        refused("NonceUsed", "nonce 7 is used").into(),
        IvmError::FieldTooLarge { field: "signature", got: limit + 1, limit }.into(),
        BodyError::TooLarge { got: 33_554_433, limit: 33_554_432 }.into(),
        RestError::MediaType { got: "text/plain".to_owned(), expected: JSON },
        refused("BadSignature", "the consumer does not take the signature").into(),
        IvmError::RateLimited { what: "submissions of this connection", limit: 256, window_ms: 1000 }.into(),
    ];
    let answers = vec![answer.located("Where the job is")];
    let body = json!({JSON: {"schema": schema("SignedJobRequest"), "example": signed}});
    let operation = Operation::new("submitJob", "jobs", answers, errors).of_body(body).of_node();
    Operation {
        description: "Submitting a request again is not an error. One that brings its offchain input needs no PUT of it \
                      before.",
        ..operation
    }
}

fn job_events() -> Operation {
    let text = format!("event: state\nid: 0f1e2d3c4b5a6978\ndata: {}\n\n", json!(examples::job()));
    let content = json!({"text/event-stream": {"schema": schema("string"), "example": text}});
    let answers = vec![
        Answer::new(StatusCode::OK, "Events until the last", Some(content)),
        Answer::new(StatusCode::NO_CONTENT, "The client has seen the last state", None),
    ];
    Operation {
        description: "Server-sent events. Each event `state` has the job as its data: first as it is, then after each \
                      change. The stream ends after a last state (delivered, callbackFailed, cancelled, expired, \
                      refused); whoever comes back with the Last-Event-ID of that gets a 204. When the job cannot be \
                      looked at any more, an event `failure` has an error as its data, and ends the stream.",
        ..of_job(Operation::new("watchJob", "jobs", answers, vec![unknown_job()]))
    }
}

fn keep_payload() -> Operation {
    let limit = MAX_OFFCHAIN_INPUT_SIZE_BYTES;
    let answer = Answer::json(StatusCode::CREATED, "KeptPayload", &examples::kept());
    let errors = vec![IvmError::PayloadTooLarge { got: limit + 1, limit }.into()];
    let answers = vec![answer.located("Where the payload is")];
    Operation {
        description: "Keeping a payload again is not an error. Jobs that wait for it run.",
        ..Operation::new("putPayload", "payloads", answers, errors).of_body(octets()).of_node()
    }
}

fn payload() -> Operation {
    let hash = examples::kept().hash;
    let answers = vec![
        Answer::new(StatusCode::OK, "The payload, which never changes", Some(octets())),
        Answer::new(StatusCode::NOT_MODIFIED, "The client has it, as its If-None-Match says", None),
    ];
    let errors = vec![IvmError::UnknownPayload { hash }.into()];
    let operation = Operation::new("getPayload", "payloads", answers, errors);
    operation.of_hash("hash", "keccak256 of the payload", hash).of_node()
}

fn unknown_job() -> RestError {
    IvmError::UnknownJob { job_id: examples::job_id() }.into()
}

/// Bytes as they are, which is what OpenAPI makes of a media type without a schema.
fn octets() -> Value {
    json!({"application/octet-stream": {}})
}
