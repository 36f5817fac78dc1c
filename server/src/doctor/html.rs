//! The report as one HTML file, which needs neither a network nor a script.

use askama::Template;
use protocol::doctor::{CheckState, DoctorCheck, DoctorReport, DoctorTarget};

use super::words::{state_name, who};
use crate::texts::{Language, Text};

/// The style is part of the file.
const STYLE: &str = include_str!("../../../templates/doctor_report.css");

/// `templates/doctor_report.html`.
#[derive(Template)]
#[template(path = "doctor_report.html")]
struct Page<'r> {
    style: &'static str,
    language: Language,
    report: &'r DoctorReport,
    /// The host and its port.
    server: String,
    /// The word of the verdict, for its colour.
    verdict: &'static str,
    /// The first check that failed: the cause of all that comes after it.
    first_failed: Option<ShownCheck<'r>>,
    checks: Vec<ShownCheck<'r>>,
    made_by: String,
    /// The report, in a form that no script element can be ended with.
    json: String,
}

/// A check as the page shows it.
struct ShownCheck<'r> {
    of: &'r DoctorCheck,
    word: &'static str,
    state: &'static str,
    state_name: &'r str,
    /// Who can apply the remedy.
    who: &'r str,
    /// Whether its evidence is shown at once.
    is_open: bool,
}

impl<'r> ShownCheck<'r> {
    fn of(check: &'r DoctorCheck, language: Language) -> Self {
        Self {
            of: check,
            word: check.id.word(),
            state: check.state.word(),
            state_name: state_name(language, check.state),
            who: check.remedy.as_ref().map_or("", |remedy| who(language, remedy)),
            is_open: matches!(check.state, CheckState::Failed | CheckState::Warning),
        }
    }
}

/// Writes a report as an HTML file.
///
/// # Errors
/// When the report cannot be written as JSON, or the template fails.
pub fn page(report: &DoctorReport, language: Language) -> anyhow::Result<String> {
    let shown = |check| ShownCheck::of(check, language);
    let first_failed = report.checks.iter().find(|check| check.state == CheckState::Failed);
    let page = Page {
        style: STYLE,
        language,
        report,
        server: server(&report.target),
        verdict: report.verdict.word(),
        first_failed: first_failed.map(shown),
        checks: report.checks.iter().map(shown).collect(),
        made_by: language.fill(Text::DoctorReportMadeBy, &[&env!("CARGO_PKG_VERSION")]),
        json: script_json(report)?,
    };
    Ok(page.render()?)
}

/// Writes host and port as in an address.
fn server(target: &DoctorTarget) -> String {
    match target.host.contains(':') {
        true => format!("[{}]:{}", target.host, target.port),
        false => format!("{}:{}", target.host, target.port),
    }
}

/// Writes JSON for a script element: no text in it can end the element or begin a comment.
fn script_json(report: &DoctorReport) -> serde_json::Result<String> {
    let json = serde_json::to_string(report)?;
    Ok(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

#[cfg(test)]
mod tests {
    use protocol::{
        Encryption, Remedy,
        doctor::{CheckId, DoctorVerdict, REPORT_VERSION},
        problem::Who,
    };

    use super::*;

    fn report(evidence: &str) -> DoctorReport {
        let check = DoctorCheck {
            id: CheckId::Login,
            state: CheckState::Failed,
            title: "Login".to_owned(),
            says: "It says <b>no</b>.".to_owned(),
            evidence: vec![evidence.to_owned()],
            took_ms: 5,
            remedy: Some(Remedy { who: Who::ServerOperator, what: "Ask.".to_owned() }),
        };
        let target = DoctorTarget {
            host: "ftp.example.org".to_owned(),
            port: 21,
            encryption: Encryption::Explicit,
            username: Some("ada".to_owned()),
            folder: None,
        };
        DoctorReport {
            version: REPORT_VERSION,
            at: "2026-11-30T08:00:00Z".to_owned(),
            target,
            verdict: DoctorVerdict::Fails,
            summary: "Does not work".to_owned(),
            checks: vec![check],
        }
    }

    #[test]
    fn what_a_server_sends_is_text_in_every_place() {
        let hostile = "530 </script><script>alert(1)</script><img src=http://evil.example/x>";
        let html = page(&report(hostile), Language::default()).unwrap();
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(!html.contains("<img") && !html.contains("<b>no"), "{html}");
        let (_, json) = html.split_once("id=\"report\">").unwrap();
        let (json, _) = json.split_once("</script>").unwrap();
        let again: DoctorReport = serde_json::from_str(json).unwrap();
        assert_eq!(again, report(hostile));
    }

    #[test]
    fn page_refers_to_nothing_outside() {
        for language in Language::all() {
            let html = page(&report("530 no"), language).unwrap();
            for reference in ["http://", "https://", "src=", "href=", "url(", "@import"] {
                assert!(!html.contains(reference), "{reference} in {html}");
            }
            assert!(html.contains(&format!("lang=\"{}\"", language.tag())));
        }
    }

    #[test]
    fn remedy_says_who_can_apply_it() {
        let html = page(&report("530 no"), Language::default()).unwrap();
        let remedy = "<strong>The server&#39;s administrator can help:</strong> Ask.";
        // Below the verdict, and at the check.
        assert_eq!(html.matches(remedy).count(), 2, "{html}");
    }
}
