//! The control connection of a server, and the data connections that it opens.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    sync::oneshot,
    time::{sleep, timeout},
};
use tokio_rustls::server::TlsStream;

use super::{
    faults::Fault,
    network::{Host, Network},
};

/// How long a server waits for a data connection, and for its bytes.
pub(crate) const DATA_LIMIT: Duration = Duration::from_secs(120);

/// How long a server waits for a command.
const IDLE_LIMIT: Duration = Duration::from_secs(600);

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The session is over.
pub(crate) struct Over;

pub(crate) type Result<T> = std::result::Result<T, Over>;

/// A command, and what goes wrong with it.
pub(crate) struct Received {
    pub(crate) verb: String,
    pub(crate) argument: String,
    pub(crate) fault: Option<Fault>,
}

/// The server's end of a control connection.
pub(crate) struct Control<H> {
    network: Arc<Network<H>>,
    stream: Box<dyn Duplex>,
    port: Option<oneshot::Receiver<DuplexStream>>,
}

impl<H: Host> Control<H> {
    /// Greets the client, and secures the connection.
    pub(crate) async fn open(
        network: Arc<Network<H>>,
        mut stream: DuplexStream,
        banner: &str,
    ) -> Result<Self> {
        let greeting = format!("{banner}\r\n");
        stream.write_all(greeting.as_bytes()).await.map_err(|_| Over)?;
        let mut stream: Box<dyn Duplex> = Box::new(stream);
        // A client may probe whether the port expects TLS at once.
        if read_line(&mut stream).await? != "AUTH TLS" {
            return Err(Over);
        }
        stream.write_all(b"234 go\r\n").await.map_err(|_| Over)?;
        let tls = network.host().acceptor().accept(stream).await.map_err(|_| Over)?;
        Ok(Self { network, stream: Box::new(tls), port: None })
    }

    pub(crate) fn host(&self) -> &Arc<H> {
        self.network.host()
    }

    /// Reads the next command. The session is over if that is what goes wrong with it.
    pub(crate) async fn command(&mut self) -> Result<Received> {
        let line = read_line(&mut self.stream).await?;
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let fault = self.host().fault_of(verb);
        let told = fault.map(|fault| format!(" [{fault:?}]")).unwrap_or_default();
        self.host().note(format!("{line}{told}"));
        match fault {
            Some(Fault::Dropped) => return Err(Over),
            Some(Fault::Ended) => {
                self.say("421 going down").await?;
                return Err(Over);
            }
            _ => (),
        }
        Ok(Received { verb: verb.to_owned(), argument: argument.to_owned(), fault })
    }

    /// Sends the reply to a command that was carried out, unless it is lost.
    pub(crate) async fn reply(&mut self, reply: &str, fault: Option<Fault>) -> Result<()> {
        match fault {
            Some(Fault::ReplyLost) => return Err(Over),
            Some(Fault::ReplyUnsent) => {
                sleep(Duration::from_secs(3600)).await;
                return Err(Over);
            }
            Some(Fault::ReplyLate(after)) => sleep(after).await,
            _ => (),
        }
        self.say(reply).await
    }

    pub(crate) async fn say(&mut self, reply: &str) -> Result<()> {
        self.host().note(format!("    {reply}"));
        let line = format!("{reply}\r\n");
        self.stream.write_all(line.as_bytes()).await.map_err(|_| Over)?;
        self.stream.flush().await.map_err(|_| Over)
    }

    /// Opens a port for the next data connection. Returns the reply to `EPSV` or `PASV`.
    pub(crate) fn open_port(&mut self, verb: &str) -> String {
        let (port, opened) = self.network.open_port();
        self.port = Some(opened);
        let [high, low] = port.to_be_bytes();
        match verb {
            "EPSV" => format!("229 Extended Passive (|||{port}|)"),
            _ => format!("227 Passive (127,0,0,1,{high},{low})"),
        }
    }

    /// Accepts the data connection; else returns the refusal.
    pub(crate) async fn data(
        &mut self,
    ) -> std::result::Result<TlsStream<DuplexStream>, &'static str> {
        let port = self.port.take().ok_or("425 no port")?;
        let connected = timeout(DATA_LIMIT, port).await;
        let Ok(Ok(data)) = connected else { return Err("425 no connection") };
        let tls = timeout(DATA_LIMIT, self.host().acceptor().accept(data)).await;
        let Ok(Ok(tls)) = tls else { return Err("425 no TLS") };
        Ok(tls)
    }

    /// Sends a listing over a data connection. Returns the reply.
    pub(crate) async fn send_listing(&mut self, listing: &str) -> Result<String> {
        self.say("150 go").await?;
        let mut tls = match self.data().await {
            Ok(tls) => tls,
            Err(refusal) => return Ok(refusal.to_owned()),
        };
        let sent = async {
            tls.write_all(listing.as_bytes()).await?;
            tls.shutdown().await
        };
        match timeout(DATA_LIMIT, sent).await {
            Ok(Ok(())) => Ok("226 done".to_owned()),
            _ => Ok("426 broken".to_owned()),
        }
    }
}

async fn read_line(stream: &mut Box<dyn Duplex>) -> Result<String> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        // A server ends idle sessions.
        let byte = timeout(IDLE_LIMIT, stream.read_u8()).await;
        line.push(byte.map_err(|_| Over)?.map_err(|_| Over)?);
    }
    let line = String::from_utf8(line).map_err(|_| Over)?;
    Ok(line.trim_end().to_owned())
}
