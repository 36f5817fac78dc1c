//! Handles a guest's messages.

use std::{collections::BTreeMap, sync::Arc};

use protocol::{
    GuestMessage, OnConflict, UploadId,
    client::{Connect, Offer, Secret},
    delivery::Acknowledged as _,
    guest::{DropFacts, GuestOffer},
};

use super::Conversation;
use crate::{
    ftps_connection::FtpsConnection,
    relay::{Reservation, UploadBuffer},
    session::{
        ProtocolViolation,
        guest::{self, GuestRequest},
    },
    uploads::{OpenUpload, StoppedPartFile},
};

/// The port that a connection to a preset names; the preset has its own.
const NO_PORT: u16 = 21;

impl Conversation {
    /// Handles a message of a guest. Work that takes long is left to the guest's task and the connection's.
    ///
    /// # Errors
    /// [`ProtocolViolation`], which ends the session.
    pub(super) fn handle_guest(&mut self, message: GuestMessage) -> Result<(), ProtocolViolation> {
        if message.needs_ack() {
            self.count_received();
        }
        match message {
            GuestMessage::Ping => self.pong(),
            GuestMessage::Ack { messages } => self.outbox.ack(messages)?,
            GuestMessage::Begin { fields, arrival, key } => self.begin(fields, arrival.zip(key))?,
            GuestMessage::Offer(offer) => self.guest_offer(offer)?,
            GuestMessage::Cancel { upload } => self.stop_guests(upload, StoppedPartFile::Remove),
            GuestMessage::Pause { upload } => self.stop_guests(upload, StoppedPartFile::Keep),
            GuestMessage::Digest { upload, from, hex } => self.digest(upload, from, hex)?,
            GuestMessage::Finish => self.ask(GuestRequest::Finish)?,
        }
        Ok(())
    }

    /// Returns what the guest of the session may know of the drop; `None` for a person.
    pub(in crate::session) async fn drop_facts(&self) -> Option<DropFacts> {
        let guest = self.guest.as_ref()?;
        let facts = guest.owner.drops.facts(&guest.owner.visit).await;
        let facts = facts.inspect_err(|error| tracing::warn!(%error, "a drop cannot be read"));
        Some(facts.ok().flatten().unwrap_or_else(|| DropFacts {
            title: guest.owner.visit.title.clone(),
            note: String::new(),
            expires_millis: 0,
            files_left: None,
            bytes_left: None,
            max_file_bytes: None,
            types: guest.owner.visit.types.endings().to_vec(),
            ask: Vec::new(),
        }))
    }

    /// Cancels all uploads: the drop has ended, and nothing may arrive any more.
    pub(in crate::session) fn cancel_all(&self) {
        for upload in self.uploads.all() {
            self.stop_guests(upload.offer.upload, StoppedPartFile::Remove);
        }
    }

    fn begin(
        &mut self,
        fields: BTreeMap<String, String>,
        earlier: Option<(String, Secret)>,
    ) -> Result<(), ProtocolViolation> {
        // The login takes a while: it begins with the arrival.
        self.connect_to_preset();
        self.ask(GuestRequest::Begin { fields, earlier })
    }

    fn ask(&self, request: GuestRequest) -> Result<(), ProtocolViolation> {
        let guest = self.guest.as_ref().ok_or(ProtocolViolation::NotAMessage)?;
        match guest.desk.ask(request) {
            true => Ok(()),
            false => Err(ProtocolViolation::TooManyRequests),
        }
    }

    /// Connects to the server of the drop, unless there is a connection.
    fn connect_to_preset(&mut self) {
        let Some(guest) = &self.guest else { return };
        if self.has_connection() {
            return;
        }
        let connect = Connect {
            host: guest.owner.visit.preset.clone(),
            port: NO_PORT,
            encryption: None,
            username: String::new(),
            password: Secret::default(),
            trusted_certificate: None,
        };
        let parts = self.connection_parts();
        self.connection = Some(FtpsConnection::open(parts, connect, self.connection.take()));
    }

    fn guest_offer(&mut self, offer: GuestOffer) -> Result<(), ProtocolViolation> {
        self.check_id(offer.upload)?;
        let max = self.portal.settings.max_open_uploads as usize;
        if self.uploads.len() >= max {
            return Err(ProtocolViolation::TooManyUploads(max));
        }
        self.connect_to_preset();
        let Some(connection) = &self.connection else { return Ok(()) };
        let GuestOffer { upload, path, size, modified_millis, digest } = offer;
        let offer = Offer {
            upload,
            path,
            size,
            modified_millis,
            on_conflict: OnConflict::Ask,
            resume: None,
            digest,
            compare: false,
        };
        // Its window opens once the file is claimed.
        let min_chunk = self.portal.settings.min_chunk.0;
        let buffer = UploadBuffer::new(size, min_chunk, Reservation::default());
        let stop = connection.closing().child_token();
        let open_upload = Arc::new(OpenUpload::new(offer, buffer, stop));
        self.uploads.insert(Arc::clone(&open_upload));
        let queue = Arc::clone(connection.queue());
        self.ask(GuestRequest::Offer { upload: open_upload, queue })
    }

    pub(super) fn stop_guests(&self, upload: UploadId, part_file: StoppedPartFile) {
        let Some(open) = self.uploads.get(upload) else { return };
        open.stop(part_file);
        let connection = self.connection.as_ref();
        if connection.is_some_and(|connection| connection.withdraw(upload)) {
            self.uploads.remove(upload);
            tokio::spawn(guest::withdrawn(open, self.outbox.clone()));
        }
    }
}
