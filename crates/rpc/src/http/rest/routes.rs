//! Which path and method does what. The router, the list at `/v1` and the OpenAPI document are all made of this table.

use hyper::Method;
use serde_json::{Value, json};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Index,
    OpenApi,
    SubmitJob,
    Job,
    JobEvents,
    KeepPayload,
    Payload,
}

/// A row of the table.
pub(super) struct Route {
    pub(super) method: Method,
    /// Where; a segment in braces stands for any.
    pub(super) path: &'static str,
    /// Method and path, as metrics name it.
    pub(super) label: &'static str,
    pub(super) endpoint: Endpoint,
    pub(super) summary: &'static str,
}

macro_rules! route {
    ($method:ident $path:literal, $endpoint:ident, $summary:literal) => {
        Route {
            method: Method::$method,
            path: $path,
            label: concat!(stringify!($method), " ", $path),
            endpoint: Endpoint::$endpoint,
            summary: $summary,
        }
    };
}

pub(super) static ROUTES: [Route; 7] = [
    route!(GET "/v1", Index, "What there is under this path"),
    route!(GET "/v1/openapi.json", OpenApi, "This interface as an OpenAPI document"),
    route!(POST "/v1/jobs", SubmitJob, "Asks for a job by a signature"),
    route!(GET "/v1/jobs/{id}", Job, "A job: what was asked, and how far it has come"),
    route!(GET "/v1/jobs/{id}/events", JobEvents, "A job's states as they change, as server-sent events"),
    route!(PUT "/v1/payloads", KeepPayload, "Keeps an offchain input"),
    route!(GET "/v1/payloads/{hash}", Payload, "A payload by its keccak256"),
];

/// What is at a path.
pub(super) enum Found<'a> {
    /// This, with what stands for the segment in braces.
    Route(&'static Route, Option<&'a str>),
    /// The path is there, but for these methods (as the header `Allow` lists them).
    OtherMethods(String),
    Nothing,
}

/// Looks a request up.
pub(super) fn find<'a>(method: &Method, path: &'a str) -> Found<'a> {
    // What answers a GET answers a HEAD; the server leaves the body out.
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    let mut allowed = Vec::new();
    for route in &ROUTES {
        let Some(parameter) = fits(route.path, path) else { continue };
        if route.method == *wanted {
            return Found::Route(route, parameter);
        }
        allowed.push(route.method.as_str());
        if route.method == Method::GET {
            allowed.push(Method::HEAD.as_str());
        }
    }
    if allowed.is_empty() {
        return Found::Nothing;
    }
    allowed.push(Method::OPTIONS.as_str());
    Found::OtherMethods(allowed.join(", "))
}

/// Whether a path is of this form; if so, what stands for the segment in braces.
fn fits<'a>(form: &str, path: &'a str) -> Option<Option<&'a str>> {
    let mut parameter = None;
    let (mut wanted, mut given) = (form.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameter),
            (Some(form), Some(segment)) if form.starts_with('{') && !segment.is_empty() => {
                parameter = Some(segment);
            }
            (Some(form), Some(segment)) if form == segment => {}
            _ => return None,
        }
    }
}

/// The table, for people who try the path in a browser.
pub(super) fn index() -> Value {
    let routes: Vec<Value> = ROUTES
        .iter()
        .map(|route| json!({"method": route.method.as_str(), "path": route.path, "summary": route.summary}))
        .collect();
    json!({ "routes": routes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_by_segments() {
        assert_eq!(fits("/v1/jobs/{id}", "/v1/jobs/0x12"), Some(Some("0x12")));
        assert_eq!(fits("/v1/jobs", "/v1/jobs"), Some(None));
        for other in ["/v1/jobs/", "/v1/jobs/1/", "/v1/jobs/1/2", "/v1", "", "/v1//1", "v1/jobs/1"] {
            assert_eq!(fits("/v1/jobs/{id}", other), None, "{other}");
        }
    }

    #[test]
    fn no_two_routes_answer_the_same_request() {
        for route in &ROUTES {
            let path = route.path.replace(['{', '}'], "");
            let found = find(&route.method, &path);
            assert!(
                matches!(found, Found::Route(found, _) if found.endpoint == route.endpoint),
                "{}",
                route.label
            );
        }
    }
}
