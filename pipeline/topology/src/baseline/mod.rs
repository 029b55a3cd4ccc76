//! The expected architecture, as a reviewed file says it, and what stands against it.
//!
//! In this room: reading the file, holding it against a window or against time, drafts and merging, network policies.
//! Not here: health ([`crate::rules`]), delivery of findings (`receivers::topology`), files and servers (the command
//! line and `extensions::topology` read them; everything here is a function of texts, windows and moments).
//!
//! Enter at [`Baseline::read`], then [`compare()`] for one window or [`Watch`] for a server.

mod compare;
mod end;
mod expect;
mod file;
mod finding;
mod judge;
mod pattern;
mod port;
#[cfg(test)]
mod tests;
mod watch;

pub use self::compare::{Comparison, Counts, compare};
pub use self::expect::Baseline;
pub use self::file::{Ignore, State};
pub use self::finding::{EdgeSample, Finding, FindingKind, Ports, SAMPLES};
pub use self::watch::{Watch, Watched, Watches};
