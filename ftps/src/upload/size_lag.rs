//! Looks again at a size that is wrong: some servers report the size of a new file late.

use tokio::time::{Duration, Instant, sleep};

use super::{
    Run, Source, UploadError,
    final_batch::{Checked, CompleteFile},
    unless_cancelled,
};
use crate::{
    client::{Client, size::Size},
    digest::Verified,
    path::RemotePath,
    transcript::Status,
};

/// The wait before the second look; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The looks at a file until [`Timeouts::size_lag`](crate::Timeouts::size_lag) has passed.
pub(super) struct Looks {
    end: Instant,
    wait: Duration,
}

impl Looks {
    pub(super) fn new(client: &Client) -> Self {
        Self { end: Instant::now() + client.timeouts().size_lag, wait: FIRST_WAIT }
    }

    /// Waits for the next look. Returns whether there is one.
    pub(super) async fn next(&mut self) -> bool {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        sleep(self.wait.min(left)).await;
        self.wait *= 2;
        true
    }
}

impl<S: Source> Run<'_, S> {
    /// Returns the result of a check by size; looks again at the file at `path` while its size is wrong.
    pub(super) async fn settled(
        &self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        path: &RemotePath,
        checked: Checked,
    ) -> Result<Verified, UploadError<S::Error>> {
        let mut stored = match checked {
            Checked::Right(verified) => return Ok(verified),
            Checked::WrongDigest(error) => return Err(error.into()),
            Checked::WrongSize(stored) => stored,
        };
        let mut looks = Looks::new(client);
        while unless_cancelled(self.cancel, looks.next()).await? {
            let size = unless_cancelled(self.cancel, client.size_of(path)).await??;
            match file.check.by_size(client, size) {
                Checked::WrongSize(size) => stored = size,
                // A server that stops reporting sizes proves nothing.
                Checked::Right(_) if !matches!(size, Size::Bytes(_)) => (),
                Checked::Right(verified) => {
                    client.log(Status::SizeCameLate { path: path.to_string() });
                    return Ok(verified);
                }
                Checked::WrongDigest(error) => return Err(error.into()),
            }
        }
        Err(file.check.wrong_size(client, stored).into())
    }
}
