//! A server that plays scripts, for tests of the client against every behaviour of a server.
//!
//! A test states what the server does differently ([`Scenario`]), what the client does, and what
//! must hold:
//!
//! ```ignore
//! let server = Scenario::session(async |peer| {
//!     assert_eq!(peer.store("a").await, b"content");
//! })
//! .start();
//! let mut client = server.open().await;
//! upload(&mut client, "a", b"content").await.unwrap();
//! ```
//!
//! [`ScriptedServer`] checks its scripts itself when it is dropped: each ran to its end, each
//! assertion in it held, and the client sent nothing that no script expects. Every socket is on a
//! loopback address, at a port that the system chose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a script that does not go as written fails its test"
)]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener as StdListener},
    ops::Deref,
    pin::Pin,
    thread::{self, JoinHandle},
    time::Duration,
};

use ftps::{Client, Encryption};
use tokio::{
    net::TcpListener,
    runtime,
    sync::oneshot,
    task::{JoinSet, LocalSet},
    time::sleep,
};

mod identity;
mod log;
mod names;
mod peer;
mod port;
mod server;
pub(crate) mod storing_server;
pub(crate) mod uploads;

use self::peer::{Login, TemporaryName};
pub(crate) use self::{
    identity::{Claims, Identity, ONLY_TLS12, ONLY_TLS13},
    log::Log,
    peer::{Peer, names_sent, read_some, read_to_end},
    port::{DataPort, FullPort, closed_port, port_of_tls, port_where_each},
    server::{Server, connector_to, credentials_of, path},
};

/// The password of every test; no output may contain it.
pub(crate) const SECRET: &str = "sesame-4711";

/// The longest that a script may take after its test; only a test that fails waits for it.
const SCRIPT_LIMIT: Duration = Duration::from_secs(30);

/// What a server does over one control connection.
pub(crate) struct Script(Box<Play>);

type Play = dyn for<'a> FnOnce(&'a mut Peer) -> Pin<Box<dyn Future<Output = ()> + 'a>> + Send;

impl Script {
    async fn play(self, peer: &mut Peer) {
        (self.0)(peer).await;
        peer.finish().await;
    }
}

/// A control connection from its first byte on.
pub(crate) fn connection(script: impl AsyncFnOnce(&mut Peer) + Send + 'static) -> Script {
    Script(Box::new(move |peer| Box::pin(async move { script(peer).await })))
}

/// A control connection that begins with the scenario's greeting and login.
pub(crate) fn session(script: impl AsyncFnOnce(&mut Peer) + Send + 'static) -> Script {
    connection(async move |peer| {
        peer.log_in().await;
        script(peer).await;
    })
}

/// What a server does in a test: its scripts, and how it differs from the usual server.
pub(crate) struct Scenario {
    scripts: Vec<Script>,
    order: Order,
    identity: Identity,
    login: Login,
}

/// When the scripts of a scenario are played.
#[derive(Clone, Copy)]
enum Order {
    OneAfterTheOther,
    SideBySide,
}

impl Scenario {
    /// One script for each connection, in order.
    pub(crate) fn of(scripts: impl IntoIterator<Item = Script>) -> Self {
        Self {
            scripts: scripts.into_iter().collect(),
            order: Order::OneAfterTheOther,
            identity: Identity::default(),
            login: Login::default(),
        }
    }

    /// One connection, from its first byte on.
    pub(crate) fn connection(script: impl AsyncFnOnce(&mut Peer) + Send + 'static) -> Self {
        Self::of([connection(script)])
    }

    /// One connection, which begins with the greeting and the login.
    pub(crate) fn session(script: impl AsyncFnOnce(&mut Peer) + Send + 'static) -> Self {
        Self::of([session(script)])
    }

    /// Plays each script as soon as its connection comes, beside the earlier ones.
    pub(crate) fn side_by_side(self) -> Self {
        Self { order: Order::SideBySide, ..self }
    }

    /// A server with another certificate or other TLS.
    pub(crate) fn claiming(self, claims: &Claims) -> Self {
        self.identified_by(Identity::new(claims))
    }

    pub(crate) fn identified_by(self, identity: Identity) -> Self {
        Self { identity, ..self }
    }

    /// A server that expects TLS from the first byte on.
    pub(crate) fn implicit(mut self) -> Self {
        self.login.encryption = Encryption::Implicit;
        self
    }

    /// Sessions that begin with another greeting.
    pub(crate) fn greeting(mut self, greeting: &str) -> Self {
        greeting.clone_into(&mut self.login.greeting);
        self
    }

    /// Sessions that list these features beside `SIZE`, each as ` NAME\r\n`.
    pub(crate) fn features(self, features: &str) -> Self {
        let reply = format!("211-Features\r\n SIZE\r\n{features}211 End");
        self.answering("FEAT", &reply)
    }

    /// Sessions whose login answers a command with another reply.
    pub(crate) fn answering(mut self, command: &str, reply: &str) -> Self {
        self.login.replies.insert(command.to_owned(), reply.to_owned());
        self
    }

    pub(crate) fn start(self) -> ScriptedServer {
        self.start_at(Ipv4Addr::LOCALHOST.into()).unwrap()
    }

    /// Starts it at an IPv6 address; `None` where the machine has none.
    pub(crate) fn start_over_ipv6(self) -> Option<ScriptedServer> {
        self.start_at(Ipv6Addr::LOCALHOST.into()).ok()
    }

    fn start_at(self, ip: IpAddr) -> std::io::Result<ScriptedServer> {
        let listener = StdListener::bind((ip, 0))?;
        let server =
            Server::new(listener.local_addr()?, self.identity.clone(), self.login.encryption);
        let (test_is_over, over) = oneshot::channel();
        let temporary = TemporaryName::default();
        let name = temporary.clone();
        let thread = thread::spawn(move || self.run(listener, over, &name));
        Ok(ScriptedServer { server, temporary, verdict: Some(Verdict { test_is_over, thread }) })
    }

    /// Plays the scripts on a runtime of their own.
    fn run(self, listener: StdListener, over: oneshot::Receiver<()>, temporary: &TemporaryName) {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let too_long = async {
            let _over = over.await;
            sleep(SCRIPT_LIMIT).await;
        };
        LocalSet::new().block_on(&runtime, async {
            listener.set_nonblocking(true).unwrap();
            let listener = TcpListener::from_std(listener).unwrap();
            tokio::select! {
                () = self.play(listener, temporary) => {}
                () = too_long => panic!("the script does not end"),
            }
        });
    }

    async fn play(self, listener: TcpListener, temporary: &TemporaryName) {
        let mut played = JoinSet::new();
        for script in self.scripts {
            let name = match self.order {
                Order::OneAfterTheOther => temporary.clone(),
                Order::SideBySide => TemporaryName::default(),
            };
            let mut peer = Peer::accept(&listener, &self.identity, self.login.clone(), name).await;
            match self.order {
                Order::OneAfterTheOther => script.play(&mut peer).await,
                Order::SideBySide => {
                    played.spawn_local(async move { script.play(&mut peer).await });
                }
            }
        }
        drop(listener);
        while let Some(ended) = played.join_next().await {
            ended.unwrap();
        }
    }
}

/// A server that plays a scenario. When it is dropped, it waits for its scripts, and fails the test
/// if one did not go as written.
pub(crate) struct ScriptedServer {
    server: Server,
    temporary: TemporaryName,
    verdict: Option<Verdict>,
}

struct Verdict {
    test_is_over: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl ScriptedServer {
    /// Returns the name that the last `STOR` of an upload named.
    pub(crate) fn temporary(&self) -> String {
        self.temporary.get()
    }
}

impl Deref for ScriptedServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        let Some(Verdict { test_is_over, thread }) = self.verdict.take() else { return };
        // A test that fails has an error already; a script that failed has printed its own.
        if thread::panicking() {
            return;
        }
        let _ended = test_is_over.send(());
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Uploads content by the plain client and returns what came of it.
pub(crate) async fn upload(
    client: &mut Client,
    name: &str,
    content: &[u8],
) -> Result<ftps::Stored, ftps::Error> {
    let mut upload = client.store(&path(name), 0).await?;
    upload.write(content).await?;
    upload.finish().await
}
