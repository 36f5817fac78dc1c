//! A relay to a server that hides the server's name in the greeting.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::servers::Server;

/// Starts a relay, which replaces the greeting by `220 hello`, and returns its address.
///
/// # Panics
/// When no port is free.
pub async fn start(server: &Server) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    let server = server.address();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let stream = TcpStream::connect(server).await.expect("the server listens");
            let mut server = BufReader::new(stream);
            server.read_line(&mut String::new()).await.expect("the server greets");
            client.write_all(b"220 hello\r\n").await.expect("the client is connected");
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    address
}
