//! Output buffers that are used again.
//!
//! In this room: [`BufferPool`], a bounded ring of warm 64 KiB buffers.
//! Not here: what is written into them (`plan`).
//!
//! Enter at [`BufferPool::default`]. A fresh large buffer costs page faults, several times the copying itself.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Size of a buffer.
pub(crate) const BUFFER: usize = 64 * 1024;

/// Buffers kept at most; with all of them idle a pool holds 2 MiB.
const MAX_BUFFERS: usize = 32;

/// How many buffers are asked whether their readers are done before a new one is made.
const TRIES: usize = 4;

/// Warm output buffers of one thread. A buffer comes back by itself when the last [`Bytes`] cut from it is dropped.
#[derive(Debug, Default)]
pub struct BufferPool {
    idle: VecDeque<BytesMut>,
}

impl BufferPool {
    /// A buffer with room for some bytes.
    pub(crate) fn take(&mut self) -> BytesMut {
        for _ in 0..TRIES {
            let Some(mut buffer) = self.idle.pop_front() else { break };
            if buffer.capacity() > BUFFER / 4 || buffer.try_reclaim(BUFFER) {
                return buffer;
            }
            self.idle.push_back(buffer);
        }
        BytesMut::with_capacity(BUFFER)
    }

    /// Gives back what is left of a buffer.
    pub(crate) fn give(&mut self, buffer: BytesMut) {
        if self.idle.len() < MAX_BUFFERS {
            self.idle.push_back(buffer);
        }
    }
}

/// Writes into pooled buffers and hands out what was written.
pub(crate) struct Pooled<'a> {
    pool: &'a mut BufferPool,
    buffer: BytesMut,
}

impl<'a> Pooled<'a> {
    pub(crate) fn new(pool: &'a mut BufferPool) -> Self {
        let buffer = pool.take();
        Self { pool, buffer }
    }

    /// Copies as much as fits and returns the rest.
    pub(crate) fn put<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let room = self.buffer.capacity().saturating_sub(self.buffer.len());
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.buffer.extend_from_slice(head);
        rest
    }

    /// What was written since the last cut, if anything.
    pub(crate) fn cut(&mut self) -> Option<Bytes> {
        if self.buffer.is_empty() { None } else { Some(self.buffer.split().freeze()) }
    }

    /// Goes on in another buffer.
    pub(crate) fn renew(&mut self) {
        let fresh = self.pool.take();
        let full = std::mem::replace(&mut self.buffer, fresh);
        self.pool.give(full);
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.buffer));
    }
}
