//! Finds exchanges (one request with its response) in the bytes of a connection.
//!
//! In this room: putting chunks in order, recognising protocols, parsing them, naming what was found by the
//! OpenTelemetry semantic conventions. All of it total functions over both directions: no I/O, no clock, no panic; the
//! same bytes cut at other places give the same exchanges, missing bytes give a gap and never a guess.
//! Not here: where bytes come from and where exchanges go (`receivers`), who owns an address (`kube`).
//!
//! Enter at [`Connection`]; add a protocol at [`protocol::PROTOCOLS`].

#![forbid(unsafe_code)]

pub mod chunk;
pub mod connection;
pub mod context;
pub mod exchange;
pub mod http;
pub mod labels;
pub mod protocol;
pub mod redact;
pub mod route;
pub mod semconv;
pub mod stream;

pub use chunk::{Chunk, Close, Flow, Nanos, Origin, Party, Role};
pub use connection::{Connection, ConnectionConfig, Want};
pub use exchange::{Begun, Exchange, Outcome};
pub use protocol::Label;
pub use stream::{Losses, StreamLimits};
