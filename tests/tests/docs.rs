//! The documents of the repository: what they link to exists.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops and says why")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The folders with documents, relative to the workspace's root.
const FOLDERS: [&str; 2] = [".", "docs"];

#[test]
fn every_file_and_heading_that_a_document_links_to_exists() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            if !leads_somewhere(&document, link) {
                broken.push(format!("{}: {link}", shown(&document)));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

/// Paths in backticks are not links, but readers follow them too.
#[test]
fn every_path_that_a_document_names_in_backticks_exists() {
    let roots = ["ftps/", "protocol/", "server/", "web/", "tests/", "templates/", "texts/"];
    let mut missing = Vec::new();
    for document in documents().filter(|path| !path.ends_with("CHANGELOG.md")) {
        let text = fs::read_to_string(&document).unwrap();
        let named = text.split('`').skip(1).step_by(2);
        for path in named.filter(|path| roots.iter().any(|root| path.starts_with(root))) {
            let is_path = path.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
            if is_path && !root().join(path).exists() {
                missing.push(format!("{}: {path}", shown(&document)));
            }
        }
    }
    assert!(missing.is_empty(), "no such file:\n{}", missing.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A document's path, relative to the root.
fn shown(document: &Path) -> String {
    document.strip_prefix(root()).unwrap_or(document).display().to_string()
}

fn documents() -> impl Iterator<Item = PathBuf> {
    let folders = FOLDERS.iter().map(|folder| root().join(folder));
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.starts_with("http://") && !target.starts_with("https://"))
}

fn leads_somewhere(document: &Path, link: &str) -> bool {
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => document.to_owned(),
        path => document.parent().unwrap().join(path),
    };
    if heading.is_empty() {
        return target.exists();
    }
    fs::read_to_string(target).is_ok_and(|text| anchors(&text).contains(heading))
}

/// The anchors of a document's headings: lower case, spaces to hyphens, the rest left out.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
