//! The signals of the operator.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// All signals of the operator.
#[derive(Debug)]
pub struct Signals {
    /// To stop.
    pub stop: StopRequests,
    /// To open the audit's file again.
    pub reopen: Requests,
    /// To read the configuration again.
    pub reload: Requests,
}

impl Signals {
    /// Starts to listen for the signals.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            stop: StopRequests::listen()?,
            reopen: Requests::to_reopen()?,
            reload: Requests::to_reload()?,
        })
    }
}

/// Counts the requests to stop: `SIGTERM` and Ctrl-C.
#[derive(Clone, Debug)]
pub struct StopRequests(watch::Receiver<u32>);

impl StopRequests {
    /// Starts to listen for the signals.
    ///
    /// # Errors
    /// When the system does not allow it.
    fn listen() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (requests, receiver) = watch::channel(0);
        tokio::spawn(async move {
            while either(&mut terminate, &mut interrupt).await.is_some() {
                requests.send_modify(|number| *number += 1);
            }
        });
        Ok(Self(receiver))
    }

    /// Waits until there were `number` requests.
    pub async fn reached(&mut self, number: u32) {
        if self.0.wait_for(|requests| *requests >= number).await.is_err() {
            // Nothing listens any more, so no further request can come.
            std::future::pending::<()>().await;
        }
    }
}

/// Requests by another signal.
#[derive(Debug)]
pub struct Requests(Signal);

impl Requests {
    /// Starts to listen for requests to open the audit's file again: `SIGUSR1`.
    ///
    /// # Errors
    /// When the system does not allow it.
    fn to_reopen() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::user_defined1())?))
    }

    /// Starts to listen for requests to read the configuration again: `SIGHUP`.
    ///
    /// # Errors
    /// When the system does not allow it.
    fn to_reload() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for the next request.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // No further one can come.
            std::future::pending::<()>().await;
        }
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> Option<()> {
    tokio::select! {
        received = terminate.recv() => received,
        received = interrupt.recv() => received,
    }
}
