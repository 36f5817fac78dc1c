//! Uploads: every way from the offer to the end.

mod adopted_file;
mod cancelling;
mod conflicts;
mod digest_check;
mod final_name;
mod missing_file;
mod naming;
mod resuming;
mod temporary_names;
mod verification;
