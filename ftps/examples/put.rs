//! Brings files to an FTPS server, and shows the session as it happens.
//!
//! `FTPS_PASSWORD=… cargo run -p ferryport-ftps --example put -- ada@192.0.2.1:21 FILE…`
//!
//! The certificate has to be the one whose SHA-256 fingerprint is in `FTPS_FINGERPRINT`; without,
//! the first attempt shows it and ends.
#![allow(clippy::print_stdout, reason = "it is a command-line program")]

use std::{
    env, io,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use bytes::Bytes;
use ftps::{
    Config, Connector, Credentials, Diagnosis, Encryption, Password, Pool, RemotePath, Target,
    Transcript, Username,
    upload::{Existing, Failed, Plan, Progress, Source, UploadError},
};
use rustls::RootCertStore;
use tokio_util::sync::CancellationToken;

/// What is read at once, in bytes.
const PIECE: u64 = 256 * 1024;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let login = arguments.next().ok_or("usage: put USER@ADDRESS:PORT FILE…")?;
    let password = env::var("FTPS_PASSWORD").unwrap_or_default();
    let fingerprint = env::var("FTPS_FINGERPRINT").ok();
    let files: Vec<_> = arguments.map(PathBuf::from).collect();
    put_all(&login, &password, fingerprint.as_deref(), &files).await
}

/// Uploads files to the directory that the login opens.
pub(crate) async fn put_all(
    login: &str,
    password: &str,
    fingerprint: Option<&str>,
    files: &[PathBuf],
) -> Result<()> {
    let pool = Pool::new(connector(login, password, fingerprint)?);
    for file in files {
        put(&pool, file).await?;
    }
    pool.close().await;
    Ok(())
}

fn connector(login: &str, password: &str, fingerprint: Option<&str>) -> Result<Connector> {
    let (user, address) = login.rsplit_once('@').ok_or("the login is USER@ADDRESS:PORT")?;
    let address: std::net::SocketAddr = address.parse()?;
    let mut config = Config::new(Arc::new(RootCertStore::empty()));
    config.tls.trusted_certificate = fingerprint.map(str::parse).transpose()?;
    let encryption =
        if address.port() == 990 { Encryption::Implicit } else { Encryption::Explicit };
    let target = Target { address, host: address.ip().to_string(), encryption };
    let credentials =
        Credentials { username: Username::new(user)?, password: Password::new(password)? };
    let transcript = Transcript::new(|event| println!("{:?}: {event}", event.line_kind()));
    Ok(Connector::new(target, config, credentials, transcript))
}

async fn put(pool: &Pool, from: &Path) -> Result<()> {
    let file = std::fs::File::open(from)?;
    let facts = file.metadata()?;
    let name = from.file_name().ok_or("a file has a name")?.to_string_lossy();
    let modified = facts.modified()?.duration_since(UNIX_EPOCH)?.as_millis();
    let plan = Plan {
        path: RemotePath::nfc(&name)?,
        size: facts.len(),
        modified_millis: i64::try_from(modified).ok(),
        existing: Existing::Keep,
        resume: None,
        digest: None,
    };
    let mut line = pool.lease().await;
    match ftps::upload::upload(&mut line, &plan, &mut OnDisk(file), &CancellationToken::new()).await
    {
        Ok(uploaded) => println!("{}: {}", uploaded.path, uploaded.verified),
        Err(Failed { error: UploadError::Engine(error), .. }) => {
            let diagnosis = Diagnosis::of(&error);
            println!("{:?}, to be mended by {:?}", diagnosis.cause, diagnosis.who);
            if let Some(untrusted) = error.is_certificate() {
                println!("FTPS_FINGERPRINT={}", untrusted.facts.sha256);
            }
            return Err(error.into());
        }
        Err(failed) => return Err(format!("{name}: {:?}", failed.error).into()),
    }
    Ok(())
}

/// A file on disk. A program that does more at once would read it elsewhere than here.
struct OnDisk(std::fs::File);

impl Source for OnDisk {
    type Error = io::Error;

    async fn next(&mut self) -> io::Result<Bytes> {
        let mut piece = Vec::new();
        (&mut self.0).take(PIECE).read_to_end(&mut piece)?;
        match piece.is_empty() {
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(piece.into()),
        }
    }

    async fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset)).map(drop)
    }

    async fn progress(&mut self, _: Progress<'_>) {}
}
