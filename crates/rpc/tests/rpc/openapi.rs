//! The OpenAPI document, held to the server. `tests/clients` has a real validator look at it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::common::http::Connection;
use crate::common::jobs::Jobs;

async fn document() -> Value {
    let (node, _) = Jobs::start().await;
    let answer = Connection::open(&node).await.get("/v1/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.json()
}

fn methods(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// A value by a reference into the document.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref") {
        Some(reference) => {
            let pointer = reference.as_str().unwrap().trim_start_matches('#');
            document.pointer(pointer).unwrap_or_else(|| panic!("{reference} is not there"))
        }
        None => schema,
    }
}

/// Whether a text is of a pattern, one of those of Ethereum's simple types; others are not looked at.
fn follows(pattern: &str, text: &str) -> bool {
    let digits =
        text.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let Some(digits) = digits else { return false };
    match pattern {
        "^0x(0|[1-9a-f][0-9a-f]*)$" => digits == "0" || !(digits.is_empty() || digits.starts_with('0')),
        "^0x([0-9a-fA-F]{2})*$" => digits.len().is_multiple_of(2),
        "^0x[0-9a-fA-F]{64}$" => digits.len() == 64,
        "^0x[0-9a-fA-F]{40}$" => digits.len() == 40,
        _ => true,
    }
}

/// What is wrong with a value by a schema, as far as this document's schemas go.
pub(crate) fn fault(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let schema = resolve(document, schema);
    if let Some(options) = schema.get("oneOf") {
        let fits =
            options.as_array().unwrap().iter().filter(|option| fault(document, option, value).is_none());
        return (fits.count() != 1).then(|| format!("{value} fits not one of {options}"));
    }
    if let Some(values) = schema.get("enum") {
        return (!values.as_array().unwrap().contains(value)).then(|| format!("{value} is none of {values}"));
    }
    let right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("null") => value.is_null(),
        other => panic!("no such type: {other:?} in {schema}"),
    };
    if !right {
        return Some(format!("{value} is no {}", schema["type"]));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && !follows(pattern, value.as_str().unwrap())
    {
        return Some(format!("{value} is not of {pattern}"));
    }
    if let Some(items) = schema.get("items") {
        return value.as_array().unwrap().iter().find_map(|item| fault(document, items, item));
    }
    let none = Map::new();
    let (Some(fields), properties) = (value.as_object(), schema["properties"].as_object().unwrap_or(&none))
    else {
        return None;
    };
    let required = schema["required"].as_array().into_iter().flatten();
    let mut lacking = required.filter(|name| !fields.contains_key(name.as_str().unwrap()));
    lacking.next().map(|name| format!("{name} is lacking")).or_else(|| {
        fields.iter().find_map(|(name, field)| match properties.get(name) {
            Some(property) => fault(document, property, field).map(|fault| format!("{name}: {fault}")),
            None => (schema["additionalProperties"] == false).then(|| format!("{name} is too much")),
        })
    })
}

#[tokio::test]
async fn the_document_has_the_routes_that_there_are_and_no_others() {
    let (node, _) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    let document = document().await;
    let described = methods(&document);
    let listed = connection.get("/v1").await.json();
    let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for route in listed["routes"].as_array().unwrap() {
        let text = |name: &str| route[name].as_str().unwrap().to_owned();
        routes.entry(text("path")).or_default().insert(text("method"));
    }
    assert_eq!(described, routes);

    // And the server answers just these.
    for (path, methods) in &described {
        let path = path.replace("{id}", &"0".repeat(66)).replace("{hash}", &"0".repeat(66));
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let status = connection.ask(method, &path, "", &[]).await.status;
            assert_ne!(status, 404, "{method} {path}");
            assert_eq!(status != 405, methods.contains(method), "{method} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn every_example_fits_its_schema_and_every_reference_leads_somewhere() {
    let document = document().await;
    let mut seen = 0;
    let mut look = |content: &Value| {
        for media in content.as_object().into_iter().flat_map(Map::values) {
            let examples = media["examples"].as_object().into_iter().flat_map(Map::values);
            for example in media.get("example").into_iter().chain(examples.map(|named| &named["value"])) {
                assert_eq!(fault(&document, &media["schema"], example), None, "{example}");
                seen += 1;
            }
        }
    };
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
    {
        look(&operation["requestBody"]["content"]);
        for response in operation["responses"].as_object().unwrap().values() {
            assert!(response["description"].is_string());
            look(&response["content"]);
        }
    }
    assert!(seen > 30, "{seen}");
    let text = document.to_string();
    for schema in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(
            text.contains(&format!("\"#/components/schemas/{schema}\"")),
            "{schema} is there for nothing"
        );
    }
    for (reference, _) in
        text.match_indices("\"$ref\":\"").map(|(at, key)| text[at + key.len()..].split_once('"').unwrap())
    {
        resolve(&document, &json!({ "$ref": reference }));
    }
}

#[tokio::test]
async fn what_the_server_says_fits_the_schemas() {
    let (node, _) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    let document = document().await;
    let fits = |name: &str, value: &Value| {
        assert_eq!(
            fault(&document, &document["components"]["schemas"][name], value),
            None,
            "{name}: {value}"
        );
    };
    fits("Job", &connection.get(&format!("/v1/jobs/{}", crate::common::jobs::JOB)).await.json());
    fits("Error", &connection.get("/v1/jobs/1").await.json());
    fits("Routes", &connection.get("/v1").await.json());
    // The same schemas describe what JSON-RPC gives.
    let methods = node.call("rpc.discover", json!([])).await;
    for (name, method) in [("Job", "ivm_getJob"), ("SubmittedJob", "ivm_submitJob")] {
        assert_eq!(methods["components"]["schemas"][name], document["components"]["schemas"][name]);
        assert!(methods["methods"].as_array().unwrap().iter().any(|one| one["name"] == method));
    }
    let history = node.call("ivm_feeHistory", json!(["0x1", "latest"])).await;
    assert_eq!(fault(&methods, &json!({"$ref": "#/components/schemas/CycleFeeHistory"}), &history), None);
    let info = node.call("ivm_getProof", json!([crate::common::KNOWN])).await;
    assert_eq!(fault(&methods, &json!({"$ref": "#/components/schemas/ProofInfo"}), &info), None);
    let program = node.call("ivm_getProgram", json!([crate::common::KNOWN])).await;
    assert_eq!(fault(&methods, &json!({"$ref": "#/components/schemas/RegisteredProgram"}), &program), None);
}
