//! Lists a directory: `MLSD`, or `LIST` where the server does not support that.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    Client,
    data::TransferStart,
    transfer::{READ_BYTES, Transfer},
};
use crate::{
    command::Command,
    error::{Error, Kind},
    listing::{Entry, EntryKind, Listing, ListingFormat, ListingLimits, ListingReader, parse_time},
    path::RemotePath,
    profile::ServerClock,
    reply::Code,
    stage::Stage,
    time::{LocalTime, Precision, UtcOffset},
    transcript::Status,
};

impl Client {
    /// Lists a directory: with `MLSD` (RFC 3659 §7) where the server lists that feature, else with
    /// `LIST`, in the formats of Unix and DOS.
    ///
    /// `LIST` shows times in the server's time zone. Where the server supports `MDTM` (RFC 3659
    /// §3), one file's time is requested once a host, and all times are converted to UTC.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where the directory does not exist; the errors of
    /// [`Self::store`] where no data connection could be made.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn list(&mut self, path: &RemotePath) -> Result<Listing, Error> {
        let path = self.absolute(path);
        self.transcript().control(Stage::List);
        let listed = if self.facts.features.mlsd() {
            self.list_with_mlsd(&path).await
        } else {
            self.list_with_list(&path).await
        };
        match listed {
            Err(error) if is_empty(&error) => Ok(Listing::default()),
            listed => listed,
        }
    }

    async fn list_with_mlsd(&mut self, path: &RemotePath) -> Result<Listing, Error> {
        if needs_no_argument(path) {
            self.enter(path).await?;
            return self.read_listing(Command::Mlsd(None), ListingFormat::Mlsd).await;
        }
        self.read_listing(Command::Mlsd(Some(path)), ListingFormat::Mlsd).await
    }

    /// Sends `LIST` without an argument: servers interpret options and patterns in it.
    async fn list_with_list(&mut self, path: &RemotePath) -> Result<Listing, Error> {
        self.enter(path).await?;
        let format = ListingFormat::List { now: now() };
        let mut listing = self.read_listing(Command::List, format).await?;
        self.learn_clock(path, &listing).await?;
        if let ServerClock::Offset(offset) = self.profile.get().clock {
            listing.apply(offset);
        }
        Ok(listing)
    }

    /// Asks for the time of one file of the listing, unless the server's offset from UTC is known.
    async fn learn_clock(&mut self, path: &RemotePath, listing: &Listing) -> Result<(), Error> {
        let is_unknown = self.profile.get().clock == ServerClock::Unknown;
        if !(is_unknown && self.facts.features.has("MDTM")) {
            return Ok(());
        }
        let Some((name, listed)) = listing.entries.iter().find_map(precisely_listed) else {
            return Ok(());
        };
        let path = path.join(name);
        let reply = self.control.exchange(Command::Mdtm(&path), Stage::List).await?;
        let millis = (reply.code() == Code::FILE_STATUS)
            .then(|| parse_time(reply.raw_text().trim_ascii()))
            .flatten();
        let offset = UtcOffset::of_pairs(millis.map(|millis| (listed, millis.div_euclid(1000))));
        let clock = offset.map_or(ServerClock::Undetermined, ServerClock::Offset);
        self.transcript().control(match offset {
            Some(offset) => Status::ServerClock { offset },
            None => Status::ServerClockUndetermined,
        });
        self.profile.update(|profile| profile.clock = clock);
        Ok(())
    }

    /// Changes to a directory, unless the session is there.
    pub(super) async fn enter(&mut self, path: &RemotePath) -> Result<(), Error> {
        // Once renamed, the directory stays the session's current one under another path.
        let changes = self.directories.changes();
        if self.directory.as_ref() == Some(path) && self.entered_at == changes {
            return Ok(());
        }
        let before = self.directory.take();
        self.control.complete(Command::Cwd(path), Stage::List).await.inspect_err(|error| {
            if error.refusal().is_some() {
                self.directory = before;
            }
        })?;
        (self.directory, self.entered_at) = (Some(path.clone()), changes);
        Ok(())
    }

    async fn read_listing(
        &mut self,
        command: Command<'_>,
        format: ListingFormat,
    ) -> Result<Listing, Error> {
        let limits = self.config.limits.listing;
        let start = TransferStart { offset: 0, stage: Stage::List };
        let transfer = self.transfer(command, start).await?;
        let listing = read(transfer, ListingReader::new(format, &limits), &limits).await?;
        let (entries, left_out) = (listing.entries.len(), listing.left_out);
        self.transcript().control(Status::Listed { entries, left_out });
        if !listing.is_complete {
            self.transcript().control(Status::ListingCutOff { bytes: limits.bytes });
        }
        Ok(listing)
    }
}

async fn read(
    mut transfer: Transfer<'_>,
    mut reader: ListingReader,
    limits: &ListingLimits,
) -> Result<Listing, Error> {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let count = transfer.read_some(&mut bytes).await?;
        if count == 0 {
            transfer.finish().await?;
            return Ok(reader.finish());
        }
        reader.push(bytes.get(..count).unwrap_or_default());
        if transfer.bytes() > limits.bytes {
            transfer.abort().await?;
            return Ok(reader.cut_off());
        }
    }
}

/// Seconds since 1970-01-01T00:00:00Z, used to complete dates without a year. A clock before 1970
/// counts as 0.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The name and time of a file whose time is listed at least to the minute.
fn precisely_listed(entry: &Entry) -> Option<(&RemotePath, LocalTime)> {
    let listed = entry.listed.filter(|listed| listed.precision >= Precision::Minute)?;
    (entry.kind == EntryKind::File).then_some((&entry.name, listed))
}

/// Whether servers may interpret the path as options or a pattern.
fn needs_no_argument(path: &RemotePath) -> bool {
    let bytes = path.as_bytes();
    bytes.first() == Some(&b'-') || bytes.iter().any(|byte| b"*?[]{}~\\".contains(byte))
}

/// Some servers refuse to list an empty directory.
fn is_empty(error: &Error) -> bool {
    match error.kind() {
        Kind::Refused { reply, .. } => {
            let codes = [Code::UNAVAILABLE, Code::new(450).unwrap_or(Code::UNAVAILABLE)];
            codes.contains(&reply.code()) && reply.mentions("no files")
        }
        _ => false,
    }
}
