#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cascade_sampler_fuzz::files(data));
