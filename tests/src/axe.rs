//! The rules of accessibility, put to the page: axe-core, of `tests/vendor/axe-core/`.
//!
//! It runs in a world of its own, so that the page and its content security policy are the ones
//! that people get.

use std::fmt;

use serde_json::{Value, json};

use crate::browser::Page;

const AXE: &str = include_str!("../vendor/axe-core/axe.min.js");

/// The sets of rules: WCAG 2.0, 2.1 and 2.2 at the levels A and AA, and what is known to work well.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// A rule that the page goes against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule's name.
    pub rule: String,
    /// How bad it is, from `minor` to `critical`.
    pub impact: String,
    /// What the rule asks for.
    pub help: String,
    /// Where.
    pub places: Vec<Place>,
}

/// An element that goes against a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A selector of the element.
    pub selector: String,
    /// The element's tag as it stands in the document.
    pub html: String,
    /// What to mend.
    pub remedy: String,
}

impl Page {
    /// What axe-core has against the page as it is now.
    ///
    /// # Panics
    /// When it could not judge the page.
    pub async fn axe(&self) -> Vec<Violation> {
        self.settle().await;
        let options = json!({
            "runOnly": { "type": "tag", "values": TAGS },
            "resultTypes": ["violations"],
            // Off unless it is asked for: few pages stand it.
            "rules": { "target-size": { "enabled": true } },
        });
        // Of what it gives back, what a user reads.
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
        let report = self.run_apart(&report).await;
        assert!(report["passes"].as_u64() > Some(0), "axe looked at nothing: {report}");
        list(&report["violations"]).map(violation).collect()
    }
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
