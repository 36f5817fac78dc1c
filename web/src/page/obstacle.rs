//! Obstacles to uploads on a server that the page is connected to.

use protocol::{Problem, Stage, server::LogLine};

use super::{Page, announcements, start_folder::StartFolder};
use crate::{connection::FtpsState, destination::Destination, format, problem, texts::Text};

/// The most log lines in the message for the server's administrator.
const MAX_LOG_LINES: usize = 60;

/// An obstacle to uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle<'a> {
    /// The start folder could not be opened, and the user has not decided where files go: its path.
    StartFolder(&'a str),
    /// Data connections fail, and without them no file can be transferred.
    DataConnection(&'a Problem),
}

impl Page {
    /// Returns the obstacle to uploads.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle<'_>> {
        if !matches!(self.connection.ftps(), FtpsState::Connected(_)) {
            return None;
        }
        let is_data =
            |problem: &&Problem| matches!(problem.stage, Stage::DataConnection | Stage::DataTls);
        let data = self.remote.problem().filter(is_data).map(Obstacle::DataConnection);
        data.or_else(|| self.missing_start_folder().map(Obstacle::StartFolder))
    }

    /// Returns whether it is clear where dropped files go, and that they can be transferred.
    #[must_use]
    pub fn takes_drops(&self) -> bool {
        self.obstacle().is_none() && !matches!(self.start_folder, StartFolder::Awaited(_))
    }

    /// Tells why picked files were not added.
    pub(super) fn reject_pick(&mut self, names: &[String]) {
        self.notice(match self.obstacle() {
            Some(_) => announcements::pick_obstructed(names),
            None => announcements::pick_rejected(names),
        });
    }

    /// Returns a message about blocked data connections for the operator of the server, with the end
    /// of the session log; `time` is the current time with its zone.
    #[must_use]
    pub fn operator_message(&self, time: &str) -> String {
        let (Some(Obstacle::DataConnection(problem)), FtpsState::Connected(connected)) =
            (self.obstacle(), self.connection.ftps())
        else {
            return String::new();
        };
        let host = format::visible(&connected.host);
        let mut text = Text::ObstacleOperator.fill(&[&host, &connected.port, &time]);
        text.push_str("\n\n");
        text.push_str(problem::stage(problem.stage));
        text.push_str(": ");
        let remedy = problem.remedy.as_ref().map(|remedy| &remedy.what);
        let parts =
            [Some(&problem.message), problem.reply.as_ref(), problem.cause.as_ref(), remedy];
        for part in parts.into_iter().flatten() {
            add_line(&mut text, part);
        }
        self.add_log(&mut text);
        text
    }

    /// Returns a message about a failed connection for the operator of the server, in English, with
    /// the end of the session log; `time` is the current time with its zone.
    #[must_use]
    pub fn failure_message(&self, to: &Destination, time: &str) -> String {
        let Some(problem) = self.connection.problem() else { return String::new() };
        let mut text = String::from("An upload portal could not connect to this FTPS server.\n\n");
        let port = to.port.to_string();
        let reply = problem.reply.as_deref().unwrap_or_default();
        let facts = [
            ("Time: ", time),
            ("Host: ", &to.host),
            ("Port: ", &port),
            ("What failed: ", problem.logged()),
            ("The server's reply: ", reply),
        ];
        for (name, fact) in facts.into_iter().filter(|(_, fact)| !fact.is_empty()) {
            text.push_str(name);
            add_line(&mut text, fact);
        }
        self.add_log(&mut text);
        text
    }

    /// Returns the fingerprint of the certificate in question, and a message that asks the operator of
    /// the server to confirm it.
    #[must_use]
    pub fn certificate_question(&self) -> Option<(String, String)> {
        let (FtpsState::CertificateQuestion(certificate), Some(wanted)) =
            (self.connection.ftps(), self.connection.wanted())
        else {
            return None;
        };
        let fingerprint = format::fingerprint(&certificate.sha256);
        let mut question =
            Text::CertificateAsk.fill(&[&format::visible(&wanted.host), &wanted.port]);
        question.push_str("\n\nSHA-256: ");
        question.push_str(&fingerprint);
        question.push('\n');
        Some((fingerprint, question))
    }

    fn add_log(&self, text: &mut String) {
        text.push('\n');
        let first = self.log.lines().count().saturating_sub(MAX_LOG_LINES);
        for LogLine { text: line, .. } in self.log.lines().skip(first) {
            add_line(text, line);
        }
    }
}

fn add_line(text: &mut String, line: &str) {
    text.push_str(&format::visible(line));
    text.push('\n');
}

/// Says what keeps files from being uploaded.
#[must_use]
pub fn title(obstacle: Obstacle<'_>) -> String {
    match obstacle {
        Obstacle::StartFolder(path) => Text::ObstacleStartFolder.fill(&[&format::name(path)]),
        Obstacle::DataConnection(_) => Text::ObstacleData.text().to_owned(),
    }
}

/// Confirms that the message for the operator is on the clipboard.
#[must_use]
pub fn message_copied() -> &'static str {
    Text::ObstacleCopied.text()
}
