//! Claims the files that a guest offers.

use std::sync::{Arc, Mutex, OnceLock, atomic::Ordering};

use sha2::{Digest as _, Sha256};
use store::{
    ClaimOutcome, ClaimRefusal, ClaimRequest, Claimant, EarlierClaim, EarlierFile, Sealed,
    StoreError,
};
use tokio_util::sync::CancellationToken;

use super::{Delivery, base_of, path_sha256};
use crate::{
    drops::{
        link,
        names::{GuestPath, NameRefusal},
        service::{Arrival, Drops, FileRecord, json, preset_of, record_of},
        visit::Visit,
    },
    sealed_store::{SealedStoreError, SecretKind},
    settings::Settings,
};

/// A file that a guest offers.
#[derive(Clone, Debug)]
pub struct OfferedFile {
    /// The path as the guest sent it.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// Suspends its upload.
    pub stop: CancellationToken,
}

/// Why a file is not claimed.
#[derive(Debug, thiserror::Error)]
pub enum OfferRefusal {
    /// Its name cannot be used.
    #[error(transparent)]
    Name(#[from] NameRefusal),
    /// The limits of the drop have no room.
    #[error("the limits of the drop have no room: {0:?}")]
    Claim(ClaimRefusal),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] SealedStoreError),
}

impl From<StoreError> for OfferRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

/// A file on its way to its claim.
struct Candidate {
    file: String,
    path: GuestPath,
    record: FileRecord,
    sealed: Sealed,
    /// The number with which an earlier upload of it went on.
    number: u32,
}

/// Claims files of one guest.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The drops of the portal.
    pub drops: Arc<Drops>,
    /// The drop.
    pub visit: Arc<Visit>,
    /// The arrival.
    pub arrival: Arc<Arrival>,
    /// The name of the session.
    pub session: String,
}

impl Claims {
    /// Claims files, in one transaction as far as they are new.
    pub async fn claim(
        &self,
        settings: &Settings,
        offered: &[OfferedFile],
    ) -> Vec<Result<Arc<Delivery>, OfferRefusal>> {
        let mut answers: Vec<Option<Result<Arc<Delivery>, OfferRefusal>>> = Vec::new();
        let mut candidates = Vec::new();
        // A drop dies with its preset.
        let is_offered = preset_of(settings, &self.visit.preset).is_some();
        for (position, file) in offered.iter().enumerate() {
            answers.push(match is_offered {
                false => Some(Err(OfferRefusal::Claim(ClaimRefusal::Revoked))),
                true => match self.prepare(file).await {
                    Ok(Prepared::Resumed(delivery)) => Some(Ok(delivery)),
                    Ok(Prepared::New(candidate)) => {
                        candidates.push((position, candidate));
                        None
                    }
                    Err(refusal) => Some(Err(refusal)),
                },
            });
        }
        for (position, answer) in self.claim_new(offered, candidates).await {
            if let Some(place) = answers.get_mut(position) {
                *place = Some(answer);
            }
        }
        let answers = answers.into_iter();
        answers
            .map(|answer| answer.unwrap_or(Err(OfferRefusal::Claim(ClaimRefusal::NoName))))
            .collect()
    }

    async fn prepare(&self, offered: &OfferedFile) -> Result<Prepared, OfferRefusal> {
        let path = GuestPath::parse(&offered.path, &self.visit.types, self.visit.web_root)?;
        let record = FileRecord { name: offered.path.clone(), path: path.shown(), temporary: None };
        let earlier = match self.arrival.has_earlier_files.load(Ordering::Relaxed) {
            true => self.earlier(offered).await?,
            false => None,
        };
        let Some(earlier) = earlier else {
            return Ok(Prepared::New(self.candidate(path, record, 1)?));
        };
        let known = record_of(&self.drops.store, &earlier.file, &earlier.sealed)?;
        let temporary = known.and_then(|known| known.temporary);
        match earlier.claim {
            EarlierClaim::Released => {
                let record = FileRecord { temporary, ..record };
                Ok(Prepared::New(self.candidate(path, record, earlier.number)?))
            }
            EarlierClaim::Resumed | EarlierClaim::TakenOver => {
                // Another portal may still write under the temporary name.
                let temporary = temporary.filter(|_| earlier.claim == EarlierClaim::Resumed);
                let record = FileRecord { temporary, ..record };
                let EarlierFile { file, number, .. } = earlier;
                Ok(Prepared::Resumed(self.delivery(offered, file, path, record, number)))
            }
        }
    }

    /// Looks for an earlier upload of the file in this arrival. One that another session of this portal has
    /// open is suspended first; one that this session has open is another file of the same name.
    async fn earlier(&self, offered: &OfferedFile) -> Result<Option<EarlierFile>, StoreError> {
        let name = Sha256::digest(&offered.path).to_vec();
        let holder = (self.drops.instance.as_str(), self.drops.times().lease);
        let look = || async {
            let rows = self.drops.rows();
            rows.resume_claim(&self.arrival.id, &name, offered.size, holder).await
        };
        let Some(found) = look().await? else { return Ok(None) };
        if self.drops.is_open_in(&found.file, &self.session) {
            return Ok(None);
        }
        match self.drops.suspend(&found.file).await {
            true => look().await,
            false => Ok(Some(found)),
        }
    }

    fn candidate(
        &self,
        path: GuestPath,
        record: FileRecord,
        number: u32,
    ) -> Result<Candidate, SealedStoreError> {
        let file = link::new_id().map_err(|_| SealedStoreError::NoRandomNumbers)?;
        let sealed = self.drops.store.seal(SecretKind::DropFile, &file, &json(&record))?;
        Ok(Candidate { file, path, record, sealed, number })
    }

    async fn claim_new(
        &self,
        offered: &[OfferedFile],
        candidates: Vec<(usize, Candidate)>,
    ) -> Vec<(usize, Result<Arc<Delivery>, OfferRefusal>)> {
        if candidates.is_empty() {
            return Vec::new();
        }
        let base = base_of(&self.visit, &self.arrival);
        let paths: Vec<_> = candidates
            .iter()
            .map(|(_, candidate)| {
                let (base, path) = (base.clone(), candidate.path.clone());
                move |number| path_sha256(&base, &path, number)
            })
            .collect();
        let requests = candidates.iter().zip(&paths);
        let requests: Vec<_> = requests
            .filter_map(|((position, candidate), path_sha256)| {
                let file = offered.get(*position)?;
                Some(ClaimRequest {
                    file: candidate.file.clone(),
                    name_sha256: Sha256::digest(&file.path).to_vec(),
                    size: file.size,
                    sealed: candidate.sealed.clone(),
                    path_sha256,
                    number: candidate.number,
                })
            })
            .collect();
        let claimant = Claimant {
            drop: self.visit.drop.clone(),
            preset: self.visit.preset.clone(),
            arrival: self.arrival.new.clone(),
            instance: self.drops.instance.clone(),
            lease: self.drops.times().lease,
        };
        let outcomes = self.drops.rows().claim(&claimant, &requests).await;
        let mut outcomes = match outcomes {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect::<Vec<_>>().into_iter(),
            Err(error) => {
                tracing::warn!(%error, "files of a drop cannot be claimed");
                Vec::new().into_iter()
            }
        };
        let claimed = candidates.into_iter().map(|(position, candidate)| {
            let answer = match (outcomes.next(), offered.get(position)) {
                (Some(Ok(ClaimOutcome::Claimed { number })), Some(file)) => {
                    let Candidate { file: id, path, record, .. } = candidate;
                    Ok(self.delivery(file, id, path, record, number))
                }
                (Some(Ok(ClaimOutcome::Refused(refusal))), _) => Err(OfferRefusal::Claim(refusal)),
                (Some(Err(error)), _) => Err(error),
                _ => Err(OfferRefusal::Store(SealedStoreError::Store(StoreError::Unreachable {
                    address: self.drops.rows().address().to_string(),
                    reason: "files cannot be claimed".to_owned(),
                }))),
            };
            (position, answer)
        });
        claimed.collect()
    }

    fn delivery(
        &self,
        offered: &OfferedFile,
        file: String,
        path: GuestPath,
        record: FileRecord,
        number: u32,
    ) -> Arc<Delivery> {
        self.drops.file_opened(&file, &self.session, offered.stop.clone());
        Arc::new(Delivery {
            drops: Arc::clone(&self.drops),
            visit: Arc::clone(&self.visit),
            arrival: Arc::clone(&self.arrival),
            file,
            path,
            number: number.into(),
            size: offered.size,
            record: Mutex::new(record),
            head: Mutex::default(),
            sha256: OnceLock::new(),
            refused: OnceLock::new(),
        })
    }
}

/// What an offer is.
enum Prepared {
    Resumed(Arc<Delivery>),
    New(Candidate),
}
