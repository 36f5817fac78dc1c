//! Finds the part files that earlier uploads left on the server.

use super::temporary::target_of;
use crate::{
    client::Client,
    error::Error,
    listing::{Entry, EntryKind},
    path::RemotePath,
};

/// A part file that an earlier upload left.
///
/// Its name does not show whether that upload is still running, here or elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its path, from the root. An upload resumes it as its [`Plan::resume`](super::Plan::resume).
    pub path: RemotePath,
    /// The name of the complete file; only the start of a long one.
    pub target: RemotePath,
    /// Its size in bytes, where the server reports it.
    pub size: Option<u64>,
    /// When it was modified, in milliseconds since 1970-01-01T00:00:00Z, where the server reports it.
    pub modified_millis: Option<i64>,
}

/// Finds the part files in a directory, by one listing of it.
///
/// # Errors
/// As [`Client::list`].
///
/// # Cancel safety
/// Not cancel safe: the client is not usable when the future was dropped.
pub async fn leftovers(
    client: &mut Client,
    directory: &RemotePath,
) -> Result<Vec<Leftover>, Error> {
    let directory = client.absolute(directory);
    let listing = client.list(&directory).await?;
    Ok(listing.entries.iter().filter_map(|entry| leftover(&directory, entry)).collect())
}

fn leftover(directory: &RemotePath, entry: &Entry) -> Option<Leftover> {
    let path = directory.join(&entry.name);
    let target = target_of(&path)?.file_name()?;
    (entry.kind == EntryKind::File).then_some(Leftover {
        path,
        target,
        size: entry.size,
        modified_millis: entry.modified_millis,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::{ListingFormat, ListingLimits, ListingReader};

    #[test]
    fn only_files_under_temporary_names_are_leftovers() {
        let mut reader = ListingReader::new(ListingFormat::Mlsd, &ListingLimits::default());
        reader.push(
            b"type=file;size=7;modify=20260102030405; a b.txt.0123abcd.part\r\n\
              type=file;size=7; a b.txt\r\n\
              type=dir; folder.0123abcd.part\r\n\
              type=file;size=7; other.part\r\n",
        );
        let directory = RemotePath::try_from("/home").unwrap();
        let entries = reader.finish().entries;
        let found: Vec<_> = entries.iter().filter_map(|e| leftover(&directory, e)).collect();
        let expected = Leftover {
            path: RemotePath::try_from("/home/a b.txt.0123abcd.part").unwrap(),
            target: RemotePath::try_from("a b.txt").unwrap(),
            size: Some(7),
            modified_millis: Some(1_767_323_045_000),
        };
        assert_eq!(found, [expected]);
    }
}
