//! The figures of the portal for Prometheus, as `/metrics` of the admin listener shows them.
//!
//! Labels are enums ([`labels`]), so that no figure can name a host, a user or a path:
//!
//! ```compile_fail
//! let hosts = ferryport::metrics::Family::<(String,), _>::counters();
//! ```
//!
//! # Layers
//! - [`labels`]: the labels and their values.
//! - `certificate`: the end of the portal's certificate.
//! - `process`: figures about the process.
//! - this module: [`Metrics`], all figures of the portal.

use std::time::{Duration, SystemTime};

use prometheus_client::{
    encoding::text,
    metrics::{
        counter::Counter,
        family::Family as InnerFamily,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric, Registry},
};
use protocol::{Problem, ServerMessage, Stage};

mod certificate;
pub mod labels;
mod process;

use self::{
    certificate::CertificateExpiry,
    labels::{
        ClaimOutcome, Direction, Encoded, KnownBy, Labels, Listener, LoginOutcome, RefusedBy,
        SessionKind, SolvedBy, UploadOutcome, WindowBytes,
    },
    process::ProcessCollector,
};

/// The type of the text of the figures.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The first word of the names of the portal's own figures.
const PREFIX: &str = "ferryport";

/// The metrics of one name, one for each combination of labels.
#[derive(Debug)]
pub struct Family<L, M> {
    metrics: InnerFamily<Encoded<L>, M, fn() -> M>,
}

impl<L: Labels> Family<L, Counter> {
    /// Creates counters.
    #[must_use]
    pub fn counters() -> Self {
        Self::new(Counter::default)
    }
}

impl<L: Labels> Family<L, Gauge> {
    /// Creates gauges.
    #[must_use]
    pub fn gauges() -> Self {
        Self::new(Gauge::default)
    }
}

impl<L: Labels> Family<L, Histogram> {
    /// Creates histograms of durations in seconds.
    #[must_use]
    pub fn durations() -> Self {
        Self::new(durations)
    }
}

impl<L: Labels, M: Clone> Family<L, M> {
    /// Creates the metric of each combination, so that it is shown before it is first used.
    fn new(constructor: fn() -> M) -> Self {
        let family = Self { metrics: InnerFamily::new_with_constructor(constructor) };
        L::all().into_iter().for_each(|labels| drop(family.of(labels)));
        family
    }

    /// Returns the metric with these labels.
    #[must_use]
    pub fn of(&self, labels: L) -> M {
        self.metrics.get_or_create_owned(&Encoded(labels))
    }
}

/// Creates a histogram from 5 ms to an hour.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.005, 3.0, 13))
}

/// All figures of the portal.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sessions: Family<(SessionKind,), Gauge>,
    uploads: Family<(SessionKind, UploadOutcome), Counter>,
    bytes_from_pages: Counter,
    bytes_to_servers: Counter,
    failures: Family<(Stage, SolvedBy), Counter>,
    stages: Family<(Stage,), Histogram>,
    files: Histogram,
    windows: Family<(WindowBytes,), Gauge>,
    connections: Family<(Listener,), Gauge>,
    clients: Family<(KnownBy,), Counter>,
    refused: Family<(RefusedBy,), Counter>,
    logins: Family<(LoginOutcome,), Counter>,
    remote_connections: Gauge,
    draining: Gauge,
    claims: Family<(ClaimOutcome,), Counter>,
    certificate_expiry: CertificateExpiry,
}

/// The figures that are read when they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    /// The sessions that run.
    pub sessions: usize,
    /// Those of them that are of guests of drops.
    pub guests: usize,
    /// The bytes that uploads have reserved of the budget.
    pub leased_bytes: u64,
    /// The budget.
    pub budget_bytes: u64,
    /// Whether the portal is being stopped.
    pub is_draining: bool,
}

/// Counts something that is open, until this is dropped.
#[derive(Debug)]
pub struct Open(Gauge);

impl Open {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector::new()));
        let own = registry.sub_registry_with_prefix(PREFIX);
        let certificate_expiry = CertificateExpiry::default();
        own.register_collector(Box::new(certificate_expiry.clone()));
        let bytes = register(own, "bytes", "Bytes of files", Family::counters());
        Self {
            sessions: register(own, "sessions", "Sessions of pages", Family::gauges()),
            uploads: register(own, "uploads", "Uploads that ended", Family::counters()),
            bytes_from_pages: bytes.of((Direction::FromPage,)),
            bytes_to_servers: bytes.of((Direction::ToServer,)),
            failures: register(
                own,
                "failures",
                "Problems that pages were told, by stage and who can solve them",
                Family::counters(),
            ),
            stages: register(
                own,
                "stage_seconds",
                "Durations of the stages of connecting to FTPS servers",
                Family::durations(),
            ),
            files: register_one(
                own,
                "file_seconds",
                "Durations of uploads that stored their file",
                durations(),
            ),
            windows: register(own, "window_bytes", "Memory for bytes in flight", Family::gauges()),
            connections: register(own, "connections", "Open TCP connections", Family::gauges()),
            clients: register(
                own,
                "requests",
                "Requests for a session or a socket, by how the client's address is known",
                Family::counters(),
            ),
            refused: register(own, "refused", "Refusals by a limit", Family::counters()),
            logins: register(own, "logins", "Logins at FTPS servers", Family::counters()),
            claims: register(
                own,
                "drop_claims",
                "Files that guests offered to drops",
                Family::counters(),
            ),
            remote_connections: register_one(
                own,
                "remote_connections",
                "Sessions that are logged in at an FTPS server",
                Gauge::default(),
            ),
            draining: register_one(
                own,
                "draining",
                "Whether the portal is being stopped",
                Gauge::default(),
            ),
            certificate_expiry,
            registry,
        }
    }
}

fn register<L, M>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    family: Family<L, M>,
) -> Family<L, M>
where
    L: Labels,
    M: Clone,
    InnerFamily<Encoded<L>, M, fn() -> M>: Metric + Clone,
{
    registry.register(name, help, family.metrics.clone());
    family
}

fn register_one<M: Metric + Clone>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    metric: M,
) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// Returns all figures as OpenMetrics text.
    #[must_use]
    pub fn text(&self, snapshot: Snapshot) -> String {
        let persons = snapshot.sessions.saturating_sub(snapshot.guests);
        self.sessions.of((SessionKind::Person,)).set(as_i64(persons as u64));
        self.sessions.of((SessionKind::Guest,)).set(as_i64(snapshot.guests as u64));
        self.windows.of((WindowBytes::Leased,)).set(as_i64(snapshot.leased_bytes));
        self.windows.of((WindowBytes::Budget,)).set(as_i64(snapshot.budget_bytes));
        self.draining.set(i64::from(snapshot.is_draining));
        let mut text = String::new();
        // Writing to memory does not fail.
        let _cannot_fail = text::encode(&mut text, &self.registry);
        text
    }

    /// Counts what a message tells a page: the end of an upload, a problem.
    pub fn count_message(&self, message: &ServerMessage) {
        if let Some(outcome) = upload_outcome(message) {
            self.uploads.of((SessionKind::Person, outcome)).inc();
        }
        if let Some(problem) = problem_in(message) {
            self.count_problem(problem);
        }
    }

    /// Counts the end of an upload of a guest.
    pub fn count_guests_upload(&self, end: &ServerMessage) {
        if let Some(outcome) = upload_outcome(end) {
            self.uploads.of((SessionKind::Guest, outcome)).inc();
        }
        if let Some(problem) = problem_in(end) {
            self.count_problem(problem);
        }
    }

    /// Counts what became of a file that a guest offers.
    pub fn count_claim(&self, outcome: ClaimOutcome) {
        self.claims.of((outcome,)).inc();
    }

    /// Counts a problem that a page is told.
    pub fn count_problem(&self, problem: &Problem) {
        let who = SolvedBy::of(problem.remedy.as_ref().map(|remedy| remedy.who));
        self.failures.of((problem.stage, who)).inc();
    }

    /// Counts bytes of a file that arrived from a page.
    pub fn count_from_page(&self, bytes: u64) {
        self.bytes_from_pages.inc_by(bytes);
    }

    /// Counts bytes of a file that a data connection has taken.
    pub fn count_to_server(&self, bytes: u64) {
        self.bytes_to_servers.inc_by(bytes);
    }

    /// Notes how long a stage of connecting took.
    pub fn stage_took(&self, stage: Stage, time: Duration) {
        self.stages.of((stage,)).observe(time.as_secs_f64());
    }

    /// Notes how long the upload of a stored file took.
    pub fn file_took(&self, time: Duration) {
        self.files.observe(time.as_secs_f64());
    }

    /// Counts a request for a session or a socket.
    pub fn count_request(&self, client_known_by: KnownBy) {
        self.clients.of((client_known_by,)).inc();
    }

    /// Counts a refusal.
    pub fn count_refused(&self, by: RefusedBy) {
        self.refused.of((by,)).inc();
    }

    /// Counts a login at an FTPS server.
    pub fn count_login(&self, outcome: LoginOutcome) {
        self.logins.of((outcome,)).inc();
    }

    /// Notes when the certificate that browsers see ends.
    pub fn set_certificate_expiry(&self, end: SystemTime) {
        self.certificate_expiry.set(end);
    }

    /// Returns when the certificate that browsers see ends, if there is one.
    #[must_use]
    pub fn certificate_expiry(&self) -> Option<SystemTime> {
        self.certificate_expiry.get()
    }

    /// Counts an open connection to a listener.
    #[must_use]
    pub fn connection_opened(&self, listener: Listener) -> Open {
        Open::new(self.connections.of((listener,)))
    }

    /// Counts a session that is logged in at an FTPS server.
    #[must_use]
    pub fn logged_in(&self) -> Open {
        Open::new(self.remote_connections.clone())
    }
}

fn as_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn upload_outcome(message: &ServerMessage) -> Option<UploadOutcome> {
    match message {
        ServerMessage::Done { .. } => Some(UploadOutcome::Done),
        ServerMessage::Conflict { .. } => Some(UploadOutcome::Conflict),
        ServerMessage::Cancelled { .. } => Some(UploadOutcome::Cancelled),
        ServerMessage::Paused { .. } => Some(UploadOutcome::Paused),
        ServerMessage::Failed { .. } => Some(UploadOutcome::Failed),
        _ => None,
    }
}

fn problem_in(message: &ServerMessage) -> Option<&Problem> {
    match message {
        ServerMessage::ListingHidden { problem, .. }
        | ServerMessage::ListingFailed { problem, .. }
        | ServerMessage::MakeDirectoryFailed { problem, .. }
        | ServerMessage::RemoveFailed { problem, .. }
        | ServerMessage::NotRenamed { problem, .. }
        | ServerMessage::NotDeleted { problem, .. }
        | ServerMessage::Interrupted { problem, .. }
        | ServerMessage::Failed { problem, .. }
        | ServerMessage::Disconnected { problem: Some(problem) } => Some(problem),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{labels::Label, *};

    const SNAPSHOT: Snapshot =
        Snapshot { sessions: 2, guests: 0, leased_bytes: 3, budget_bytes: 7, is_draining: true };

    /// Returns all values of a label as they are written.
    fn values<L: Label>() -> impl Iterator<Item = String> {
        L::ALL.iter().map(|value| format!("{}=\"{}\"", L::NAME, value.text()))
    }

    #[test]
    fn every_label_value_is_one_of_an_enum() {
        let text = Metrics::default().text(SNAPSHOT);
        let known: BTreeSet<String> = values::<SessionKind>()
            .chain(values::<UploadOutcome>())
            .chain(values::<Direction>())
            .chain(values::<WindowBytes>())
            .chain(values::<Listener>())
            .chain(values::<LoginOutcome>())
            .chain(values::<KnownBy>())
            .chain(values::<RefusedBy>())
            .chain(values::<SolvedBy>())
            .chain(values::<ClaimOutcome>())
            .chain(values::<Stage>())
            .collect();
        let labels: BTreeSet<String> = text
            .lines()
            .filter_map(|line| line.split_once('{')?.1.split_once('}'))
            .flat_map(|(labels, _)| labels.split(','))
            .filter(|label| !label.starts_with("le="))
            .map(str::to_owned)
            .collect();
        assert_eq!(labels, known);
    }

    #[test]
    fn figures_have_their_names_from_the_start() {
        let text = Metrics::default().text(SNAPSHOT);
        for line in [
            "ferryport_sessions{kind=\"person\"} 2",
            "ferryport_uploads_total{kind=\"person\",outcome=\"done\"} 0",
            "ferryport_bytes_total{direction=\"to_server\"} 0",
            "ferryport_failures_total{stage=\"login\",who=\"you\"} 0",
            "ferryport_stage_seconds_count{stage=\"connect\"} 0",
            "ferryport_file_seconds_count 0",
            "ferryport_window_bytes{state=\"leased\"} 3",
            "ferryport_window_bytes{state=\"budget\"} 7",
            "ferryport_connections{listener=\"page\"} 0",
            "ferryport_refused_total{limit=\"sessions\"} 0",
            "ferryport_logins_total{outcome=\"accepted\"} 0",
            "ferryport_remote_connections 0",
            "ferryport_draining 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.contains("\nprocess_cpu_seconds_total "), "{text}");
    }

    #[test]
    fn what_was_opened_is_counted_until_it_is_dropped() {
        let metrics = Metrics::default();
        let count = |line: &str| metrics.text(SNAPSHOT).lines().any(|found| found == line);
        let open = metrics.connection_opened(Listener::Admin);
        assert!(count("ferryport_connections{listener=\"admin\"} 1"));
        drop(open);
        assert!(count("ferryport_connections{listener=\"admin\"} 0"));
    }
}
