//! The Unix socket on which `ferryport reload` asks a running portal.
//!
//! A request is the line `reload`. The answer is the line `ok`, `error` or `later`, and a text.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use crate::reload::Reloader;

/// The only request.
pub const RELOAD: &str = "reload";

/// The first line of the answer after a reload.
pub const DONE: &str = "ok";

/// The first line of the answer where the old configuration stays.
pub const FAILED: &str = "error";

/// The first line of the answer where the old configuration stays, but the new one is not to blame.
pub const LATER: &str = "later";

/// The time that a program has for its request, and for reading the answer.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// The most bytes of a request.
const REQUEST_BYTES: u64 = 64;

/// The pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The socket, which is removed when this is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Opens the socket, for the portal's own user. One that an earlier portal has left is replaced.
    ///
    /// # Errors
    /// When another portal answers there, or the path cannot be used.
    pub async fn open(path: &Path) -> io::Result<Self> {
        if UnixStream::connect(path).await.is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another portal answers there"));
        }
        let is_socket = fs::symlink_metadata(path)
            .is_ok_and(|found| std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()));
        if is_socket {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers requests; never completes.
    pub async fn serve(&self, reloader: &Reloader) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = answer(stream, reloader).await {
                        tracing::debug!(%error, "a request on the control socket failed");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket accepts no connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // A path that is gone already is as good.
        let _removed = fs::remove_file(&self.path);
    }
}

async fn answer(stream: UnixStream, reloader: &Reloader) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut request = (&mut stream).take(REQUEST_BYTES);
    timeout(REQUEST_LIMIT, request.read_line(&mut line)).await??;
    let answer = match line.trim() {
        RELOAD => match reloader.reload().await {
            Ok(reloaded) => format!("{DONE}\n{reloaded}\n"),
            Err(errors) if errors.is_temporary() => format!("{LATER}\n{}", errors.report()),
            Err(errors) => format!("{FAILED}\n{}", errors.report()),
        },
        _ => format!("{FAILED}\nerror: the only request is `{RELOAD}`\n"),
    };
    timeout(REQUEST_LIMIT, stream.write_all(answer.as_bytes())).await??;
    stream.shutdown().await
}
