//! One transfer of an upload: opens the part file, sends the bytes, waits for the confirmation.

use super::{Progress, Run, Source, UploadError, resume::Start, unless_cancelled};
use crate::{
    client::{Client, Store},
    command::Command,
    error::{Error, Kind},
    path::RemotePath,
    profile::{PipelineDuringTransfer, Resume},
    reply::{Code, Reply},
    stage::Stage,
    transcript::Status,
};

/// Bytes that are handed to the data connection at a time; progress is reported after each.
const STEP_BYTES: usize = 64 * 1024;

impl<S: Source> Run<'_, S> {
    /// Sends the file from an offset to its end, and waits until the server confirms it.
    pub(super) async fn transfer(
        &mut self,
        client: &mut Client,
        name: &RemotePath,
        start: Start,
    ) -> Result<(), UploadError<S::Error>> {
        self.prepare(client, start).await?;
        let home = client.home();
        let next_port = client.pipelines_during_transfer().then(|| client.passive_command());
        let store = self.open(client, name, start).await?;
        let store = self.send(store, start.offset).await?;
        let next_port = next_port.filter(|_| self.source.next_upload(&home).is_some());
        let confirmed = self.confirm(store, next_port).await;
        let Some(next_port) = next_port else { return confirmed.map(drop) };
        if matches!(confirmed, Err(UploadError::Engine(_))) {
            // Either of the two commands may have failed: from now on they are sent one by one.
            client.profile().learn_expiring(|profile| {
                profile.pipeline_during_transfer = PipelineDuringTransfer::Never;
            });
        }
        client.keep_pipelined_port(next_port, confirmed?);
        Ok(())
    }

    /// Sets digest and source to the offset.
    async fn prepare(
        &mut self,
        client: &Client,
        start: Start,
    ) -> Result<(), UploadError<S::Error>> {
        self.start_digest(client, start.offset);
        unless_cancelled(self.cancel, self.source.seek(start.offset))
            .await?
            .map_err(UploadError::Source)?;
        if start.offset > 0 {
            client.log(Status::Resuming { held: start.offset, size: self.plan.size });
        }
        self.attempts += 1;
        Ok(())
    }

    /// Opens the part file at the offset. A server that refuses has not touched it, unless it refuses
    /// the data connection: then it may have created the file before.
    async fn open<'c>(
        &mut self,
        client: &'c mut Client,
        name: &RemotePath,
        start: Start,
    ) -> Result<Store<'c>, UploadError<S::Error>> {
        if self.cancel.is_cancelled() {
            return Err(UploadError::Cancelled);
        }
        self.last_start = Some(start);
        let before = self.part.begin_transfer();
        match unless_cancelled(self.cancel, store_from(client, name, start)).await? {
            Ok(store) => {
                self.tls = Some(store.tls().clone());
                let opened = Progress::Opened { temporary: name, offset: start.offset };
                self.source.report(opened).await;
                Ok(store)
            }
            Err(error) => {
                let is_untouched = error.refusal().is_some_and(|reply| {
                    self.part.is_adopted() || !is_about_data_connection(reply.code())
                });
                if is_untouched {
                    self.part = before;
                }
                Err(error.into())
            }
        }
    }

    /// Sends every byte from the offset on. If the source fails, the session stays usable.
    async fn send<'c>(
        &mut self,
        mut store: Store<'c>,
        offset: u64,
    ) -> Result<Store<'c>, UploadError<S::Error>> {
        let error = match self.send_all(&mut store, offset).await {
            Ok(()) => return Ok(store),
            Err(error) => error,
        };
        match &error {
            // The transfer has ended.
            UploadError::Engine(engine) if !engine.is_source_length_mismatch() => (),
            UploadError::Source(_) => drop(store.suspend().await),
            _ if self.source.keeps_on_cancel() => drop(store.suspend().await),
            _ => drop(store.abort().await),
        }
        Err(error)
    }

    async fn send_all(
        &mut self,
        store: &mut Store<'_>,
        mut offset: u64,
    ) -> Result<(), UploadError<S::Error>> {
        while offset < self.plan.size {
            let bytes = self.next_bytes(store).await?;
            let (given, missing) = (bytes.len() as u64, self.plan.size - offset);
            if given == 0 || given > missing {
                return Err(Kind::SourceLengthMismatch { given, missing }
                    .at(Stage::Transfer)
                    .into());
            }
            for step in bytes.chunks(STEP_BYTES) {
                self.note_sent(offset, step);
                unless_cancelled(self.cancel, store.write(step)).await??;
                offset += step.len() as u64;
                self.pool_shared.add_bytes(step.len() as u64);
                self.source.report(Progress::Taken { offset }).await;
            }
        }
        Ok(())
    }

    /// Notes bytes before they are sent: after a break the server may hold a part of them.
    fn note_sent(&mut self, offset: u64, step: &[u8]) {
        if let Some(part) = self.part.written_mut() {
            part.sent = part.sent.max(offset + step.len() as u64);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(offset, step);
        }
    }

    /// Waits for the source's next bytes, or until the server refuses the transfer.
    async fn next_bytes(
        &mut self,
        store: &mut Store<'_>,
    ) -> Result<bytes::Bytes, UploadError<S::Error>> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(UploadError::Cancelled),
            bytes = self.source.next() => bytes.map_err(UploadError::Source),
            error = store.watch() => Err(error.into()),
        }
    }

    /// Ends the transfer and waits for the server's reply to it. `next_port` is sent before that reply
    /// arrives and asks for the data port of the next upload; its reply is returned.
    async fn confirm(
        &mut self,
        store: Store<'_>,
        next_port: Option<Command<'_>>,
    ) -> Result<Option<Reply>, UploadError<S::Error>> {
        self.source.report(Progress::Confirming).await;
        match next_port {
            None => {
                unless_cancelled(self.cancel, store.finish()).await??;
                Ok(None)
            }
            Some(port) => {
                Ok(unless_cancelled(self.cancel, store.finish_and_pipeline(port)).await??.1)
            }
        }
    }
}

/// 425 and 426 (RFC 959 §4.2.2) follow after the server opened the file.
fn is_about_data_connection(code: Code) -> bool {
    matches!(code.value(), 425 | 426)
}

/// Opens a file at an offset, with the method that was chosen for it.
async fn store_from<'c>(
    client: &'c mut Client,
    name: &RemotePath,
    start: Start,
) -> Result<Store<'c>, Error> {
    match start.method {
        Resume::Append if start.offset > 0 => client.append(name).await,
        Resume::Append | Resume::Restart | Resume::Never => client.store(name, start.offset).await,
    }
}
