//! Stores a file. The [`Store`] borrows the client until it is finished or aborted.

use super::{
    Client,
    data::TransferStart,
    transfer::{Finished, Transfer},
};
use crate::{
    command::Command, error::Error, path::RemotePath, reply::Reply, stage::Stage, tls::TlsFacts,
};

/// A file that is being stored.
///
/// Dropped without [`finish`](Self::finish) or [`abort`](Self::abort), it leaves a client that is
/// not usable and an incomplete file on the server.
#[derive(Debug)]
#[must_use = "the file is stored only once this is finished"]
pub struct Store<'c> {
    transfer: Transfer<'c>,
}

/// A file that the server confirmed.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The reply that ended the transfer, 2yz.
    pub reply: Reply,
    /// The TLS of the data connection.
    pub tls: TlsFacts,
    /// Bytes of the file that went over the data connection.
    pub bytes: u64,
}

impl Client {
    /// Starts to store a file (`STOR`, RFC 959 §4.1.3) at an offset in bytes (`REST`, RFC 3659 §5).
    /// From here on the server's file is truncated at the offset.
    ///
    /// # Errors
    /// [`Error`] at [`Stage::DataConnection`] or [`Stage::DataTls`] when no data connection could
    /// be made: [`Connector::learn`](crate::Connector::learn) may know a fallback. At
    /// [`Stage::Transfer`] when the server refuses to store.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the file may
    /// have been truncated.
    pub async fn store(&mut self, path: &RemotePath, offset: u64) -> Result<Store<'_>, Error> {
        let path = self.absolute(path);
        let start = TransferStart { offset, stage: Stage::Transfer };
        let transfer = self.transfer(Command::Stor(&path), start).await?;
        Ok(Store { transfer })
    }

    /// Starts to append to a file (`APPE`, RFC 959 §4.1.3): resumes an upload where `REST` is
    /// refused. The file may still grow if another session writes to it.
    ///
    /// # Errors
    /// As [`Self::store`].
    ///
    /// # Cancel safety
    /// As [`Self::store`].
    pub async fn append(&mut self, path: &RemotePath) -> Result<Store<'_>, Error> {
        let path = self.absolute(path);
        let start = TransferStart { offset: 0, stage: Stage::Transfer };
        let transfer = self.transfer(Command::Appe(&path), start).await?;
        Ok(Store { transfer })
    }
}

impl Store<'_> {
    /// Writes all bytes to the data connection.
    ///
    /// Meanwhile it reads the data connection and the server's replies, for at most
    /// [`Timeouts::stall`](crate::Timeouts::stall). Large slices are fast: 64 KiB and more.
    ///
    /// # Errors
    /// [`Error`] with the server's reply when it refuses, else with the failure of the connection.
    /// The transfer is over then: drop or abort it.
    ///
    /// # Cancel safety
    /// When the future is dropped, some of the bytes may have been written: [`Self::taken`] returns
    /// the total. Writing can continue with the next byte.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.transfer.write_some(rest).await?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Drives the transfer while there is nothing to write, until it fails.
    ///
    /// To be awaited together with the source of the next bytes: it flushes what was written, and
    /// notices at once when the server refuses.
    ///
    /// # Cancel safety
    /// Cancel safe until it resolves.
    pub async fn watch(&mut self) -> Error {
        self.transfer.watch().await
    }

    /// Bytes that the data connection has accepted: they are sent, or in a buffer of the kernel or
    /// of at most [`Limits::data_buffer_bytes`](crate::Limits::data_buffer_bytes).
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.transfer.bytes()
    }

    /// The TLS of the data connection.
    #[must_use]
    pub fn tls(&self) -> &TlsFacts {
        self.transfer.tls()
    }

    /// Ends the file and waits for the server's confirmation.
    ///
    /// # Errors
    /// [`Error`] with the server's reply when it did not store the file. Without a reply it is
    /// unknown whether the file is stored: ask for its size in another session.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the file may or
    /// may not be complete.
    pub async fn finish(self) -> Result<Stored, Error> {
        Ok(self.transfer.finish().await?.into())
    }

    /// As [`Self::finish`], but sends the command for the next data port before the reply arrives.
    pub(crate) async fn finish_and_pipeline(
        self,
        port: Command<'_>,
    ) -> Result<(Stored, Option<Reply>), Error> {
        let mut finished = self.transfer.finish_and_pipeline(Some(port)).await?;
        let answer = finished.answer.take();
        Ok((finished.into(), answer))
    }

    /// Ends the transfer early so that the server keeps the file as it is. Takes at most
    /// [`Timeouts::abort`](crate::Timeouts::abort).
    ///
    /// # Errors
    /// [`Error`] when the server refused or did not confirm in time. `SIZE` returns how much it
    /// kept.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn suspend(self) -> Result<(), Error> {
        self.transfer.suspend().await
    }

    /// Aborts the transfer: the server's file stays incomplete.
    ///
    /// # Errors
    /// [`Error`] when the server did not reply in time; the client is not usable then.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn abort(self) -> Result<(), Error> {
        self.transfer.abort().await
    }
}

impl From<Finished> for Stored {
    fn from(finished: Finished) -> Self {
        let Finished { reply, bytes, tls, .. } = finished;
        Self { reply, tls, bytes }
    }
}
