//! How much of a single connection is captured.
//!
//! In this room: the modes and the handle that sets them. Not here: the default (the turn budget, see [`crate::ProbeConfig`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aya::maps::{Array, HashMap, MapData};

use crate::error::ProbeError;
use crate::layout::{direction, mode, runtime_cell};
use crate::record::{Direction, SocketCookie, StreamPosition};

/// How much of a connection is captured from now on. It arrives late by nature: nothing may depend on it for correctness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The budget of each turn; what a connection begins with.
    TurnBudget,
    /// All payload, up to 256 KiB of a single call.
    Everything,
    /// No payload of one direction before a position; from there on the turn budget, anew.
    SkipUntil {
        /// Of which direction.
        direction: Direction,
        /// The first byte that is wanted again.
        position: StreamPosition,
    },
    /// No records of chunks, only the turn counter and the sums at close.
    CountersOnly,
}

/// Sets modes. Each parser thread has its own; they never wait for each other.
pub struct Modes {
    map: HashMap<MapData, u64, [u32; 4]>,
    runtime: Array<MapData, u32>,
    generation: Arc<AtomicU32>,
}

impl Modes {
    pub(crate) fn new(
        map: HashMap<MapData, u64, [u32; 4]>,
        runtime: Array<MapData, u32>,
        generation: Arc<AtomicU32>,
    ) -> Self {
        Self { map, runtime, generation }
    }

    /// Sets the mode of one connection.
    pub fn set(&mut self, cookie: SocketCookie, mode: Mode) -> Result<(), ProbeError> {
        // The kernel side looks a mode up only after the generation moved, and takes each serial over once.
        let serial = self.generation.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let (kind, position, direction) = match mode {
            Mode::TurnBudget => (mode::TURN_BUDGET, 0, 0),
            Mode::Everything => (mode::EVERYTHING, 0, 0),
            Mode::SkipUntil { direction: Direction::Send, position } => (mode::SKIP_UNTIL, position.0, direction::SEND),
            Mode::SkipUntil { direction: Direction::Receive, position } => {
                (mode::SKIP_UNTIL, position.0, direction::RECEIVE)
            }
            Mode::CountersOnly => (mode::COUNTERS_ONLY, 0, 0),
        };
        self.map
            .insert(cookie.0, [kind, position, direction, serial], 0)
            .map_err(|error| ProbeError::map("modes", error))?;
        self.runtime.set(runtime_cell::MODE_GENERATION, serial, 0).map_err(|error| ProbeError::map("runtime", error))
    }
}
