//! Violations of the protocol by a page.

use protocol::{UploadId, chunk::ShortChunk};

use crate::{
    outbox::{AckBeyondSent, OutboxFull},
    relay::ChunkViolation,
    websocket::FrameViolation,
};

/// The page broke the protocol: the session ends.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolViolation {
    /// The first message is not `hello`.
    #[error("the first message is not `hello`")]
    HelloFirst,
    /// A later message is `hello`.
    #[error("a second `hello`")]
    HelloAgain,
    /// A text frame contains an invalid message.
    #[error("a text frame contains an invalid message")]
    NotAMessage,
    /// The frames break RFC 6455 or exceed a limit.
    #[error(transparent)]
    Frame(#[from] FrameViolation),
    /// A binary message has no header.
    #[error(transparent)]
    ShortChunk(#[from] ShortChunk),
    /// A chunk is out of order, beyond the credit or too small.
    #[error("upload {upload}: {violation}")]
    Chunk {
        /// The upload that the chunk names.
        upload: UploadId,
        /// What is wrong with the chunk.
        violation: ChunkViolation,
    },
    /// A chunk or a digest names an upload that was never offered.
    #[error("upload {0} was never offered")]
    UnknownUpload(UploadId),
    /// The ids of uploads do not increase.
    #[error("upload {0} is offered, but its id is not greater than all earlier ones")]
    IdNotNew(UploadId),
    /// More uploads are open than allowed.
    #[error("more than {0} uploads are open")]
    TooManyUploads(usize),
    /// A digest is malformed.
    #[error("the digest of upload {0} is not a number in lower-case hexadecimal digits")]
    NotADigest(UploadId),
    /// More requests wait than allowed.
    #[error("too many requests wait for their answers")]
    TooManyRequests,
    /// The page sends requests, but does not acknowledge their answers.
    #[error(transparent)]
    OutboxFull(#[from] OutboxFull),
    /// The page acknowledges messages that were never sent.
    #[error(transparent)]
    AckBeyondSent(#[from] AckBeyondSent),
}
