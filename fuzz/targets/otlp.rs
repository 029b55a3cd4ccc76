//! OTLP bytes from anywhere: refused, or good for everything that pipelines do with them.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pdata::{Batch, BufferPool, Limit, Signal};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (signal, parts, bytes) = input;
    let signal = Signal::ALL[usize::from(signal) % Signal::ALL.len()];
    let Ok(batch) = Batch::from_otlp(signal, Bytes::copy_from_slice(bytes)) else { return };
    let items = batch.items();
    walk(&batch);

    let pieces = batch.clone().split(Limit::Items(usize::from(parts) + 1));
    assert_eq!(pieces.iter().map(Batch::items).sum::<usize>(), items, "a split loses nothing");
    pieces.iter().for_each(|piece| still_good(piece, piece.items()));
    if let Some(merged) = Batch::merge(pieces) {
        still_good(&merged, items);
    }
    for piece in batch.clone().split(Limit::Bytes(usize::from(parts) * 16 + 1)) {
        still_good(&piece, piece.items());
    }

    let mut edited = batch;
    for mut resource in edited.resources_mut() {
        resource.upsert("service.name", "fuzz");
        resource.delete("host.name");
        assert_eq!(resource.attribute("service.name").and_then(|value| value.as_str()), Some("fuzz"));
    }
    edited.edit_item_attributes(|attributes| {
        attributes.upsert("added", 7);
    });
    still_good(&edited, items);
    walk(&edited);
    let size = edited.size();
    let written: usize = edited.into_segments(&mut BufferPool::default()).iter().map(Bytes::len).sum();
    assert_eq!(written, size, "the announced size is the written size");
});

/// What we write is what we would take.
fn still_good(batch: &Batch, items: usize) {
    let again = Batch::from_otlp(batch.signal(), batch.to_bytes()).expect("our own bytes are good");
    assert_eq!(again.items(), items);
}

fn walk(batch: &Batch) {
    // The JSON encoder reads every field that there is.
    let _ = pdata::json::encode(batch);
}
