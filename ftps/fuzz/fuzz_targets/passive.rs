//! The answers to EPSV and PASV.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ftps::fuzzing::passive(data));
