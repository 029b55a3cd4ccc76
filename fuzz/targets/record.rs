//! Ring records from anywhere: decoded, or refused.
#![no_main]

use ebpf_probes::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Record::decode(bytes) {
        let _ = format!("{record:?}");
    }
});
