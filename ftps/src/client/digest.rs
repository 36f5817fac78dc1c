//! Asks the server for digests of files: `HASH` (draft-bryan-ftpext-hash), or a command for one
//! algorithm, such as `XSHA256`.

use std::time::Duration;

use super::Client;
use crate::{
    command::Command,
    digest::{Algorithm, FileDigest},
    error::{Error, Operation},
    path::RemotePath,
    profile::Digests,
    reply::{Reply, Severity},
    stage::Stage,
};

/// How a server is asked for digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DigestMethod {
    pub(crate) algorithm: Algorithm,
    pub(crate) command: DigestCommand,
    /// Whether the server may support digests of ranges.
    pub(crate) ranges: bool,
}

/// A command for digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigestCommand {
    /// `HASH`.
    Hash,
    /// `XSHA256` and the like, by its verb.
    X(&'static str),
}

impl Client {
    /// Asks for the digest of a file, by the best algorithm that the server lists; `None` where it
    /// lists none, or fails to make one. The server reads the whole file for it.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where the file does not exist.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn digest(&mut self, path: &RemotePath) -> Result<Option<FileDigest>, Error> {
        let path = self.absolute(path);
        let Some(method) = self.digest_method() else { return Ok(None) };
        if !self.choose_algorithm(method).await? {
            return Ok(None);
        }
        self.ask_digest(method.command(&path), &path, method.algorithm, u64::MAX).await
    }

    /// Asks for the digest of a file by one algorithm; `None` where the server does not make it.
    ///
    /// # Errors
    /// [`Error`] where the connection breaks, or the server takes longer than `within`: the client is not
    /// usable then.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn digest_within(
        &mut self,
        path: &RemotePath,
        algorithm: Algorithm,
        within: Duration,
    ) -> Result<Option<FileDigest>, Error> {
        let path = self.absolute(path);
        let Some(method) = self.digest_method_by(algorithm) else { return Ok(None) };
        if !self.choose_algorithm(method).await? {
            return Ok(None);
        }
        match self.ask_within(method.command(&path), &path, algorithm, within).await {
            Err(error) if error.refusal().is_some() => Ok(None),
            answered => answered,
        }
    }

    /// Asks for the digest of a whole file of so many bytes, with a method that was chosen before.
    pub(crate) async fn digest_by(
        &mut self,
        method: DigestMethod,
        path: &RemotePath,
        bytes: u64,
    ) -> Result<Option<FileDigest>, Error> {
        self.ask_digest(method.command(path), path, method.algorithm, bytes).await
    }

    /// Asks for the digest of a whole file of so many bytes; `None` where the server does not make it.
    pub(crate) async fn digest_if_made(
        &mut self,
        method: DigestMethod,
        path: &RemotePath,
        bytes: u64,
    ) -> Result<Option<FileDigest>, Error> {
        if !self.choose_algorithm(method).await? {
            return Ok(None);
        }
        match self.digest_by(method, path, bytes).await {
            Err(error) if error.refusal().is_some() => Ok(None),
            answered => answered,
        }
    }

    /// Asks for the digest of a part of a file; `None` where the server cannot make it.
    pub(crate) async fn digest_of_range(
        &mut self,
        path: &RemotePath,
        range: std::ops::Range<u64>,
        algorithm: Algorithm,
    ) -> Result<Option<FileDigest>, Error> {
        let path = self.absolute(path);
        let Some(verb) = algorithm.verb() else { return Ok(None) };
        let command = Command::XDigest(verb, &path, Some((range.start, range.end)));
        let bytes = range.end.saturating_sub(range.start);
        match self.ask_digest(command, &path, algorithm, bytes).await {
            Err(error) if error.refusal().is_some() => Ok(None),
            answered => answered,
        }
    }

    async fn ask_digest(
        &mut self,
        command: Command<'_>,
        path: &RemotePath,
        algorithm: Algorithm,
        bytes: u64,
    ) -> Result<Option<FileDigest>, Error> {
        self.ask_within(command, path, algorithm, self.config.digest_deadline(bytes)).await
    }

    async fn ask_within(
        &mut self,
        command: Command<'_>,
        path: &RemotePath,
        algorithm: Algorithm,
        within: Duration,
    ) -> Result<Option<FileDigest>, Error> {
        self.control.send(command, Stage::Verify).await?;
        let reply = self.control.last_reply(within, Operation::Digest).await;
        let reply = reply.map_err(|kind| self.control.error(kind, Stage::Verify))?;
        let reply = self.control.expect(reply, Severity::Completion, command, Stage::Verify)?;
        Ok(self.read_digest(&reply, path, algorithm))
    }

    /// Parses a digest reply. After one that cannot be parsed, the host is not asked again.
    pub(crate) fn read_digest(
        &self,
        reply: &Reply,
        path: &RemotePath,
        algorithm: Algorithm,
    ) -> Option<FileDigest> {
        let name = path.display();
        // Some servers put it on a line of its own.
        let digest = reply.lines().find_map(|line| {
            let text = line.get(4..).unwrap_or(&line);
            FileDigest::in_answer(text, algorithm, &name)
        });
        if digest.is_none() {
            self.profile.update(|profile| profile.digests = Digests::Never);
        }
        digest
    }

    /// Returns the first of these algorithms, in the caller's order, that the server can use for
    /// digests, as far as is known. For [`Plan::digest`], so that sender, engine and server use the
    /// same algorithm.
    ///
    /// [`Plan::digest`]: crate::upload::Plan::digest
    #[must_use]
    pub fn makes_digest(&self, preferred: &[Algorithm]) -> Option<Algorithm> {
        preferred.iter().copied().find(|algorithm| self.digest_method_by(*algorithm).is_some())
    }

    /// The best digest method that the server lists.
    pub(crate) fn digest_method(&self) -> Option<DigestMethod> {
        Algorithm::ALL.into_iter().find_map(|algorithm| self.digest_method_by(algorithm))
    }

    /// The method for digests by that algorithm, where the server lists one.
    pub(crate) fn digest_method_by(&self, algorithm: Algorithm) -> Option<DigestMethod> {
        if self.profile.get().digests == Digests::Never {
            return None;
        }
        let features = &self.facts.features;
        let hash = features.get("HASH").unwrap_or_default().to_ascii_uppercase();
        let mut in_hash = hash.split([';', ' ', ',']).map(|name| name.trim_end_matches('*'));
        let verb = algorithm.verb().filter(|verb| features.has(verb));
        let command = match verb {
            _ if in_hash.any(|name| name == algorithm.name()) => DigestCommand::Hash,
            Some(verb) => DigestCommand::X(verb),
            None => return None,
        };
        Some(DigestMethod { algorithm, command, ranges: verb.is_some() })
    }

    /// Sends `OPTS HASH` where `HASH` would use another algorithm. Returns whether the server uses
    /// this one now.
    pub(crate) async fn choose_algorithm(&mut self, method: DigestMethod) -> Result<bool, Error> {
        if method.command != DigestCommand::Hash
            || self.chosen_algorithm() == Some(method.algorithm)
        {
            return Ok(true);
        }
        let command = Command::OptsHash(method.algorithm);
        let reply = self.control.exchange(command, Stage::Verify).await?;
        if reply.code().is_refusal() {
            // A digest by another algorithm cannot be compared.
            self.profile.update(|profile| profile.digests = Digests::Never);
            return Ok(false);
        }
        self.algorithm = Some(method.algorithm);
        Ok(true)
    }

    /// The algorithm of `HASH`: the one that was chosen, else the one that `FEAT` marks.
    fn chosen_algorithm(&self) -> Option<Algorithm> {
        let marked = || {
            let hash = self.facts.features.get("HASH")?.to_ascii_uppercase();
            let name = hash.split([';', ' ', ',']).find_map(|name| name.strip_suffix('*'))?;
            Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
        };
        self.algorithm.or_else(marked)
    }
}

impl DigestMethod {
    /// The command for the digest of a whole file.
    pub(crate) fn command(self, path: &RemotePath) -> Command<'_> {
        match self.command {
            DigestCommand::Hash => Command::Hash(path),
            DigestCommand::X(verb) => Command::XDigest(verb, path, None),
        }
    }
}
