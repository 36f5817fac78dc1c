//! The task that runs a connection: connect, then requests and uploads side by side, then close.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Instant};

use ftps::{Algorithm, Connector, Credentials, Pool};
use protocol::{
    Encryption, Problem, ServerMessage, Stage,
    client::Connect,
    server::{Connected, LogKind},
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    ConnectedFacts, RemoteRequest, SessionOwner, SessionParts,
    config::{self, Account},
    not_connected,
    problems::{preset_certificate, preset_login_refused},
    remote::{self, RemoteFiles},
    transcript::transcript,
};
use crate::{
    audit::{Entry, Event, Outcome, Subject},
    convert,
    limits::{Login, LoginAttempt, TargetOwner},
    locking::lock,
    metrics::{Open, labels::LoginOutcome},
    outbox::OutgoingLine,
    path_claims::ServerClaims,
    policy::Destination,
    problems::{ProblemBuilder, expected_encryption},
    uploads::{UploadQueue, Uploader},
};

/// The state of the task.
pub(super) struct ConnectionTask {
    pub(super) session: SessionParts,
    pub(super) queue: Arc<UploadQueue>,
    pub(super) requests: mpsc::Receiver<RemoteRequest>,
    pub(super) disconnect: CancellationToken,
    pub(super) facts: Arc<ConnectedFacts>,
    /// What the audit calls the connection.
    pub(super) subject: Arc<Subject>,
}

/// Why a connection ends.
enum ConnectionEnd {
    /// The page has disconnected, or its session has ended.
    Disconnected,
    /// The server's certificate is not trusted. The page has it, and asks the user.
    CertificateNotTrusted,
    /// The connection failed.
    Failed(Problem),
}

/// Why a server could not be logged in to.
struct DialError {
    end: ConnectionEnd,
    /// The encryption that the server proved to expect instead.
    expected: Option<Encryption>,
}

impl From<ConnectionEnd> for DialError {
    fn from(end: ConnectionEnd) -> Self {
        Self { end, expected: None }
    }
}

/// A connection that is logged in.
struct LoggedIn {
    pool: Pool,
    /// The paths on the server that uploads write to.
    claims: ServerClaims,
    /// The algorithm of the page's digests.
    digest: Algorithm,
    /// Counts the connection while it lasts.
    _counted: Open,
}

/// The line of the session log about the other encryption.
fn switched_to(expected: Encryption) -> &'static str {
    match expected {
        Encryption::Explicit => "The server expects explicit TLS: connecting again with it",
        Encryption::Implicit => "The server expects implicit TLS: connecting again with it",
    }
}

/// Returns whether a server refused username and password. A server whose session limit is reached
/// has not checked them.
fn is_refused_login(error: &ftps::Error) -> bool {
    let is_session_limit = ftps::Cause::of(error) == ftps::Cause::TooManyConnections;
    error.stage() == ftps::Stage::Login && error.reply().is_some() && !is_session_limit
}

/// Returns the entry of the audit for a login that failed.
fn refused_login(end: &ConnectionEnd) -> Entry {
    match end {
        ConnectionEnd::Disconnected => Entry::new(Event::Login, Outcome::Cancelled),
        ConnectionEnd::CertificateNotTrusted => Entry::new(Event::Login, Outcome::NotTrusted),
        ConnectionEnd::Failed(problem) => Entry::failed(Event::Login, problem),
    }
}

/// Returns the outcome of a login that failed.
fn outcome_of(error: &ftps::Error) -> LoginOutcome {
    match error {
        error if error.is_certificate().is_some() => LoginOutcome::NotTrusted,
        error if is_refused_login(error) => LoginOutcome::Refused,
        _ => LoginOutcome::Failed,
    }
}

/// Waits for the first uploader that ends with a problem; pending while none does.
async fn first_problem(uploaders: &mut JoinSet<Result<(), Problem>>) -> Problem {
    while let Some(ended) = uploaders.join_next().await {
        if let Ok(Err(problem)) = ended {
            return problem;
        }
    }
    std::future::pending().await
}

impl ConnectionTask {
    /// Runs the connection to its end. A connection is idle most of the time: the large futures are
    /// on the heap while they last.
    pub(super) async fn run(mut self, connect: Connect) {
        let disconnect = self.disconnect.clone();
        let connected = tokio::select! {
            biased;
            () = disconnect.cancelled() => Err(ConnectionEnd::Disconnected),
            connected = Box::pin(self.connect(connect)) => connected,
        };
        let end = match connected {
            Ok(logged_in) => {
                let mut uploaders = self.start_uploaders(&logged_in);
                let end = self.work(&logged_in, &mut uploaders).await;
                // The uploads under way see it, and answer.
                self.disconnect.cancel();
                while uploaders.join_next().await.is_some() {}
                Box::pin(logged_in.pool.close()).await;
                end
            }
            Err(end) => {
                self.audit(refused_login(&end)).await;
                end
            }
        };
        self.finish(end).await;
    }

    /// Runs requests and uploads side by side until the connection closes. The request that is
    /// under way then is still answered.
    async fn work(
        &mut self,
        logged_in: &LoggedIn,
        uploaders: &mut JoinSet<Result<(), Problem>>,
    ) -> ConnectionEnd {
        let disconnect = self.disconnect.clone();
        let mut requests = pin!(self.run_requests(logged_in));
        let problem = tokio::select! {
            () = &mut requests => return ConnectionEnd::Disconnected,
            problem = first_problem(uploaders) => problem,
        };
        disconnect.cancel();
        requests.await;
        ConnectionEnd::Failed(problem)
    }

    /// Starts as many uploaders as the pool may have sessions; each waits for a session.
    fn start_uploaders(&self, logged_in: &LoggedIn) -> JoinSet<Result<(), Problem>> {
        let SessionParts { portal, outbox, open_uploads, under_way, session_ends, .. } =
            &self.session;
        let mut uploaders = JoinSet::new();
        for _ in 0..portal.settings.max_ftps_connections.max(1) {
            let uploader = Uploader {
                pool: logged_in.pool.clone(),
                portal: Arc::clone(portal),
                outbox: outbox.clone(),
                open_uploads: Arc::clone(open_uploads),
                queue: Arc::clone(&self.queue),
                claims: logged_in.claims.clone(),
                digest: logged_in.digest,
                disconnect: self.disconnect.clone(),
                under_way: under_way.clone(),
                session_ends: session_ends.clone(),
                subject: Arc::clone(&self.subject),
            };
            uploaders.spawn(uploader.run());
        }
        uploaders
    }

    /// Vets the destination, connects, logs in, and sends `connected`.
    async fn connect(&mut self, connect: Connect) -> Result<LoggedIn, ConnectionEnd> {
        let SessionParts { portal, outbox, lookup_slot, .. } = &self.session;
        outbox.forget_data_tls();
        let destination = self.vet(&connect).await?;
        let (host, port, chosen) = (connect.host.clone(), connect.port, connect.encryption);
        let username = connect.username.clone();
        let trusted = connect.trusted_certificate.as_deref();
        let problems = self.problems();
        let mut config = config::engine_config(portal, &destination, trusted, problems)
            .map_err(ConnectionEnd::Failed)?;
        config.proxy = portal
            .outbound
            .proxy(lookup_slot)
            .await
            .map_err(|error| ConnectionEnd::Failed(error.problem(problems)))?;
        let credentials =
            config::credentials(connect, &destination, problems).map_err(ConnectionEnd::Failed)?;
        self.subject = Arc::new(Subject {
            actor: Some(credentials.username.as_str().to_owned()),
            target: Some(format!("{}:{}", destination.host(), destination.port())),
            ..Subject::clone(&self.subject)
        });
        let (destination, pool) = match chosen {
            Some(_) => {
                let pool = self.dial(&destination, &config, &credentials).await;
                (destination, pool.map_err(|error| error.end)?)
            }
            None => self.dial_automatically(destination, &config, &credentials).await?,
        };
        let mut leased = pool.lease_for_request().await;
        let client = leased.client().await;
        let client = client.map_err(|error| ConnectionEnd::Failed(problems.engine(&error)))?;
        let facts = client.facts();
        let digest = match self.session.drop {
            // Receipts have it.
            Some(_) => Algorithm::Sha256,
            None => config::digest_algorithm(client),
        };
        let connected = Connected {
            host,
            port,
            encryption: chosen.unwrap_or(destination.encryption()),
            username,
            address: facts.address.to_string(),
            tls: convert::tls(&facts.tls),
            certificate: convert::certificate(&facts.certificate, Vec::new()),
            directory: remote::login_directory(client).display().into_owned(),
            digest: convert::algorithm(digest).unwrap_or(protocol::server::Algorithm::Blake3),
        };
        let claims = portal.path_claims.on(
            destination.host().clone(),
            facts.address,
            remote::login_directory(client),
        );
        drop(leased);
        self.set_facts(Some(connected.clone()));
        self.audit(Entry::new(Event::Login, Outcome::Accepted)).await;
        self.session.outbox.send(ServerMessage::Connected(connected)).await;
        let _counted = portal.metrics.logged_in();
        Ok(LoggedIn { pool, claims, digest, _counted })
    }

    async fn audit(&self, entry: Entry) {
        self.session.portal.audit.write(&self.subject, entry).await;
    }

    fn set_facts(&self, connected: Option<Connected>) {
        *lock(&self.facts) = connected;
    }

    async fn vet(&self, connect: &Connect) -> Result<Destination, ConnectionEnd> {
        let SessionParts { portal, outbox, lookup_slot, .. } = &self.session;
        let host = &connect.host;
        outbox.send_lossy(ServerMessage::Connecting { stage: Stage::Resolve });
        let name = portal.policy.host_of(host);
        self.log(LogKind::Status, format!("Resolving the address of {name}"));
        let Connect { port, encryption, .. } = *connect;
        let first = encryption.unwrap_or_else(|| Encryption::first_at(port));
        let begun = Instant::now();
        let vetted = portal.policy.vet(host, port, first, lookup_slot).await;
        portal.metrics.stage_took(Stage::Resolve, begun.elapsed());
        match vetted {
            Ok(destination) => {
                self.log(LogKind::Status, format!("{name} is at {destination}"));
                Ok(destination)
            }
            Err(refusal) => {
                self.log(LogKind::Error, refusal.to_string());
                Err(ConnectionEnd::Failed(refusal.problem(self.problems())))
            }
        }
    }

    /// Adds a line of the portal to the session log.
    fn log(&self, kind: LogKind, text: String) {
        self.session.outbox.log(OutgoingLine::plain(kind, text));
    }

    /// Connects with the encryption that the server is likely to expect, and with the other one if the
    /// server proves that it expects that. The operator has chosen that of a preset.
    async fn dial_automatically(
        &self,
        destination: Destination,
        config: &ftps::Config,
        credentials: &Credentials,
    ) -> Result<(Destination, Pool), ConnectionEnd> {
        let profiles = &self.session.portal.profiles;
        let (host, port) = (destination.host().clone(), destination.port());
        let is_preset = destination.preset().is_some();
        let first = match is_preset {
            true => destination,
            false => destination.with_encryption(profiles.first_encryption(&host, port)),
        };
        let error = match self.dial(&first, config, credentials).await {
            Ok(pool) => return Ok((first, pool)),
            Err(error) => error,
        };
        let Some(expected) = error.expected.filter(|_| !is_preset) else { return Err(error.end) };
        self.log(LogKind::Status, switched_to(expected).to_owned());
        profiles.learn_encryption(&host, port, expected);
        let other = first.with_encryption(expected);
        let pool = self.dial(&other, config, credentials).await.map_err(|error| error.end)?;
        Ok((other, pool))
    }

    /// Connects to the first address where a server answers.
    async fn dial(
        &self,
        destination: &Destination,
        config: &ftps::Config,
        credentials: &Credentials,
    ) -> Result<Pool, DialError> {
        // The credentials bound the length of the username that is remembered.
        let profile = self.session.portal.profiles.of(
            destination.host(),
            destination.port(),
            destination.encryption(),
            credentials.username.as_str(),
        );
        let mut problem = None;
        let mut expected = None;
        let account = Account::at(destination);
        for target in destination.targets() {
            let attempt = self.begin_login(destination, target.address, credentials)?;
            let metrics = &self.session.portal.metrics;
            let transcript = transcript(self.session.outbox.clone(), Arc::clone(metrics));
            let connector = Connector::new(target, config.clone(), credentials.clone(), transcript)
                .with_profile(profile.clone());
            let pool = Pool::new(connector);
            let connected = pool.lease_for_request().await.connect().await;
            let Err(error) = connected else {
                attempt.accepted();
                metrics.count_login(LoginOutcome::Accepted);
                return Ok(pool);
            };
            metrics.count_login(outcome_of(&error));
            if let (Some(untrusted), Account::Person) = (error.is_certificate(), account) {
                return Err(self.ask_for_trust(untrusted).await.into());
            }
            if is_refused_login(&error) {
                attempt.refused();
            }
            problem = Some(self.problem_of(&error, account));
            expected = expected_encryption(&error);
            let has_answered = error.stage() != ftps::Stage::Connect;
            if has_answered {
                break;
            }
        }
        let problem = problem.unwrap_or_else(|| not_connected(self.problems()));
        Err(DialError { end: ConnectionEnd::Failed(problem), expected })
    }

    /// Returns the problem of a connection that failed. What only the operator of a preset can solve
    /// is not asked of the user.
    fn problem_of(&self, error: &ftps::Error, account: Account<'_>) -> Problem {
        let problem = self.problems().engine(error);
        match account {
            Account::Portal(preset) if error.is_certificate().is_some() => {
                preset_certificate(self.problems(), problem, &preset.name)
            }
            Account::Portal(preset) if is_refused_login(error) => {
                preset_login_refused(self.problems(), problem, &preset.name)
            }
            Account::Portal(_) | Account::Person => problem,
        }
    }

    /// Counts an attempt to log in, unless a limit refuses it.
    fn begin_login(
        &self,
        destination: &Destination,
        address: SocketAddr,
        credentials: &Credentials,
    ) -> Result<LoginAttempt, ConnectionEnd> {
        let SessionOwner { session, client, .. } = self.session.owner.clone();
        let username = credentials.username.as_str().to_owned();
        let portal = &self.session.portal;
        let is_own = destination.preset().is_some() || portal.policy.is_listed(address);
        let owner = match is_own {
            true => TargetOwner::Operator,
            false => TargetOwner::Other,
        };
        let login = Login { session, client, target: address.ip(), owner, username };
        portal.limits.begin(login).map_err(|refused| {
            portal.metrics.count_refused(refused.limit.label());
            let problem = refused.problem(self.problems());
            self.log(LogKind::Error, refused.problem(ProblemBuilder::default()).message);
            ConnectionEnd::Failed(problem)
        })
    }

    /// Sends the page a certificate that is not trusted.
    async fn ask_for_trust(&self, untrusted: &ftps::UntrustedCertificate) -> ConnectionEnd {
        let doubts = self.problems().faults(&untrusted.faults);
        let certificate = convert::certificate(&untrusted.facts, doubts);
        self.session.outbox.send(ServerMessage::CertificateNotTrusted { certificate }).await;
        ConnectionEnd::CertificateNotTrusted
    }

    async fn run_requests(&mut self, logged_in: &LoggedIn) {
        loop {
            let request = tokio::select! {
                biased;
                () = self.disconnect.cancelled() => return,
                request = self.requests.recv() => request,
            };
            let Some(request) = request else { return };
            let _started = self.session.under_way.start();
            let files = self.remote_files(logged_in);
            let begun = Instant::now();
            let answer = Box::pin(files.run(request)).await;
            if let Some(entry) = answer.audited() {
                self.audit(entry.took(begun.elapsed())).await;
            }
            answer.send(&self.session.outbox).await;
        }
    }

    fn remote_files<'a>(&'a self, logged_in: &'a LoggedIn) -> RemoteFiles<'a> {
        RemoteFiles {
            pool: &logged_in.pool,
            claims: &logged_in.claims,
            settings: &self.session.portal.settings,
            problems: self.problems(),
            disconnect: &self.disconnect,
        }
    }

    fn problems(&self) -> ProblemBuilder {
        self.session.outbox.problems()
    }

    /// Answers the requests and uploads that wait, then sends `disconnected`.
    async fn finish(mut self, end: ConnectionEnd) {
        self.set_facts(None);
        let uploads = self.queue.close();
        self.requests.close();
        while let Ok(request) = self.requests.try_recv() {
            if let Some(answer) = request.failed(not_connected(self.problems())) {
                self.session.outbox.send(answer).await;
            }
        }
        let session_ends = self.session.session_ends.is_cancelled();
        for upload in uploads {
            self.session.open_uploads.remove(upload.offer.upload);
            let answer = match &end {
                ConnectionEnd::Disconnected | ConnectionEnd::CertificateNotTrusted => {
                    upload.stopped_before_start()
                }
                ConnectionEnd::Failed(problem) => upload.failed_before_start(problem.clone()),
            };
            if session_ends {
                upload.settle(&answer, &self.session.outbox).await;
                continue;
            }
            upload.tell(answer, &self.session.outbox).await;
        }
        let problem = match end {
            _ if session_ends => return,
            ConnectionEnd::CertificateNotTrusted => return,
            ConnectionEnd::Disconnected => None,
            ConnectionEnd::Failed(problem) => Some(problem),
        };
        self.log(LogKind::Status, "Disconnected".to_owned());
        self.session.outbox.send(ServerMessage::Disconnected { problem }).await;
    }
}
