//! Lines of MLSD.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ftps::fuzzing::mlsd(data));
