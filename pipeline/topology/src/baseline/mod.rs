//! The expected architecture, as a reviewed file says it, and what stands against it.
//!
//! In this room: reading the file, holding it against a window or against time, drafts and merging, network policies.
//! Not here: health ([`crate::rules`]), delivery of findings (`receivers::topology`), files and servers (the command
//! line and `extensions::topology` read them; everything here is a function of texts, windows and moments).
//!
//! Enter at [`Baseline::read`], then [`compare()`] for one window or [`Watch`] for a server.

mod absent;
mod compare;
mod difference;
mod documents;
mod end;
mod expect;
mod file;
mod finding;
mod import;
mod judge;
mod learn;
mod lint;
mod merge;
mod pattern;
mod policy;
mod port;
mod report;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_files;
mod watch;
mod write;

pub use self::absent::Absent;
pub use self::compare::{Comparison, Counts, compare};
pub use self::difference::Difference;
pub use self::expect::Baseline;
pub use self::file::{Ignore, State};
pub use self::finding::{EdgeSample, Finding, FindingKind, Ports, SAMPLES};
pub use self::import::{Imported, import};
pub use self::learn::{Lesson, learn};
pub use self::lint::{known, lint, manifests};
pub use self::merge::{Merged, merge};
pub use self::policy::{LABEL, Policies, policies};
pub use self::report::{Report, report};
pub use self::watch::{Watch, Watched, Watches};
