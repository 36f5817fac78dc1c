//! The accessibility rules of axe-core, from `tests/vendor/axe-core/`, run on the page.
//!
//! They run in an isolated world, so that the page and its content security policy are those of
//! real use.

use std::fmt;

use serde_json::{Value, json};

use crate::browser::Page;

const AXE: &str = include_str!("../vendor/axe-core/axe.min.js");

/// The sets of rules: WCAG 2.0, 2.1 and 2.2 at the levels A and AA, and best practices.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// A rule that the page violates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule's name.
    pub rule: String,
    /// Its severity, from `minor` to `critical`.
    pub impact: String,
    /// What the rule requires.
    pub help: String,
    /// The elements that violate it.
    pub places: Vec<Place>,
}

/// An element that violates a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A selector of the element.
    pub selector: String,
    /// The element's tag in the document.
    pub html: String,
    /// How to fix it.
    pub remedy: String,
}

/// Returns the violations that axe-core finds on the page.
///
/// # Panics
/// When axe-core fails.
pub async fn violations(page: &Page) -> Vec<Violation> {
    page.settle().await;
    let options = json!({
        "runOnly": { "type": "tag", "values": TAGS },
        "resultTypes": ["violations"],
        // Off by default.
        "rules": { "target-size": { "enabled": true } },
    });
    // The parts of its result that a developer reads.
    let report = format!(
        "{AXE};
        axe.run(document, {options}).then(({{ violations, passes }}) => ({{
            passes: passes.length,
            violations: violations.map((violation) => ({{
                rule: violation.id, impact: violation.impact, help: violation.help,
                places: violation.nodes.map((node) => ({{
                    selector: node.target.flat().join(' '), html: node.html,
                    remedy: node.failureSummary,
                }})),
            }})),
        }}))"
    );
    let report = page.run_apart(&report).await;
    assert!(report["passes"].as_u64() > Some(0), "axe looked at nothing: {report}");
    list(&report["violations"]).map(violation).collect()
}

fn violation(found: &Value) -> Violation {
    Violation {
        rule: text(&found["rule"]),
        impact: text(&found["impact"]),
        help: text(&found["help"]),
        places: list(&found["places"]).map(place).collect(),
    }
}

fn place(found: &Value) -> Place {
    Place {
        selector: text(&found["selector"]),
        html: text(&found["html"]),
        remedy: text(&found["remedy"]),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}): {}", self.rule, self.impact, self.help)?;
        for place in &self.places {
            writeln!(f, "  {}\n    {}", place.selector, place.html)?;
            for line in place.remedy.lines() {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}
