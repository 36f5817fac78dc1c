//! Uploads: every way from the offer to the end.

mod adopted_file;
mod cancelling;
mod conflicts;
mod digest_check;
mod naming;
mod resuming;
mod verification;
