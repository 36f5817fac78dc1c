//! The answer to FEAT.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ftps::fuzzing::features(data));
