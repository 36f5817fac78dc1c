//! A proxy between a client and a real server that breaks connections on demand.
//!
//! It listens on a loopback address of its own, at the server's control port and all its data
//! ports, and forwards all bytes until a fault occurs.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::servers::Server;

/// A connection on loopback that takes longer waits for a full queue.
const QUEUE_IS_FULL: Duration = Duration::from_millis(20);

/// A fault of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of connection. The fault applies to the next one of this kind.
    pub on: On,
    /// The direction in which bytes are counted.
    pub way: Way,
    /// The number of bytes before the fault.
    pub after: u64,
    /// The kind of fault.
    pub kind: FaultKind,
}

impl Fault {
    /// Returns a random fault, after fewer bytes than an upload of some megabytes has.
    pub fn random(rng: &mut fastrand::Rng) -> Self {
        let on = if rng.bool() { On::Control } else { On::Data };
        let way = if rng.bool() { Way::ToServer } else { Way::ToClient };
        let most = match (on, way) {
            (On::Control, _) | (On::Data, Way::ToClient) => 8_000,
            (On::Data, Way::ToServer) => 3_000_000,
        };
        let kind = [FaultKind::Reset, FaultKind::Close, FaultKind::Freeze][rng.usize(..3)];
        Self { on, way, after: rng.u64(..most), kind }
    }
}

/// A kind of connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The control connection.
    Control,
    /// A data connection.
    Data,
}

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the engine.
    ToServer,
    /// From the server.
    ToClient,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// RST to both sides, as from a router that lost its state, or a process that was killed.
    Reset,
    /// FIN to both sides.
    Close,
    /// No more bytes in that direction, without a FIN or RST: a firewall, a cable.
    Freeze,
}

/// A proxy before one server; it ends when it is dropped.
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<ProxyState>,
    tasks: JoinSet<()>,
    /// Connections that fill the queues of blocked ports.
    _blocked: Vec<(TcpListener, Vec<TcpStream>)>,
}

/// The state that all connections of a proxy share.
#[derive(Debug, Default)]
struct ProxyState {
    faults: Mutex<VecDeque<Fault>>,
    /// Control connections so far.
    made: AtomicU64,
    /// Replies are dropped on control connections with a lower number.
    mute_below: AtomicU64,
    /// The limit of bytes a second to the server on each connection; 0 is unlimited.
    rate: AtomicU64,
}

impl FaultProxy {
    /// Starts a proxy without faults.
    ///
    /// # Panics
    /// When a port is taken.
    pub async fn before(server: &Server) -> Self {
        let mut fault_proxy = Self::before_port(server.port()).await;
        let ip = fault_proxy.ip();
        for port in server.data_ports() {
            let listener = TcpListener::bind((ip, port)).await.expect("the address is ours");
            let state = Arc::clone(&fault_proxy.state);
            fault_proxy.tasks.spawn(accept(listener, port, On::Data, state));
        }
        fault_proxy
    }

    /// Starts a proxy whose data ports accept no connection, as behind a firewall.
    ///
    /// # Panics
    /// When a port is taken.
    pub async fn with_blocked_data_ports(server: &Server) -> Self {
        let mut fault_proxy = Self::before_port(server.port()).await;
        let ip = fault_proxy.ip();
        for port in server.data_ports() {
            fault_proxy._blocked.push(block((ip, port).into()).await);
        }
        fault_proxy
    }

    /// Starts a proxy before one port of this machine, whose connections count as
    /// [control connections](On::Control) throughout.
    ///
    /// # Panics
    /// When the port is taken.
    pub async fn before_port(port: u16) -> Self {
        let ip = next_address();
        let state = Arc::<ProxyState>::default();
        let mut tasks = JoinSet::new();
        let listener = TcpListener::bind((ip, port)).await.expect("the address is ours");
        tasks.spawn(accept(listener, port, On::Control, Arc::clone(&state)));
        Self { address: (ip, port).into(), state, tasks, _blocked: Vec::new() }
    }

    fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Returns the address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the faults to come.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        let mut planned = self.state.faults.lock().unwrap_or_else(PoisonError::into_inner);
        *planned = faults.into_iter().collect();
    }

    /// Limits the bytes a second to the server on each connection.
    pub fn slow_down(&self, bytes_per_second: u64) {
        self.state.rate.store(bytes_per_second, Ordering::Relaxed);
    }

    /// Drops all further replies on the control connections that are open now.
    pub fn mute(&self) {
        let made = self.state.made.load(Ordering::Relaxed);
        self.state.mute_below.store(made, Ordering::Relaxed);
    }
}

/// Listens at a port with a full queue: the system drops further connections, as a firewall does.
async fn block(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket can be had");
    socket.bind(address).expect("the address is ours");
    let listener = socket.listen(1).expect("it can be listened at");
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) = timeout(QUEUE_IS_FULL, TcpStream::connect(address)).await {
        queue.push(stream);
    }
    (listener, queue)
}

/// Returns an address of 127.0.77.0/24 that no other proxy of this process has.
fn next_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    // Test programs run one after the other.
    Ipv4Addr::new(127, 0, 77, NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn accept(listener: TcpListener, port: u16, on: On, state: Arc<ProxyState>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let fault = take(&state.faults, on);
        let number = match on {
            On::Control => state.made.fetch_add(1, Ordering::Relaxed),
            On::Data => u64::MAX,
        };
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
            pass_on(client, server, fault, &state, number).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

fn take(faults: &Mutex<VecDeque<Fault>>, on: On) -> Option<Fault> {
    let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
    let at = faults.iter().position(|fault| fault.on == on)?;
    faults.remove(at)
}

/// Why a connection is no longer forwarded.
enum End {
    Disrupted(FaultKind),
    Broken,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: TcpStream,
    fault: Option<Fault>,
    state: &ProxyState,
    number: u64,
) {
    let is_mute = || number < state.mute_below.load(Ordering::Relaxed);
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let rate = || state.rate.load(Ordering::Relaxed);
    let on_way = |way| fault.filter(|fault| fault.way == way);
    let ended = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            forward(from_client, to_server, on_way(Way::ToServer), || false, rate),
            forward(from_server, to_client, on_way(Way::ToClient), is_mute, || 0),
        )
    };
    if let Err(End::Disrupted(FaultKind::Reset) | End::Broken) = ended {
        for stream in [&client, &server] {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

async fn forward(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    fault: Option<Fault>,
    is_mute: impl Fn() -> bool,
    rate: impl Fn() -> u64,
) -> Result<(), End> {
    let mut buffer = vec![0; 16 * 1024];
    let mut passed = 0;
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        if is_mute() {
            disrupt(FaultKind::Freeze).await?;
        }
        let bytes = &buffer[..count];
        match fault {
            Some(fault) if passed + count as u64 > fault.after => {
                let before = usize::try_from(fault.after - passed).unwrap_or(0);
                to.write_all(&bytes[..before]).await?;
                disrupt(fault.kind).await?;
            }
            _ => to.write_all(bytes).await?,
        }
        passed += count as u64;
        if let Some(pause) = (count as u64 * 1000).checked_div(rate()) {
            sleep(Duration::from_millis(pause)).await;
        }
    }
}

async fn disrupt(kind: FaultKind) -> Result<(), End> {
    match kind {
        FaultKind::Reset | FaultKind::Close => Err(End::Disrupted(kind)),
        FaultKind::Freeze => std::future::pending().await,
    }
}
