//! OTLP/JSON in and out, driven by the table of messages.
//!
//! In this room: the JSON form of protobuf as OTLP bends it: hexadecimal ids, 64-bit integers as strings, enums as
//! numbers.
//! Not here: protobuf bytes (`framing`, `view`).
//!
//! Enter at [`encode`] and [`decode`].

mod decode;
mod encode;

pub use decode::decode;
pub use encode::encode;
pub(crate) use encode::put_base64;
