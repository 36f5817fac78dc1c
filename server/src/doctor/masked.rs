//! Hides hosts, users and paths in a report that is shown to others.

use mask::{MaskOptions, Masker, NameKind};
use protocol::{
    doctor::{CheckId, DoctorCheck, DoctorReport, DoctorTarget},
    server::{LogKind, LogLine},
};

use super::run::Examination;
use crate::texts::Language;

/// Lines of the checks `certificate` and `chain` that name nobody.
const NAMELESS: [&str; 2] = ["valid from ", "key "];

/// Hides names in checks. A name has the same label in all of them.
pub struct ReportMasks<L> {
    options: MaskOptions,
    masker: Masker<L>,
}

/// Creates the masks for an examination.
#[must_use]
pub fn masks(
    examination: &Examination,
    options: MaskOptions,
) -> ReportMasks<impl Fn(NameKind, u32) -> String + use<>> {
    let language = examination.language;
    let mut masker = Masker::new(move |kind, number| label(language, kind, number));
    masker.set_options(options);
    masker.learn_name(NameKind::Host, &examination.host);
    if let Some(credentials) = &examination.credentials {
        masker.learn_name(NameKind::User, credentials.username.as_str());
    }
    if let Some(folder) = &examination.folder {
        masker.learn_name(NameKind::Path, folder);
    }
    ReportMasks { options, masker }
}

impl<L: Fn(NameKind, u32) -> String> ReportMasks<L> {
    /// Returns a check without the names.
    pub fn check(&mut self, check: &DoctorCheck) -> DoctorCheck {
        if !self.options.is_any() {
            return check.clone();
        }
        let lines: Vec<_> = check.evidence.iter().map(|line| log_line(line)).collect();
        for line in &lines {
            self.masker.learn(line);
            self.learn_certificate(&line.text);
        }
        let identifies_host = matches!(check.id, CheckId::Certificate | CheckId::Chain);
        let is_shown = |line: &&LogLine| {
            let is_nameless = NAMELESS.iter().any(|start| line.text.starts_with(start));
            !(identifies_host && self.options.hosts) || is_nameless
        };
        let shown: Vec<_> = lines.iter().filter(is_shown).cloned().collect();
        let evidence = shown.iter().map(|line| {
            let text = self.masker.mask_line(line);
            match line.kind {
                LogKind::Status => text,
                kind => format!("{kind:?}: {text}"),
            }
        });
        let evidence = evidence.collect();
        let mut remedy = check.remedy.clone();
        if let Some(remedy) = &mut remedy {
            remedy.what = self.masker.mask_text(&remedy.what);
        }
        DoctorCheck { says: self.masker.mask_text(&check.says), evidence, remedy, ..check.clone() }
    }

    /// Returns a report without the names.
    pub fn report(&mut self, report: &DoctorReport) -> DoctorReport {
        // A later check may be the first to tell a name.
        for check in &report.checks {
            let _learned = self.check(check);
        }
        let checks = report.checks.iter().map(|check| self.check(check)).collect();
        let DoctorTarget { host, username, folder, .. } = &report.target;
        let target = DoctorTarget {
            host: self.masker.mask_text(host),
            username: username.as_ref().map(|name| self.masker.mask_text(name)),
            folder: folder.as_ref().map(|path| self.masker.mask_text(path)),
            ..report.target.clone()
        };
        DoctorReport { target, checks, ..report.clone() }
    }

    /// Learns the hosts that a certificate is for.
    fn learn_certificate(&mut self, line: &str) {
        let names = line.strip_prefix("names ").into_iter().flat_map(|names| names.split(", "));
        for name in names.filter(|name| !name.is_empty()) {
            self.masker.learn_name(NameKind::Host, name);
        }
    }
}

/// Returns a line of the evidence as one of the session log, as which it was made.
fn log_line(line: &str) -> LogLine {
    let kinds = [LogKind::Command, LogKind::Response, LogKind::Error];
    let of_kind = |kind: &LogKind| {
        let text = line.strip_prefix(&format!("{kind:?}: "))?;
        Some((*kind, text))
    };
    let (kind, text) = kinds.iter().find_map(of_kind).unwrap_or((LogKind::Status, line));
    let text = text.to_owned();
    LogLine { seq: 0, at_millis: 0, connection: None, kind, explanation: None, text }
}

fn label(language: Language, kind: NameKind, number: u32) -> String {
    let key = match kind {
        NameKind::Host => "program.log.masked_host",
        NameKind::User => "program.log.masked_user",
        NameKind::Path => "program.log.masked_path",
    };
    language.fill_key(key, |place| (place == "number").then(|| number.to_string()))
}
