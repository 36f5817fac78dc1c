//! The uploads of a session: from the page's offer to the last message about each.
//!
//! # Layers
//! - `digests`: the digests that the page has computed of one upload.
//! - `open`: the uploads that were offered and have not ended. The session owns them.
//! - `queue`: those of them that have not started. The FTPS connection owns it.
//! - `problems`: the problems of uploads that the engine does not know.
//! - `run`: one upload, from its first window to its last message.
//! - `uploader`: a task that takes one upload after the other from the queue.

mod digests;
mod open;
mod problems;
mod queue;
mod run;
mod uploader;

pub use open::{OpenUpload, OpenUploads, StoppedPartFile};
pub use queue::UploadQueue;
pub use run::data_buffer_bytes;
pub use uploader::Uploader;
