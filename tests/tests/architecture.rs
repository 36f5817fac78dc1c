//! The dependencies between the crates.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::MetadataCommand;

/// Each part and the parts that it knows; no other arrow.
const ARROWS: [(&str, &[&str]); 10] = [
    ("ferryport-protocol", &[]),
    ("ferryport-ftps", &[]),
    ("ferryport-store", &[]),
    ("ferryport-mask", &["ferryport-protocol"]),
    ("ferryport-web", &["ferryport-mask", "ferryport-protocol"]),
    ("ferryport-digest", &[]),
    // It builds the sources of both, and links nothing of them.
    ("ferryport-bundle", &[]),
    (
        "ferryport",
        &[
            "ferryport-bundle",
            "ferryport-ftps",
            "ferryport-mask",
            "ferryport-protocol",
            "ferryport-store",
        ],
    ),
    ("ferryport-tests", &["ferryport", "ferryport-ftps", "ferryport-protocol", "ferryport-store"]),
    ("xtask", &[]),
];

#[test]
fn each_crate_depends_only_on_the_crates_that_it_may() {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap();
    // Dependencies of every kind: a test or a build script that knows too much is no better.
    let found: BTreeMap<String, BTreeSet<String>> = metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let known = package.dependencies.iter();
            let known = known.filter(|dependency| dependency.path.is_some());
            let known = known.map(|dependency| dependency.name.to_string()).collect();
            (package.name.to_string(), known)
        })
        .collect();
    let allowed: BTreeMap<String, BTreeSet<String>> = ARROWS
        .into_iter()
        .map(|(part, known)| {
            let known = known.iter().map(|&name| name.to_owned()).collect();
            (part.to_owned(), known)
        })
        .collect();
    assert_eq!(found, allowed);
}
