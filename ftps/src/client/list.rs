//! Lists a directory: `MLSD`, or `LIST` where that is not known.

use super::{
    Client,
    data::Purpose,
    transfer::{READ_BYTES, Transfer},
};
use crate::{
    command::Command,
    config::Limits,
    error::{Error, Kind, Stage},
    listing::{Dialect, Listing, ListingReader},
    path::RemotePath,
    reply::Code,
    transcript::Status,
};

impl Client {
    /// The files and directories in a directory: `MLSD` (RFC 3659 §7) where the server lists it,
    /// else `LIST` in the dialects of Unix and DOS.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where there is no such directory, and as for
    /// [`Self::store`] where no data connection could be made.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn list(&mut self, path: &RemotePath) -> Result<Listing, Error> {
        let path = self.absolute(path);
        self.transcript().control(Stage::List);
        let listed = if self.facts.features.mlsd() {
            self.list_for_machines(&path).await
        } else {
            self.list_for_people(&path).await
        };
        match listed {
            Err(error) if is_empty(&error) => Ok(Listing::default()),
            listed => listed,
        }
    }

    async fn list_for_machines(&mut self, path: &RemotePath) -> Result<Listing, Error> {
        if needs_no_argument(path) {
            self.enter(path).await?;
            return self.read_listing(Command::Mlsd(None), Dialect::Machine).await;
        }
        self.read_listing(Command::Mlsd(Some(path)), Dialect::Machine).await
    }

    /// Without an argument, since servers take options and patterns in it.
    async fn list_for_people(&mut self, path: &RemotePath) -> Result<Listing, Error> {
        self.enter(path).await?;
        self.read_listing(Command::List, Dialect::People).await
    }

    async fn enter(&mut self, path: &RemotePath) -> Result<(), Error> {
        if self.directory.as_ref() == Some(path) {
            return Ok(());
        }
        let before = self.directory.take();
        self.control.complete(Command::Cwd(path), Stage::List).await.inspect_err(|error| {
            if error.refusal().is_some() {
                self.directory = before;
            }
        })?;
        self.directory = Some(path.clone());
        Ok(())
    }

    async fn read_listing(
        &mut self,
        command: Command<'_>,
        dialect: Dialect,
    ) -> Result<Listing, Error> {
        let limits = self.config.limits;
        let purpose = Purpose { offset: 0, stage: Stage::List };
        let transfer = self.transfer(command, purpose).await?;
        let listing = read(transfer, ListingReader::new(dialect, &limits), &limits).await?;
        let (entries, left_out) = (listing.entries.len(), listing.left_out);
        self.transcript().control(Status::Listed { entries, left_out });
        if !listing.is_complete {
            self.transcript().control(Status::ListingCutOff { bytes: limits.listing_bytes });
        }
        Ok(listing)
    }
}

async fn read(
    mut transfer: Transfer<'_>,
    mut reader: ListingReader,
    limits: &Limits,
) -> Result<Listing, Error> {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let count = transfer.read_some(&mut bytes).await?;
        if count == 0 {
            transfer.finish().await?;
            return Ok(reader.finish());
        }
        reader.push(bytes.get(..count).unwrap_or_default());
        if transfer.bytes() > limits.listing_bytes {
            transfer.abort().await?;
            return Ok(reader.cut_off());
        }
    }
}

/// Whether servers may take the path for options or a pattern.
fn needs_no_argument(path: &RemotePath) -> bool {
    let bytes = path.as_bytes();
    bytes.first() == Some(&b'-') || bytes.iter().any(|byte| b"*?[]{}~\\".contains(byte))
}

/// Some servers refuse to list a directory with nothing in it.
fn is_empty(error: &Error) -> bool {
    match error.kind() {
        Kind::Refused { reply, .. } => {
            let codes = [Code::UNAVAILABLE, Code::new(450).unwrap_or(Code::UNAVAILABLE)];
            codes.contains(&reply.code()) && reply.mentions("no files")
        }
        _ => false,
    }
}
