//! Drops and arrivals as text, JSON and CSV.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use store::{ArrivalRow, DropRow, DropState, FileRow, drops::UNLIMITED};

use super::Form;
use crate::{
    drops::service::{guest_of, record_of},
    sealed_store::{SealedStore, SealedStoreError},
    settings::ByteCount,
    texts::quoted,
};

/// What a drop is.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DropReport {
    id: String,
    title: String,
    preset: String,
    state: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    folder: String,
    starts: String,
    expires: String,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
    has_password: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    types: String,
    arrivals: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_arrivals: Option<u64>,
    files: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_files: Option<u64>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_file_bytes: Option<u64>,
}

/// What an arrival has delivered.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ArrivalReport {
    arrival: String,
    started: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    client: String,
    /// Absent once it was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    fields: std::collections::BTreeMap<String, String>,
    stored_files: u64,
    stored_bytes: u64,
    files: Vec<FileReport>,
}

/// A file of an arrival.
#[derive(Clone, Debug, Serialize)]
struct FileReport {
    /// Absent once it was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    bytes: u64,
    state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sha256: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    verified: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
}

impl DropReport {
    pub(super) fn of(row: DropRow, now_ms: i64) -> Self {
        let state = match row.state_at(now_ms) {
            DropState::Open => "open",
            DropState::TooEarly => "not yet",
            DropState::Expired => "expired",
            DropState::Full => "full",
            DropState::Revoked => "withdrawn",
        };
        let limit = |max: u64| (max < UNLIMITED).then_some(max);
        let DropRow { id, terms, created_ms, revoked_ms, used } = row;
        Self {
            id,
            state,
            starts: shown_time(terms.starts_ms),
            expires: shown_time(terms.expires_ms),
            created: shown_time(created_ms),
            revoked: revoked_ms.map(shown_time),
            has_password: !terms.password_hash.is_empty(),
            types: terms.types,
            title: terms.title,
            preset: terms.preset,
            note: terms.note,
            folder: terms.folder,
            arrivals: used.arrivals,
            max_arrivals: limit(terms.limits.arrivals),
            files: used.files,
            max_files: limit(terms.limits.files),
            bytes: used.bytes,
            max_bytes: limit(terms.limits.bytes),
            max_file_bytes: limit(terms.limits.file_bytes),
        }
    }

    /// Returns whether the drop takes files, or will.
    pub(super) fn is_current(&self) -> bool {
        ["open", "not yet", "full"].contains(&self.state)
    }

    /// Returns the drop in several lines.
    pub(super) fn details(&self) -> String {
        let mut lines = vec![
            ("id", self.id.clone()),
            ("title", quoted(&self.title)),
            ("state", self.state.to_owned()),
            ("preset", self.preset.clone()),
            ("folder", self.folder.clone()),
            ("made", self.created.clone()),
            ("starts", self.starts.clone()),
            ("expires", self.expires.clone()),
            ("password", if self.has_password { "yes" } else { "no" }.to_owned()),
            ("arrivals", of_limit(self.arrivals.to_string(), self.max_arrivals)),
            ("files", of_limit(self.files.to_string(), self.max_files)),
            ("bytes", of_limit(ByteCount(self.bytes).to_string(), self.max_bytes.map(ByteCount))),
        ];
        lines.extend(self.max_file_bytes.map(|max| ("largest file", ByteCount(max).to_string())));
        lines.extend(self.revoked.clone().map(|time| ("withdrawn", time)));
        lines.extend(Some(("types", self.types.clone())).filter(|(_, types)| !types.is_empty()));
        lines.extend(Some(("note", quoted(&self.note))).filter(|_| !self.note.is_empty()));
        lines.iter().map(|(name, value)| format!("{name:<13}{value}\n")).collect()
    }
}

impl ArrivalReport {
    /// Opens what is sealed of an arrival and its files.
    ///
    /// # Errors
    /// When it does not open.
    pub(super) fn of(
        store: &SealedStore,
        row: ArrivalRow,
        files: Vec<FileRow>,
    ) -> Result<Self, SealedStoreError> {
        let guest = guest_of(store, &row)?;
        let file = |row: FileRow| {
            let record = match &row.sealed {
                Some(sealed) => record_of(store, &row.id, sealed)?,
                None => None,
            };
            Ok(FileReport {
                name: record.map(|record| record.name),
                bytes: row.size,
                state: row.state,
                sha256: row.sha256,
                verified: row.verified,
                at: shown_time(row.at_ms),
                number: Some(row.number).filter(|number| *number > 1),
            })
        };
        Ok(Self {
            arrival: row.id,
            started: shown_time(row.started_ms),
            finished: row.finished_ms.map(shown_time),
            client: row.client,
            folder: guest.as_ref().map(|guest| guest.folder.join("/")),
            fields: guest.map(|guest| guest.fields.into_iter().collect()).unwrap_or_default(),
            stored_files: row.files,
            stored_bytes: row.bytes,
            files: files.into_iter().map(file).collect::<Result<_, SealedStoreError>>()?,
        })
    }
}

/// Returns drops as a list.
///
/// # Errors
/// Never: texts are JSON.
pub(super) fn drops(reports: &[DropReport], form: Form) -> anyhow::Result<String> {
    if form == Form::Json {
        return Ok(serde_json::to_string_pretty(reports)? + "\n");
    }
    if reports.is_empty() {
        return Ok("there are no drops\n".to_owned());
    }
    let mut text = String::new();
    for report in reports {
        let DropReport { id, state, expires, arrivals, files, bytes, title, .. } = report;
        let files = of_limit(files.to_string(), report.max_files);
        let bytes = of_limit(ByteCount(*bytes).to_string(), report.max_bytes.map(ByteCount));
        let title = quoted(title);
        writeln!(
            text,
            "{id}  {state:<9}  until {expires}  {arrivals} arrivals, {files} files, {bytes}  {title}"
        )?;
    }
    Ok(text)
}

/// Returns arrivals as a list.
///
/// # Errors
/// Never: texts are JSON.
pub(super) fn arrivals(reports: &[ArrivalReport], form: Form) -> anyhow::Result<String> {
    match form {
        Form::Json => Ok(serde_json::to_string_pretty(reports)? + "\n"),
        Form::Csv => Ok(csv(reports)),
        Form::Text => text(reports),
    }
}

fn text(reports: &[ArrivalReport]) -> anyhow::Result<String> {
    if reports.is_empty() {
        return Ok("nothing has arrived\n".to_owned());
    }
    let mut text = String::new();
    for report in reports {
        let state = report.finished.as_ref().map(|time| format!("finished {time}"));
        let state = state.unwrap_or_else(|| "not finished".to_owned());
        writeln!(text, "{}  began {}  {state}", report.arrival, report.started)?;
        for (key, value) in &report.fields {
            writeln!(text, "  {key}: {}", quoted(value))?;
        }
        if let Some(folder) = &report.folder {
            writeln!(text, "  folder: {folder}")?;
        }
        for file in &report.files {
            let name = file.name.as_deref().map(quoted).unwrap_or_else(|| "(forgotten)".to_owned());
            let number = file.number.map(|number| format!(" as ({number})")).unwrap_or_default();
            let size = ByteCount(file.bytes);
            writeln!(text, "  {:<8}  {size}  {}  {name}{number}", file.state, file.sha256)?;
        }
    }
    Ok(text)
}

fn csv(reports: &[ArrivalReport]) -> String {
    let mut lines = vec![
        "arrival,started,finished,client,name,email,message,folder,file,bytes,state,sha256,at"
            .to_owned(),
    ];
    for report in reports {
        let field = |key: &str| report.fields.get(key).cloned().unwrap_or_default();
        for file in &report.files {
            let cells = [
                report.arrival.clone(),
                report.started.clone(),
                report.finished.clone().unwrap_or_default(),
                report.client.clone(),
                field("name"),
                field("email"),
                field("message"),
                report.folder.clone().unwrap_or_default(),
                file.name.clone().unwrap_or_default(),
                file.bytes.to_string(),
                file.state.clone(),
                file.sha256.clone(),
                file.at.clone(),
            ];
            lines.push(cells.map(|cell| csv_cell(&cell)).join(","));
        }
    }
    lines.join("\r\n") + "\r\n"
}

/// Returns a cell of CSV. No program takes it for a formula, and what cannot be seen is shown.
fn csv_cell(text: &str) -> String {
    let shown = quoted(text).replace("\\\"", "\"").replace("\\\\", "\\").replace("\\'", "'");
    let shown = match shown.chars().next() {
        Some('=' | '+' | '-' | '@') => format!("'{shown}"),
        _ => shown,
    };
    match shown.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", shown.replace('"', "\"\"")),
        false => shown,
    }
}

fn of_limit<T: std::fmt::Display>(used: String, max: Option<T>) -> String {
    max.map(|max| format!("{used} of {max}")).unwrap_or(used)
}

/// Returns a time in UTC.
pub(super) fn shown_time(ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    // Times beyond the year 9999 cannot be written.
    let latest = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let time = SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(latest).min(latest);
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_hides_nothing() {
        for (text, expected) in [
            ("Anna", "Anna"),
            ("=1+1", "'=1+1"),
            ("+49 123", "'+49 123"),
            ("-x", "'-x"),
            ("@x", "'@x"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("a\nb", "a\\nb"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
        ] {
            assert_eq!(csv_cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_time_can_be_written() {
        assert_eq!(shown_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(shown_time(i64::MAX), "9999-12-31T23:59:59Z");
    }
}
