//! Lists a directory: `MLSD`, or `LIST` where the server does not support that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, timeout_at};

use super::{
    Client,
    data::TransferStart,
    directory::quoted_path,
    transfer::{READ_BYTES, Transfer},
};
use crate::{
    command::Command,
    config::Timeouts,
    error::{Error, Kind},
    listing::{Entry, EntryKind, Listing, ListingFormat, ListingLimits, ListingReader, parse_time},
    path::RemotePath,
    profile::{FactsCommand, ServerClock},
    reply::Code,
    stage::Stage,
    time::{LocalTime, Precision, UtcOffset},
    transcript::Status,
};

impl Client {
    /// Lists a directory: with `MLSD` (RFC 3659 §7) where the server lists that feature and knows the
    /// command, else with `LIST`.
    ///
    /// Changes to the directory first and sends no argument: some servers ignore it, and some take it
    /// for options or a pattern.
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
        self.enter(&path).await?;
        // The future is large, and is a part of every upload's.
        match Box::pin(self.list_current(&path)).await {
            // The directory is there: the reply is about its contents.
            Err(error) if is_empty(&error) => Ok(Listing::default()),
            listed => listed,
        }
    }

    /// Lists the current directory, which has this path.
    async fn list_current(&mut self, path: &RemotePath) -> Result<Listing, Error> {
        if !(self.facts.features.mlsd() && self.profile.get().mlsd == FactsCommand::ByFeatures) {
            return self.list_with_list(path).await;
        }
        match self.read_listing(Command::Mlsd, ListingFormat::Mlsd).await {
            Err(error) if error.is_not_supported() => {
                self.profile.learn_expiring(|profile| profile.mlsd = FactsCommand::Never);
                self.transcript().control(Status::MlsdRefused);
                self.list_with_list(path).await
            }
            Ok(listing) => self.check_directory(path, listing).await,
            failed => failed,
        }
    }

    /// Makes sure that a listing is of the directory with this path, where the listing names its
    /// directory. The name may be the real path of a link: `PWD` tells that too.
    async fn check_directory(
        &mut self,
        path: &RemotePath,
        listing: Listing,
    ) -> Result<Listing, Error> {
        let Some(named) = listing.directory.as_ref().filter(|named| !named.is_same_as(path)) else {
            return Ok(listing);
        };
        let reply = self.control.exchange(Command::Pwd, Stage::List).await?;
        match quoted_path(&reply) {
            Some(current) if named.is_same_as(&current) => Ok(listing),
            _ => {
                self.directory = None;
                let kind = Kind::Unexpected { verb: Command::Mlsd.verb(), reply };
                Err(self.control.error(kind, Stage::List))
            }
        }
    }

    async fn list_with_list(&mut self, path: &RemotePath) -> Result<Listing, Error> {
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
        let Timeouts { stall, listing, .. } = self.config.timeouts;
        let rate = limits.min_bytes_per_second;
        let deadlines = ListingDeadlines { started: Instant::now(), stall, listing, rate };
        let transfer = self.transfer(command, start).await?;
        let reader = ListingReader::new(format, &limits);
        let listing = read(transfer, reader, &limits, deadlines).await?;
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
    deadlines: ListingDeadlines,
) -> Result<Listing, Error> {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let within = deadlines.after(transfer.bytes());
        let read = timeout_at(deadlines.started + within, transfer.read_some(&mut bytes)).await;
        let Ok(read) = read else { return Err(transfer.give_up(within).await) };
        let count = read?;
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

/// Words with which servers refuse to list a directory that is empty.
const EMPTY: [&str; 6] =
    ["no files", "no such file", "no data sets", "no members", "no entries", "is empty"];

/// Whether a refusal says that the current directory is empty. A refusal for another reason, such as a
/// missing permission, is an error.
fn is_empty(error: &Error) -> bool {
    error.refusal().is_some_and(|reply| {
        let is_about_files = matches!(reply.code().value(), 450 | 550);
        is_about_files && EMPTY.iter().any(|words| reply.mentions(words))
    })
}

/// The deadlines of one listing: by its size so far, and in all.
#[derive(Clone, Copy, Debug)]
struct ListingDeadlines {
    started: Instant,
    /// [`Timeouts::stall`].
    stall: Duration,
    /// [`Timeouts::listing`].
    listing: Duration,
    /// [`ListingLimits::min_bytes_per_second`].
    rate: u64,
}

impl ListingDeadlines {
    /// The time after the start at which more than `bytes` must have arrived.
    fn after(&self, bytes: u64) -> Duration {
        let for_bytes = Duration::from_secs(bytes / self.rate.max(1));
        self.stall.saturating_add(for_bytes).min(self.listing)
    }
}
