//! The events of the page: from the browser, from the user and from the portal.

use protocol::{ServerMessage, UploadId};

use super::{Digested, DropTarget, StartFolderChoice};
use crate::{
    connection::Network,
    destination::Destination,
    queue::{ConflictPolicy, OfferOrder, PickedFile, Row, Scope},
    remote::RemoteAction,
    saved::RestoredPage,
};

/// An event.
#[derive(Debug)]
pub enum Event {
    /// The folder to open after connecting; may be empty.
    StartIn(String),
    /// The user connects.
    Connect(Destination),
    /// This device remembers that the user trusts a certificate at the server of a destination.
    CertificateRemembered(Destination, String),
    /// The user trusts the certificate in question, by its fingerprint.
    TrustCertificate(String),
    /// The user rejects the certificate in question.
    RejectCertificate,
    /// The user disconnects, or stops connecting.
    Disconnect,
    /// The user decides where files go, after the start folder could not be opened.
    ChooseStartFolder(StartFolderChoice),
    /// The user reconnects without waiting for the next attempt.
    ReconnectNow,
    /// The user picks files or a folder.
    PickStarted,
    /// Picked files were found.
    Picked(Vec<PickedFile>, DropTarget),
    /// Files were picked before there was a server.
    PickedEarly(Vec<PickedFile>),
    /// Picked folders are empty: their paths.
    PickedEmptyFolders(Vec<String>, DropTarget),
    /// The browser could not read some of the picked files.
    PickedUnreadable(Vec<String>),
    /// There was no connection for some of the picked files.
    PickRejected(Vec<String>),
    /// The user acts on an upload.
    Upload(Row, UploadAction),
    /// The user gives a file another name on the server.
    Rename(Row, String),
    /// The user acts on many uploads.
    Bulk(Scope, BulkAction),
    /// The user decides about all files that the server has already, and about later ones.
    DecideAll(ConflictPolicy),
    /// The user sets the policy for conflicts.
    SetPolicy(ConflictPolicy),
    /// The user sets the order of queued uploads.
    SetOrder(OfferOrder),
    /// The browser can read the file of an upload.
    FileReadable(UploadId),
    /// The browser cannot read the file of an upload, which had this row.
    FileUnreadable(UploadId, Row),
    /// The worker computed digests, or failed to.
    Digested(Vec<Digested>),
    /// The user opens a directory in view.
    OpenDirectory(String),
    /// The user goes to the directory above.
    OpenParent,
    /// The user refreshes the directory in view.
    Refresh,
    /// The user does something else with the directory in view.
    Remote(RemoteAction),
    /// The socket is open.
    SocketOpened,
    /// The portal sent a message, in a frame with this number of bytes.
    Received(Box<ServerMessage>, u64),
    /// The portal sent something other than a message of this protocol version.
    NotUnderstood,
    /// The socket closed.
    SocketClosed,
    /// The browser went online or offline.
    NetworkChanged(Network),
    /// The state that an earlier page of this tab stored.
    Restored(Box<RestoredPage>),
    /// The files of restored rows were found, each with the digest of its edges where one was
    /// needed.
    FilesFound(Vec<(Row, Option<u64>)>),
    /// The file that was picked, or that the browser opened, is not the one that a row misses.
    WrongFile(Row),
    /// The browser cannot open the files of these rows.
    HandlesFailed(Vec<Row>),
    /// The digest of the edges of a row's file was computed.
    EdgesKnown(Row, u64),
    /// The user discards what an earlier page left.
    DiscardRestored,
    /// The deadline of [`super::Page::deadline`] has come.
    Tick,
}

/// An action on one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadAction {
    /// Stops sending.
    Pause,
    /// Continues sending.
    Resume,
    /// Gives the upload up.
    Cancel,
    /// Tries again.
    Retry,
    /// Removes it from the list.
    Remove,
    /// Uploads a file whose name is too long under a shorter one.
    Shorten,
    /// Decides about the server's file of the same name.
    Decide(ConflictPolicy),
    /// Decides about every such file, and about later ones.
    DecideAll(ConflictPolicy),
}

/// An action on many uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkAction {
    /// Stops sending.
    Pause,
    /// Continues sending.
    Resume,
    /// Cancels unfinished uploads.
    Cancel,
    /// Retries uploads that failed or were interrupted.
    RetryFailed,
    /// Clears stored and skipped uploads from the list.
    ClearFinished,
}
