//! What the documentation promises by the name of a test is tested by one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const FEATURES: &str = "docs/ftps-features.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The cells of each row of a document's tables, their heads left out.
fn rows(document: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let rows = rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect());
    rows.filter(|cells: &Vec<String>| !matches!(cells[0].as_str(), "#" | "about" | "---")).collect()
}

/// What stands between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The name of every function below a directory.
fn functions(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_test_that_the_features_name_exists() {
    let mut found = BTreeSet::new();
    for directory in ["ftps/src", "ftps/tests", "tests/tests"] {
        functions(&root().join(directory), &mut found);
    }
    let rows = rows(FEATURES);
    let named: Vec<&str> = rows.iter().flat_map(|cells| names(cells.last().unwrap())).collect();
    assert!(named.len() > 100, "the tables are read");
    let missing: Vec<_> = named.iter().filter(|&&name| !found.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_feature_that_there_is_has_a_test() {
    let rows = rows(FEATURES);
    let numbered: Vec<_> = rows.iter().filter(|cells| cells[0].parse::<u32>().is_ok()).collect();
    assert_eq!(numbered.len(), 53);
    for cells in rows {
        // A row of the second table says what is done.
        let is_there = cells.len() < 8 || !cells[6].starts_with('N');
        let is_tested = names(cells.last().unwrap()).next().is_some();
        assert!(is_tested || !is_there, "{}", cells.join(" | "));
    }
}
