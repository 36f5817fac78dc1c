//! Lines of LIST.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ftps::fuzzing::list(data));
