//! The documents of the protocol between page and portal say what its types say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use protocol::{ClientMessage, GuestMessage, ServerMessage, ToGuest};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

const SCHEMA: &str = "docs/wire-protocol.schema.json";

#[test]
fn the_schema_in_the_docs_is_that_of_the_types() {
    let made = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let kept = fs::read_to_string(root().join(SCHEMA)).unwrap_or_default();
    if made != kept {
        let new = root().join("target/wire-protocol.schema.json");
        fs::write(&new, made).unwrap();
        panic!("{SCHEMA} is not that of the types: `cp {} {SCHEMA}`", new.display());
    }
}

/// Each message stands in a table of docs/wire-protocol.md with exactly its members.
#[test]
fn the_tables_in_the_docs_name_every_message_and_every_member() {
    let document = fs::read_to_string(root().join("docs/wire-protocol.md")).unwrap();
    let schema = schema();
    for (side, heading) in [
        ("client", "## Messages of the client\n"),
        ("portal", "## Messages of the portal\n"),
        ("guest", "### Messages of a guest\n"),
        ("to_guest", "### Messages to a guest\n"),
    ] {
        let (_, section) = document.split_once(heading).expect(heading);
        let rows = rows(section.split("\n## ").next().unwrap().split("\n### ").next().unwrap());
        for (name, members) in messages(&schema, side) {
            let row = rows.get(&name).unwrap_or_else(|| panic!("no row for {side}: {name}"));
            let missing: Vec<_> =
                members.iter().filter(|member| !row.contains(&format!("`{member}`"))).collect();
            assert!(missing.is_empty(), "{name}: {missing:?} in {row}");
        }
        let known: BTreeSet<String> = messages(&schema, side).into_keys().collect();
        let stale: Vec<_> = rows.keys().filter(|name| !known.contains(*name)).collect();
        assert!(stale.is_empty(), "{side}: no such message: {stale:?}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The messages of both sides, with what they share under `$defs`.
fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let client = ClientMessage::json_schema(&mut generator).to_value();
    let portal = ServerMessage::json_schema(&mut generator).to_value();
    let guest = GuestMessage::json_schema(&mut generator).to_value();
    let to_guest = ToGuest::json_schema(&mut generator).to_value();
    let mut shared = generator.take_definitions(true);
    shared.insert("client".to_owned(), client);
    shared.insert("portal".to_owned(), portal);
    shared.insert("guest".to_owned(), guest);
    shared.insert("to_guest".to_owned(), to_guest);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Ferryport's messages, version {}", protocol::VERSION),
        "description": "See wire-protocol.md. `$defs/client` are the messages of the client, \
            `$defs/portal` those of the portal, `$defs/guest` and `$defs/to_guest` those of and to a \
            guest of a drop.",
        "$defs": shared,
    });
    remove_rust_docs(&mut schema["$defs"]);
    schema
}

/// The types' own docs link to Rust items; the document explains the messages.
fn remove_rust_docs(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            // A property of this name is an object.
            if members.get("description").is_some_and(Value::is_string) {
                members.remove("description");
            }
            members.values_mut().for_each(remove_rust_docs);
        }
        Value::Array(elements) => elements.iter_mut().for_each(remove_rust_docs),
        _ => {}
    }
}

/// The messages of one side: their types, each with its members.
fn messages(schema: &Value, side: &str) -> BTreeMap<String, Vec<String>> {
    let variants = schema["$defs"][side]["oneOf"].as_array().expect("variants");
    let message = |variant: &Value| {
        let name = variant["properties"]["type"]["const"].as_str().expect("a type").to_owned();
        (name, members(schema, variant))
    };
    variants.iter().map(message).collect()
}

/// The members of an object, those of the types that it includes among them.
fn members(schema: &Value, object: &Value) -> Vec<String> {
    let properties = object["properties"].as_object().into_iter().flatten();
    let mut names: Vec<String> =
        properties.map(|(name, _)| name.clone()).filter(|name| name != "type").collect();
    if let Some(included) = object["$ref"].as_str() {
        let name = included.rsplit('/').next().unwrap();
        names.extend(members(schema, &schema["$defs"][name]));
    }
    names
}

/// The rows of the tables in a section, by each name in their first column.
fn rows(section: &str) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for line in
        section.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `type`"))
    {
        let first = line.split('|').nth(1).unwrap();
        for name in first.split(',') {
            rows.insert(name.trim().trim_matches('`').to_owned(), line.to_owned());
        }
    }
    rows
}
