#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| netcode_fuzz::packet_server(data));
