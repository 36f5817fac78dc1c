//! Asks for data ports without a transfer: for a diagnosis of the server and of the network.

use tokio::time::{Duration, Instant};

use super::Client;
use crate::{command::Command, error::Error, passive::PassiveEndpoint, stage::Stage};

/// The command that asks for a data port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PassiveCommand {
    /// `EPSV` (RFC 2428 §3).
    Epsv,
    /// `PASV` (RFC 959 §4.1.2); IPv4 only.
    Pasv,
}

impl Client {
    /// Asks for a data port, and connects to none.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses, or names no usable port.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn ask_data_port(
        &mut self,
        command: PassiveCommand,
    ) -> Result<PassiveEndpoint, Error> {
        let command = match command {
            PassiveCommand::Epsv => Command::Epsv,
            PassiveCommand::Pasv => Command::Pasv,
        };
        let reply = self.control.exchange(command, Stage::DataConnection).await?;
        self.endpoint(command, reply)
    }

    /// Connects to the port that the last [`Self::ask_data_port`] returned, at the control connection's
    /// address, and closes the connection. Returns how long it took.
    ///
    /// # Errors
    /// [`Error`] at [`Stage::DataConnection`] where the port cannot be reached.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn try_data_port(&mut self, endpoint: PassiveEndpoint) -> Result<Duration, Error> {
        let started = Instant::now();
        self.dial_port(endpoint).await?;
        Ok(started.elapsed())
    }
}
