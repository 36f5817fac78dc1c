//! Every sentence that the program says, in one place.

use std::time::Duration;

use protocol::{
    Encryption, Problem, Remedy, Stage,
    problem::Who,
    server::{Algorithm, Certificate, Existing, FileDigest, LogKind, Tls, Verified},
};

use crate::{
    format,
    queue::{self, Cut, Hold, Skipped, Source, State, Stored, Totals, Upload},
};

/// The stages that a person sees while the page connects, in their order.
pub const STOPS: [(Stage, &str); 7] = [
    (Stage::Resolve, "Find the address"),
    (Stage::Connect, "Connect"),
    (Stage::Tls, "Encrypt"),
    (Stage::Certificate, "Check the certificate"),
    (Stage::Login, "Log in"),
    (Stage::Protect, "Protect the data"),
    (Stage::Setup, "Get ready"),
];

/// What is said of a stop for those who do not see it.
pub const STOP_PASSED: &str = "done";
/// The stop at hand.
pub const STOP_CURRENT: &str = "under way";
/// A stop to come.
pub const STOP_AHEAD: &str = "to come";

/// A doubt about a certificate that replaced a trusted one.
pub const OTHER_CERTIFICATE: &str =
    "This is not the certificate that you trusted for this server before.";

/// The page's name in the window's title.
pub const TITLE: &str = "Ferryport";

/// Nothing is connected.
pub const NOT_CONNECTED: &str = "Not connected";
/// The person disconnected.
pub const DISCONNECTED: &str = "Disconnected.";
/// The portal is being asked for a session.
pub const RECONNECTING: &str = "The connection to the portal was lost. Reconnecting…";
/// Uploads were broken off.
pub const RETRY_TO_GO_ON: &str = "Press Retry on an interrupted upload to send it again.";
/// The browser says that there is no network.
pub const OFFLINE: &str = "You are offline. The uploads go on when you are online again.";
/// Why a row of an earlier page does not go on, where the browser can open its file again.
pub const PRESS_CONTINUE: &str = "Interrupted: press Continue to go on";
/// Why a row of an earlier page does not go on, where the file has to be picked again.
pub const PICK_AGAIN: &str = "Interrupted: choose or drop the same file again to go on";
/// Back after a break.
pub const BACK_AGAIN: &str = "Connected again.";

/// All uploads were paused.
pub const ALL_PAUSED: &str = "All uploads are paused.";
/// All paused uploads go on.
pub const ALL_RESUMED: &str = "All uploads go on.";
/// All uploads were cancelled.
pub const ALL_CANCELLED: &str = "All uploads that had not ended are cancelled.";
/// A date or a size that is not known.
pub const UNKNOWN: &str = "not known";

/// Digits of a digest that tell two files apart at a glance.
const DIGEST_GLANCE_DIGITS: usize = 8;

/// How one stage is called in front of a problem.
#[must_use]
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Portal => "Portal",
        Stage::Resolve => "Finding the address",
        Stage::Policy => "Portal's policy",
        Stage::Connect => "Connecting",
        Stage::Greeting => "Greeting",
        Stage::Auth => "AUTH TLS",
        Stage::Tls => "TLS handshake",
        Stage::Certificate => "Certificate",
        Stage::Login => "Login",
        Stage::Protect => "Protecting the data",
        Stage::Setup => "Getting ready",
        Stage::List => "Listing",
        Stage::MakeDirectory => "Making the directory",
        Stage::DataConnection => "Data connection",
        Stage::DataTls => "TLS on the data connection",
        Stage::Transfer => "Transfer",
        Stage::Verify => "Check",
        Stage::Rename => "Renaming",
        Stage::Delete => "Deleting",
        Stage::Idle => "Idle connection",
    }
}

/// Who can mend a problem.
#[must_use]
pub fn who(who: Who) -> &'static str {
    match who {
        Who::You => "What you can do:",
        Who::Host => "For whoever runs the server:",
        Who::Network => "For whoever runs the network:",
        Who::Operator => "For whoever runs this portal:",
    }
}

/// Which FTPS session a line of the log belongs to: a page's uploads run over several at once.
#[must_use]
pub fn ftps_session(number: u32) -> String {
    format!("FTPS session {number}")
}

/// Who speaks in a line of the log.
#[must_use]
pub fn log_kind(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Status => "Status:",
        LogKind::Command => "Command:",
        LogKind::Response => "Response:",
        LogKind::Error => "Error:",
    }
}

/// An upload's status. Its first words are a contract with those who look for them.
#[must_use]
pub fn status(upload: &Upload) -> String {
    match upload.state() {
        State::Queued => "Queued".to_owned(),
        State::Held if upload.taken() > 0 => paused(upload),
        State::Held => "Paused before it began".to_owned(),
        State::Open(open) => match (open.stage(), open.hold()) {
            (queue::Stage::Verifying, _) => "Verifying that it is stored".to_owned(),
            (_, Hold::Paused) => paused(upload),
            (queue::Stage::Ahead, _) => "Queued, next".to_owned(),
            (queue::Stage::Sending, _) => uploading(upload),
            (queue::Stage::TryingAgain, _) => {
                format!("Interrupted at {}, trying again", format::bytes(upload.taken()))
            }
        },
        State::Done(stored) => done(upload, stored),
        State::Interrupted => match upload.source() {
            Source::Here => "Interrupted: the connection was lost".to_owned(),
            Source::Handle => PRESS_CONTINUE.to_owned(),
            Source::Gone => PICK_AGAIN.to_owned(),
        },
        State::Skipped(Skipped::ServerFileKept) => {
            "Skipped: the server's file was left as it is".to_owned()
        }
        State::Skipped(Skipped::NotNewer) => {
            "Skipped: the server's file is as new or newer".to_owned()
        }
        State::Skipped(Skipped::Cancelled) => "Skipped: you cancelled it".to_owned(),
        State::Failed(_) => "Failed".to_owned(),
        State::NeedsDecision(existing) => decision(existing, upload.size()),
    }
}

fn paused(upload: &Upload) -> String {
    format!("Paused at {}", format::bytes(upload.taken()))
}

fn done(upload: &Upload, stored: &Stored) -> String {
    let how = match stored.verified {
        Verified::Digest => "Done, digest confirmed by the server",
        Verified::Size => "Done, size confirmed by the server",
        Verified::ReplyOnly => "Done, confirmed by the server",
    };
    match upload.renamed() {
        Some(path) => format!("{how}, as {}", format::visible(&path)),
        None => how.to_owned(),
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
    format!("{} {}{rest}", algorithm(digest.algorithm), format::visible(&shown))
}

/// Who made a digest and found it equal.
#[must_use]
pub fn digest_makers(stored: &Stored) -> &'static str {
    match (stored.page_agrees, stored.verified) {
        (true, Verified::Digest) => "The same in your browser, in the portal and on the server.",
        (true, Verified::Size | Verified::ReplyOnly) => {
            "The same in your browser and in the portal; the server makes none."
        }
        (false, Verified::Digest) => "The same in the portal and on the server.",
        (false, Verified::Size | Verified::ReplyOnly) => "Of what the portal sent to the server.",
    }
}

/// The same while the link to the portal is lost: what is open goes on by itself.
#[must_use]
pub fn status_while_cut(upload: &Upload, cut: Cut) -> String {
    let State::Open(open) = upload.state() else { return status(upload) };
    if open.hold() == Hold::Paused {
        return status(upload);
    }
    let at = format::bytes(upload.taken());
    match cut.next_try {
        Some(left) => format!("Interrupted at {at}, next try in {}", format::duration(left)),
        None => format!("Interrupted at {at}, goes on when the portal is in reach"),
    }
}

fn uploading(upload: &Upload) -> String {
    let mut text = format!("Uploading, {} taken", format::bytes(upload.taken()));
    let rest = upload.size() - upload.taken();
    if let Some(rate) = upload.rate().bytes_per_second().filter(|rate| *rate > 0) {
        text.push_str(&format!(" at {}/s", format::bytes(rate)));
    }
    if let Some(left) = upload.rate().time_for(rest).filter(|left| worth_saying(*left)) {
        text.push_str(&format!(", {} left", format::duration(left)));
    }
    text
}

fn worth_saying(left: Duration) -> bool {
    left >= Duration::from_secs(2) && left < Duration::from_secs(100 * 3600)
}

fn decision(existing: &Existing, size: u64) -> String {
    let what = match existing.size {
        Some(theirs) if theirs == size => "a file of this name and size",
        Some(_) | None => "a file of this name",
    };
    format!("Needs a decision: {what} is on the server already")
}

/// A file's size and date, side by side with another's. `date` is by the person's clock.
#[must_use]
pub fn size_and_date(size: Option<u64>, date: Option<&str>) -> String {
    let size = size.map_or_else(|| format!("size {UNKNOWN}"), format::exact_bytes);
    format!("{size}, {}", date.map_or_else(|| format!("date {UNKNOWN}"), ToOwned::to_owned))
}

/// Which of two files is newer, if both dates are known.
#[must_use]
pub fn which_is_newer(ours: Option<i64>, theirs: Option<i64>) -> &'static str {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours > theirs => "Yours is newer.",
        (Some(ours), Some(theirs)) if ours < theirs => "The server's is newer.",
        (_, _) => "",
    }
}

/// The progress of one upload, spoken.
#[must_use]
pub fn spoken_progress(upload: &Upload) -> String {
    format!("{} of {}", format::bytes(upload.taken()), format::bytes(upload.size()))
}

/// All uploads in a few words, for the heading.
#[must_use]
pub fn count(totals: &Totals) -> String {
    match totals.files {
        0 => String::new(),
        files => format!("{} of {files} done", totals.done),
    }
}

/// All uploads in a line.
#[must_use]
pub fn total(totals: &Totals, rate: Option<u64>, left: Option<Duration>) -> String {
    let mut parts =
        vec![format!("{} of {}", format::bytes(totals.taken), format::bytes(totals.bytes))];
    if totals.active > 0 {
        if let Some(rate) = rate.filter(|rate| *rate > 0) {
            parts.push(format!("{}/s", format::bytes(rate)));
        }
        if let Some(left) = left.filter(|left| worth_saying(*left)) {
            parts.push(format!("{} left", format::duration(left)));
        }
    }
    for (number, what) in [
        (totals.failed, "failed"),
        (totals.waiting, "waiting for you"),
        (totals.paused, "paused"),
        (totals.skipped, "skipped"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    parts.join(" · ")
}

/// The window's title.
#[must_use]
pub fn title(totals: &Totals) -> String {
    if totals.active > 0 {
        return format!("{}% – {TITLE}", totals.permille() / 10);
    }
    match (totals.files, totals.failed + totals.waiting) {
        (0, _) => TITLE.to_owned(),
        (_, 0) if totals.paused > 0 => format!("Paused – {TITLE}"),
        (_, 0) if totals.done > 0 => format!("Done – {TITLE}"),
        (_, 0) => TITLE.to_owned(),
        (_, _) => format!("! {TITLE}"),
    }
}

/// Under a listing that waits for its answer while uploads are under way.
pub const LISTING_WAITS: &str = "The server lists its files when the upload under way is done.";

/// Said once when nothing is left to do.
#[must_use]
pub fn finished(totals: &Totals) -> String {
    let done = files(totals.done);
    match (totals.failed, totals.waiting) {
        (0, 0) => format!("Finished: {done} stored."),
        (failed, 0) => format!("Finished: {done} stored, {failed} failed."),
        (0, waiting) => format!("{done} stored, {waiting} waiting for you."),
        (failed, waiting) => format!("{done} stored, {failed} failed, {waiting} waiting for you."),
    }
}

/// Said at each quarter of the way.
#[must_use]
pub fn milestone(permille: u64, totals: &Totals) -> String {
    format!("{} percent, {} of {} stored.", permille / 10, totals.done, files(totals.files))
}

/// Said when files were picked.
#[must_use]
pub fn added(number: usize) -> String {
    format!("{} added.", files(u64::try_from(number).unwrap_or(u64::MAX)))
}

/// Said when rows were taken out of the list.
#[must_use]
pub fn cleared(number: usize) -> String {
    format!("{} cleared from the list.", files(u64::try_from(number).unwrap_or(u64::MAX)))
}

/// Said when an upload failed.
#[must_use]
pub fn failed(path: &str, problem: &Problem) -> String {
    format!("{}: {}", format::visible(path), format::visible(&problem.message))
}

/// Said when an upload waits for a decision.
#[must_use]
pub fn asks(path: &str) -> String {
    format!("{} is on the server already. Overwrite or skip?", format::visible(path))
}

/// Where the page is connected to.
#[must_use]
pub fn connected_to(host: &str) -> String {
    format!("Connected to {}", format::visible(host))
}

/// Where the page is on its way to.
#[must_use]
pub fn connecting_to(host: &str) -> String {
    format!("Connecting to {}", format::visible(host))
}

/// Host, port and address, for the facts.
#[must_use]
pub fn server_fact(host: &str, port: u16, address: &str) -> String {
    let (host, address) = (format::visible(host), format::visible(address));
    let place = format!("{host}, port {port}");
    if address.is_empty() || address.contains(&*host) {
        place
    } else {
        format!("{place} ({address})")
    }
}

/// The control connection's encryption, for the facts.
#[must_use]
pub fn tls_fact(tls: &Tls, encryption: Encryption) -> String {
    let when = match encryption {
        Encryption::Explicit => "explicit",
        Encryption::Implicit => "implicit",
    };
    let (version, suite) = (format::visible(&tls.version), format::visible(&tls.cipher_suite));
    format!("{version} ({when}), {suite}")
}

/// Under the choice of encryption.
#[must_use]
pub fn encryption_hint(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::Explicit => "Explicit TLS is usual, on port 21.",
        Encryption::Implicit => "Implicit TLS is the older way, on port 990.",
    }
}

/// The names in a certificate.
#[must_use]
pub fn names(certificate: &Certificate) -> String {
    if certificate.names.is_empty() { "none".to_owned() } else { certificate.names.join(", ") }
}

/// A date and time as certificates have them (RFC 3339, UTC), for a person.
#[must_use]
pub fn date(rfc3339: &str) -> String {
    match rfc3339.strip_suffix('Z').and_then(|utc| utc.split_once('T')) {
        Some((day, time)) => format!("{day} {time} UTC"),
        None => rfc3339.to_owned(),
    }
}

/// How long until the next try.
#[must_use]
pub fn retry_in(left: Duration) -> String {
    format!("The connection to the portal was lost. Next try in {}.", format::duration(left))
}

/// Said when rows of an earlier page are there again; also above them.
#[must_use]
pub fn restored(number: usize) -> String {
    let uploads = uploads(number);
    format!("{uploads} of an earlier page of this browser can go on from where they were.")
}

/// What has to be done so that rows of an earlier page go on.
#[must_use]
pub fn to_go_on(connected: bool, source: Source) -> &'static str {
    match (connected, source) {
        (false, Source::Handle) => {
            "Connect again, then press Continue and let the browser read the files."
        }
        (false, _) => "Connect again, then choose or drop the same files.",
        (true, Source::Handle) => "Press Continue, and let the browser read the files.",
        (true, _) => "Choose or drop the same files again.",
    }
}

/// Said when files of an earlier page were found.
#[must_use]
pub fn files_found(number: usize) -> String {
    format!("{} found again.", files(u64::try_from(number).unwrap_or(u64::MAX)))
}

/// A file that is not the one that an earlier page was uploading.
#[must_use]
pub fn other_file(path: &str) -> String {
    let path = format::visible(path);
    format!(
        "{path} is another file than the one whose upload was interrupted, or it has changed \
         since. The interrupted one still waits for its file."
    )
}

/// The session goes on elsewhere.
#[must_use]
pub fn taken_over() -> Problem {
    problem(
        "The session goes on in another tab.",
        Who::You,
        "Go on there. To upload from here too, connect again.",
    )
}

/// The page was loaded again, and holds no password.
#[must_use]
pub fn password_needed() -> Problem {
    problem(
        "The page was loaded again, and the portal does not keep you logged in any more.",
        Who::You,
        "Enter the password and connect again: the uploads go on from where they were.",
    )
}

/// A line in the log where lines are missing.
#[must_use]
pub fn lines_missing(number: u64) -> String {
    format!("{number} lines are missing here: the portal keeps only the newest.")
}

/// Under a listing that is not complete.
#[must_use]
pub fn left_out(number: u64) -> String {
    format!("{number} more are not shown.")
}

/// A folder that the server did not make.
#[must_use]
pub fn folder_not_made(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::visible(path), format::visible(&problem.message));
    match &problem.reply {
        Some(reply) => {
            let reply = format::visible(reply);
            format!("The folder {path} could not be made: {message} ({reply})")
        }
        None => format!("The folder {path} could not be made: {message}"),
    }
}

/// What an upload left on the server, and could not be removed.
#[must_use]
pub fn leftover_not_removed(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::visible(path), format::visible(&problem.message));
    format!("The unfinished part {path} could not be removed from the server: {message}")
}

/// Something on the server was not renamed, or not deleted.
#[must_use]
pub fn not_changed(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::visible(path), format::visible(&problem.message));
    format!("{path} was not changed on the server: {message}")
}

/// A file that is not what it was when it was picked.
#[must_use]
pub fn file_changed() -> Problem {
    Problem {
        stage: Stage::Transfer,
        message: "The file changed while it was read, or it cannot be read any more.".to_owned(),
        reply: None,
        cause: Some("Something wrote to it, moved it or deleted it after you chose it.".to_owned()),
        remedy: Some(Remedy {
            who: Who::You,
            what: "Wait until nothing writes to it any more, then choose it again.".to_owned(),
        }),
    }
}

/// What the browser could not read.
#[must_use]
pub fn unreadable(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(3).map(|name| format::visible(name)).collect();
    let more = match names.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("The browser could not read {}{more}.", shown.join(", "))
}

/// The portal speaks another version.
#[must_use]
pub fn outdated() -> Problem {
    problem(
        "The portal has been updated since this page was opened.",
        Who::You,
        "Reload the page, then connect again.",
    )
}

/// No session, no socket.
#[must_use]
pub fn portal_out_of_reach() -> Problem {
    problem(
        "The portal cannot be reached.",
        Who::You,
        "Check your own network, then try again. If a proxy stands between, it has to let \
         WebSockets through.",
    )
}

/// An answer to the request for a session that is not one of the portal's.
#[must_use]
pub fn no_session(status: u16) -> Problem {
    problem(
        &format!("The portal opened no session (HTTP status {status})."),
        Who::You,
        "Wait a moment and try again.",
    )
}

/// The portal sent something else than a message.
#[must_use]
pub fn not_understood() -> Problem {
    problem(
        "The portal sent something that this page does not understand.",
        Who::You,
        "Reload the page, then connect again.",
    )
}

/// The person did not trust the certificate.
#[must_use]
pub fn certificate_refused() -> Problem {
    Problem {
        stage: Stage::Certificate,
        message: "You did not trust the server's certificate, so nothing was sent.".to_owned(),
        reply: None,
        cause: None,
        remedy: Some(Remedy {
            who: Who::Host,
            what: "Ask for the certificate's SHA-256 fingerprint, or for a certificate that a \
                   public authority vouches for."
                .to_owned(),
        }),
    }
}

fn problem(message: &str, who: Who, what: &str) -> Problem {
    Problem {
        stage: Stage::Portal,
        message: message.to_owned(),
        reply: None,
        cause: None,
        remedy: Some(Remedy { who, what: what.to_owned() }),
    }
}

fn uploads(number: usize) -> String {
    match number {
        1 => "1 upload".to_owned(),
        number => format!("{number} uploads"),
    }
}

fn files(number: u64) -> String {
    match number {
        1 => "1 file".to_owned(),
        number => format!("{number} files"),
    }
}
