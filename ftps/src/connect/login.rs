//! The login: `USER` and `PASS`, then `PBSZ`, `PROT`, `FEAT`, `OPTS`, `TYPE`, `PWD` in one batch.

use crate::{
    charset::Charset,
    client::quoted_path,
    command::Command,
    control::Control,
    credentials::Credentials,
    error::{Error, Evidence, Kind},
    features::Features,
    path::RemotePath,
    reply::{Code, Reply, Severity},
    stage::Stage,
    transcript::Status,
};

/// Sends `USER`, and `PASS` if the server asks for it (RFC 959 §5.4).
///
/// A refused login is not repeated in another character set: two refused logins in a row lock accounts
/// on some servers. The error's evidence tells that the character set may be the cause.
pub(super) async fn log_in(control: &mut Control, who: &Credentials) -> Result<(), Error> {
    let authenticated = authenticate(control, who).await;
    authenticated.map_err(|error| {
        let credentials_beyond_ascii = !who.is_ascii();
        let evidence = Evidence { credentials_beyond_ascii, ..error.evidence().clone() };
        error.with_evidence(evidence)
    })
}

async fn authenticate(control: &mut Control, who: &Credentials) -> Result<(), Error> {
    control.transcript().control(Stage::Login);
    let user = Command::User(&who.username);
    let reply = control.exchange(user, Stage::Login).await?;
    if reply.code().severity() == Severity::Completion {
        control.transcript().control(Status::NoPasswordNeeded);
        return Ok(());
    }
    if reply.code() != Code::PASSWORD_NEEDED {
        return control.expect(reply, Severity::Completion, user, Stage::Login).map(drop);
    }
    control.complete(Command::Pass(&who.password), Stage::Login).await?;
    Ok(())
}

/// Sets up protection, features, UTF-8, binary type and the current directory in one batch: no
/// command depends on another one's reply.
///
/// `PBSZ 0` and `PROT P` (RFC 4217 §8, §9) both have to succeed: no data is sent unencrypted.
/// `FEAT` follows the login, since some servers list fewer features before. `TYPE I` is sent once:
/// the type never changes, and `SIZE` needs it (RFC 3659 §4).
///
/// `prefetch` is one more command for the batch.
pub(super) async fn set_up(
    control: &mut Control,
    charset: Charset,
    prefetch: Option<Command<'_>>,
) -> Result<SetUp, Error> {
    control.transcript().control(Stage::Protect);
    let commands: Vec<_> = commands(charset).into_iter().chain(prefetch).collect();
    let mut replies = control.batch(&commands, Stage::Protect).await?;
    let prefetched = prefetch.and_then(|_| replies.pop());
    let replies = <[Reply; 6]>::try_from(replies);
    let [pbsz, prot, feat, opts, type_i, pwd] =
        replies.map_err(|_| control.error(Kind::OutOfSync, Stage::Protect))?;
    complete(control, pbsz, Command::Pbsz0, Stage::Protect)?;
    complete(control, prot, Command::ProtP, Stage::Protect)?;
    control.transcript().control(Stage::Setup);
    let features = features(control, &feat);
    if charset.is_utf8() {
        note_utf8(control, &features, &opts);
    }
    complete(control, type_i, Command::TypeI, Stage::Setup)?;
    // The future is large, and most servers do not need it.
    let directory = Box::pin(start_directory(control, &pwd)).await?;
    if let Some(directory) = directory.as_ref().filter(|directory| is_of_another_system(directory))
    {
        let directory = directory.display().into_owned();
        return Err(control.error(Kind::PathsNotSupported { directory }, Stage::Setup));
    }
    control
        .transcript()
        .control(Status::LoggedIn { directory: directory.as_ref().map(ToString::to_string) });
    Ok(SetUp { features, directory, prefetched })
}

/// Returns the directory that the login opened, if the server names it in a known form. IBM i names a
/// library first, and a path after `SITE NAMEFMT 1`.
async fn start_directory(control: &mut Control, pwd: &Reply) -> Result<Option<RemotePath>, Error> {
    if !names_library(pwd) {
        return Ok(quoted_path(pwd));
    }
    // If it is refused, `PWD` names the library again.
    control.exchange(Command::SiteNamefmt1, Stage::Setup).await?;
    let pwd = control.exchange(Command::Pwd, Stage::Setup).await?;
    match (names_library(&pwd), quoted_path(&pwd)) {
        (true, Some(library)) => {
            let directory = library.display().into_owned();
            Err(control.error(Kind::PathsNotSupported { directory }, Stage::Setup))
        }
        (_, directory) => Ok(directory),
    }
}

/// Whether a reply to `PWD` names a library, as IBM i does: `257 "QGPL" is current library.` The words
/// are in the language of the job.
fn names_library(pwd: &Reply) -> bool {
    let is_relative = quoted_path(pwd).is_some_and(|directory| !directory.is_absolute());
    is_relative && ["librar", "bibliot"].iter().any(|word| pwd.mentions(word))
}

/// Whether a directory is named as only z/OS (`'USER.'`) or VMS (`DISK:[USER]`) does: there, a path
/// with slashes names no file.
fn is_of_another_system(directory: &RemotePath) -> bool {
    match directory.as_bytes() {
        [b'/', ..] => false,
        [b'\'', .., b'\''] => true,
        [.., b']'] => directory.as_bytes().contains(&b'['),
        _ => false,
    }
}

/// The state of a session after the login.
pub(super) struct SetUp {
    pub(super) features: Features,
    pub(super) directory: Option<RemotePath>,
    /// The reply to the prefetched command.
    pub(super) prefetched: Option<Reply>,
}

/// The commands after the login.
fn commands(charset: Charset) -> [Command<'static>; 6] {
    let opts = if charset.is_utf8() { Command::OptsUtf8On } else { Command::OptsUtf8Off };
    [Command::Pbsz0, Command::ProtP, Command::Feat, opts, Command::TypeI, Command::Pwd]
}

fn complete(
    control: &Control,
    reply: Reply,
    command: Command<'_>,
    stage: Stage,
) -> Result<(), Error> {
    control.expect(reply, Severity::Completion, command, stage).map(drop)
}

fn features(control: &Control, reply: &Reply) -> Features {
    let features = Features::from_reply(reply);
    if features == Features::default() {
        control.transcript().control(Status::NoFeatures);
    }
    features
}

/// Notes a refused `OPTS UTF8`. A server that lists UTF8 may use it anyway and refuse the command
/// (RFC 2640); others treat names as bytes.
fn note_utf8(control: &Control, features: &Features, reply: &Reply) {
    if features.utf8() && reply.code().is_refusal() {
        control.transcript().control(Status::Utf8Refused);
    }
}
