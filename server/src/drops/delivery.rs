//! One file of a guest: its claim, its path on the server, and what the guest is told of its end.

mod offers;
mod problems;

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use ftps::{FileDigest, RemotePath};
use protocol::{ServerMessage, ToGuest, guest::GuestReason, server::FileDigest as SentDigest};
use sha2::{Digest as _, Sha256};
use store::{NotStored, Sealed, StoredFacts};
use tokio::time::sleep;

pub use self::offers::{Claims, OfferRefusal, OfferedFile};
use super::{
    content::{HEAD_BYTES, Head},
    names::GuestPath,
    problems::{because, message_for_guest},
    service::{Arrival, Drops, FileRecord, json, text_of},
    visit::{DropEnd, Visit},
};
use crate::{
    locking::lock,
    problems::ProblemBuilder,
    remote_path,
    sealed_store::{SealedStoreError, SecretKind},
};

/// From this size on the name of the part file is kept in the store, so that the upload goes on after a portal
/// has ended without a warning. A smaller file is sent again.
const RECORDED_BYTES: u64 = 1024 * 1024;

/// How often the end of an upload is written to a store that does not answer, and the pause between.
const SETTLE_TRIES: u32 = 30;
const SETTLE_PAUSE: Duration = Duration::from_secs(2);

/// A claimed file of a guest.
#[derive(Debug)]
pub struct Delivery {
    drops: Arc<Drops>,
    visit: Arc<Visit>,
    arrival: Arc<Arrival>,
    file: String,
    path: GuestPath,
    number: AtomicU32,
    size: u64,
    record: Mutex<FileRecord>,
    head: Mutex<Head>,
    sha256: OnceLock<FileDigest>,
    refused: OnceLock<GuestReason>,
}

impl Delivery {
    /// Returns the path on the server, relative to the directory that the login opens unless the preset's
    /// folder is absolute.
    #[must_use]
    pub fn path(&self) -> String {
        let base = base_of(&self.visit, &self.arrival);
        join(&base, &self.path, self.number.load(Ordering::Relaxed))
    }

    /// Returns the id of the arrival.
    #[must_use]
    pub fn arrival_id(&self) -> &str {
        &self.arrival.id
    }

    /// Returns the part file of an earlier upload.
    #[must_use]
    pub fn temporary(&self) -> Option<String> {
        lock(&self.record).temporary.clone()
    }

    /// Notes the part file that receives the bytes.
    pub async fn opened(&self, temporary: &str) {
        let record = {
            let mut record = lock(&self.record);
            if record.temporary.as_deref() == Some(temporary) {
                return;
            }
            record.temporary = Some(temporary.to_owned());
            record.clone()
        };
        if self.size >= RECORDED_BYTES {
            self.describe(&record).await;
        }
    }

    /// Adds bytes at an offset. Returns whether they show a program under the name of something else.
    #[must_use]
    pub fn shows_program(&self, offset: u64, bytes: &[u8]) -> bool {
        if !self.visit.check_content || offset >= HEAD_BYTES as u64 {
            return false;
        }
        let mut head = lock(&self.head);
        head.add(offset, bytes);
        let name = self.path.shown();
        head.is_disguised_program(&name)
    }

    /// Refuses the file. The first reason counts.
    pub fn refuse(&self, reason: GuestReason) {
        let _refused_before = self.refused.set(reason);
    }

    /// Returns the SHA-256 of the whole file, if it is known.
    #[must_use]
    pub fn sha256(&self) -> Option<&FileDigest> {
        self.sha256.get()
    }

    /// Notes the SHA-256 of the whole file.
    pub fn set_sha256(&self, digest: FileDigest) {
        let _same = self.sha256.set(digest);
    }

    /// Takes the next number, because the server has a file of this name. Returns the path with it; `None`
    /// where there is none.
    pub async fn take_next_number(&self) -> Option<String> {
        let next = self.number.load(Ordering::Relaxed).saturating_add(1);
        let base = base_of(&self.visit, &self.arrival);
        let path_sha256 = |number| path_sha256(&base, &self.path, number);
        let rows = self.drops.rows();
        let renumbered =
            rows.renumber_claim(&self.file, &self.drops.instance, next, &path_sha256).await;
        match renumbered {
            Ok(Some(number)) => {
                self.number.store(number, Ordering::Relaxed);
                // It belongs to the earlier name.
                lock(&self.record).temporary = None;
                Some(self.path())
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, file = self.file, "a file of a drop gets no other number");
                None
            }
        }
    }

    /// Writes the end of the upload to the store. Returns what the guest is told.
    pub async fn settle(&self, end: ServerMessage, problems: ProblemBuilder) -> ToGuest {
        self.arrival.expect_earlier_files();
        let told = self.told(&end, problems);
        self.settle_claim(&end).await;
        self.drops.file_closed(&self.file);
        told
    }

    fn told(&self, end: &ServerMessage, problems: ProblemBuilder) -> ToGuest {
        let reason = self.refused.get().copied().or_else(|| self.visit.end().map(DropEnd::reason));
        let failed =
            |upload, reason| ToGuest::Failed { upload, problem: because(problems, reason) };
        let told = match (end, reason) {
            (
                ServerMessage::Cancelled { upload }
                | ServerMessage::Paused { upload, .. }
                | ServerMessage::Failed { upload, .. },
                Some(reason),
            ) => return failed(*upload, reason),
            (end, _) => message_for_guest(end.clone(), problems),
        };
        told.unwrap_or(ToGuest::Pong)
    }

    async fn settle_claim(&self, end: &ServerMessage) {
        for number in 1..=SETTLE_TRIES {
            match self.try_settle(end).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, file = self.file, "the end of an upload is not in the store");
                    let may_work_later = match &error {
                        SealedStoreError::Store(error) => error.is_temporary(),
                        _ => false,
                    };
                    if !may_work_later || number == SETTLE_TRIES {
                        return;
                    }
                    sleep(SETTLE_PAUSE).await;
                }
            }
        }
    }

    async fn try_settle(&self, end: &ServerMessage) -> Result<(), SealedStoreError> {
        let (rows, instance) = (self.drops.rows(), self.drops.instance.as_str());
        match end {
            ServerMessage::Done { verified, digest, .. } => {
                let facts = StoredFacts {
                    sha256: sha256_of(digest.as_ref()),
                    verified: text_of(*verified).to_owned(),
                };
                if !rows.store_claim(&self.file, instance, &facts).await? {
                    tracing::warn!(
                        file = self.file,
                        "a file is stored whose claim another portal has taken over"
                    );
                }
            }
            ServerMessage::Paused { resume: Some(temporary), .. }
            | ServerMessage::Failed { resume: Some(temporary), .. }
                if self.refused.get().is_none() && self.visit.end().is_none() =>
            {
                let record = {
                    let mut record = lock(&self.record);
                    record.temporary = Some(temporary.clone());
                    record.clone()
                };
                let window = self.drops.times().resume_window;
                // Otherwise another portal goes on with it, and has a part file of its own.
                if rows.pause_claim(&self.file, instance, window).await? {
                    let sealed = self.sealed(&record)?;
                    rows.describe_file(&self.file, &sealed).await?;
                }
            }
            ServerMessage::Failed { .. } | ServerMessage::Conflict { .. } => {
                rows.end_claim(&self.file, instance, NotStored::Failed, "failed").await?;
            }
            _ => {
                rows.end_claim(&self.file, instance, NotStored::Released, "").await?;
            }
        }
        Ok(())
    }

    async fn describe(&self, record: &FileRecord) {
        let described = async {
            let sealed = self.sealed(record)?;
            self.drops.rows().describe_file(&self.file, &sealed).await?;
            Ok::<_, SealedStoreError>(())
        };
        if let Err(error) = described.await {
            tracing::warn!(%error, file = self.file, "the part file is not in the store");
        }
    }

    fn sealed(&self, record: &FileRecord) -> Result<Sealed, SealedStoreError> {
        self.drops.store.seal(SecretKind::DropFile, &self.file, &json(record))
    }
}

/// Returns the folder of an arrival on the server.
fn base_of(visit: &Visit, arrival: &Arrival) -> String {
    let folder = arrival.folder.join("/");
    match visit.base.trim_end_matches('/') {
        "" if visit.base.starts_with('/') => format!("/{folder}"),
        "" => folder,
        base => format!("{base}/{folder}"),
    }
}

fn join(base: &str, path: &GuestPath, number: u32) -> String {
    format!("{base}/{}", path.numbered(number).join("/"))
}

/// Returns the SHA-256 of a path, folded: two paths may be one file where the server's disk ignores case or the
/// Unicode form of names.
fn path_sha256(base: &str, path: &GuestPath, number: u32) -> Vec<u8> {
    let path = join(base, path, number);
    let folded = match RemotePath::new(path.as_str()) {
        Ok(parsed) => remote_path::normalize(&RemotePath::root().join(&parsed)).folded(),
        Err(_) => path,
    };
    Sha256::digest(folded).to_vec()
}

fn sha256_of(digest: Option<&SentDigest>) -> String {
    let sha256 = digest.filter(|digest| digest.algorithm == protocol::server::Algorithm::Sha256);
    sha256.map(|digest| digest.hex.clone()).unwrap_or_default()
}
