//! What the program says of each thing, in the words of [`crate::texts`].

use std::time::Duration;

use protocol::{
    Encryption, Problem, Remedy, Stage,
    problem::Who,
    server::{
        Algorithm, Certificate, DeletedCounts, EntryKind, FileDigest, LogKind, Tls, Verified,
    },
};

use crate::{
    connection::Destination,
    format, mask,
    page::BulkAction,
    queue::{self, FileAccess, Outage, PauseState, Skipped, State, Stored, Totals, Upload},
    recent::RecentDestination,
    remote::{ChangeDialog, RemoteChange},
    texts::{Plural, Text},
    time::millis,
};

/// A step that takes less is told in milliseconds.
const SHORT_STEP: Duration = Duration::from_secs(10);
/// Digits of a digest that tell two files apart at a glance.
const DIGEST_GLANCE_DIGITS: usize = 8;

const FILES: Plural = Plural { one: Text::NumberFilesOne, other: Text::NumberFilesOther };
const DIRECTORIES: Plural =
    Plural { one: Text::NumberDirectoriesOne, other: Text::NumberDirectoriesOther };
const RESTORED: Plural =
    Plural { one: Text::RestoredUploadsOne, other: Text::RestoredUploadsOther };
const LINES_MISSING: Plural = Plural { one: Text::LogMissingOne, other: Text::LogMissingOther };
const LEFT_OUT: Plural = Plural { one: Text::RemoteLeftOutOne, other: Text::RemoteLeftOutOther };

/// What is said of a stop for those who do not see it.
#[must_use]
pub fn stop_passed() -> &'static str {
    Text::StepDone.text()
}

/// The stop at hand.
#[must_use]
pub fn stop_current() -> &'static str {
    Text::StepCurrent.text()
}

/// A stop to come.
#[must_use]
pub fn stop_ahead() -> &'static str {
    Text::StepPending.text()
}

/// The stop where it ended.
#[must_use]
pub fn stop_failed() -> &'static str {
    Text::StepFailed.text()
}

/// How long a step took.
#[must_use]
pub fn step_took(took: Duration) -> String {
    if took < SHORT_STEP {
        Text::NumberMillis.fill(&[&millis(took)])
    } else {
        format::duration(took)
    }
}

/// A doubt about a certificate that replaced a trusted one.
#[must_use]
pub fn other_certificate() -> &'static str {
    Text::CertificateAnother.text()
}

/// Nothing is connected.
#[must_use]
pub fn not_connected() -> &'static str {
    Text::ConnectionNone.text()
}

/// The person disconnected.
#[must_use]
pub fn disconnected() -> &'static str {
    Text::ConnectionEnded.text()
}

/// The portal is being asked for a session.
#[must_use]
pub fn reconnecting() -> &'static str {
    Text::ConnectionLost.text()
}

/// Uploads were broken off.
#[must_use]
pub fn retry_to_go_on() -> &'static str {
    Text::ConnectionRetryToGoOn.text()
}

/// The browser says that there is no network.
#[must_use]
pub fn offline() -> &'static str {
    Text::ConnectionOffline.text()
}

/// Back after a break.
#[must_use]
pub fn back_again() -> &'static str {
    Text::ConnectionRestored.text()
}

/// Said when a person did something with all uploads, or with those of a folder; nothing where
/// what is seen says enough.
#[must_use]
pub fn acted_on(folder: Option<&str>, bulk: BulkAction) -> Option<String> {
    let (all, folders) = match bulk {
        BulkAction::Pause => (Text::AnnounceAllPaused, Text::AnnounceFolderPaused),
        BulkAction::Resume => (Text::AnnounceAllResumed, Text::AnnounceFolderResumed),
        BulkAction::Cancel => (Text::AnnounceAllCancelled, Text::AnnounceFolderCancelled),
        BulkAction::RetryFailed | BulkAction::ClearFinished => return None,
    };
    Some(match folder {
        None => all.text().to_owned(),
        Some(folder) => folders.fill(&[&format::visible(folder)]),
    })
}

/// The summary is on the clipboard.
#[must_use]
pub fn summary_copied() -> &'static str {
    Text::AnnounceCopied.text()
}

/// The summary is selected, because the browser lets no page write to the clipboard here.
#[must_use]
pub fn summary_selected() -> &'static str {
    Text::AnnounceSelected.text()
}

/// Under a listing that waits for its answer while uploads are under way.
#[must_use]
pub fn listing_waits() -> &'static str {
    Text::RemoteWaiting.text()
}

/// How a stop is called; a stage that is none has the name of its stage.
#[must_use]
pub fn stop(at: Stage) -> &'static str {
    match at {
        Stage::Resolve => Text::StepResolve.text(),
        Stage::Connect => Text::StepConnect.text(),
        Stage::Tls => Text::StepTls.text(),
        Stage::Certificate => Text::StepCertificate.text(),
        Stage::Login => Text::StepLogin.text(),
        Stage::Protect => Text::StepProtect.text(),
        Stage::List => Text::StepList.text(),
        other => stage(other),
    }
}

/// How one stage is called in front of a problem.
#[must_use]
pub fn stage(stage: Stage) -> &'static str {
    let word = match stage {
        Stage::Portal => Text::StagePortal,
        Stage::Resolve => Text::StageResolve,
        Stage::Policy => Text::StagePolicy,
        Stage::Connect => Text::StageConnect,
        Stage::Greeting => Text::StageGreeting,
        Stage::Auth => Text::StageAuth,
        Stage::Tls => Text::StageTls,
        Stage::Certificate => Text::StageCertificate,
        Stage::Login => Text::StageLogin,
        Stage::Protect => Text::StageProtect,
        Stage::Setup => Text::StageSetup,
        Stage::List => Text::StageList,
        Stage::MakeDirectory => Text::StageMakeDirectory,
        Stage::DataConnection => Text::StageDataConnection,
        Stage::DataTls => Text::StageDataTls,
        Stage::Transfer => Text::StageTransfer,
        Stage::Verify => Text::StageVerify,
        Stage::Rename => Text::StageRename,
        Stage::Delete => Text::StageDelete,
        Stage::Idle => Text::StageIdle,
    };
    word.text()
}

/// Who can mend a problem.
#[must_use]
pub fn who(who: Who) -> &'static str {
    let word = match who {
        Who::You => Text::WhoYou,
        Who::Host => Text::WhoHost,
        Who::Network => Text::WhoNetwork,
        Who::Operator => Text::WhoOperator,
    };
    word.text()
}

/// Which FTPS session a line of the log belongs to: a page's uploads run over several at once.
#[must_use]
pub fn ftps_session(number: u32) -> String {
    Text::LogSession.fill(&[&number])
}

/// An error of the log, for those who listen.
#[must_use]
pub fn error_said(text: &str) -> String {
    Text::LogErrorInLog.fill(&[&text])
}

/// Under a line of the log that needs no explanation.
#[must_use]
pub fn explanation_none(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Error => Text::LogErrorHandled.text(),
        LogKind::Status | LogKind::Command | LogKind::Response => Text::LogExplanationNone.text(),
    }
}

/// Under a line of the log whose explanation did not arrive.
#[must_use]
pub fn explanations_missing() -> &'static str {
    Text::LogExplanationsMissing.text()
}

/// Which of the places where the text stands is the one at hand, from 1.
#[must_use]
pub fn found(at: u32, number: u32) -> String {
    match number {
        0 => Text::LogFoundNone.text().to_owned(),
        number => Text::LogFound.fill(&[&at, &number]),
    }
}

/// The log was copied.
#[must_use]
pub fn log_copied(lines: usize) -> String {
    Text::LogCopied.fill(&[&lines])
}

/// The browser refused.
#[must_use]
pub fn copy_refused() -> &'static str {
    Text::LogCopyRefused.text()
}

/// Above a log that is copied or downloaded.
#[must_use]
pub fn log_head(date: &str, browser: &str, greeting: &str) -> String {
    Text::LogHead.fill(&[&env!("CARGO_PKG_VERSION"), &date, &browser, &greeting])
}

/// What stands in the log instead of a name that is hidden.
#[must_use]
pub fn masked(kind: mask::NameKind, number: u32) -> String {
    let word = match kind {
        mask::NameKind::Host => Text::LogMaskedHost,
        mask::NameKind::User => Text::LogMaskedUser,
        mask::NameKind::Path => Text::LogMaskedPath,
    };
    word.fill(&[&number])
}

/// Who speaks in a line of the log.
#[must_use]
pub fn log_kind(kind: LogKind) -> &'static str {
    let word = match kind {
        LogKind::Status => Text::LogStatus,
        LogKind::Command => Text::LogCommand,
        LogKind::Response => Text::LogResponse,
        LogKind::Error => Text::LogError,
    };
    word.text()
}

/// An upload's status. In English its first words are a contract with those who look for them.
#[must_use]
pub fn status(upload: &Upload) -> String {
    let word = match upload.state() {
        State::Queued => Text::StatusQueued,
        State::Paused if upload.taken() > 0 => return paused(upload),
        State::Paused => Text::StatusPausedBefore,
        State::Open(open) => match (open.phase(), open.pause_state()) {
            (queue::Phase::Verifying, _) => Text::StatusVerifying,
            (_, PauseState::Paused) => return paused(upload),
            (_, PauseState::Unreadable) => Text::StatusFailed,
            (queue::Phase::Offered, _) => Text::StatusQueuedNext,
            (queue::Phase::Sending, _) => return uploading(upload),
            (queue::Phase::Retrying, _) => {
                return Text::StatusTryingAgain.fill(&[&format::bytes(upload.taken())]);
            }
        },
        State::Done(stored) => return done(upload, stored),
        State::Interrupted => match upload.source() {
            FileAccess::Available => Text::StatusInterruptedLost,
            FileAccess::ByHandle => Text::StatusPressContinue,
            FileAccess::Missing => Text::StatusPickAgain,
        },
        State::Skipped(Skipped::ServerFileKept) => Text::StatusSkippedExisting,
        State::Skipped(Skipped::NotNewer) => Text::StatusSkippedNotNewer,
        State::Skipped(Skipped::Cancelled) => Text::StatusSkippedCancelled,
        State::Failed(_) => Text::StatusFailed,
        State::NeedsDecision(existing) if existing.size == Some(upload.size()) => {
            Text::StatusDecideExistsSameSize
        }
        State::NeedsDecision(_) => Text::StatusDecideExists,
    };
    word.text().to_owned()
}

fn paused(upload: &Upload) -> String {
    Text::StatusPaused.fill(&[&format::bytes(upload.taken())])
}

fn done(upload: &Upload, stored: &Stored) -> String {
    let how = match stored.verified {
        Verified::Digest => Text::StatusDoneDigest,
        Verified::Size => Text::StatusDoneSize,
        Verified::ReplyOnly => Text::StatusDoneReply,
    };
    match upload.renamed() {
        Some(path) => Text::StatusDoneAs.fill(&[&how.text(), &format::visible(&path)]),
        None => how.text().to_owned(),
    }
}

/// How a digest is called.
#[must_use]
pub fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Blake3 => "BLAKE3",
        Algorithm::Crc32 => "CRC-32",
        Algorithm::Sha256 => "SHA-256",
    }
}

/// A digest in short: `BLAKE3 1f3a9c0d…`.
#[must_use]
pub fn digest_glance(digest: &FileDigest) -> String {
    let shown: String = digest.hex.chars().take(DIGEST_GLANCE_DIGITS).collect();
    let rest = if shown.len() < digest.hex.len() { "…" } else { "" };
    [algorithm(digest.algorithm), " ", &*format::visible(&shown), rest].concat()
}

/// Who made a digest and found it equal.
#[must_use]
pub fn digest_makers(stored: &Stored) -> &'static str {
    let word = match (stored.page_agrees, stored.verified) {
        (true, Verified::Digest) => Text::DigestEverywhere,
        (true, Verified::Size | Verified::ReplyOnly) => Text::DigestBrowserAndPortal,
        (false, Verified::Digest) => Text::DigestPortalAndServer,
        (false, Verified::Size | Verified::ReplyOnly) => Text::DigestPortal,
    };
    word.text()
}

/// The same while the link to the portal is lost: what is open goes on by itself.
#[must_use]
pub fn status_during_outage(upload: &Upload, outage: Outage) -> String {
    let State::Open(open) = upload.state() else { return status(upload) };
    if let PauseState::Paused | PauseState::Unreadable = open.pause_state() {
        return status(upload);
    }
    let at = format::bytes(upload.taken());
    match outage.retry_in {
        Some(left) => Text::StatusInterruptedNextTry.fill(&[&at, &format::duration(left)]),
        None => Text::StatusInterruptedAt.fill(&[&at]),
    }
}

fn uploading(upload: &Upload) -> String {
    let taken = format::bytes(upload.taken());
    let rest = upload.size() - upload.taken();
    let rate = upload.rate().bytes_per_second().filter(|rate| *rate > 0).map(format::rate);
    let left = upload.rate().time_for(rest).filter(|left| worth_saying(*left));
    match (rate, left.map(format::duration)) {
        (None, None) => Text::StatusUploading.fill(&[&taken]),
        (Some(rate), None) => Text::StatusUploadingRate.fill(&[&taken, &rate]),
        (None, Some(left)) => Text::StatusUploadingLeft.fill(&[&taken, &left]),
        (Some(rate), Some(left)) => Text::StatusUploadingRateLeft.fill(&[&taken, &rate, &left]),
    }
}

fn worth_saying(left: Duration) -> bool {
    left >= Duration::from_secs(2) && left < Duration::from_secs(100 * 3600)
}

/// A file's size and date, side by side with another's. `date` is by the person's clock.
#[must_use]
pub fn size_and_date(size: Option<u64>, date: Option<&str>) -> String {
    let size = size.map_or_else(|| Text::NumberUnknownSize.text().to_owned(), format::exact_bytes);
    Text::NumberSizeAndDate.fill(&[&size, &date.unwrap_or_else(|| Text::NumberUnknownDate.text())])
}

/// Which of two files is newer, if both dates are known.
#[must_use]
pub fn which_is_newer(ours: Option<i64>, theirs: Option<i64>) -> &'static str {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours > theirs => Text::NewerYours.text(),
        (Some(ours), Some(theirs)) if ours < theirs => Text::NewerOnServer.text(),
        (_, _) => "",
    }
}

/// The progress of one upload, spoken.
#[must_use]
pub fn spoken_progress(upload: &Upload) -> String {
    progress(upload.taken(), upload.size())
}

fn progress(taken: u64, size: u64) -> String {
    Text::NumberProgress.fill(&[&format::bytes(taken), &format::bytes(size)])
}

/// All uploads in a few words, for the heading.
#[must_use]
pub fn count(totals: &Totals) -> String {
    match totals.files {
        0 => String::new(),
        files => Text::TotalCount.fill(&[&totals.done, &files]),
    }
}

/// All uploads in a line.
#[must_use]
pub fn total(totals: &Totals, rate: Option<u64>, left: Option<Duration>) -> String {
    let mut parts = vec![progress(totals.taken, totals.bytes)];
    if totals.active > 0 {
        let left = left.filter(|left| worth_saying(*left)).map(format::duration);
        parts.extend(rate.filter(|rate| *rate > 0).map(format::rate));
        parts.extend(left.map(|left| Text::TotalLeft.fill(&[&left])));
    }
    parts.extend(not_stored(totals));
    parts.join(" · ")
}

/// How many are not stored, for each reason.
fn not_stored(totals: &Totals) -> impl Iterator<Item = String> {
    let reasons = [
        (totals.failed, Text::TotalFailed),
        (totals.waiting, Text::TotalWaiting),
        (totals.paused, Text::TotalPaused),
        (totals.skipped, Text::TotalSkipped),
    ];
    let there = reasons.into_iter().filter(|(number, _)| *number > 0);
    there.map(|(number, word)| word.fill(&[&number]))
}

/// A folder's uploads in a line.
#[must_use]
pub fn folder_total(totals: &Totals) -> String {
    let mut parts = vec![count(totals), format::bytes(totals.bytes)];
    parts.extend(not_stored(totals));
    parts.join(" · ")
}

/// What a folder is called in the list of uploads.
#[must_use]
pub fn folder(path: &str) -> String {
    Text::FolderName.fill(&[&format::visible(path)])
}

/// What became of all uploads.
#[must_use]
pub fn summary(totals: &Totals, took: Duration, rate: Option<u64>) -> String {
    let (files, size) = (FILES.fill(totals.done), format::bytes(totals.stored));
    let took = format::duration(took);
    let stored = match rate {
        Some(rate) => Text::SummaryRate.fill(&[&files, &size, &took, &format::rate(rate)]),
        None => Text::SummaryStored.fill(&[&files, &size, &took]),
    };
    let mut parts = vec![stored];
    parts.extend(not_stored(totals));
    parts.join(" · ")
}

/// How all uploads are, in the window's title and its icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is nothing to tell.
    Idle,
    /// Something is under way.
    Sending,
    /// What is left is paused.
    Paused,
    /// All are stored.
    Done,
    /// What is left needs the person.
    Attention,
}

/// How all uploads are.
#[must_use]
pub fn condition(totals: &Totals) -> Condition {
    match (totals.active, totals.failed + totals.waiting) {
        (1.., _) => Condition::Sending,
        (0, 1..) => Condition::Attention,
        (0, 0) if totals.paused > 0 => Condition::Paused,
        (0, 0) if totals.done > 0 => Condition::Done,
        (0, 0) => Condition::Idle,
    }
}

/// The window's title.
#[must_use]
pub fn title(totals: &Totals) -> String {
    let word = match condition(totals) {
        Condition::Sending => return Text::TitleSending.fill(&[&(totals.permille() / 10)]),
        Condition::Idle => Text::TitleIdle,
        Condition::Paused => Text::TitlePaused,
        Condition::Done => Text::TitleDone,
        Condition::Attention => Text::TitleAttention,
    };
    word.text().to_owned()
}

/// Said once when nothing is left to do.
#[must_use]
pub fn finished(totals: &Totals) -> String {
    let done = FILES.fill(totals.done);
    let (failed, waiting) = (totals.failed, totals.waiting);
    match (totals.failed, totals.waiting) {
        (0, 0) => Text::AnnounceFinished.fill(&[&done]),
        (_, 0) => Text::AnnounceFinishedFailed.fill(&[&done, &failed]),
        (0, _) => Text::AnnounceWaiting.fill(&[&done, &waiting]),
        (_, _) => Text::AnnounceFailedWaiting.fill(&[&done, &failed, &waiting]),
    }
}

/// Said at each quarter of the way.
#[must_use]
pub fn milestone(permille: u64, totals: &Totals) -> String {
    Text::AnnounceMilestone.fill(&[&(permille / 10), &totals.done, &FILES.fill(totals.files)])
}

/// Said when files were picked.
#[must_use]
pub fn added(number: usize) -> String {
    Text::AnnounceAdded.fill(&[&FILES.fill(number as u64)])
}

/// Said when rows were taken out of the list.
#[must_use]
pub fn cleared(number: usize) -> String {
    Text::AnnounceCleared.fill(&[&FILES.fill(number as u64)])
}

/// Said when an upload failed.
#[must_use]
pub fn failed(path: &str, problem: &Problem) -> String {
    Text::AnnounceFailed.fill(&[&format::visible(path), &format::visible(&problem.message)])
}

/// Said when an upload waits for a decision.
#[must_use]
pub fn asks(path: &str) -> String {
    Text::AnnounceDecide.fill(&[&format::visible(path)])
}

/// Where the page is connected to.
#[must_use]
pub fn connected_to(host: &str) -> String {
    Text::ConnectionTo.fill(&[&format::visible(host)])
}

/// Where the page is on its way to.
#[must_use]
pub fn connecting_to(host: &str) -> String {
    Text::ConnectionConnectingTo.fill(&[&format::visible(host)])
}

/// Host, port and address, for the facts.
#[must_use]
pub fn server_fact(host: &str, port: u16, address: &str) -> String {
    let (host, address) = (format::visible(host), format::visible(address));
    // An IPv6 address stands in brackets; the person may have typed it without.
    let says_host = [&*address, address.trim_start_matches('[')];
    if address.is_empty() || says_host.iter().any(|address| address.starts_with(&*host)) {
        Text::ConnectionPlace.fill(&[&host, &port])
    } else {
        Text::ConnectionPlaceAndAddress.fill(&[&host, &port, &address])
    }
}

/// Who is logged in, and how it is encrypted, for a line of its own.
#[must_use]
pub fn user_and_tls(user: &str, tls: &Tls) -> String {
    [&*format::visible(user), " · ", &*format::visible(&tls.version)].concat()
}

/// The control connection's TLS, and when it starts.
#[must_use]
pub fn control_tls(tls: &Tls, encryption: Encryption) -> String {
    let word = match encryption {
        Encryption::Explicit => Text::ConnectionExplicitTls,
        Encryption::Implicit => Text::ConnectionImplicitTls,
    };
    word.fill(&[&format::visible(&tls.version)])
}

/// Whether an earlier TLS session was resumed.
#[must_use]
pub fn tls_session(tls: &Tls) -> &'static str {
    if tls.resumed { Text::SecurityResumed.text() } else { Text::SecurityNew.text() }
}

/// A connection's encryption in one line; `version` may say more than the version.
#[must_use]
pub fn tls_in_short(version: &str, tls: &Tls) -> String {
    let facts = [version, &format::visible(&tls.cipher_suite)].join(", ");
    Text::SecuritySummary.fill(&[&facts, &tls_session(tls)])
}

/// There was no data connection so far.
#[must_use]
pub fn no_data_connection() -> &'static str {
    Text::SecurityNoneYet.text()
}

/// Who vouches for the certificate.
#[must_use]
pub fn trusted_by(person: bool) -> &'static str {
    if person { Text::SecurityTrustedByYou.text() } else { Text::SecurityTrustedByPortal.text() }
}

/// The link is in the clipboard.
#[must_use]
pub fn link_copied() -> &'static str {
    Text::CopiedLink.text()
}

/// The same for the fingerprint.
#[must_use]
pub fn fingerprint_copied() -> &'static str {
    Text::CopiedFingerprint.text()
}

/// The browser does not let the page copy; the link stands in its address bar instead.
#[must_use]
pub fn link_in_address() -> &'static str {
    Text::CopiedRefusedLink.text()
}

/// The browser does not let the page copy.
#[must_use]
pub fn not_copied() -> &'static str {
    Text::CopiedRefused.text()
}

/// There was a password in the address that was put into the host's field.
#[must_use]
pub fn password_moved() -> &'static str {
    Text::FormPasswordMoved.text()
}

/// There was a password in the link.
#[must_use]
pub fn password_ignored() -> &'static str {
    Text::FormPasswordIgnored.text()
}

/// Who and where, of a destination that this browser remembers.
#[must_use]
pub fn recent_place(destination: &Destination) -> String {
    let (username, host) = (&destination.username, &destination.host);
    [&*format::visible(username), "@", &*format::visible(host)].concat()
}

/// How to get there; `encryption` is what the form calls it.
#[must_use]
pub fn recent_how(recent: &RecentDestination, encryption: &str) -> String {
    let port = recent.destination.port;
    match recent.folder.as_str() {
        "" => Text::RecentHow.fill(&[&encryption, &port]),
        folder => Text::RecentHowAndFolder.fill(&[&encryption, &port, &format::visible(folder)]),
    }
}

/// The button that takes a remembered destination out.
#[must_use]
pub fn recent_remove(place: &str) -> String {
    Text::RecentRemove.fill(&[&place])
}

/// The folder to begin in could not be opened.
#[must_use]
pub fn no_such_begin(path: &str, message: &str) -> String {
    Text::RemoteStartFolderFailed.fill(&[&format::visible(path), &format::visible(message)])
}

/// Under the choice of encryption.
#[must_use]
pub fn encryption_hint(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::Explicit => Text::ConnectionExplicitHint.text(),
        Encryption::Implicit => Text::ConnectionImplicitHint.text(),
    }
}

/// The names in a certificate.
#[must_use]
pub fn names(certificate: &Certificate) -> String {
    if certificate.names.is_empty() {
        return Text::CertificateNoNames.text().to_owned();
    }
    certificate.names.join(", ")
}

/// How long until the next try.
#[must_use]
pub fn retry_in(left: Duration) -> String {
    Text::ConnectionLostNextTry.fill(&[&format::duration(left)])
}

/// Said when rows of an earlier page are there again; also above them.
#[must_use]
pub fn restored(number: usize) -> String {
    RESTORED.fill(number as u64)
}

/// What has to be done so that rows of an earlier page go on.
#[must_use]
pub fn to_go_on(connected: bool, source: FileAccess) -> &'static str {
    let word = match (connected, source) {
        (false, FileAccess::ByHandle) => Text::RestoredConnectAndContinue,
        (false, _) => Text::RestoredConnectAndPick,
        (true, FileAccess::ByHandle) => Text::RestoredContinue,
        (true, _) => Text::RestoredPick,
    };
    word.text()
}

/// Said when files of an earlier page were found.
#[must_use]
pub fn files_found(number: usize) -> String {
    Text::AnnounceFound.fill(&[&FILES.fill(number as u64)])
}

/// A file that is not the one that an earlier page was uploading.
#[must_use]
pub fn other_file(path: &str) -> String {
    Text::NoticeOtherFile.fill(&[&format::visible(path)])
}

/// The session goes on elsewhere.
#[must_use]
pub fn taken_over() -> Problem {
    problem(Text::ProblemSessionInOtherTab.text(), Text::ProblemSessionInOtherTabRemedy)
}

/// The page was loaded again, and holds no password.
#[must_use]
pub fn password_needed() -> Problem {
    problem(Text::ProblemPasswordNeeded.text(), Text::ProblemPasswordNeededRemedy)
}

/// A line in the log where lines are missing.
#[must_use]
pub fn lines_missing(number: u64) -> String {
    LINES_MISSING.fill(number)
}

/// Under a listing that is not complete.
#[must_use]
pub fn left_out(number: u64) -> String {
    LEFT_OUT.fill(number)
}

/// A folder that the server did not make.
#[must_use]
pub fn folder_not_made(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::visible(path), format::visible(&problem.message));
    match &problem.reply {
        Some(reply) => Text::NoticeNoFolderReply.fill(&[&path, &message, &format::visible(reply)]),
        None => Text::NoticeNoFolder.fill(&[&path, &message]),
    }
}

/// What an upload left on the server, and could not be removed.
#[must_use]
pub fn leftover_not_removed(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::visible(path), format::visible(&problem.message));
    Text::NoticeLeftover.fill(&[&path, &message])
}

/// Something on the server was not renamed, or not deleted.
#[must_use]
pub fn not_changed(path: &str, problem: &Problem) -> String {
    Text::NoticeNotChanged.fill(&[&format::visible(path), &format::visible(&problem.message)])
}

/// A name for something on the server is missing.
#[must_use]
pub fn name_missing(stage: Stage) -> Problem {
    yours(stage, Text::RemoteNameMissing.text().to_owned(), Text::RemoteNameMissingRemedy)
}

/// Nothing on the server can have this name.
#[must_use]
pub fn no_name(stage: Stage, name: &str) -> Problem {
    yours(stage, Text::RemoteNameInvalid.fill(&[&name]), Text::RemoteNameInvalidRemedy)
}

/// Something in the directory in view has this name.
#[must_use]
pub fn name_taken(stage: Stage, name: &str) -> Problem {
    yours(stage, Text::RemoteNameTaken.fill(&[&name]), Text::RemoteNameTakenRemedy)
}

/// The connection broke before the answer to what the person wanted.
#[must_use]
pub fn unanswered(stage: Stage) -> Problem {
    yours(stage, Text::RemoteConnectionLost.text().to_owned(), Text::RemoteConnectionLostRemedy)
}

fn yours(stage: Stage, message: String, remedy: Text) -> Problem {
    let remedy = Some(Remedy { who: Who::You, what: remedy.text().to_owned() });
    Problem { stage, message, logged: None, reply: None, cause: None, remedy }
}

/// Said when something was made, renamed or deleted on the server; `name` is what it is called now.
#[must_use]
pub fn change_done(change: &RemoteChange, name: &str) -> String {
    let name = format::visible(name);
    match change {
        RemoteChange::MakeDirectory => Text::RemoteCreated.fill(&[&name]),
        RemoteChange::Rename(entry) => {
            Text::RemoteRenamed.fill(&[&format::visible(&entry.name), &name])
        }
        RemoteChange::Delete(_) | RemoteChange::DeleteAll(_) | RemoteChange::Remove(_) => {
            Text::RemoteDeleted.fill(&[&name])
        }
    }
}

/// The question about something on the server.
#[must_use]
pub fn change_title(change: &RemoteChange) -> String {
    let (word, name) = match change {
        RemoteChange::MakeDirectory => return Text::RemoteCreateTitle.text().to_owned(),
        RemoteChange::Rename(entry) => (Text::RemoteRenameTitle, &entry.name),
        RemoteChange::Delete(entry) if entry.kind != EntryKind::Directory => {
            (Text::RemoteDeleteFile, &entry.name)
        }
        RemoteChange::Delete(entry) | RemoteChange::DeleteAll(entry) => {
            (Text::RemoteDeleteDirectory, &entry.name)
        }
        RemoteChange::Remove(entry) => {
            (Text::RemoteRemoveTitle, entry.leftover_of.as_ref().unwrap_or(&entry.name))
        }
    };
    word.fill(&[&format::visible(name)])
}

/// What comes of it.
#[must_use]
pub fn change_consequence(change: &RemoteChange) -> &'static str {
    match change {
        RemoteChange::MakeDirectory | RemoteChange::Rename(_) => "",
        RemoteChange::Delete(entry) if entry.kind == EntryKind::Directory => {
            Text::RemoteDeleteDirectoryText.text()
        }
        RemoteChange::Delete(_) => Text::RemoteDeleteFileText.text(),
        RemoteChange::DeleteAll(_) => Text::RemoteDeleteAllText.text(),
        RemoteChange::Remove(_) => Text::RemoteRemoveText.text(),
    }
}

/// The button that does it.
#[must_use]
pub fn change_button(change: &RemoteChange) -> &'static str {
    let word = match change {
        RemoteChange::MakeDirectory => Text::RemoteCreate,
        RemoteChange::Rename(_) => Text::RemoteRename,
        RemoteChange::Delete(_) => Text::RemoteDelete,
        RemoteChange::DeleteAll(_) => Text::RemoteDeleteAll,
        RemoteChange::Remove(_) => Text::RemoteRemove,
    };
    word.text()
}

/// Under a question that was answered: the server is asked, or how far a deletion came.
#[must_use]
pub fn change_state(dialog: &ChangeDialog) -> String {
    match dialog.part() {
        _ if dialog.is_pending() => Text::RemoteWorking.text().to_owned(),
        None => String::new(),
        Some((gone, None)) => Text::RemoteDeletedPart.fill(&[&tally(gone)]),
        Some((gone, Some(left))) => Text::RemoteDeletedPartLeft.fill(&[&tally(gone), &tally(left)]),
    }
}

fn tally(tally: DeletedCounts) -> String {
    Text::RemoteCounts.fill(&[&FILES.fill(tally.files), &DIRECTORIES.fill(tally.directories)])
}

/// What a file under a temporary name is.
#[must_use]
pub fn leftover(of: &str) -> String {
    Text::RemoteLeftover.fill(&[&format::visible(of)])
}

/// A file that is not what it was when it was picked.
#[must_use]
pub fn file_changed() -> Problem {
    Problem {
        stage: Stage::Transfer,
        message: Text::ProblemFileChanged.text().to_owned(),
        logged: None,
        reply: None,
        cause: Some(Text::ProblemFileChangedCause.text().to_owned()),
        remedy: Some(Remedy {
            who: Who::You,
            what: Text::ProblemFileChangedRemedy.text().to_owned(),
        }),
    }
}

/// What the browser could not read.
#[must_use]
pub fn unreadable(names: &[String]) -> String {
    first_of(names, Text::NoticeUnreadable, Text::NoticeUnreadableMore)
}

/// What was picked and had nowhere to go.
#[must_use]
pub fn not_taken(names: &[String]) -> String {
    first_of(names, Text::NoticeNotConnected, Text::NoticeNotConnectedMore)
}

/// A sentence about all of the names, or about the first of them and the number of the others.
fn first_of(names: &[String], all: Text, first: Text) -> String {
    let shown: Vec<_> = names.iter().take(3).map(|name| format::visible(name)).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(3) {
        0 => all.fill(&[&shown]),
        more => first.fill(&[&shown, &more]),
    }
}

/// The portal speaks another version.
#[must_use]
pub fn outdated() -> Problem {
    problem(Text::ProblemPageOutdated.text(), Text::ProblemPageOutdatedRemedy)
}

/// No session, no socket.
#[must_use]
pub fn portal_out_of_reach() -> Problem {
    problem(Text::ProblemPortalUnreachable.text(), Text::ProblemPortalUnreachableRemedy)
}

/// An answer to the request for a session that is not one of the portal's.
#[must_use]
pub fn no_session(status: u16) -> Problem {
    problem(&Text::ProblemNoSession.fill(&[&status]), Text::ProblemNoSessionRemedy)
}

/// The portal sent something else than a message.
#[must_use]
pub fn not_understood() -> Problem {
    problem(Text::ProblemNotUnderstood.text(), Text::ProblemPageOutdatedRemedy)
}

/// The person did not trust the certificate.
#[must_use]
pub fn certificate_refused() -> Problem {
    Problem {
        stage: Stage::Certificate,
        message: Text::ProblemCertificateRefused.text().to_owned(),
        logged: None,
        reply: None,
        cause: None,
        remedy: Some(Remedy {
            who: Who::Host,
            what: Text::ProblemCertificateRefusedRemedy.text().to_owned(),
        }),
    }
}

/// A problem of the portal's, and what the person can do.
fn problem(message: &str, what: Text) -> Problem {
    Problem {
        stage: Stage::Portal,
        message: message.to_owned(),
        logged: None,
        reply: None,
        cause: None,
        remedy: Some(Remedy { who: Who::You, what: what.text().to_owned() }),
    }
}
