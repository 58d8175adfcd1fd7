//! The files of the applications' pages, and the page at the node's address.

use ivm_chain::{Chain, Storage};
use ivm_rpc::{RpcConfig, serve};

use crate::common::{Node, chain_config};

/// The value of a header.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let found = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_else(|| panic!("no {name} in {head}"))
}

/// A node that only reads a chain: it has no jobs, and settles nowhere.
async fn reader() -> Node {
    let chain = Chain::open(chain_config(), Storage::Memory).unwrap();
    let config = RpcConfig { listen: "127.0.0.1:0".parse().unwrap(), ..RpcConfig::default() };
    let server = serve(config, chain.clone(), None, None).await.unwrap();
    Node { chain, server }
}

#[tokio::test]
async fn the_page_and_all_that_it_names_are_served_with_their_media_types() {
    let node = Node::start().await;
    for name in ["explorer", "amm"] {
        let (head, page) = node.get(&format!("/{name}")).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(header(&head, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&head, "cache-control"), "no-store");
        let below = format!("/{name}/");
        let named: Vec<&str> = page.split('"').filter(|value| value.starts_with(&below)).collect();
        let path = |file: &str| format!("/{name}/{file}");
        let files = [path("icon.svg"), path(&format!("{name}.css")), path(&format!("{name}.js"))];
        assert_eq!(named, files);
        let media_types = ["image/svg+xml", "text/css; charset=utf-8", "text/javascript; charset=utf-8"];
        let licences = (path("licences.txt"), "text/plain; charset=utf-8");
        for (path, media_type) in files.into_iter().zip(media_types).chain([licences]) {
            let (head, body) = node.get(&path).await;
            assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
            assert_eq!(header(&head, "content-type"), media_type);
            assert_eq!(header(&head, "content-length"), body.len().to_string());
            assert_eq!(header(&head, "x-content-type-options"), "nosniff");
            assert!(body.len() > 200, "{path}");
        }
    }
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_the_body() {
    let node = Node::start().await;
    for path in ["/", "/explorer", "/explorer/explorer.js", "/explorer/none"] {
        let (get, content) = node.get(path).await;
        let (head, body) = node.read("HEAD", path, "Host: x\r\n").await;
        assert_eq!(body, "");
        assert_eq!(get.lines().next(), head.lines().next());
        assert_eq!(header(&head, "content-length"), content.len().to_string());
        assert_eq!(header(&head, "content-type"), header(&get, "content-type"));
    }
}

#[tokio::test]
async fn a_file_that_the_client_has_is_not_sent_again() {
    let node = Node::start().await;
    let path = "/explorer/explorer.css";
    let (head, _) = node.get(path).await;
    assert_eq!(header(&head, "cache-control"), "no-cache");
    let tag = header(&head, "etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let (head, body) = node.read("GET", path, &format!("Host: x\r\nIf-None-Match: {known}\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 304"), "{known}: {head}");
        assert_eq!((header(&head, "etag"), body.as_str()), (tag.as_str(), ""));
    }
    let (head, body) = node.read("GET", path, "Host: x\r\nIf-None-Match: \"other\"\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200") && !body.is_empty(), "{head}");
}

#[tokio::test]
async fn the_policy_lets_the_page_ask_this_node_alone() {
    let node = Node::start().await;
    let policy = async |host: &str| {
        let (head, _) = node.read("GET", "/explorer", &format!("Host: {host}\r\n")).await;
        header(&head, "content-security-policy").to_owned()
    };
    let local = policy("127.0.0.1:8545").await;
    assert!(local.contains("connect-src 'self' http://127.0.0.1:8546; "), "{local}");
    for needed in ["default-src 'none'; ", "script-src 'self'; ", "require-trusted-types-for 'script'"] {
        assert!(local.contains(needed), "{needed} in {local}");
    }
    assert!(!local.contains("unsafe") && !local.contains('*'), "{local}");
    assert!(policy("node.example").await.contains(" http://node.example:8546; "));
    // A policy cannot name an IPv6 address, and no client writes into it.
    for odd in ["[::1]:8545", "a;script-src *", "a b", ""] {
        assert!(policy(odd).await.contains("connect-src 'self' http://*:8546; base-uri"), "{odd}");
    }
}

#[tokio::test]
async fn what_is_not_a_file_of_the_explorer_is_not_found() {
    let node = Node::start().await;
    for path in [
        "/explorer/",
        "/explorer/index.html",
        "/explorer/../Cargo.toml",
        "/explorer/explorer.js/",
        "/explorer/%2e",
    ] {
        let (head, body) = node.get(path).await;
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
        assert_eq!(body, "no such file\n");
    }
    // Not below it: what the server says of any path that is for JSON-RPC alone.
    assert!(node.get("/explorers").await.0.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn a_browser_at_the_nodes_address_is_told_what_there_is() {
    let node = Node::start().await;
    let (head, page) = node.get("/").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(header(&head, "content-type"), "text/html; charset=utf-8");
    for link in ["/explorer", "/health", "/metrics"] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    }
    let (status, answer) = node.post("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"}").await;
    assert!(status == 200 && answer.contains("0x135c"), "{answer}");
}

#[tokio::test]
async fn a_node_without_jobs_has_no_explorer() {
    let node = reader().await;
    let (head, page) = node.get("/").await;
    assert!(head.starts_with("HTTP/1.1 200") && !page.contains("explorer"), "{page}");
    for path in ["/explorer", "/explorer/explorer.js"] {
        assert!(node.get(path).await.0.starts_with("HTTP/1.1 405"), "{path}");
    }
}
