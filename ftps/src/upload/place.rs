//! The end of an upload: is the file whole, what is its date, and may it have its name.

use tokio::time::{Duration, Instant};

use super::{Run, Source, Stop, temporary, unless};
use crate::{
    client::{Client, Found, PrefetchedFile, digest::DigestWay, survey::Size},
    command::Command,
    digest::{FileDigest, Verified},
    error::{Error, Kind},
    path::RemotePath,
    profile::{Dating, Digests, Pipelining, Sizes},
    reply::{Code, Reply, Severity},
    stage::Stage,
    time::Timestamp,
    transcript::Status,
};

/// For so long, what was found under a name counts: a look and a rename are never one step, and
/// somebody may be quicker.
const FOUND_FOR: Duration = Duration::from_secs(2);

/// Files up to this size are renamed and checked in one flight: the server has their digest before
/// anybody would notice. In bytes.
const SMALL: u64 = 1024 * 1024;

/// The place of a file at the end of its upload.
struct Place<'a> {
    temporary: &'a RemotePath,
    path: &'a RemotePath,
    /// What the file is compared by.
    check: Check,
    dating: Option<Date>,
}

/// How what the server holds is compared.
#[derive(Clone, Debug)]
struct Check {
    size: u64,
    /// How to ask for the digest, and what it has to be.
    digest: Option<(DigestWay, FileDigest)>,
}

/// How the server is told the date of a file.
#[derive(Clone, Copy, Debug)]
enum Date {
    Mfmt(Timestamp),
    Mdtm(Timestamp),
    SiteUtime(Timestamp),
}

impl<S: Source> Run<'_, S> {
    /// Checks the file and gives it its date and its name; what was asked ahead about the next one
    /// comes with it.
    pub(super) async fn place(
        &mut self,
        client: &mut Client,
        temporary: &RemotePath,
        path: &RemotePath,
        found: Found,
    ) -> Result<(Verified, Option<PrefetchedFile>), Stop<S::Error>> {
        let check = self.prepare_check(client).await?;
        let place = Place { temporary, path, check, dating: self.date(client) };
        if temporary == path {
            let verified = self.check_first(client, &place).await?;
            return Ok((verified, self.set_date(client, &place).await?));
        }
        // Nobody has the name, the file is small and nothing took long: one flight for all.
        let is_quick = found.target == Size::Missing
            && client.profile().get().sizes == Sizes::Told
            && found.at.elapsed() < FOUND_FOR
            && self.plan.size <= SMALL
            && client.profile().get().pipelining == Pipelining::On;
        if is_quick {
            return self.check_and_rename(client, &place).await;
        }
        let verified = self.check_first(client, &place).await?;
        let ahead = self.rename(client, &place).await?;
        Ok((verified, ahead))
    }

    /// The check of a file that has its name already.
    pub(super) async fn check_named(
        &self,
        client: &mut Client,
        path: &RemotePath,
    ) -> Result<Verified, Stop<S::Error>> {
        let check = self.prepare_check(client).await?;
        let place = Place { temporary: path, path, check, dating: None };
        self.check_at(client, &place, path).await
    }

    /// What the file is compared by, and the server is told which digest it is to make.
    async fn prepare_check(&self, client: &mut Client) -> Result<Check, Stop<S::Error>> {
        let size = self.plan.size;
        let way = self.digest_way(client);
        let digest = way.and_then(|way| Some((way, self.whole_digest(way.algorithm)?)));
        let Some((way, _)) = digest else { return Ok(Check { size, digest: None }) };
        if unless(self.stop, client.choose_algorithm(way)).await?? {
            return Ok(Check { size, digest });
        }
        client.tell(Status::DigestRefused);
        Ok(Check { size, digest: None })
    }

    fn date(&self, client: &Client) -> Option<Date> {
        let time = Timestamp::from_unix_millis(self.plan.modified_millis?)?;
        if client.profile().get().dating == Dating::Never {
            return None;
        }
        let facts = client.facts();
        let features = &facts.features;
        // A plain `MDTM` only tells the time; these name the argument that sets it.
        let mdtm_sets = features.get("MDTM").is_some_and(|usage| usage.contains("YYYY"))
            || (features.has("MDTM") && facts.banner.mentions("vsftpd"));
        match () {
            () if features.has("MFMT") => Some(Date::Mfmt(time)),
            () if mdtm_sets => Some(Date::Mdtm(time)),
            () if features.site("UTIME") => Some(Date::SiteUtime(time)),
            () => None,
        }
    }

    /// `MFMT`, `SIZE`, a digest, `RNFR`, `RNTO`, and what the next upload needs: one round trip.
    ///
    /// The check comes before the rename: some servers take files away as soon as they have their
    /// names.
    async fn check_and_rename(
        &mut self,
        client: &mut Client,
        place: &Place<'_>,
    ) -> Result<(Verified, Option<PrefetchedFile>), Stop<S::Error>> {
        let upcoming = self.upcoming(client);
        let mut flight = Flight::default();
        flight.date(place, place.temporary);
        flight.check(place);
        flight.name(place);
        flight.ahead(client, upcoming.as_ref());
        self.naming = true;
        let mut answers = unless(self.stop, flight.send(client)).await??;
        answers.dated(client, place);
        let verified = answers.checked(client, place)?;
        let named = answers.named(client);
        let ahead = answers.ahead(client, upcoming);
        match (verified, named) {
            (Ok(verified), Ok(())) => Ok((verified, ahead)),
            (Ok(verified), Err(refusal)) => {
                self.not_renamed(client, place, refusal).await?;
                Ok((verified, None))
            }
            (Err(error), named) => {
                self.naming = false;
                match named {
                    Ok(()) => Err(take_back(client, place, error).await.into()),
                    Err(_) => Err(error.into()),
                }
            }
        }
    }

    /// Before anything is replaced it is certain that the new file is whole, and that nobody took
    /// the name meanwhile.
    async fn check_first(
        &mut self,
        client: &mut Client,
        place: &Place<'_>,
    ) -> Result<Verified, Stop<S::Error>> {
        if self.may_replace() || place.temporary == place.path {
            return self.check_at(client, place, place.temporary).await;
        }
        let (verified, size) = match place.check.digest.is_some() && self.plan.size > SMALL {
            // Somebody may take the name while the server reads the whole file.
            true => {
                let verified = self.check_at(client, place, place.temporary).await?;
                (verified, unless(self.stop, client.survey_one(place.path)).await??)
            }
            false => self.check_both(client, place).await?,
        };
        self.mind_existing(client, place.path, size).await?;
        Ok(verified)
    }

    /// Whether the file is whole, and what has its name: one round trip.
    async fn check_both(
        &self,
        client: &mut Client,
        place: &Place<'_>,
    ) -> Result<(Verified, Size), Stop<S::Error>> {
        let mut flight = Flight::default();
        flight.check(place);
        flight.commands.push(Command::Size(place.path));
        let mut answers = unless(self.stop, flight.ask(client)).await??;
        let verified = answers.checked(client, place)??;
        let size = client.size_in(&answers.next(client)?);
        let verified = self.check_facts(client, place, place.temporary, verified).await?;
        Ok((verified, size))
    }

    /// A server that has no `SIZE` may tell sizes otherwise.
    async fn check_facts(
        &self,
        client: &mut Client,
        place: &Place<'_>,
        name: &RemotePath,
        verified: Verified,
    ) -> Result<Verified, Stop<S::Error>> {
        if verified != Verified::ReplyOnly {
            return Ok(verified);
        }
        match unless(self.stop, client.size_in_facts(name)).await?? {
            Some(bytes) => Ok(place.check.by_size(client, Size::Bytes(bytes))?),
            None => Ok(verified),
        }
    }

    /// Size and digest of what lies under a name. A great file's digest takes its time.
    async fn check_at(
        &self,
        client: &mut Client,
        place: &Place<'_>,
        name: &RemotePath,
    ) -> Result<Verified, Stop<S::Error>> {
        let size = unless(self.stop, client.survey_one(name)).await??;
        let by_size = place.check.by_size(client, size)?;
        let by_size = self.check_facts(client, place, name, by_size).await?;
        let Some((way, sent)) = &place.check.digest else { return Ok(by_size) };
        match unless(self.stop, client.digest_by(*way, name)).await? {
            Ok(Some(stored)) => Ok(compare(client, sent, stored)?),
            Ok(None) => Ok(by_size),
            Err(error) => match error.refusal() {
                Some(reply) => {
                    digest_refused(client, reply.code());
                    Ok(by_size)
                }
                None => Err(error.into()),
            },
        }
    }

    /// Past this point there is nothing to cancel: the file is complete.
    async fn rename(
        &mut self,
        client: &mut Client,
        place: &Place<'_>,
    ) -> Result<Option<PrefetchedFile>, Stop<S::Error>> {
        let upcoming = self.upcoming(client);
        let mut flight = Flight::default();
        // Under the temporary name: where the rename is refused, the file that has the name keeps
        // its own date.
        flight.date(place, place.temporary);
        flight.name(place);
        flight.ahead(client, upcoming.as_ref());
        self.naming = true;
        let mut answers = flight.send(client).await?;
        answers.dated(client, place);
        if let Err(error) = answers.named(client) {
            self.not_renamed(client, place, error).await?;
            return Ok(None);
        }
        Ok(answers.ahead(client, upcoming))
    }

    async fn set_date(
        &mut self,
        client: &mut Client,
        place: &Place<'_>,
    ) -> Result<Option<PrefetchedFile>, Stop<S::Error>> {
        let upcoming = self.upcoming(client);
        let mut flight = Flight::default();
        flight.date(place, place.path);
        flight.ahead(client, upcoming.as_ref());
        let mut answers = flight.send(client).await?;
        answers.dated(client, place);
        Ok(answers.ahead(client, upcoming))
    }

    /// The file is complete, and the server does not give it its name.
    async fn not_renamed(
        &mut self,
        client: &mut Client,
        place: &Place<'_>,
        error: Error,
    ) -> Result<(), Stop<S::Error>> {
        self.naming = false;
        if error.refused_verb() == Some("RNFR") {
            // What is not there cannot be renamed: then the server has lost the file.
            let size = client.survey_one(place.temporary).await?;
            place.check.by_size(client, size)?;
            return Err(error.into());
        }
        if !error.is_permanent() {
            return Err(error.into());
        }
        if self.may_replace() {
            return self.replace(client, place, error).await;
        }
        // Somebody may have been quicker.
        let size = client.survey_one(place.path).await?;
        self.mind_existing(client, place.path, size).await?;
        Err(error.into())
    }

    /// Some servers rename over nothing that exists. The person chose to replace the file, and the
    /// new one is complete: the old one makes way, and comes back if that does not help.
    async fn replace(
        &mut self,
        client: &mut Client,
        place: &Place<'_>,
        refusal: Error,
    ) -> Result<(), Stop<S::Error>> {
        let &Place { temporary, path, .. } = place;
        if !client.is_file(path).await? {
            return Err(refusal.into());
        }
        let Ok(aside) = temporary::beside(path) else { return Err(refusal.into()) };
        if let Err(error) = client.rename(path, &aside).await {
            return Err(match error.refusal() {
                Some(_) => refusal.into(),
                // Which name the old one has now is not known: nothing may be removed.
                None => Stop::NotReplaced { error, new: temporary.clone(), old: aside },
            });
        }
        client.tell(Status::MovedAside { path: path.to_string(), aside: aside.to_string() });
        let Err(error) = client.rename(temporary, path).await else {
            let _refused_and_in_the_log = client.delete(&aside).await;
            return Ok(());
        };
        // Neither file has the name that it should have: whatever happens, both stay.
        let is_back = client.is_usable() && client.rename(&aside, path).await.is_ok();
        let old = if is_back { path.clone() } else { aside };
        Err(Stop::NotReplaced { error, new: temporary.clone(), old })
    }
}

impl Check {
    fn by_size(&self, client: &Client, size: Size) -> Result<Verified, Error> {
        let wrong = |stored| {
            let kind = Kind::WrongSize { sent: self.size, stored };
            client.error(kind, Stage::Verify)
        };
        match size {
            Size::Bytes(bytes) if bytes == self.size => Ok(Verified::Size { bytes }),
            Size::Bytes(bytes) => Err(wrong(Some(bytes))),
            // One that never told a size may deny that there is a file.
            Size::Missing if client.profile().get().sizes == Sizes::Untold => {
                Ok(Verified::ReplyOnly)
            }
            Size::Missing => Err(wrong(None)),
            Size::Unknown => Ok(Verified::ReplyOnly),
        }
    }
}

/// Nobody is to find half a file under that name: where it may not be renamed it is removed. The
/// error is what was wrong with it, and where it is if it is still there.
async fn take_back(client: &mut Client, place: &Place<'_>, check: Error) -> Error {
    let is_refused = match client.rename(place.path, place.temporary).await {
        Ok(()) => return check,
        Err(error) => error.refusal().is_some(),
    };
    if is_refused && client.delete(place.path).await.is_ok() {
        return check;
    }
    let path = place.path.to_string();
    client.error(Kind::NotTakenBack { path, check }, Stage::Verify)
}

fn compare(client: &Client, sent: &FileDigest, stored: FileDigest) -> Result<Verified, Error> {
    if *sent == stored {
        return Ok(Verified::Digest(stored));
    }
    Err(client.error(Kind::WrongDigest { sent: sent.clone(), stored }, Stage::Verify))
}

/// 500 and 502; 501 and 504 may be about one name or one date.
fn is_unknown_command(code: Code) -> bool {
    [Code::UNKNOWN_COMMAND, Code::NOT_IMPLEMENTED].contains(&code)
}

/// A server that knows no such command is not asked again; one that refuses it for one file is.
fn digest_refused(client: &Client, code: Code) {
    if is_unknown_command(code) {
        client.profile().update(|profile| profile.digests = Digests::Never);
    }
    client.tell(Status::DigestRefused);
}

/// Commands that go together at the end of an upload.
#[derive(Default)]
struct Flight<'a> {
    commands: Vec<Command<'a>>,
    /// The last of them, where it asks for the next data connection's port.
    port: Option<Command<'a>>,
}

impl<'a> Flight<'a> {
    fn name(&mut self, place: &Place<'a>) {
        self.commands.push(Command::Rnfr(place.temporary));
        self.commands.push(Command::Rnto(place.path));
    }

    fn date(&mut self, place: &Place<'_>, path: &'a RemotePath) {
        self.commands.extend(place.dating.map(|date| match date {
            Date::Mfmt(time) => Command::Mfmt(time, path),
            Date::Mdtm(time) => Command::MdtmSet(time, path),
            Date::SiteUtime(time) => Command::SiteUtime(time, path),
        }));
    }

    fn check(&mut self, place: &Place<'a>) {
        let name = place.temporary;
        self.commands.push(Command::Size(name));
        self.commands.extend(place.check.digest.as_ref().map(|(way, _)| way.command(name)));
    }

    fn ahead(&mut self, client: &Client, upcoming: Option<&'a RemotePath>) {
        if let Some(path) = upcoming {
            self.commands.push(Command::Size(path));
            self.port = (!client.is_ahead()).then(|| client.prefetch_command());
            self.commands.extend(self.port);
        }
    }

    /// Sends it where nothing of the next upload is in it.
    async fn ask(self, client: &mut Client) -> Result<Answers, Error> {
        let at = Instant::now();
        let replies = client.flight(&self.commands, Stage::Verify).await?;
        Ok(Answers { replies: replies.into_iter(), at })
    }

    async fn send(self, client: &mut Client) -> Result<Answers, Error> {
        let at = Instant::now();
        let mut replies = client.flight_and_dial(&self.commands, Stage::Rename).await?;
        if let Some(port) = self.port
            && let Some(reply) = replies.pop()
        {
            client.keep_prefetched(port, reply);
        }
        Ok(Answers { replies: replies.into_iter(), at })
    }
}

/// The replies to a flight, taken in the order in which the flight was put together.
struct Answers {
    replies: std::vec::IntoIter<Reply>,
    at: Instant,
}

impl Answers {
    fn next(&mut self, client: &Client) -> Result<Reply, Error> {
        self.replies.next().ok_or_else(|| client.error(Kind::OutOfStep, Stage::Rename))
    }

    fn named(&mut self, client: &Client) -> Result<(), Error> {
        let rnfr = self.next(client)?;
        let rnto = self.next(client)?;
        let refused = |verb, reply| Err(client.error(Kind::Refused { verb, reply }, Stage::Rename));
        match () {
            () if rnto.code().severity() == Severity::Completion => Ok(()),
            () if rnfr.code().is_refusal() => refused("RNFR", rnfr),
            () => refused("RNTO", rnto),
        }
    }

    /// A server that knows no such command is not asked again; the file is as good without.
    fn dated(&mut self, client: &Client, place: &Place<'_>) {
        if place.dating.is_none() {
            return;
        }
        if self.replies.next().is_some_and(|reply| is_unknown_command(reply.code())) {
            client.profile().update(|profile| profile.dating = Dating::Never);
            client.tell(Status::DateRefused);
        }
    }

    /// Whether the file is whole; the other error is that there is no answer.
    fn checked(
        &mut self,
        client: &Client,
        place: &Place<'_>,
    ) -> Result<Result<Verified, Error>, Error> {
        let size = client.size_in(&self.next(client)?);
        let digest = match &place.check.digest {
            Some((way, sent)) => Some((way, sent, self.next(client)?)),
            None => None,
        };
        let by_size = place.check.by_size(client, size);
        let (Ok(_), Some((way, sent, reply))) = (&by_size, digest) else { return Ok(by_size) };
        if reply.code().is_refusal() {
            digest_refused(client, reply.code());
            return Ok(by_size);
        }
        Ok(match client.read_digest(&reply, place.temporary, way.algorithm) {
            Some(stored) => compare(client, sent, stored),
            None => by_size,
        })
    }

    fn ahead(&mut self, client: &Client, upcoming: Option<RemotePath>) -> Option<PrefetchedFile> {
        let path = upcoming?;
        let target = client.size_in(&self.replies.next()?);
        Some(PrefetchedFile { path, found: Found { target, at: self.at } })
    }
}
