//! Connects the session to an FTPS server.

use std::net::SocketAddr;

use protocol::{
    ClientMessage, Encryption, Problem, ServerMessage,
    client::{Connect, Secret},
    server::{Certificate, Connected},
};

use super::Client;
use crate::servers::Server;

/// The outcome of an attempt to connect.
#[derive(Clone, Debug)]
pub enum Attempted {
    /// Logged in.
    Connected(Box<Connected>),
    /// No root vouches for the certificate.
    CertificateNotTrusted(Box<Certificate>),
    /// It failed.
    Failed(Box<Problem>),
}

impl Client {
    /// Connects to a server and trusts its certificate.
    ///
    /// # Panics
    /// When it cannot log in.
    pub async fn connect(&mut self, server: &Server) -> Connected {
        self.connect_at(server.address(), server).await
    }

    /// Connects to a server through another address.
    ///
    /// # Panics
    /// When it cannot log in.
    pub async fn connect_at(&mut self, address: SocketAddr, server: &Server) -> Connected {
        let mut connect = to(server);
        connect.host = address.ip().to_string();
        connect.port = address.port();
        connect.trusted_certificate = Some(server.certificate_sha256());
        match self.attempt(connect).await {
            Attempted::Connected(connected) => *connected,
            other => panic!("not connected: {other:?}\n{}\n{}", self.transcript(), server.log()),
        }
    }

    /// Tries to connect.
    pub async fn attempt(&mut self, connect: Connect) -> Attempted {
        self.send(&ClientMessage::Connect(connect)).await;
        loop {
            match self.receive().await {
                ServerMessage::Connected(connected) => {
                    self.algorithm = connected.digest;
                    return Attempted::Connected(Box::new(connected));
                }
                ServerMessage::CertificateNotTrusted { certificate } => {
                    return Attempted::CertificateNotTrusted(Box::new(certificate));
                }
                ServerMessage::Disconnected { problem: Some(problem) } => {
                    return Attempted::Failed(Box::new(problem));
                }
                ServerMessage::Goodbye { problem } => {
                    panic!("the session ended: {problem:?}\n{}", self.transcript());
                }
                // Messages of an earlier connection, or about the steps of this one.
                _ => {}
            }
        }
    }
}

/// The request to connect to a server, whose certificate is not trusted.
#[must_use]
pub fn to(server: &Server) -> Connect {
    Connect {
        host: server.address().ip().to_string(),
        port: server.port(),
        encryption: Some(server.encryption()),
        username: server.username().to_owned(),
        password: Secret::new(server.password().to_owned()),
        trusted_certificate: None,
    }
}

/// The request to connect to an address without an FTPS server.
#[must_use]
pub fn to_port(host: &str, port: u16, encryption: Encryption) -> Connect {
    Connect {
        host: host.to_owned(),
        port,
        encryption: Some(encryption),
        username: "nobody".to_owned(),
        password: Secret::new("nothing".to_owned()),
        trusted_certificate: None,
    }
}
