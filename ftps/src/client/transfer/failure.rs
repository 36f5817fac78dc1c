//! Turns the failure of a transfer into an error: the server's reply where there is one, else what
//! happened to the connections. Also decides whether the session is still usable.

use super::{Replies, TransferFailure, TransferInfo};
use crate::{
    control::Control,
    error::{Error, Kind, Operation},
    reply::{Code, Reply},
    stage::Stage,
    tls::TlsFacts,
    transcript::Connection,
};

/// Turns a failure into an error, with the server's reply if there is one.
pub(super) struct FailedTransfer<'a> {
    pub(super) control: &'a mut Control,
    pub(super) replies: &'a mut Replies,
    pub(super) info: TransferInfo,
    /// The TLS of the data connection, once it is established.
    pub(super) tls: Option<TlsFacts>,
}

impl FailedTransfer<'_> {
    /// Before the data connection is open. A server that refuses closes its port first, so the
    /// failed connection may be noticed before the reply.
    pub(super) async fn before_tcp(mut self, failure: TransferFailure) -> Error {
        let kind = match failure {
            TransferFailure::Refused(reply) => return self.refused_before_tcp(reply),
            TransferFailure::Control(kind) => kind,
            TransferFailure::Data(kind) => match self.verdict().await {
                Ok(Some(reply)) => return self.refused_before_tcp(reply),
                Ok(None) | Err(_) => kind,
            },
        };
        // The server waits for a connection in vain, and accepts no other command meanwhile.
        self.lost(kind, Stage::DataConnection)
    }

    fn refused_before_tcp(self, reply: Reply) -> Error {
        self.control.mark_maybe_out_of_sync();
        let stage = match reply.code() {
            Code::NO_DATA_CONNECTION => Stage::DataConnection,
            _ => self.info.stage,
        };
        self.refusal(reply, stage)
    }

    /// Before TLS is established on the data connection.
    pub(super) async fn before_tls(mut self, failure: TransferFailure) -> Error {
        let kind = match failure {
            TransferFailure::Refused(reply) => return self.refused(reply, Stage::DataTls),
            TransferFailure::Control(kind) => kind,
            TransferFailure::Data(kind) => match self.verdict().await {
                Ok(Some(reply)) => return self.refused(reply, Stage::DataTls),
                // A closed control connection says less than the failed handshake.
                Ok(None) | Err(_) => kind,
            },
        };
        // Servers that fail here may send too many replies, or end the session.
        self.control.mark_out_of_sync();
        self.error(kind, Stage::DataTls)
    }

    /// After TLS is established on the data connection.
    pub(super) async fn after_tls(mut self, failure: TransferFailure) -> Error {
        let stage = self.info.stage;
        match failure {
            TransferFailure::Refused(reply) => self.refused(reply, stage),
            TransferFailure::Control(kind) => self.lost(kind, stage),
            TransferFailure::Data(kind) => match self.verdict().await {
                Ok(Some(reply)) => self.refused(reply, stage),
                Ok(None) => self.lost(kind, stage),
                Err(verdict @ (Kind::Ended { .. } | Kind::EndedEarly { .. })) => {
                    self.lost(verdict, stage)
                }
                Err(_) => self.lost(kind, stage),
            },
        }
    }

    /// Waits for the reply that says why the data connection failed, for a limited time.
    async fn verdict(&mut self) -> Result<Option<Reply>, Kind> {
        if let Some(reply) = self.replies.done.take() {
            return Err(Kind::EndedEarly { reply });
        }
        let within = self.control.timeouts().verdict;
        match self.control.last_reply(within, Operation::FinalReply).await {
            Ok(reply) if reply.code().is_refusal() => Ok(Some(reply)),
            Ok(reply) => Err(Kind::EndedEarly { reply }),
            Err(Kind::TimedOut { .. }) => Ok(None),
            Err(kind) => Err(kind),
        }
    }

    fn refused_data_tls(self, reply: Reply) -> Error {
        self.control.mark_out_of_sync();
        self.refusal(reply, Stage::DataTls)
    }

    /// A refusal during the transfer or instead of it.
    fn refused(self, reply: Reply, stage: Stage) -> Error {
        if self.is_about_data_tls(&reply) {
            return self.refused_data_tls(reply);
        }
        // Some servers send a second refusal.
        self.control.mark_maybe_out_of_sync();
        let stage = if stage == Stage::DataTls { self.info.stage } else { stage };
        self.refusal(reply, stage)
    }

    /// Whether the refusal is about the data connection's TLS. Some servers have a code for it;
    /// some say that the data connection could not be opened, though it is open, and some of these
    /// say so after 150.
    fn is_about_data_tls(&self, reply: &Reply) -> bool {
        match reply.code() {
            Code::DATA_TLS_REFUSED | Code::PROT_REFUSED | Code::NO_DATA_CONNECTION => true,
            Code::TRANSFER_ABORTED => self.tls.is_none(),
            _ => false,
        }
    }

    fn refusal(self, reply: Reply, stage: Stage) -> Error {
        let verb = self.info.verb;
        self.error(Kind::Refused { verb, reply }, stage)
    }

    fn lost(self, kind: Kind, stage: Stage) -> Error {
        self.control.mark_out_of_sync();
        self.error(kind, stage)
    }

    fn error(self, kind: Kind, stage: Stage) -> Error {
        let mut evidence = self.control.evidence();
        evidence.data_port = Some(self.info.port);
        evidence.data_tls = self.tls;
        let error = kind.at(stage).with_evidence(evidence);
        if error.reply().is_none() {
            let connection = Connection::Data(self.info.number);
            self.control.transcript().add(connection, error.event());
        }
        error
    }
}
