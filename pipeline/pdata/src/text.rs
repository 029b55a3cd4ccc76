//! The one place where bytes are taken for text unseen.
//!
//! In this room: [`text`], the only `unsafe` of this crate, and why it is sound.
//! Not here: the check itself (`framing`), values as a person reads them (`view`).
//!
//! Enter at [`text`]. Looking at every string again on every reading took half of the time of a walk.

/// The text of a `string` field of a [`Batch`](crate::Batch), or of an edit of one.
#[inline]
#[allow(unsafe_code, reason = "see SAFETY; the check was made once, on receipt")]
pub(crate) fn text(bytes: &[u8]) -> &str {
    debug_assert!(core::str::from_utf8(bytes).is_ok(), "a string that nobody checked: {bytes:?}");
    // SAFETY: `bytes` are valid UTF-8, because only bodies of `string` fields come here, and these have two origins:
    // - received: `framing::check` walks every known message of a request down to its last field and refuses a string
    //   that is not UTF-8, and a string field of another wire type; `Batch::from_otlp` is the only way in (also for
    //   JSON) and checks again what `normal` has rewritten;
    // - written here: writers and edits take every string as `&str`, and copy values (`Value::Copied`) only from views,
    //   whose bytes have one of these origins themselves. Nobody else can make a view or a batch.
    // Merging, splitting and planning move whole fields. Which field is a string is said by the table of `schema`, which
    // `framing` reads; that the views read the same fields as strings is what the tests against prost are for, and what
    // the assertion above looks at in each of them.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}
