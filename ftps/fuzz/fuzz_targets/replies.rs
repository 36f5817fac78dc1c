//! Replies of the control connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ftps::fuzzing::replies(data));
