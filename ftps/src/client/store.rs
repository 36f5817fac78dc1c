//! A file that is being stored: it holds the client until it is finished or aborted.

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
/// not usable and a file on the server that is not whole.
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
    /// Starts to store a file (`STOR`, RFC 959 §4.1.3) from an offset in bytes (`REST`, RFC 3659
    /// §5). The file is as good as empty, or cut off at the offset, from here on.
    ///
    /// # Errors
    /// [`Error`] at [`Stage::DataConnection`] or [`Stage::DataTls`] when no data connection could
    /// be made: [`Connector::learn`](crate::Connector::learn) may know another way. At
    /// [`Stage::Transfer`] when the server refuses to store.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the file may
    /// have been cut off.
    pub async fn store(&mut self, path: &RemotePath, offset: u64) -> Result<Store<'_>, Error> {
        let path = self.absolute(path);
        let start = TransferStart { offset, stage: Stage::Transfer };
        let transfer = self.transfer(Command::Stor(&path), start).await?;
        Ok(Store { transfer })
    }

    /// Starts to store behind what a file holds (`APPE`, RFC 959 §4.1.3): the way to go on with one
    /// where `REST` is refused. What it holds may still grow if another session writes to it.
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
    /// Gives bytes to the data connection, all of them.
    ///
    /// While it waits it reads the data connection too, takes the server's replies, and minds
    /// [`Timeouts::stall`](crate::Timeouts::stall). Great pieces are fast: 64 KiB and more.
    ///
    /// # Errors
    /// [`Error`] with the server's reply when it refuses in the middle, else with what happened to
    /// the connection. It is over then: drop or abort it.
    ///
    /// # Cancel safety
    /// When the future is dropped, a part of the bytes may have been taken: [`Self::taken`] says
    /// how many altogether. It can go on with the byte that follows.
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
    /// Wait for the next bytes and for this side by side: what was written before is flushed, and
    /// a server that refuses is heard at once.
    ///
    /// # Cancel safety
    /// Cancel safe until it resolves.
    pub async fn watch(&mut self) -> Error {
        self.transfer.watch().await
    }

    /// Bytes that the data connection has taken so far: they are sent, or in a buffer of at most
    /// [`Limits::data_buffer_bytes`](crate::Limits::data_buffer_bytes) or of the kernel.
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
    /// [`Error`] with the server's reply when it did not store the file. Without a reply, whether
    /// the file is stored is not known: ask for its size in another session.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the file may or
    /// may not be whole.
    pub async fn finish(self) -> Result<Stored, Error> {
        Ok(self.transfer.finish().await?.into())
    }

    /// The same, and asks for the port of the next data connection before the reply came.
    pub(crate) async fn finish_and_pipeline(
        self,
        port: Command<'_>,
    ) -> Result<(Stored, Option<Reply>), Error> {
        let mut finished = self.transfer.finish_and_pipeline(Some(port)).await?;
        let answer = finished.answer.take();
        Ok((finished.into(), answer))
    }

    /// Ends it for now: the server closes the file where it is and keeps it. Until all of that is
    /// said and done, at most [`Timeouts::abort`](crate::Timeouts::abort).
    ///
    /// # Errors
    /// [`Error`] when the server did not confirm in time, or refused; how much it kept, its `SIZE`
    /// says.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn suspend(self) -> Result<(), Error> {
        self.transfer.suspend().await
    }

    /// Gives it up: the file on the server stays as far as it came.
    ///
    /// # Errors
    /// [`Error`] when the server did not answer in time; the client is not usable then.
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
