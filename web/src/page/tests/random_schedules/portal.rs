//! The model of a portal: sessions, uploads, and the servers' disks.

use super::*;

/// An upload as the portal knows it.
pub(super) struct ModelUpload {
    pub(super) offer: Offer,
    pub(super) temporary_path: String,
    pub(super) attempt: Attempt,
    pub(super) received: u64,
    pub(super) taken: u64,
    pub(super) limit: u64,
}

/// A session as the portal knows it.
#[derive(Default)]
pub(super) struct ModelSession {
    pub(super) sent: Vec<ServerMessage>,
    pub(super) taken: u64,
    pub(super) is_connected: bool,
    pub(super) host: String,
    pub(super) uploads: BTreeMap<UploadId, ModelUpload>,
    pub(super) newest: Option<UploadId>,
}

/// The files on a server.
#[derive(Default)]
pub(super) struct Disk {
    /// Part files: the path of the upload, and the number of bytes.
    pub(super) parts: BTreeMap<String, (String, u64)>,
    pub(super) stored: BTreeMap<String, u32>,
    /// The part files that the page knows.
    pub(super) told: BTreeSet<String>,
    /// The files that the user wants on this server.
    pub(super) meant: BTreeSet<usize>,
}

impl World {
    pub(super) fn session(&mut self) -> Option<&mut ModelSession> {
        self.sessions.get_mut(self.socket.as_ref()?)
    }

    pub(super) fn say(&mut self, message: ServerMessage) {
        if let Some(name) = self.socket.clone() {
            self.say_in(&name, message);
        }
    }

    /// Sends a message in a session, with or without a socket.
    pub(super) fn say_in(&mut self, name: &str, message: ServerMessage) {
        let Some(session) = self.sessions.get_mut(name) else { return };
        if message.needs_ack() {
            session.sent.push(message.clone());
        }
        if self.is_greeted && self.socket.as_deref() == Some(name) {
            self.to_page.push_back(message);
        }
    }

    pub(super) fn disk(&mut self) -> &mut Disk {
        let host = self.session().unwrap().host.clone();
        self.disks.get_mut(&host).unwrap()
    }

    pub(super) fn portal_hears(&mut self, message: ClientMessage) {
        if let ClientMessage::Hello { join, .. } = message {
            return self.join(join);
        }
        let Some(session) = self.session() else { return };
        if message.needs_ack() {
            session.taken += 1;
        }
        let is_connected = session.is_connected;
        match message {
            ClientMessage::Connect(connect) => {
                session.is_connected = true;
                session.host.clone_from(&connect.host);
                self.say(ServerMessage::Connected(Connected { host: connect.host, ..facts() }));
            }
            ClientMessage::Disconnect => self.end_connection(None),
            ClientMessage::List { path } if is_connected => {
                self.say(ServerMessage::Listing { path, entries: Vec::new(), left_out: 0 });
            }
            ClientMessage::List { path } => {
                self.say(ServerMessage::ListingFailed { path, problem: trouble() });
            }
            ClientMessage::Offer(offer) => self.take_offer(offer),
            ClientMessage::Cancel { upload } => {
                if let Some(upload_model) = session.uploads.remove(&upload) {
                    self.disk().parts.remove(&upload_model.temporary_path);
                    self.say(ServerMessage::Cancelled { upload });
                }
            }
            ClientMessage::Pause { upload } => {
                if let Some(upload_model) = session.uploads.remove(&upload) {
                    self.disk().keep(&upload_model);
                    self.say(paused(&upload_model));
                }
            }
            ClientMessage::Remove { path } if is_connected => {
                let used = |upload_model: &ModelUpload| upload_model.temporary_path == path;
                assert!(!session.uploads.values().any(used), "removed while it is written");
                self.disk().parts.remove(&path);
                self.say(ServerMessage::Removed { path });
            }
            ClientMessage::Remove { path } => {
                // A notice tells the user that it stays.
                self.disk().told.remove(&path);
                self.say(ServerMessage::RemoveFailed { path, problem: trouble() });
            }
            ClientMessage::Ping => self.say(ServerMessage::Pong),
            ClientMessage::Ack { messages } => {
                assert!(
                    messages <= session.sent.len() as u64,
                    "acknowledged messages that were never sent"
                );
            }
            ClientMessage::Digest { .. } => {}
            other => panic!("{other:?} must not be sent"),
        }
    }

    fn join(&mut self, join: Join) {
        match join {
            Join::New => {
                let credentials = self.make_session();
                self.socket = Some(credentials.name.clone());
                self.greet(None, Some(credentials));
            }
            Join::Existing { name, resume, .. } => {
                self.socket = Some(name);
                self.greet(resume, None);
            }
            Join::Drop { .. } => panic!("the page is no guest of a drop"),
        }
    }

    fn greet(&mut self, resume: Option<ResumeState>, new: Option<SessionCredentials>) {
        let Some(session) = self.session() else {
            self.to_page.push_back(ServerMessage::Goodbye { problem: trouble() });
            return;
        };
        let mut after = Vec::new();
        let mut connected: Option<Box<Connected>> = None;
        if let Some(state) = resume {
            let from = usize::try_from(state.messages).unwrap();
            assert!(from <= session.sent.len(), "the page received messages that were never sent");
            after.extend(session.sent[from..].iter().cloned());
            for upload_model in session.uploads.values_mut() {
                upload_model.attempt = upload_model.attempt.next();
                after.push(credit(upload_model));
            }
        } else {
            session.sent.clear();
            session.taken = 0;
            let facts = Connected { host: session.host.clone(), ..facts() };
            connected = session.is_connected.then(|| Box::new(facts));
            let name = self.socket.clone().unwrap();
            self.end_uploads(&name);
        }
        let session = self.session().unwrap();
        let next_upload = session.newest.map_or(UploadId(0), |newest| UploadId(newest.0 + 1));
        let received = session.taken;
        self.to_page.push_back(ServerMessage::Welcome {
            version: protocol::VERSION,
            portal: "0".into(),
            session: new,
            limits: LIMITS,
            received,
            connected,
            next_upload,
        });
        self.to_page.extend(after);
        self.is_greeted = true;
    }

    pub(super) fn take_offer(&mut self, offer: Offer) {
        let upload = offer.upload;
        let session = self.session().unwrap();
        assert!(!session.host.is_empty(), "offered before the login");
        assert!(session.newest.is_none_or(|newest| newest < upload), "an id was used twice");
        session.newest = Some(upload);
        if !session.is_connected {
            let (problem, resume) = (trouble(), offer.resume);
            return self.say(ServerMessage::Failed { upload, problem, resume });
        }
        let file = number(&offer.path);
        assert!(self.disk().meant.contains(&file), "a file that was not meant for this server");
        // A path may be relative to the login's directory.
        let path = format!("/home/{file}.bin");
        if self.disk().stored.contains_key(&path) {
            // The page knows only the part file that it resumes.
            let existing = Existing { size: Some(offer.size), modified_millis: None, digest: None };
            return self.say(ServerMessage::Conflict { upload, existing, resume: offer.resume });
        }
        let temporary_path = match &offer.resume {
            Some(part) => {
                let of = self.disk().parts.get(part).map_or(&path, |(path, _)| path);
                assert_eq!(*of, path, "a part file of another upload");
                part.clone()
            }
            None => {
                self.names += 1;
                format!("{path}.{}.part", self.names)
            }
        };
        let part = self.disk().parts.entry(temporary_path.clone()).or_insert((path.clone(), 0));
        let offset = part.1;
        let offer = Offer { path, ..offer };
        let upload_model = ModelUpload {
            limit: (offset + WINDOW).min(offer.size),
            attempt: Attempt(u32::from(offset > 0)),
            received: offset,
            taken: offset,
            temporary_path: temporary_path.clone(),
            offer,
        };
        let grant = credit(&upload_model);
        self.session().unwrap().uploads.insert(upload, upload_model);
        self.say(ServerMessage::Opened { upload, temporary_path, offset });
        self.to_page.push_back(grant);
    }

    pub(super) fn portal_takes(&mut self, header: ChunkHeader, end: u64) {
        let Some(session) = self.session() else { return };
        let Some(upload_model) = session.uploads.get_mut(&header.upload) else { return };
        assert!(header.attempt <= upload_model.attempt, "an attempt that was not requested");
        if header.attempt < upload_model.attempt {
            return;
        }
        assert_eq!(header.offset, upload_model.received, "out of order");
        assert!(end <= upload_model.limit, "beyond the credit");
        upload_model.received = end;
    }

    /// The server takes the bytes that the portal received, and stores the file when it is complete.
    pub(super) fn store(&mut self, nth: usize) {
        let names: Vec<_> = self.sessions.keys().cloned().collect();
        for name in names {
            let session = self.sessions.get_mut(&name).unwrap();
            let Some((&upload, upload_model)) = session.uploads.iter_mut().nth(nth) else {
                continue;
            };
            let disk = self.disks.get_mut(&session.host).unwrap();
            upload_model.taken = upload_model.received;
            upload_model.limit = (upload_model.taken + WINDOW).min(upload_model.offer.size);
            disk.keep(upload_model);
            if upload_model.taken < upload_model.offer.size {
                let grant = credit(upload_model);
                self.say_in(&name, grant);
                continue;
            }
            let path = upload_model.offer.path.clone();
            disk.parts.remove(&upload_model.temporary_path);
            *disk.stored.entry(path.clone()).or_default() += 1;
            session.uploads.remove(&upload);
            let (verified, digest, page_agrees) = (Verified::Size, None, false);
            let done = ServerMessage::Done { upload, path, verified, digest, page_agrees };
            self.say_in(&name, done);
        }
    }

    /// An upload fails, or is interrupted and resumes from the bytes that the server holds.
    pub(super) fn fail(&mut self, nth: usize, goes_on: bool) {
        let Some(name) = self.sessions.keys().next().cloned() else { return };
        let session = self.sessions.get_mut(&name).unwrap();
        let Some((&upload, upload_model)) = session.uploads.iter_mut().nth(nth) else { return };
        let disk = self.disks.get_mut(&session.host).unwrap();
        disk.keep(upload_model);
        let (problem, temporary_path) = (trouble(), upload_model.temporary_path.clone());
        if goes_on {
            (upload_model.attempt, upload_model.received) =
                (upload_model.attempt.next(), upload_model.taken);
            let (offset, grant) = (upload_model.taken, credit(upload_model));
            let interrupted = ServerMessage::Interrupted { upload, problem, retry_millis: 0 };
            self.say_in(&name, interrupted);
            self.say_in(&name, grant);
            self.say_in(&name, ServerMessage::Opened { upload, temporary_path, offset });
        } else {
            session.uploads.remove(&upload);
            let resume = Some(temporary_path);
            self.say_in(&name, ServerMessage::Failed { upload, problem, resume });
        }
    }

    /// The FTPS connection ends, with its uploads.
    pub(super) fn end_connection(&mut self, problem: Option<Problem>) {
        let Some(name) = self.socket.clone().filter(|name| self.sessions.contains_key(name)) else {
            return;
        };
        for upload_model in self.end_uploads(&name) {
            let (upload, resume) =
                (upload_model.offer.upload, Some(upload_model.temporary_path.clone()));
            let answer = match problem.clone() {
                Some(problem) if upload.0 % 2 == 0 => {
                    ServerMessage::Failed { upload, problem, resume }
                }
                _ => paused(&upload_model),
            };
            self.say(answer);
        }
        let session = self.session().unwrap();
        let was_connected = std::mem::replace(&mut session.is_connected, false);
        if was_connected || problem.is_none() {
            self.say(ServerMessage::Disconnected { problem });
        }
    }

    /// Creates a session; the portal has ended the sessions that the page forgot.
    fn make_session(&mut self) -> SessionCredentials {
        let names: Vec<_> = self.sessions.keys().cloned().collect();
        names.iter().for_each(|name| drop(self.end_uploads(name)));
        self.sessions.clear();
        self.names += 1;
        let name = self.names.to_string();
        self.sessions.insert(name.clone(), ModelSession::default());
        SessionCredentials { name, secret: Secret::new("s".into()) }
    }

    /// Ends the uploads of a session; their part files stay.
    pub(super) fn end_uploads(&mut self, session: &str) -> Vec<ModelUpload> {
        let session = self.sessions.get_mut(session).unwrap();
        let disk = self.disks.get_mut(&session.host);
        let uploads: Vec<_> = std::mem::take(&mut session.uploads).into_values().collect();
        if let Some(disk) = disk {
            uploads.iter().for_each(|upload_model| disk.keep(upload_model));
        }
        uploads
    }

    /// Restarts the portal; part files stay on the server.
    pub(super) fn restart_portal(&mut self) {
        let names: Vec<_> = self.sessions.keys().cloned().collect();
        names.iter().for_each(|name| drop(self.end_uploads(name)));
        self.sessions.clear();
        self.cut();
    }
}

impl Disk {
    /// Keeps the bytes that the server took in a part file.
    pub(super) fn keep(&mut self, upload_model: &ModelUpload) {
        let part = (upload_model.offer.path.clone(), upload_model.taken);
        self.parts.insert(upload_model.temporary_path.clone(), part);
    }
}

fn paused(upload_model: &ModelUpload) -> ServerMessage {
    let resume = Some(upload_model.temporary_path.clone());
    ServerMessage::Paused { upload: upload_model.offer.upload, resume }
}

fn credit(upload_model: &ModelUpload) -> ServerMessage {
    ServerMessage::Credit {
        upload: upload_model.offer.upload,
        attempt: upload_model.attempt,
        taken: upload_model.taken,
        received: upload_model.received,
        limit: upload_model.limit,
    }
}
