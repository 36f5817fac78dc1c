//! The FTPS engine against every server, every version of TLS and every way to start it: each a
//! session of twenty files of awkward sizes.
//!
//! All four servers resume: vsftpd and `ProFTPD` insist on it, Pure-FTPd does it in TLS 1.2 and not
//! in 1.3, pyftpdlib does not require it and resumes too. `ProFTPD` sends its name before TLS
//! starts, and the engine uses TLS 1.2 with it whatever it offers.
//!
//! Each run prints its counts: `cargo test --test matrix -- --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use ferryport_tests::{
    content::Content,
    engine::{EngineSetup, remote},
    servers::{Kind, Options, Server, TlsMax},
};
use ftps::{Client, RemotePath, TlsVersion};
use protocol::Encryption;

/// One TLS record holds 16 KiB.
const RECORD: u64 = 16 * 1024;

/// Sizes around one record, and one larger than all buffers.
const SIZES: [u64; 6] = [0, 1, RECORD - 1, RECORD, RECORD + 1, 20_000_000];

/// Files in one session.
const FILES: usize = 20;

/// Counts of resumed and full handshakes of data connections.
#[derive(Debug, Default)]
struct Handshakes {
    resumed: usize,
    full: usize,
}

/// The claim of this file.
async fn every_file_is_stored(kind: Kind, encryption: Encryption, tls_max: TlsMax) {
    let server = Server::start(kind, Options { encryption, tls_max, ..Options::default() });
    let connector = EngineSetup::of(&server).connector();
    let mut client = connector.open().await.unwrap_or_else(|e| panic!("{e:?}\n{}", server.log()));
    let mut handshakes = Handshakes::default();
    for index in 0..FILES {
        upload(&mut client, index, &mut handshakes)
            .await
            .unwrap_or_else(|error| panic!("file {index}: {error:?}\n{}", server.log()));
    }
    assert_in_step(&mut client).await;
    let tls = client.facts().tls.version;
    client.quit().await;
    for index in 0..FILES {
        assert_eq!(server.sha256_of(&name(index)), Some(content(index).sha256()), "{index}");
    }
    println!(
        "{}, {encryption:?}, server up to {tls_max:?}, {tls}: {FILES} files stored, {} data \
         connections resumed, {} not",
        kind.name(),
        handshakes.resumed,
        handshakes.full
    );
    assert_handshakes(kind, tls, &handshakes);
}

async fn upload(
    client: &mut Client,
    index: usize,
    handshakes: &mut Handshakes,
) -> Result<(), ftps::Error> {
    let content = content(index);
    let mut upload = client.store(&path(index), 0).await?;
    for piece in content.pieces() {
        upload.write(&piece).await?;
    }
    let stored = upload.finish().await?;
    assert_eq!(stored.bytes, content.len);
    match stored.tls.resumed {
        true => handshakes.resumed += 1,
        false => handshakes.full += 1,
    }
    Ok(())
}

/// Checks that no reply is missing or left over.
async fn assert_in_step(client: &mut Client) {
    for index in 0..SIZES.len() {
        assert_eq!(client.size(&path(index)).await.unwrap(), Some(content(index).len));
    }
    let missing = remote("there is no such file");
    assert_eq!(client.size(&missing).await.unwrap(), None);
}

fn assert_handshakes(kind: Kind, tls: TlsVersion, handshakes: &Handshakes) {
    let resumes = kind != Kind::PureFtpd || tls == TlsVersion::Tls12;
    let expected = if resumes { (FILES, 0) } else { (0, FILES) };
    assert_eq!((handshakes.resumed, handshakes.full), expected, "resumed and not");
}

fn content(index: usize) -> Content {
    Content { len: SIZES[index % SIZES.len()], seed: index as u64 }
}

fn name(index: usize) -> String {
    format!("file-{index}")
}

fn path(index: usize) -> RemotePath {
    remote(&name(index))
}

/// One test a cell. Those that are ignored repeat pairs which other cells have: every server meets
/// both ways of encryption and both versions of TLS without them.
macro_rules! cells {
    ($($(#[$attribute:meta])* $name:ident: $kind:ident, $encryption:ident, $tls_max:ident;)+) => {
        mod every_file_is_stored {
            use super::*;
            $(
                #[tokio::test]
                $(#[$attribute])*
                async fn $name() {
                    super::every_file_is_stored(
                        Kind::$kind,
                        Encryption::$encryption,
                        TlsMax::$tls_max,
                    )
                    .await;
                }
            )+
        }
    };
}

cells! {
    vsftpd_explicit_tls12: Vsftpd, Explicit, V12;
    #[ignore = "`cargo xtask test --all` runs it"]
    vsftpd_explicit_tls13: Vsftpd, Explicit, V13;
    #[ignore = "`cargo xtask test --all` runs it"]
    vsftpd_implicit_tls12: Vsftpd, Implicit, V12;
    vsftpd_implicit_tls13: Vsftpd, Implicit, V13;
    #[ignore = "`cargo xtask test --all` runs it"]
    proftpd_explicit_tls12: ProFtpd, Explicit, V12;
    proftpd_explicit_tls13: ProFtpd, Explicit, V13;
    proftpd_implicit_tls12: ProFtpd, Implicit, V12;
    #[ignore = "`cargo xtask test --all` runs it"]
    proftpd_implicit_tls13: ProFtpd, Implicit, V13;
    pure_ftpd_explicit_tls12: PureFtpd, Explicit, V12;
    pure_ftpd_explicit_tls13: PureFtpd, Explicit, V13;
    #[ignore = "`cargo xtask test --all` runs it"]
    pyftpdlib_explicit_tls12: Pyftpdlib, Explicit, V12;
    pyftpdlib_explicit_tls13: Pyftpdlib, Explicit, V13;
    pyftpdlib_implicit_tls12: Pyftpdlib, Implicit, V12;
    #[ignore = "`cargo xtask test --all` runs it"]
    pyftpdlib_implicit_tls13: Pyftpdlib, Implicit, V13;
}
