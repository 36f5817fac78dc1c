//! A session that is made anew when it has ended, or before it wears out.

use std::sync::Arc;

use tokio::time::sleep;

use crate::{
    client::{Client, Directories},
    config::{Config, Rotated, Rotation},
    connect::Connector,
    diagnosis::Cause,
    error::Error,
    pool::Commons,
    profile::{DataPorts, Endurance, Rung, SharedProfile},
    transcript::Status,
    upload::Ahead,
};

/// The most steps down the ladder of fallbacks to open one session, so that it ends in any case.
const MAX_RUNGS: usize = 6;

/// A session that is made anew when it has ended, or before it wears out.
///
/// [`upload`](Self::upload) is the way to bring a file to the server: it survives breaks.
#[derive(Debug)]
pub struct Line {
    connector: Connector,
    client: Option<Client>,
    ahead: Option<Ahead>,
    commons: Arc<Commons>,
}

/// A session that no line uses, with what was asked ahead over it.
#[derive(Debug)]
pub(crate) struct Spare {
    client: Client,
    ahead: Option<Ahead>,
}

/// Whether the server has room for one more session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// That is not known.
    Unknown,
    /// One of ours has just ended; the server may count it for a moment still.
    MadeNow,
}

impl Spare {
    /// Logs out.
    pub(crate) async fn quit(self) {
        if self.client.is_usable() {
            self.client.quit().await;
        }
    }
}

impl Line {
    /// A line that connects when it is needed.
    #[must_use]
    pub fn new(connector: Connector) -> Self {
        let connector = connector.asking_ahead();
        Self { connector, client: None, ahead: None, commons: Arc::default() }
    }

    /// A line of a pool, with a session that is there already or without.
    pub(crate) fn of_pool(
        connector: Connector,
        commons: Arc<Commons>,
        spare: Option<Spare>,
    ) -> Self {
        let (client, ahead) = spare.map(|spare| (spare.client, spare.ahead)).unzip();
        Self { connector: connector.asking_ahead(), client, ahead: ahead.flatten(), commons }
    }

    /// The session without the line, if it is good for anything.
    pub(crate) fn into_spare(self) -> Option<Spare> {
        let client = self.client.filter(Client::is_usable)?;
        Some(Spare { client, ahead: self.ahead })
    }

    pub(crate) fn commons(&self) -> &Arc<Commons> {
        &self.commons
    }

    /// A client that is logged in and in step, with the fallbacks that its errors suggest.
    ///
    /// # Errors
    /// The last error, when no fallback is left.
    ///
    /// # Cancel safety
    /// Dropping the future closes a connection that was being made.
    pub async fn client(&mut self) -> Result<&mut Client, Error> {
        let mut client = self.client.take();
        // One that the server has ended meanwhile says so now.
        let is_alive = client.as_mut().is_some_and(Client::is_alive);
        let client = match client.filter(|_| is_alive) {
            Some(client) => self.fresh(client).await?,
            None => self.open(Room::Unknown).await?,
        };
        Ok(self.client.insert(client))
    }

    /// The client, or another one where it has worn out.
    async fn fresh(&mut self, client: Client) -> Result<Client, Error> {
        let Rotation { commands, whom, age } = self.config().rotation;
        let counts = whom == Rotated::All
            || !runs_on_unix(&client)
            || self.profile().get().endurance == Endurance::Limited;
        let is_worn = (counts && client.commands() >= commands) || client.age() >= age;
        if !is_worn {
            return Ok(client);
        }
        client.tell(Status::Rotating { commands: client.commands(), age: client.age() });
        client.quit().await;
        self.open(Room::MadeNow).await
    }

    async fn open(&mut self, mut room: Room) -> Result<Client, Error> {
        let mut rungs = 0;
        loop {
            match self.connector.open().await {
                Ok(client) => return Ok(client),
                Err(error) if rungs < MAX_RUNGS && self.connector.learn(&error).is_some() => {
                    rungs += 1;
                }
                Err(error) if error.diagnosis().cause == Cause::TooManyConnections => {
                    if std::mem::replace(&mut room, Room::Unknown) == Room::MadeNow {
                        sleep(self.config().retry.first).await;
                        continue;
                    }
                    self.commons.note_crowded();
                    if let Some(client) = self.session_of_another(error).await? {
                        return Ok(client);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The server takes no more sessions: one of the pool's own is as good, once nobody uses it.
    /// `None` where a line came back without its session, so that there is room for another.
    async fn session_of_another(&mut self, error: Error) -> Result<Option<Client>, Error> {
        if let Some(client) = self.take_spare() {
            return Ok(Some(client));
        }
        self.tell_about(&error, Status::WaitingForSession);
        if self.commons.another_returns().await { Ok(self.take_spare()) } else { Err(error) }
    }

    fn take_spare(&mut self) -> Option<Client> {
        let spares = std::iter::from_fn(|| self.commons.take_spare());
        spares.map(|spare| spare.client).find_map(|mut client| client.is_alive().then_some(client))
    }

    /// Drops the client and takes the step that `error` suggests; `None` when there is none.
    pub fn fall_back(&mut self, error: &Error) -> Option<Rung> {
        if error.diagnosis().cause == Cause::CutAfterMany {
            self.profile().update(|profile| profile.endurance = Endurance::Limited);
        }
        let rung = self.connector.learn(error)?;
        self.client = None;
        Some(rung)
    }

    /// Whether there is a client that another verb can be sent through.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.client.as_ref().is_some_and(Client::is_usable)
    }

    /// Waits until the server ends the idle session; another is made when it is needed. Without a
    /// session, it waits for good.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn idle(&mut self) {
        match &mut self.client {
            Some(client) => {
                let _reported_in_the_transcript = client.idle().await;
                self.client = None;
            }
            None => std::future::pending().await,
        }
    }

    /// Logs out, if there is a session.
    pub async fn quit(self) {
        if let Some(client) = self.client.filter(Client::is_usable) {
            client.quit().await;
        }
    }

    /// Closes the connection without a word.
    pub(crate) fn hang_up(&mut self) {
        self.client = None;
    }

    pub(crate) fn config(&self) -> &Config {
        self.connector.config()
    }

    /// Tells the transcript something of the session that there is, or of none.
    pub(crate) fn tell(&self, status: Status) {
        match &self.client {
            Some(client) => client.tell(status),
            None => self.connector.transcript().control(status),
        }
    }

    /// Tells the transcript what is done about an error.
    pub(crate) fn tell_about(&self, error: &Error, status: Status) {
        self.connector.transcript_about(error).control(status);
    }

    pub(crate) fn profile(&self) -> &SharedProfile {
        self.connector.shared_profile()
    }

    /// Whether the error says that no data port of the host was ever reached: then waiting does not
    /// help.
    pub(crate) fn is_walled_off(&self, error: &Error) -> bool {
        error.is_unreachable_data_port() && self.profile().get().data_ports == DataPorts::Untried
    }

    pub(crate) fn directories(&self) -> &Directories {
        self.connector.directories()
    }

    /// Forgets which directories are there; whether anything was known.
    pub(crate) fn forget_directories(&self) -> bool {
        self.directories().forget_all()
    }

    /// What was asked ahead about the next upload.
    pub(crate) fn take_ahead(&mut self) -> Option<Ahead> {
        self.ahead.take()
    }

    pub(crate) fn put_ahead(&mut self, ahead: Ahead) {
        self.ahead = Some(ahead);
    }
}

/// Whether the greeting names a server that runs on Unix only.
fn runs_on_unix(client: &Client) -> bool {
    let banner = &client.facts().banner;
    ["vsftpd", "proftpd", "pure-ftpd"].iter().any(|name| banner.mentions(name))
}
