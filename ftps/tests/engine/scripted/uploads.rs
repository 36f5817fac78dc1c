//! Uploads of the managed client: a source in memory, and the usual conversations.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use ftps::{
    Client, Error, ManagedClient, RemotePath,
    upload::{Existing, Failed, Plan, Progress, Source, UploadError, Uploaded},
};
use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::{Peer, Scenario, Script, path, read_some, read_to_end, session};

/// A source that reads from memory and records its progress.
pub(crate) struct Memory {
    pub(crate) content: Arc<[u8]>,
    pub(crate) position: usize,
    pub(crate) piece: usize,
    pub(crate) upcoming: Option<RemotePath>,
    reserved: Option<RemotePath>,
    /// The progress that the upload reported.
    pub(crate) seen: Vec<String>,
    /// Cancels the upload at this offset: when the bytes before it were taken, when the upload
    /// resumes behind it, or when it is interrupted.
    pub(crate) stop_at: Option<(u64, CancellationToken)>,
    /// Whether the server keeps the part of a cancelled upload.
    pub(crate) keeps: bool,
}

impl Memory {
    pub(crate) fn new(content: &[u8]) -> Self {
        Self {
            content: content.into(),
            position: 0,
            piece: 100_000,
            upcoming: None,
            reserved: None,
            seen: Vec::new(),
            stop_at: None,
            keeps: false,
        }
    }

    /// A file of one byte, behind which another upload follows.
    pub(crate) fn followed_by(name: &str) -> Self {
        Self { upcoming: Some(path(name)), ..Self::new(b"x") }
    }

    /// Cancels the upload when so many bytes were taken.
    fn stopping_at(self, offset: u64, stop: &CancellationToken) -> Self {
        Self { stop_at: Some((offset, stop.clone())), ..self }
    }

    /// Keeps the part file on the server when the upload is cancelled.
    pub(crate) fn keeping(self) -> Self {
        Self { keeps: true, ..self }
    }

    fn stop_if_due(&self, offset: u64) {
        if let Some((at, stop)) = &self.stop_at
            && offset >= *at
        {
            stop.cancel();
        }
    }
}

impl Source for Memory {
    type Error = Infallible;

    async fn next(&mut self) -> Result<Bytes, Infallible> {
        let end = self.content.len().min(self.position + self.piece);
        let bytes = Bytes::copy_from_slice(&self.content[self.position..end]);
        assert!(!bytes.is_empty(), "no bytes are asked for after the last one");
        self.position = end;
        Ok(bytes)
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Infallible> {
        self.position = usize::try_from(offset).unwrap();
        self.stop_if_due(offset);
        Ok(())
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Opened { offset, .. } => self.seen.push(format!("opened at {offset}")),
            Progress::Taken { offset } => {
                self.stop_if_due(offset);
            }
            Progress::Confirming => self.seen.push("confirming".to_owned()),
            Progress::Interrupted { .. } => {
                self.seen.push("interrupted".to_owned());
                self.stop_if_due(u64::MAX);
            }
        }
    }

    fn keeps_on_cancel(&self) -> bool {
        self.keeps
    }

    fn next_upload(&mut self) -> Option<RemotePath> {
        self.reserved = self.upcoming.take();
        self.reserved.clone()
    }

    fn release_next_upload(&mut self) {
        self.seen.push("upcoming given back".to_owned());
        self.upcoming = self.reserved.take();
        assert!(self.upcoming.is_some(), "it was taken before");
    }
}

/// An upload that keeps an existing file.
pub(crate) fn plan(name: &str, content: &[u8]) -> Plan {
    Plan {
        path: path(name),
        size: content.len() as u64,
        modified_millis: None,
        existing: Existing::Keep,
        resume: None,
        digest: None,
    }
}

/// An upload that replaces an existing file.
pub(crate) fn replacing(name: &str, content: &[u8]) -> Plan {
    Plan { existing: Existing::Replace, ..plan(name, content) }
}

/// Uploads content under a name.
pub(crate) async fn store(
    client: &mut ManagedClient,
    name: &str,
    content: &[u8],
) -> Result<Uploaded, Failed<Infallible>> {
    run(client, &plan(name, content), &mut Memory::new(content)).await
}

/// Runs an upload that no one cancels.
pub(crate) async fn run<S: Source>(
    client: &mut ManagedClient,
    plan: &Plan,
    source: &mut S,
) -> Result<Uploaded, Failed<S::Error>> {
    ftps::upload::upload(client, plan, source, &CancellationToken::new()).await
}

/// Runs an upload that is cancelled at this offset, and returns what it leaves on the server.
///
/// At `u64::MAX` it is cancelled when it is interrupted.
pub(crate) async fn cancelled_at(
    client: &mut ManagedClient,
    plan: &Plan,
    source: Memory,
    offset: u64,
) -> Option<RemotePath> {
    let cancel = CancellationToken::new();
    let mut source = source.stopping_at(offset, &cancel);
    if offset == 0 {
        cancel.cancel();
    }
    let failed = ftps::upload::upload(client, plan, &mut source, &cancel).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Cancelled), "{failed:?}");
    failed.leftover
}

/// Returns the size of the existing file that ended an upload.
#[track_caller]
pub(crate) fn size_in_conflict<E: std::fmt::Debug>(failed: &Failed<E>) -> Option<u64> {
    let UploadError::Exists { size, .. } = failed.error else {
        panic!("no conflict with a file: {failed:?}")
    };
    size
}

/// Returns the engine's error that ended an upload.
#[track_caller]
pub(crate) fn engine_error<E: std::fmt::Debug>(failed: Failed<E>) -> Error {
    match failed.error {
        UploadError::Engine(error) => error,
        other => panic!("no error of the engine: {other:?}"),
    }
}

/// The date of files that are in the way, as servers send it, and in milliseconds.
const MODIFIED: &str = "20250131120000";
pub(crate) const MODIFIED_MILLIS: i64 = 1_738_324_800_000;

/// A command for a digest, the size of the file, and the reply.
pub(crate) type Hash<'a> = (&'a str, usize, &'a str);

/// The usual conversations of an upload. The temporary name is the one of the last `STOR`.
impl Peer {
    /// The client shows that the session is in step, by [`assert_in_step`].
    pub(crate) async fn expect_in_step(&mut self) {
        self.answer_size("a", "213 4").await;
    }

    /// The client asks for the size of the target.
    pub(crate) async fn answer_size(&mut self, target: &str, reply: &str) {
        self.answer(&format!("SIZE /home/{target}"), reply).await;
    }

    /// The batch before the first byte: the name is free.
    pub(crate) async fn expect_free(&mut self, target: &str) {
        self.answer_size(target, "550 none").await;
        self.answer_no_directory(target).await;
    }

    /// The client looks whether a directory has the name of the target: none has.
    pub(crate) async fn answer_no_directory(&mut self, target: &str) {
        self.answer(&format!("CWD /home/{target}"), "550 no such directory").await;
    }

    /// The batch before the first byte: a file of this size has the name.
    pub(crate) async fn expect_taken(&mut self, target: &str, size: usize) {
        self.answer_size(target, &format!("213 {size}")).await;
        self.answer_no_directory(target).await;
    }

    /// The same, and the client asks for the date of the file in the way.
    pub(crate) async fn expect_conflict(&mut self, target: &str, size: usize) {
        self.expect_taken(target, size).await;
        self.answer_date(target).await;
    }

    /// The client asks for the date of a file in the way.
    pub(crate) async fn answer_date(&mut self, target: &str) {
        let facts = format!("250-Facts\r\n type=file;modify={MODIFIED}; /home/{target}\r\n250 End");
        self.answer(&format!("MLST /home/{target}"), &facts).await;
    }

    /// The batch before a later attempt: the temporary file holds so many bytes.
    pub(crate) async fn expect_retry(&mut self, target: &str, held: usize) {
        self.answer_size(target, "550 no such file").await;
        self.answer_temporary_size(held).await;
    }

    pub(crate) async fn answer_temporary_size(&mut self, size: usize) {
        self.answer_for_temporary("SIZE", &format!("213 {size}")).await;
    }

    /// The client sends a command about the temporary file.
    pub(crate) async fn answer_for_temporary(&mut self, verb: &str, reply: &str) {
        self.expect_for_temporary(verb).await;
        self.say(reply).await;
    }

    /// The client sends a command about the temporary file, which is not answered yet.
    pub(crate) async fn expect_for_temporary(&mut self, verb: &str) {
        self.expect(&format!("{verb} {}", self.temporary())).await;
    }

    /// Reads `STOR`, whose name becomes the temporary one.
    pub(crate) async fn expect_stor(&mut self) {
        let command = self.command().await.unwrap();
        self.set_temporary(command.strip_prefix("STOR ").expect("STOR comes"));
    }

    /// `EPSV`, `STOR` to a temporary name, 150, and the data connection.
    pub(crate) async fn stor(&mut self) -> TlsStream<TcpStream> {
        let port = self.extended_passive().await;
        self.expect_stor().await;
        self.say("150 go").await;
        port.accept().await
    }

    /// The same, and reads the whole content, which is not confirmed yet.
    pub(crate) async fn stor_unconfirmed(&mut self) -> Vec<u8> {
        read_to_end(&mut self.stor().await).await
    }

    /// The same, and confirms it.
    pub(crate) async fn stor_all(&mut self) -> Vec<u8> {
        let content = self.stor_unconfirmed().await;
        self.say("226 done").await;
        content
    }

    /// The client aborts the upload that it has begun.
    pub(crate) async fn answer_abort(&mut self, mut data: TlsStream<TcpStream>) {
        // The connection ends with FIN or RST, depending on bytes in flight.
        let _ended = data.read_to_end(&mut Vec::new()).await;
        drop(data);
        self.say("426 aborted").await;
        self.answer_noop().await;
    }

    /// `EPSV`, then `STOR` to the temporary name from an offset on, which must be 0 or restarted at,
    /// and the data connection.
    pub(crate) async fn restart(&mut self, offset: usize) -> TlsStream<TcpStream> {
        let port = self.extended_passive().await;
        if offset > 0 {
            self.answer(&format!("REST {offset}"), "350 from there").await;
        }
        self.answer_for_temporary("STOR", "150 go").await;
        port.accept().await
    }

    /// The same, and reads and confirms the content.
    pub(crate) async fn stor_from(&mut self, offset: usize) -> Vec<u8> {
        let content = read_to_end(&mut self.restart(offset).await).await;
        self.say("226 done").await;
        content
    }

    /// A later attempt: the part file holds so many bytes of the file, and the rest completes it.
    pub(crate) async fn complete(&mut self, target: &str, held: usize, file: &[u8]) {
        self.expect_retry(target, held).await;
        assert!(self.stor_from(held).await == file[held..]);
        self.check_and_rename(target, file.len()).await;
    }

    /// The server refuses to write from an offset on by this command.
    pub(crate) async fn refuse_restart(&mut self, offset: usize, verb: &str) {
        let _port = self.extended_passive().await;
        self.answer(&format!("REST {offset}"), "350 from there").await;
        self.answer_for_temporary(verb, "451 Append/Restart not permitted").await;
        self.answer_noop().await;
    }

    /// The temporary file gets its name, and the client looks at its size there.
    pub(crate) async fn rename_and_look(&mut self, target: &str, size: usize) {
        self.rename(target).await;
        self.answer_size(target, &format!("213 {size}")).await;
    }

    /// The temporary file gets its name.
    pub(crate) async fn rename(&mut self, target: &str) {
        self.answer_for_temporary("RNFR", "350 to?").await;
        self.answer(&format!("RNTO /home/{target}"), "250 ok").await;
    }

    /// The old file is moved out of the way. Returns its new name.
    pub(crate) async fn move_aside(&mut self, target: &str) -> String {
        self.answer(&format!("RNFR /home/{target}"), "350 to?").await;
        let command = self.command().await.unwrap();
        self.say("250 ok").await;
        command.strip_prefix("RNTO ").expect("RNTO comes").to_owned()
    }

    /// The file gets its temporary name again.
    pub(crate) async fn take_back(&mut self, target: &str) {
        self.answer(&format!("RNFR /home/{target}"), "350 to?").await;
        self.answer_for_temporary("RNTO", "250 ok").await;
    }

    pub(crate) async fn delete_temporary(&mut self) {
        self.answer_for_temporary("DELE", "250 gone").await;
    }

    /// Size and name in one batch: the end of a small upload.
    pub(crate) async fn check_and_rename(&mut self, target: &str, size: usize) {
        self.answer_temporary_size(size).await;
        self.rename_and_look(target, size).await;
    }

    /// The same of a file that is too short: the client looks at both names once more.
    pub(crate) async fn check_and_rename_short(&mut self, target: &str, size: usize) {
        self.check_and_rename(target, size).await;
        self.answer_size(target, &format!("213 {size}")).await;
        self.answer_for_temporary("SIZE", "550 none").await;
    }

    /// The same with a digest.
    pub(crate) async fn hash_and_rename(&mut self, target: &str, (verb, size, reply): Hash<'_>) {
        self.answer_temporary_size(size).await;
        self.answer_for_temporary(verb, reply).await;
        self.rename_and_look(target, size).await;
    }

    /// The size, the target that is still free, and then the name: the end of a large upload.
    pub(crate) async fn check_both_and_rename(&mut self, target: &str, size: usize) {
        self.answer_temporary_size(size).await;
        self.answer_size(target, "550 none").await;
        self.rename_and_look(target, size).await;
    }

    /// A file under a temporary name, checked and renamed. Returns its content.
    pub(crate) async fn complete_new(&mut self, target: &str) -> Vec<u8> {
        let content = self.stor_all().await;
        self.check_and_rename(target, content.len()).await;
        content
    }

    /// A whole small upload to a free name. Returns its content.
    pub(crate) async fn upload(&mut self, target: &str) -> Vec<u8> {
        self.expect_free(target).await;
        self.complete_new(target).await
    }
}

/// Fails unless the session is in step: the next command gets its own reply.
pub(crate) async fn assert_in_step(client: &mut Client) {
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(4));
}

impl Scenario {
    /// A session that breaks when so many bytes of a new upload of `a` have arrived, and another one.
    pub(crate) fn after_break(
        count: usize,
        file: &[u8],
        script: impl AsyncFnOnce(&mut Peer) + Send + 'static,
    ) -> Self {
        Self::of([breaks_after(count, file), session(script)])
    }
}

/// A session that breaks when so many bytes of a new upload of `a` have arrived.
pub(crate) fn breaks_after(count: usize, file: &[u8]) -> Script {
    let expected = file[..count].to_vec();
    session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert!(read_some(&mut data, expected.len()).await == expected);
        peer.disconnect();
    })
}

/// Returns bytes that do not repeat.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut block = Sha256::digest([7]);
    while bytes.len() < length {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes.truncate(length);
    bytes
}

/// Returns bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
