#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| netcode_fuzz::token_public(data));
