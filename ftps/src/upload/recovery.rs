//! Recovers from the errors of an attempt: changes how the next one works, or waits before it.

use tokio::time::sleep;

use super::{
    Directories, Progress, Run, Source, UploadError,
    part_file::PartFile,
    retry_budget::{RetryBudget, may_work_later},
    unless_cancelled,
};
use crate::{error::Error, pool::ManagedClient, stage::Stage, transcript::Status};

/// Up to this size, a stuck upload restarts under a new name instead of waiting until the old one is
/// unlocked.
const RESTART_LIMIT_BYTES: u64 = 256 * 1024 * 1024;

impl<S: Source> Run<'_, S> {
    /// Changes how the next attempt works, or waits before it.
    pub(super) async fn recover(
        &mut self,
        client: &mut ManagedClient,
        error: Error,
        budget: &mut RetryBudget,
    ) -> Result<(), UploadError<S::Error>> {
        if self.cancel.is_cancelled() {
            return Err(UploadError::Cancelled);
        }
        // The next upload must not wait for this one's retries.
        self.source.release_next_upload();
        if self.learn_resume(client, &error)
            || self.learn_naming(client, &error)
            || self.look_up_directories_again(client, &error)
            || self.try_other_names(client, &error)
        {
            return Ok(());
        }
        self.abandon_locked_name(client, &error);
        if budget.may_fall_back() && client.fall_back(&error).is_some() {
            return Ok(());
        }
        let may_work = match () {
            () if error.is_short_file() => budget.may_complete_short_file(),
            () if error.is_rejected_file() => {
                self.rejection.may_be_repeated() && may_work_later(&error)
            }
            () => may_work_later(&error) && !client.cannot_reach_data_ports(&error),
        };
        let wait = may_work.then(|| budget.wait(&*client.config().random)).flatten();
        let Some(after) = wait else { return Err(error.into()) };
        client.log_about(&error, Status::TryingAgain { after });
        self.source.report(Progress::Interrupted { error: &error, after }).await;
        if !client.is_usable() {
            client.disconnect();
        }
        if error.is_rejected_file() {
            self.rejection.begin(error);
        }
        unless_cancelled(self.cancel, sleep(after)).await
    }

    /// Forgets, once, which directories exist: one may be gone. Returns whether any was known.
    fn look_up_directories_again(&mut self, client: &ManagedClient, error: &Error) -> bool {
        let is_refused = error.stage() == Stage::Transfer
            && error.refusal().is_some()
            && error.is_permanent()
            && error.evidence().data_tls.is_none();
        if !is_refused || self.directories == Directories::LookedUpAgain {
            return false;
        }
        self.directories = Directories::LookedUpAgain;
        client.forget_directories()
    }

    /// Abandons the part file of a transfer that the server does not start: some lock a file for
    /// minutes after a break, until they notice it. A small file is sent again at once under another
    /// name; for a greater one, waiting is cheaper.
    fn abandon_locked_name(&mut self, client: &ManagedClient, error: &Error) {
        let does_not_start = error.is_timeout()
            && matches!(error.stage(), Stage::DataTls | Stage::Transfer)
            && error.evidence().data_tls.is_none();
        let PartFile::Written(part) = &self.part else { return };
        // Bytes that another client wrote cannot be sent again.
        let may_restart = !part.is_adopted() && !part.name.is_in_place();
        let is_small = part.held > 0 && part.held <= RESTART_LIMIT_BYTES;
        if does_not_start && may_restart && is_small {
            let path = part.name.path().to_string();
            client.log_about(error, Status::TemporaryNameLocked { path });
            self.part.abandon();
        }
    }
}
