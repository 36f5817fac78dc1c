//! `ferryport reload`: asks a running portal to read its configuration again.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use crate::{
    control_socket::{DONE, LATER, RELOAD},
    settings::Settings,
};

/// The longest time until the portal has read its configuration.
const LIMIT: Duration = Duration::from_secs(60);

/// The most bytes of the answer.
const ANSWER_BYTES: u64 = 1024 * 1024;

/// Why a portal did not reload its configuration.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The settings name no socket.
    #[error(
        "`control_socket` is not set, so the portal cannot be asked: set it, or send SIGHUP to the \
         portal and read its log"
    )]
    NoSocket,
    /// The portal does not answer.
    #[error("no portal answers at {}: {source}", .path.display())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration cannot be used.
    #[error("the old configuration stays in use:\n{0}")]
    Refused(String),
    /// The configuration cannot be checked now: the store does not answer.
    #[error("the old configuration stays in use:\n{0}")]
    Later(String),
}

/// Asks the portal of these settings. Returns what it says.
///
/// # Errors
/// [`ReloadError`].
pub fn reload(settings: &Settings) -> Result<String, ReloadError> {
    let path = settings.control_socket.clone().ok_or(ReloadError::NoSocket)?;
    let answer = ask(&path).map_err(|source| ReloadError::NoAnswer { path, source })?;
    match answer.split_once('\n') {
        Some((DONE, said)) => Ok(said.to_owned()),
        Some((LATER, said)) => Err(ReloadError::Later(said.to_owned())),
        Some((_, said)) => Err(ReloadError::Refused(said.to_owned())),
        None => Err(ReloadError::Refused(answer)),
    }
}

fn ask(path: &PathBuf) -> io::Result<String> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(format!("{RELOAD}\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}
