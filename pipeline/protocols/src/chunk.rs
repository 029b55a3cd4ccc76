//! What a source of bytes tells about a connection: chunks with their positions, and its end.
//!
//! In this room: plain values without behaviour. Every source (kernel records, capture files) speaks in them.
//! Not here: putting chunks in order (`stream`), deciding who is the client (`connection`).
//!
//! Enter at [`Chunk`].

/// A moment in nanoseconds, on whichever clock the source uses for all its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(pub u64);

/// The process and thread that moved a chunk, and when. Zero ids mean that the source cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// When the chunk was moved.
    pub time: Nanos,
    /// Process (thread group) id.
    pub tgid: u32,
    /// Thread id.
    pub tid: u32,
}

/// Some consecutive bytes of one direction, of which perhaps only a prefix was captured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chunk<'a> {
    /// TCP sequence number of the first byte; wraps.
    pub position: u32,
    /// Length on the wire.
    pub length: u32,
    /// The captured prefix; may be shorter than `length`, or empty.
    pub captured: &'a [u8],
    /// The last bytes of the chunk, if the source kept them: at most [`TAIL_BYTES`] are used.
    pub tail: &'a [u8],
    /// Who moved it, and when.
    pub origin: Origin,
    /// Number of the turn it belongs to: grows by one whenever a direction follows the other. `None` lets the
    /// connection count turns by order of arrival.
    pub turn: Option<u32>,
    /// The source knows that it lost something just before this chunk: nothing will come that fills a hole in front.
    pub lost_before: bool,
}

/// How much of a chunk's end is useful: a chunked terminator with what stands before it fits.
pub const TAIL_BYTES: usize = 16;

/// A direction, named from the observed end (in a capture file: from the end that the reader chose).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Bytes that the observed end sent.
    Sent,
    /// Bytes that the observed end received.
    Received,
}

impl Flow {
    /// The other direction.
    pub fn opposite(self) -> Self {
        match self {
            Self::Sent => Self::Received,
            Self::Received => Self::Sent,
        }
    }
}

/// What the observed end is on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// It connected, and asks.
    Client,
    /// It accepted, and answers.
    Server,
    /// Not known yet; the first bytes may tell.
    #[default]
    Unknown,
}

/// One of the two ends by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// The end that asks.
    Client,
    /// The end that answers.
    Server,
}

/// The end of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Close {
    /// When the socket was gone.
    pub time: Nanos,
    /// The direction that ended first, if known: the end that sends in it closed the connection.
    pub first: Option<Flow>,
    /// It ended by a reset.
    pub reset: bool,
    /// Position after the last byte that the observed application sent, if known. Tells whether a last chunk was lost.
    pub sent_until: Option<u32>,
    /// Position after the last byte that the observed application received, if known.
    pub received_until: Option<u32>,
}
