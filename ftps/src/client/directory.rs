//! Creates, removes and enters directories: `MKD`, `RMD`, `CWD`.

use super::Client;
use crate::{
    command::Command,
    error::Error,
    path::RemotePath,
    reply::{Code, Reply, Severity},
    stage::Stage,
    transcript::Status,
};

impl Client {
    /// Creates a directory (`MKD`, RFC 959 §4.1.3). Succeeds where it exists already.
    ///
    /// # Errors
    /// [`Error`] with the server's reply to `MKD` when there is no such directory afterwards.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn make_directory(&mut self, path: &RemotePath) -> Result<(), Error> {
        let path = self.absolute(path);
        self.control.transcript().control(Stage::MakeDirectory);
        self.make(&path).await
    }

    /// Creates a directory and its missing parents.
    ///
    /// Each directory is created or found once; the client remembers it.
    ///
    /// # Errors
    /// As [`Self::make_directory`], for the first that could not be made.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and some of the
    /// directories may have been created.
    pub async fn make_directories(&mut self, path: &RemotePath) -> Result<(), Error> {
        let path = self.absolute(path);
        if self.is_known(&path) {
            return Ok(());
        }
        // Another session may be creating the same directories.
        let directories = self.directories.clone();
        let _making = directories.making().await;
        let missing: Vec<_> =
            path.ancestry().into_iter().filter(|path| !self.is_known(path)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.transcript().control(Stage::MakeDirectory);
        // Most often all of them exist: one check is cheaper than many `MKD`.
        if self.exists(&path).await? {
            missing.into_iter().for_each(|path| self.remember(path));
            return Ok(());
        }
        // The future is large, and is a part of every upload's.
        Box::pin(self.make_all(missing)).await
    }

    /// Sends all `MKD` in one batch. If the last directory exists afterwards, all do. Below a directory
    /// that got another name, the others are made one by one.
    async fn make_all(&mut self, missing: Vec<RemotePath>) -> Result<(), Error> {
        let commands: Vec<_> = missing.iter().map(Command::Mkd).collect();
        let replies = self.control.batch(&commands, Stage::MakeDirectory).await?;
        for (at, (path, reply)) in missing.iter().zip(&replies).enumerate() {
            if let Some(named) = self.note_name(path, reply).await? {
                missing.iter().take(at).cloned().for_each(|path| self.remember(path));
                self.remember(named);
                for path in missing.iter().skip(at + 1) {
                    let path = self.absolute(path);
                    self.make(&path).await?;
                }
                return Ok(());
            }
        }
        let Some((path, refused)) = missing.last().zip(replies.last()) else { return Ok(()) };
        if refused.code().is_refusal() && !self.exists(path).await? {
            let first = commands.iter().zip(replies).find(|(_, reply)| reply.code().is_refusal());
            let Some((&command, reply)) = first else { return Ok(()) };
            let stage = Stage::MakeDirectory;
            return self.control.expect(reply, Severity::Completion, command, stage).map(drop);
        }
        missing.into_iter().for_each(|path| self.remember(path));
        Ok(())
    }

    /// Checks whether the session may change to a directory (`CWD`, RFC 959 §4.1.1).
    ///
    /// # Errors
    /// [`Error`] when the session ends.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn can_enter(&mut self, path: &RemotePath) -> Result<bool, Error> {
        let path = self.absolute(path);
        let code = self.change_directory(&path, Stage::List).await?;
        Ok(code.severity() == Severity::Completion)
    }

    /// Removes an empty directory (`RMD`, RFC 959 §4.1.3).
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses: the directory may hold something, or
    /// may not be there.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the directory
    /// may have been removed.
    pub async fn remove_directory(&mut self, path: &RemotePath) -> Result<(), Error> {
        let path = self.absolute(path);
        self.leave(&path).await?;
        self.control.complete(Command::Rmd(&path), Stage::Delete).await?;
        self.directories.moved();
        Ok(())
    }

    /// Creates a directory that must not exist yet. Returns its name, which the server may have changed.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses, also if there is such a directory.
    pub(crate) async fn make_new_directory(
        &mut self,
        path: &RemotePath,
    ) -> Result<RemotePath, Error> {
        let stage = Stage::MakeDirectory;
        let reply = self.control.complete(Command::Mkd(path), stage).await?;
        let named = Box::pin(self.note_name(path, &reply)).await?;
        Ok(named.unwrap_or_else(|| path.clone()))
    }

    /// Removes a directory that only this upload used. A missing one is no error.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where the directory is still there, and when the session ends.
    pub(crate) async fn remove_own_directory(&mut self, path: &RemotePath) -> Result<(), Error> {
        self.leave(path).await?;
        let removed = self.control.complete(Command::Rmd(path), Stage::Delete).await;
        self.directories.removed(path);
        match removed {
            // The reply is the same for a missing directory and for one that is not empty.
            Err(error) if error.refusal().is_some() && self.is_usable() => {
                let is_there = self.exists(path).await?;
                self.leave(path).await?;
                if is_there { Err(error) } else { Ok(()) }
            }
            removed => removed.map(drop),
        }
    }

    /// Changes to another directory if this is the current one: some servers refuse to remove that.
    async fn leave(&mut self, path: &RemotePath) -> Result<(), Error> {
        if self.directory.as_ref() == Some(path) {
            let above = path.parent().unwrap_or_else(RemotePath::root);
            self.change_directory(&above, Stage::Delete).await?;
        }
        Ok(())
    }

    async fn make(&mut self, path: &RemotePath) -> Result<(), Error> {
        let command = Command::Mkd(path);
        let reply = self.control.exchange(command, Stage::MakeDirectory).await?;
        // Servers use 550, 521 and other codes both for "exists already" and for "not permitted".
        if reply.code().is_refusal() && self.exists(path).await? {
            self.transcript().control(Status::DirectoryExists { path: path.to_string() });
        } else {
            let stage = Stage::MakeDirectory;
            let reply = self.control.expect(reply, Severity::Completion, command, stage)?;
            if let Some(named) = Box::pin(self.note_name(path, &reply)).await? {
                self.remember(named);
                return Ok(());
            }
        }
        self.remember(path.clone());
        Ok(())
    }

    /// Returns the name of a directory that the server made under another one, and uses it from now on.
    ///
    /// The reply to `MKD` names the directory for later commands (RFC 959 Appendix II). Some servers name
    /// one that the session cannot see, so the requested name is kept wherever it works.
    async fn note_name(
        &mut self,
        requested: &RemotePath,
        reply: &Reply,
    ) -> Result<Option<RemotePath>, Error> {
        let Some(named) = other_name(requested, reply) else { return Ok(None) };
        if self.exists(requested).await? || !self.exists(&named).await? {
            return Ok(None);
        }
        let (path, name) = (requested.to_string(), named.to_string());
        self.transcript().control(Status::DirectoryNamed { path, named: name });
        let max = self.config.limits.known_directories;
        self.directories.note_name(requested.clone(), named.clone(), max);
        Ok(Some(named))
    }

    /// Checks that a directory exists by changing to it. The session stays there.
    async fn exists(&mut self, path: &RemotePath) -> Result<bool, Error> {
        let reply = self.change_directory(path, Stage::MakeDirectory).await?;
        Ok(reply.severity() == Severity::Completion)
    }

    /// Sends `CWD` and returns the reply's code.
    pub(super) async fn change_directory(
        &mut self,
        path: &RemotePath,
        stage: Stage,
    ) -> Result<Code, Error> {
        // Until the reply has arrived, the current directory is unknown.
        let (before, changes) = (self.directory.take(), self.directories.changes());
        let reply = self.control.exchange(Command::Cwd(path), stage).await?;
        let changed = reply.code().severity() == Severity::Completion;
        self.directory = if changed { Some(path.clone()) } else { before };
        if changed {
            self.entered_at = changes;
        }
        Ok(reply.code())
    }

    /// Notes that the session has changed to a directory.
    pub(super) fn note_directory(&mut self, path: &RemotePath) {
        self.directory = Some(path.clone());
        self.entered_at = self.directories.changes();
    }

    /// Whether the directory is known to exist: seen before, or the login's directory or a parent
    /// of it.
    pub(crate) fn is_known(&self, path: &RemotePath) -> bool {
        let initial = self.facts.initial_directory.as_ref();
        self.directories.is_known(path)
            || initial.is_some_and(|initial| initial.ancestry().contains(path))
    }

    fn remember(&self, path: RemotePath) {
        self.directories.remember(path, self.config.limits.known_directories);
    }
}

/// Returns the directory that a reply to `MKD` names, if that is not the requested one. A name alone is
/// beside the requested one, and a path may start at another root.
fn other_name(requested: &RemotePath, reply: &Reply) -> Option<RemotePath> {
    let named = quoted_path(reply)?;
    let is_end = |of: &RemotePath, end: &RemotePath| {
        of.as_bytes()
            .strip_suffix(end.as_bytes())
            .is_some_and(|start| end.is_absolute() || start.is_empty() || start.ends_with(b"/"))
    };
    if is_end(requested, &named) || is_end(&named, requested) || named.is_same_as(requested) {
        return None;
    }
    match named.is_absolute() {
        true => Some(named),
        false => {
            let is_name = !named.as_bytes().contains(&b'/');
            is_name.then(|| requested.parent().unwrap_or_else(RemotePath::root).join(&named))
        }
    }
}

/// Parses the path between the quotes of a 257 reply; a quote within it is doubled (RFC 959
/// Appendix II).
pub(crate) fn quoted_path(reply: &Reply) -> Option<RemotePath> {
    if reply.code().severity() != Severity::Completion {
        return None;
    }
    let text = reply.raw_text();
    let open = text.iter().position(|&byte| byte == b'"')?;
    let mut path = Vec::new();
    let mut rest = text.get(open + 1..)?.iter().peekable();
    while let Some(&byte) = rest.next() {
        if byte == b'"' && rest.next_if_eq(&&b'"').is_none() {
            return RemotePath::new(path).ok();
        }
        path.push(byte);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::decoder::{Decoded, ReplyDecoder, ReplyLimits};

    fn reply(line: &str) -> Reply {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(line.as_bytes());
        decoder.push(b"\r\n");
        loop {
            if let Decoded::Reply(reply) = decoder.decode().unwrap().unwrap() {
                return reply;
            }
        }
    }

    fn path(line: &str) -> Option<String> {
        quoted_path(&reply(line)).map(|path| path.to_string())
    }

    #[test]
    fn only_another_name_of_the_made_directory_counts() {
        let requested = RemotePath::try_from("/home/New Dir").unwrap();
        let other = |line: &str| other_name(&requested, &reply(line)).map(|path| path.to_string());
        assert_eq!(other("257 \"/home/NEW_DIR\" made").as_deref(), Some("/home/NEW_DIR"));
        assert_eq!(other("257 \"NEW_DIR\" made").as_deref(), Some("/home/NEW_DIR"));
        for same in
            ["/home/New Dir", "/home/New Dir/", "New Dir", "home/New Dir", "/real/home/New Dir"]
        {
            assert_eq!(other(&format!("257 \"{same}\" made")), None, "{same}");
        }
        assert_eq!(other("257 made"), None);
        assert_eq!(other("250 Directory \"a/b\" made"), None);
    }

    #[test]
    fn directory_stands_between_quotes() {
        assert_eq!(path("257 \"/a b\" is cwd").as_deref(), Some("/a b"));
        assert_eq!(path("257 \"/a\"\"b\" is cwd").as_deref(), Some("/a\"b"));
        assert_eq!(path("257 \"/a\"\"\"").as_deref(), Some("/a\""));
    }

    #[test]
    fn directory_without_its_quotes_is_not_known() {
        for line in ["257 /a", "257 \"/a", "257 \"\"", "550 \"/a\""] {
            assert_eq!(path(line), None, "{line}");
        }
    }
}
