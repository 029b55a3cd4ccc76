//! OTLP/JSON from anywhere: refused, or the same again after a round trip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pdata::{Signal, json};

fuzz_target!(|input: (u8, &[u8])| {
    let (signal, bytes) = input;
    let signal = Signal::ALL[usize::from(signal) % Signal::ALL.len()];
    let Ok(batch) = json::decode(signal, bytes) else { return };
    let text = json::encode(&batch);
    let again = json::decode(signal, &text).expect("our own JSON is good");
    assert_eq!(json::encode(&again), text);
});
