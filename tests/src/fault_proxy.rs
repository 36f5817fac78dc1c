//! A network that fails as it is told, between the engine and a real server.
//!
//! It listens on a loopback address of its own at the server's control port and at all its data
//! ports, and passes on what comes, until a fault strikes.

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

/// A connection on loopback that is not there by then waits for a queue that is full.
const QUEUE_IS_FULL: Duration = Duration::from_millis(20);

/// Something that happens to one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of connection: the next one of it that is made.
    pub on: On,
    /// The way on which bytes are counted.
    pub way: Way,
    /// It strikes after so many bytes.
    pub after: u64,
    /// What happens then.
    pub kind: FaultKind,
}

impl Fault {
    /// Any fault of a connection to a server, at a point that uploads of some megabytes reach.
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

/// A way of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the engine.
    ToServer,
    /// From the server.
    ToClient,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// RST to both sides: a router that forgot it, a process that was killed.
    Reset,
    /// FIN to both sides.
    Close,
    /// Nothing more comes through on that way, without a word: a firewall, a cable.
    Freeze,
}

/// A network in front of one server; it ends when it is dropped.
pub struct FaultProxy {
    address: SocketAddr,
    weather: Arc<Weather>,
    tasks: JoinSet<()>,
    /// What fills the queues of ports that nobody gets through to.
    _blocked: Vec<(TcpListener, Vec<TcpStream>)>,
}

/// What all connections of a network have in common.
#[derive(Debug, Default)]
struct Weather {
    faults: Mutex<VecDeque<Fault>>,
    /// Control connections so far.
    made: AtomicU64,
    /// The server's words do not come through on control connections with a lower number.
    mute_below: AtomicU64,
    /// Bytes that go through to the server in a second on each connection; 0 for as many as come.
    rate: AtomicU64,
}

impl FaultProxy {
    /// A network without faults.
    ///
    /// # Panics
    /// When a port is taken.
    pub async fn before(server: &Server) -> Self {
        let mut fault_proxy = Self::before_port(server.port()).await;
        let ip = fault_proxy.ip();
        for port in server.data_ports() {
            let listener = TcpListener::bind((ip, port)).await.expect("the address is ours");
            let weather = Arc::clone(&fault_proxy.weather);
            fault_proxy.tasks.spawn(accept(listener, port, On::Data, weather));
        }
        fault_proxy
    }

    /// A network with a firewall that drops what goes to the data ports.
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

    /// A network in front of one port of this machine, whose connections count as
    /// [control connections](On::Control).
    ///
    /// # Panics
    /// When the port is taken.
    pub async fn before_port(port: u16) -> Self {
        let ip = next_address();
        let weather = Arc::<Weather>::default();
        let mut tasks = JoinSet::new();
        let listener = TcpListener::bind((ip, port)).await.expect("the address is ours");
        tasks.spawn(accept(listener, port, On::Control, Arc::clone(&weather)));
        Self { address: (ip, port).into(), weather, tasks, _blocked: Vec::new() }
    }

    fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Where the server seems to be.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is to happen from here on.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        let mut planned = self.weather.faults.lock().unwrap_or_else(PoisonError::into_inner);
        *planned = faults.into_iter().collect();
    }

    /// From here on so many bytes a second go through to the server on each connection.
    pub fn slow_down(&self, bytes_per_second: u64) {
        self.weather.rate.store(bytes_per_second, Ordering::Relaxed);
    }

    /// From here on the server's words do not come through on the control connections that stand.
    pub fn mute(&self) {
        let made = self.weather.made.load(Ordering::Relaxed);
        self.weather.mute_below.store(made, Ordering::Relaxed);
    }
}

/// A port whose queue is full: the system drops who else wants to connect, as a firewall does.
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

/// Loopback has 16 million addresses; each network takes one of 127.0.77.0/24.
fn next_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    // Several test programs run one after the other, not side by side.
    Ipv4Addr::new(127, 0, 77, NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn accept(listener: TcpListener, port: u16, on: On, weather: Arc<Weather>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let fault = take(&weather.faults, on);
        let number = match on {
            On::Control => weather.made.fetch_add(1, Ordering::Relaxed),
            On::Data => u64::MAX,
        };
        let weather = Arc::clone(&weather);
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
            pass_on(client, server, fault, &weather, number).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

fn take(faults: &Mutex<VecDeque<Fault>>, on: On) -> Option<Fault> {
    let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
    let at = faults.iter().position(|fault| fault.on == on)?;
    faults.remove(at)
}

/// Why a connection is not passed on any more.
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
    weather: &Weather,
    number: u64,
) {
    let is_mute = || number < weather.mute_below.load(Ordering::Relaxed);
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let rate = || weather.rate.load(Ordering::Relaxed);
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
