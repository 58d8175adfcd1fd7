//! The page at `/`, and the applications' pages: files that are part of the binary, made by `explorer/build` and
//! `apps/amm/build`.

use std::sync::LazyLock;

use alloy_primitives::{hex, keccak256};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HOST, HeaderMap, HeaderValue, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Request, StatusCode};
use jsonrpsee::server::HttpResponse;

use super::page;
use crate::api::Api;

const HTML: &str = "text/html; charset=utf-8";

/// A page with the files it asks for, which are below it.
struct Application {
    path: &'static str,
    page: &'static str,
    assets: [Asset; 4],
}

/// A file that a page asks for.
struct Asset {
    path: &'static str,
    media_type: &'static str,
    content: &'static str,
}

/// A file of an application's folder.
macro_rules! asset {
    ($name:literal, $dist:literal, $file:expr, $media_type:literal) => {
        Asset {
            path: concat!("/", $name, "/", $file),
            media_type: $media_type,
            content: include_str!(concat!("../../../../", $dist, "/", $file)),
        }
    };
}

/// An application whose files are in a folder: `index.html`, a script and a style sheet of its name, an icon, licences.
macro_rules! application {
    ($name:literal, $dist:literal) => {
        Application {
            path: concat!("/", $name),
            page: include_str!(concat!("../../../../", $dist, "/index.html")),
            assets: [
                asset!($name, $dist, concat!($name, ".js"), "text/javascript; charset=utf-8"),
                asset!($name, $dist, concat!($name, ".css"), "text/css; charset=utf-8"),
                asset!($name, $dist, "icon.svg", "image/svg+xml"),
                asset!($name, $dist, "licences.txt", "text/plain; charset=utf-8"),
            ],
        }
    };
}

static APPLICATIONS: [Application; 2] =
    [application!("explorer", "explorer/dist"), application!("amm", "apps/amm/dist")];

/// What tells versions of assets apart, in the order of [`APPLICATIONS`] and of theirs.
static TAGS: LazyLock<[[String; 4]; APPLICATIONS.len()]> = LazyLock::new(|| {
    std::array::from_fn(|application| {
        std::array::from_fn(|asset| {
            let hash = keccak256(APPLICATIONS[application].assets[asset].content);
            format!("\"{}\"", hex::encode(&hash[..16]))
        })
    })
});

/// What pages without scripts may do: nothing.
pub(super) const INERT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers a GET or a HEAD of `/` and of the applications; `None` for other paths. Only nodes that serve `ivm_*` have
/// applications.
pub(super) async fn answer<T>(api: &Api, request: &Request<T>) -> Option<HttpResponse> {
    let path = request.uri().path();
    if path == "/" {
        return Some(secured(page(StatusCode::OK, HTML, root(api.ivm.is_some())), INERT_POLICY));
    }
    let is_below = |application: &Application| {
        path.strip_prefix(application.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let index = APPLICATIONS.iter().position(is_below)?;
    let application = &APPLICATIONS[index];
    let backend = api.ivm.as_ref()?;
    if path == application.path {
        let settlement_port = backend.settlement().await.ok().and_then(|info| info.rpc_port);
        let policy = page_policy(request.headers().get(HOST), settlement_port);
        let mut response = secured(page(StatusCode::OK, HTML, application.page), &policy);
        // Its policy is of this moment.
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return Some(response);
    }
    let Some(asset) = application.assets.iter().position(|asset| asset.path == path) else {
        return Some(secured(page(StatusCode::NOT_FOUND, "text/plain", "no such file\n"), INERT_POLICY));
    };
    Some(file(&application.assets[asset], &TAGS[index][asset], request.headers()))
}

/// A file, or word that the client has it.
fn file(asset: &Asset, tag: &str, headers: &HeaderMap) -> HttpResponse {
    let mut response = if has(headers, tag) {
        page(StatusCode::NOT_MODIFIED, asset.media_type, "")
    } else {
        page(StatusCode::OK, asset.media_type, asset.content)
    };
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    // Asked for again each time, so that it is of one version with the page.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    secured(response, INERT_POLICY)
}

/// Whether the client has the version with this tag.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// What an application's page may do: run its script, which makes no markup of text, and ask this node, at both its ports.
fn page_policy(host: Option<&HeaderValue>, settlement_port: Option<u64>) -> String {
    let settlement = settlement_port
        .map(|port| format!(" http://{}:{port}", host.and_then(host_name).unwrap_or("*")))
        .unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{settlement}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'"
    )
}

/// The name in a `Host` header. `None` for what is no name or IPv4 address: a policy cannot say an IPv6 address, and
/// nothing else a client made up belongs in it.
fn host_name(host: &HeaderValue) -> Option<&str> {
    let host = host.to_str().ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}

/// Adds what keeps browsers from guessing, telling and doing more than they should.
pub(super) fn secured(mut response: HttpResponse, policy: &str) -> HttpResponse {
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// For somebody who opens the node's address in a browser.
fn root(has_jobs: bool) -> String {
    // Both are about jobs, so that a node has both or none.
    let jobs = if has_jobs {
        "<li><a href=\"/explorer\">Explorer</a>: blocks, jobs, challenges</li>\n\
         <li><a href=\"/amm\">Dynamic-fee pool</a>: swaps whose fee follows proven volume</li>\n\
         <li><a href=\"/v1\">REST</a>: jobs and payloads, as <a href=\"/v1/openapi.json\">OpenAPI</a> describes</li>\n"
    } else {
        ""
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>InfinityVM node</title>\n\
         <h1>InfinityVM node</h1>\n\
         <p>This address answers JSON-RPC: POST a request to it, or open a WebSocket. <code>rpc.discover</code> lists \
         the methods.</p>\n\
         <ul>\n{jobs}<li><a href=\"/health\">Health</a>: the newest block and its age</li>\n\
         <li><a href=\"/metrics\">Metrics</a>: for Prometheus</li>\n</ul>\n</html>\n"
    )
}
