//! `rpc.discover`: an OpenRPC document of the methods that are served.
//!
//! One table says of each method what it takes and gives. A test holds it to the methods that are registered.

mod jobs;
mod proposing;
mod schemas;
mod table;

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::methods::{MethodTable, RegisterError};

const OPENRPC_VERSION: &str = "1.3.2";

/// A method in the table. `params` are `name: Schema`, or `name?: Schema` where they may be left out.
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) params: &'static [&'static str],
    pub(crate) result: &'static str,
}

/// Registers the document of all methods that are in the table by now, its own included.
pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    let served: HashSet<&str> = table.module.method_names().chain(["rpc.discover"]).collect();
    let document = document(&served);
    table.module.register_method("rpc.discover", move |_, _, _| document.clone())?;
    Ok(())
}

fn document(served: &HashSet<&str>) -> Value {
    let methods: Vec<Value> =
        table::METHODS.iter().filter(|method| served.contains(method.name)).map(method).collect();
    let methods = Value::Array(methods);
    let schemas = schemas_of(&methods);
    json!({
        "openrpc": OPENRPC_VERSION,
        "info": {
            "title": "InfinityVM JSON-RPC",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "methods": methods,
        "components": {"schemas": schemas},
    })
}

fn method(method: &Described) -> Value {
    let params: Vec<Value> = method.params.iter().map(|param| parameter(param)).collect();
    json!({
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-position",
        "params": params,
        "result": {"name": "result", "schema": schema(method.result)},
    })
}

fn parameter(text: &str) -> Value {
    let (name, kind) = text.split_once(": ").unwrap_or((text, "Any"));
    let required = !name.ends_with('?');
    json!({"name": name.trim_end_matches('?'), "required": required, "schema": schema(kind)})
}

/// The schemas that a document refers to, and those that these refer to.
pub(crate) fn schemas_of(document: &Value) -> Map<String, Value> {
    let mut all = schemas::all();
    let mut found = Map::new();
    let mut wanted = HashSet::new();
    references(document, &mut wanted);
    while let Some(name) = wanted.iter().find(|name| all.contains_key(*name)).cloned() {
        if let Some(schema) = all.remove(&name) {
            references(&schema, &mut wanted);
            found.insert(name, schema);
        }
    }
    found
}

/// A schema by its name in the table: `Name`, `[Name]` for a list, `Name|null` for one that may not be there.
pub(crate) fn schema(name: &str) -> Value {
    if let Some(name) = name.strip_suffix("|null") {
        return json!({"oneOf": [schema(name), {"type": "null"}]});
    }
    if let Some(item) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        return json!({"type": "array", "items": schema(item)});
    }
    match name {
        "boolean" | "string" | "null" | "object" => json!({"type": name}),
        name => json!({"$ref": format!("#/components/schemas/{name}")}),
    }
}

/// Names of all schemas that a value refers to.
fn references(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                let named = field.as_str().filter(|_| key == "$ref");
                match named.and_then(|reference| reference.strip_prefix("#/components/schemas/")) {
                    Some(name) => drop(found.insert(name.to_owned())),
                    None => references(field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// An object's schema of properties that are all required.
fn object(properties: &[(&str, &str)]) -> Value {
    let described: Map<String, Value> =
        properties.iter().map(|(name, kind)| ((*name).to_owned(), schema(kind))).collect();
    json!({"type": "object", "properties": described})
}

/// An object's schema with just these properties; those that end with `?` may be left out.
fn record(properties: &[(&str, &str)]) -> Value {
    let named: Vec<(&str, &str)> =
        properties.iter().map(|(name, kind)| (name.trim_end_matches('?'), *kind)).collect();
    let required: Vec<&str> =
        properties.iter().map(|(name, _)| *name).filter(|name| !name.ends_with('?')).collect();
    let mut schema = object(&named);
    schema["required"] = json!(required);
    schema["additionalProperties"] = json!(false);
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_is_named_is_there() {
        let served: HashSet<&str> = table::METHODS.iter().map(|method| method.name).collect();
        assert_eq!(served.len(), table::METHODS.len(), "no method is described twice");
        let document = document(&served);
        let mut named = HashSet::new();
        references(&document, &mut named);
        let defined: HashSet<String> = document["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect();
        assert_eq!(named, defined);
        named.extend(jobs::rest_schemas().as_object().into_iter().flatten().map(|(name, _)| name.clone()));
        assert_eq!(named, schemas::all().keys().cloned().collect(), "none is there for nothing");
    }

    #[test]
    fn names_become_schemas() {
        assert_eq!(
            parameter("block?: Block"),
            json!({"name": "block", "required": false, "schema": {"$ref": "#/components/schemas/Block"}})
        );
        assert_eq!(
            schema("[Hash]|null"),
            json!({"oneOf": [{"type": "array", "items": {"$ref": "#/components/schemas/Hash"}}, {"type": "null"}]})
        );
    }
}
