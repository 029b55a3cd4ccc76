//! What every end-to-end story needs: the binary as a user starts it, programs that know nothing of it, and what it told.
//!
//! In this room: processes and their end, free ports, bounded waiting, HTTP by the byte, reading OTLP JSON.
//! Not here: any story.
//!
//! Enter at [`Tidewatch::start`]; stories that look into the kernel enter at [`Kernel::to_observe`].

#![allow(dead_code, unused_imports, reason = "each story uses another part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod kernel;
mod net;
mod otlp;
mod programs;
mod prometheus;
mod room;
mod telemetry;
mod tidewatch;
mod waiting;

pub use kernel::Kernel;
pub use net::{
    Answer, ask, connect, exchange, free_port, read_answer, read_head, read_request, serve, serve_each, text_of,
};
pub use otlp::{call_json, post, post_json, traces_json};
pub use programs::{Program, python, run, system_python};
pub use prometheus::{Prometheus, Series};
pub use room::Room;
pub use telemetry::{Kind, Pair, Point, Span, Told};
pub use tidewatch::{Outcome, Tidewatch, tidewatch};
pub use waiting::{until, until_some, until_within};
