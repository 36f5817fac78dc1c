//! Uploads as the scripts see them: a file in memory, and what goes over the control connection.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use ftps::{
    ManagedClient, RemotePath,
    upload::{Existing, Failed, Plan, Progress, Source, Uploaded},
};
use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::{Log, Peer, Server, path, read_to_end};

/// A file in memory.
pub(crate) struct Memory {
    pub(crate) content: Arc<[u8]>,
    pub(crate) position: usize,
    pub(crate) piece: usize,
    pub(crate) upcoming: Option<RemotePath>,
    reserved: Option<RemotePath>,
    pub(crate) seen: Vec<String>,
    /// Cancelled when so many bytes were taken, or are not asked for any more, or when the upload
    /// breaks off.
    pub(crate) stop_at: Option<(u64, CancellationToken)>,
    /// Whether what the server holds is to stay then.
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
        assert!(!bytes.is_empty(), "it is asked while bytes are missing");
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

    fn keeps(&self) -> bool {
        self.keeps
    }

    fn upcoming(&mut self) -> Option<RemotePath> {
        self.reserved = self.upcoming.take();
        self.reserved.clone()
    }

    fn give_back_upcoming(&mut self) {
        self.seen.push("upcoming given back".to_owned());
        self.upcoming = self.reserved.take();
        assert!(self.upcoming.is_some(), "it was asked for");
    }
}

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

/// A line whose retries come at once.
pub(crate) fn line(server: &Server, log: &Log) -> ManagedClient {
    let mut config = server.config();
    config.retry.first = Duration::from_millis(10);
    config.retry.tries = 3;
    config.timeouts.verdict = Duration::from_millis(200);
    ManagedClient::new(server.connector(config, log))
}

pub(crate) async fn bring(
    line: &mut ManagedClient,
    plan: &Plan,
    source: &mut Memory,
) -> Result<Uploaded, Failed<Infallible>> {
    line.upload(plan, source, &CancellationToken::new()).await
}

/// The date of files that are in the way, as servers tell it, and what it is.
const MODIFIED: &str = "20250131120000";
pub(crate) const MODIFIED_MILLIS: i64 = 1_738_324_800_000;

/// A command for a digest, the size of the file, and the answer.
pub(crate) type Hash<'a> = (&'a str, usize, &'a str);

/// What the scripts say of a session.
pub(crate) trait Script {
    async fn look(&mut self, target: &str, answer: &str);
    async fn look_again(&mut self, target: &str, temporary: &str, held: usize);
    async fn look_and_find(&mut self, target: &str, size: usize);
    async fn date(&mut self, target: &str);
    async fn stor(&mut self) -> (String, TlsStream<TcpStream>);
    async fn stor_all(&mut self) -> (String, Vec<u8>);
    async fn check_and_rename_at_once(&mut self, temporary: &str, target: &str, size: usize);
    async fn hash_and_rename_at_once(&mut self, temporary: &str, target: &str, hash: Hash<'_>);
    async fn check_and_rename(&mut self, temporary: &str, target: &str, size: usize);
}

impl Script for Peer {
    /// The flight before the first byte.
    async fn look(&mut self, target: &str, answer: &str) {
        self.answer(&format!("SIZE /home/{target}"), answer).await;
    }

    /// The same, and somebody's file is there.
    async fn look_and_find(&mut self, target: &str, size: usize) {
        self.look(target, &format!("213 {size}")).await;
        self.date(target).await;
    }

    /// What is asked about a file that is in the way.
    async fn date(&mut self, target: &str) {
        let facts = format!("250-Facts\r\n type=file;modify={MODIFIED}; /home/{target}\r\n250 End");
        self.answer(&format!("MLST /home/{target}"), &facts).await;
    }

    /// The flight before a later attempt.
    async fn look_again(&mut self, target: &str, temporary: &str, held: usize) {
        self.look(target, "550 no such file").await;
        self.answer(&format!("SIZE {temporary}"), &format!("213 {held}")).await;
    }

    /// `EPSV`, and `STOR` to a temporary name, which comes back.
    async fn stor(&mut self) -> (String, TlsStream<TcpStream>) {
        let port = self.extended_passive().await;
        let command = self.command().await.unwrap();
        let temporary = command.strip_prefix("STOR ").unwrap().to_owned();
        self.say("150 go").await;
        (temporary, port.accept().await)
    }

    async fn stor_all(&mut self) -> (String, Vec<u8>) {
        let (temporary, mut data) = self.stor().await;
        let content = read_to_end(&mut data).await;
        drop(data);
        self.say("226 done").await;
        (temporary, content)
    }

    async fn check_and_rename_at_once(&mut self, temporary: &str, target: &str, size: usize) {
        self.answer(&format!("SIZE {temporary}"), &format!("213 {size}")).await;
        self.answer(&format!("RNFR {temporary}"), "350 to?").await;
        self.answer(&format!("RNTO /home/{target}"), "250 ok").await;
    }

    async fn hash_and_rename_at_once(&mut self, temporary: &str, target: &str, hash: Hash<'_>) {
        let (verb, size, reply) = hash;
        self.answer(&format!("SIZE {temporary}"), &format!("213 {size}")).await;
        self.answer(&format!("{verb} {temporary}"), reply).await;
        self.answer(&format!("RNFR {temporary}"), "350 to?").await;
        self.answer(&format!("RNTO /home/{target}"), "250 ok").await;
    }

    async fn check_and_rename(&mut self, temporary: &str, target: &str, size: usize) {
        self.answer(&format!("SIZE {temporary}"), &format!("213 {size}")).await;
        self.answer(&format!("SIZE /home/{target}"), "550 none").await;
        self.answer(&format!("RNFR {temporary}"), "350 to?").await;
        self.answer(&format!("RNTO /home/{target}"), "250 ok").await;
    }
}

pub(crate) async fn read_some(data: &mut TlsStream<TcpStream>, count: usize) -> Vec<u8> {
    let mut content = vec![0; count];
    data.read_exact(&mut content).await.unwrap();
    content
}

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

/// `log_in` with more features.
pub(crate) async fn log_in_with(peer: &mut Peer, features: &str) {
    peer.secure().await;
    peer.answer("USER ada", "331 password").await;
    peer.answer(&format!("PASS {}", super::SECRET), "230 in").await;
    peer.answer("PBSZ 0", "200 ok").await;
    peer.answer("PROT P", "200 ok").await;
    peer.answer("FEAT", &format!("211-Features\r\n SIZE\r\n{features}211 End")).await;
    peer.answer("OPTS UTF8 ON", "200 ok").await;
    peer.answer("TYPE I", "200 ok").await;
    peer.answer("PWD", "257 \"/home\" is here").await;
    peer.name_port_ahead().await;
}
