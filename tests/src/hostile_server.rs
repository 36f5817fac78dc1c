//! A small FTPS server whose greeting, features and listings are as long as a test wants. It stores nothing.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use protocol::{
    Encryption,
    client::{Connect, Secret},
};
use rcgen::generate_simple_self_signed;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::client::to_port;

/// What a server sends; each ends with CR LF.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The greeting.
    pub greeting: Vec<u8>,
    /// The reply to `FEAT`.
    pub features: Vec<u8>,
    /// The lines of `MLSD`.
    pub listing: Vec<u8>,
}

/// A running server; it ends with the test's runtime.
#[derive(Debug)]
pub struct HostileServer {
    address: SocketAddr,
    certificate_sha256: String,
}

impl Default for Answers {
    /// Short ones, and an empty listing.
    fn default() -> Self {
        Self {
            greeting: b"220 ready\r\n".to_vec(),
            features: b"211-Features\r\n MLST type*;size*;\r\n SIZE\r\n211 End\r\n".to_vec(),
            listing: Vec::new(),
        }
    }
}

impl HostileServer {
    /// Starts a server on 127.0.0.1.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(answers: Answers) -> Self {
        let certified = generate_simple_self_signed(["localhost".to_owned()]).expect("a name");
        let certificate = certified.cert.der().clone();
        let sha256 = Sha256::digest(&certificate);
        let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::from(key))
            .expect("the key fits");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("the listener is bound");
        let answers = Arc::new(answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answers) = (acceptor.clone(), Arc::clone(&answers));
                // The portal may end the connection at any time.
                tokio::spawn(async move { serve(stream, &acceptor, &answers).await });
            }
        });
        let certificate_sha256 = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { address, certificate_sha256 }
    }

    /// Returns the request to connect to it, with its certificate trusted.
    #[must_use]
    pub fn connect(&self) -> Connect {
        Connect {
            trusted_certificate: Some(self.certificate_sha256.clone()),
            password: Secret::new("any".to_owned()),
            ..to_port("127.0.0.1", self.address.port(), Encryption::Explicit)
        }
    }
}

async fn serve(mut stream: TcpStream, acceptor: &TlsAcceptor, answers: &Answers) -> io::Result<()> {
    stream.write_all(&answers.greeting).await?;
    let mut plain = BufReader::new(stream);
    plain.read_line(&mut String::new()).await?;
    plain.write_all(b"234 go\r\n").await?;
    let mut control = BufReader::new(acceptor.accept(plain.into_inner()).await?);
    let mut passive = None;
    loop {
        let mut line = String::new();
        if control.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.split_whitespace().next().unwrap_or_default();
        let reply: &[u8] = match verb {
            "USER" => b"331 password\r\n",
            "PASS" => b"230 in\r\n",
            "FEAT" => &answers.features,
            "PWD" => b"257 \"/\" is here\r\n",
            "CWD" => b"250 there\r\n",
            "SIZE" => b"550 none\r\n",
            "EPSV" => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                let port = listener.local_addr()?.port();
                passive = Some(listener);
                control.write_all(format!("229 ok (|||{port}|)\r\n").as_bytes()).await?;
                continue;
            }
            "MLSD" => {
                control.write_all(b"150 here\r\n").await?;
                let Some(listener) = passive.take() else { return Ok(()) };
                let (stream, _) = listener.accept().await?;
                let mut data: TlsStream<TcpStream> = acceptor.accept(stream).await?;
                // The portal stops reading at its limit.
                let sent = async {
                    data.write_all(&answers.listing).await?;
                    data.shutdown().await
                };
                match sent.await {
                    Ok(()) => b"226 done\r\n",
                    Err(_) => b"426 aborted\r\n",
                }
            }
            _ => b"200 ok\r\n",
        };
        control.write_all(reply).await?;
        control.flush().await?;
    }
}
