//! Real sockets on this machine, and what the kernel side said about them.
//!
//! In this room: the story teller of the integration tests. Not here: what any test is about.

#![allow(unsafe_code, dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

use std::env;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use ebpf_probes::{
    ChunkHeader, Close, ConnectFailed, Counters, Decision, Direction, Open, ProbeConfig, Probes, Record, RecordReader,
    Retransmit, SocketCookie, SocketError, Subject, Tgid,
};

/// A chunk that outlives the ring.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub header: ChunkHeader,
    pub payload: Vec<u8>,
    pub tail: Vec<u8>,
}

/// A program's start that outlives the ring.
#[derive(Clone, Debug)]
pub struct Started {
    pub tgid: Tgid,
    pub parent: Tgid,
    pub filename: String,
    pub service_name: Option<String>,
    pub resource_attributes: Option<String>,
    pub environment_truncated: bool,
}

/// All that was said so far.
#[derive(Default, Debug)]
pub struct Seen {
    pub chunks: Vec<Chunk>,
    pub opens: Vec<Open>,
    pub closes: Vec<Close>,
    pub failures: Vec<ConnectFailed>,
    pub errors: Vec<SocketError>,
    pub retransmits: Vec<Retransmit>,
    pub started: Vec<Started>,
    pub forks: Vec<(Tgid, Tgid)>,
    pub exits: Vec<Tgid>,
}

impl Seen {
    fn add(&mut self, record: Record<'_>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match record {
            Record::Chunk(header, payload, tail) => {
                self.chunks.push(Chunk { header, payload: payload.to_vec(), tail: tail.to_vec() });
            }
            Record::Open(open) => self.opens.push(open),
            Record::Close(close) => self.closes.push(close),
            Record::ConnectFailed(failure) => self.failures.push(failure),
            Record::SocketError(error) => self.errors.push(error),
            Record::Retransmit(retransmit) => self.retransmits.push(retransmit),
            Record::Exec(exec) => self.started.push(Started {
                tgid: exec.tgid,
                parent: exec.parent,
                filename: text(exec.filename),
                service_name: exec.service_name.map(text),
                resource_attributes: exec.resource_attributes.map(text),
                environment_truncated: exec.environment_truncated,
            }),
            Record::Fork(fork) => self.forks.push((fork.parent, fork.tgid)),
            Record::Exit(exit) => self.exits.push(exit.tgid),
        }
    }

    /// Chunks of one socket in one direction.
    pub fn of(&self, cookie: SocketCookie, direction: Direction) -> Vec<Chunk> {
        let wanted = |chunk: &&Chunk| chunk.header.cookie == cookie && chunk.header.direction == direction;
        self.chunks.iter().filter(wanted).cloned().collect()
    }

    pub fn sent_by(&self, stream: &impl AsRawFd) -> Vec<Chunk> {
        self.of(cookie(stream), Direction::Send)
    }

    pub fn received_by(&self, stream: &impl AsRawFd) -> Vec<Chunk> {
        self.of(cookie(stream), Direction::Receive)
    }

    pub fn open_of(&self, stream: &impl AsRawFd) -> Option<Open> {
        let cookie = cookie(stream);
        self.opens.iter().find(|open| open.cookie == cookie).copied()
    }
}

/// Loaded programs and what they said.
pub struct Story {
    pub probes: Probes,
    ring: RecordReader,
    pub seen: Seen,
}

/// Only this process is observed, so that others that run meanwhile do not disturb.
pub fn only_this_process() -> ProbeConfig {
    ProbeConfig { default_decision: Decision::Ignore, exclude_self: false, ..ProbeConfig::default() }
}

impl Story {
    /// `None` where eBPF cannot be loaded: without root, a loud line says so; in CI it is a failure.
    pub fn begin() -> Option<Self> {
        let mut story = Self::begin_with(&only_this_process())?;
        story.decide(std::process::id(), Decision::Observe);
        Some(story)
    }

    pub fn begin_with(config: &ProbeConfig) -> Option<Self> {
        let mut probes = match Probes::load(config) {
            Ok(probes) => probes,
            // SAFETY: no arguments, no failure.
            Err(error) if unsafe { libc::geteuid() } == 0 || env::var("CI").is_ok_and(|ci| ci == "true") => {
                panic!("cannot load the eBPF programs: {error}")
            }
            Err(error) => {
                eprintln!("SKIPPED: this test needs root and a kernel with eBPF: {error}");
                return None;
            }
        };
        let ring = probes.ring().expect("the ring has no reader yet");
        Some(Self { probes, ring, seen: Seen::default() })
    }

    pub fn decide(&mut self, pid: u32, decision: Decision) {
        self.probes.set_policy(Subject::Process(Tgid(pid)), decision).expect("the decision is taken over");
    }

    /// Reads records until `there` holds of what was seen. A record is written before its system call returns, but other
    /// processors may still be writing an earlier one.
    #[track_caller]
    pub fn until(&mut self, what: &str, there: impl Fn(&Seen) -> bool) {
        for _ in 0..2000 {
            if there(&self.seen) {
                return;
            }
            let seen = &mut self.seen;
            self.ring.poll(Duration::from_millis(5), &mut |record| seen.add(record)).expect("the ring can be read");
        }
        let (malformed, last) = self.ring.malformed();
        panic!("never seen: {what}\nmalformed: {malformed} {last:?}\n{:#?}", self.seen);
    }

    /// Reads records until the kernel side has counted something.
    #[track_caller]
    pub fn until_counted(&mut self, what: &str, there: impl Fn(&Counters) -> bool) {
        for _ in 0..2000 {
            if there(&self.counters()) {
                return;
            }
            let seen = &mut self.seen;
            self.ring.poll(Duration::from_millis(5), &mut |record| seen.add(record)).expect("the ring can be read");
        }
        panic!("never counted: {what}\n{:#?}", self.counters());
    }

    /// Reads until a socket sent `count` chunks, and returns them.
    #[track_caller]
    pub fn sends(&mut self, stream: &impl AsRawFd, count: usize) -> Vec<Chunk> {
        self.chunks(cookie(stream), Direction::Send, count)
    }

    /// Reads until a socket received `count` chunks, and returns them.
    #[track_caller]
    pub fn receives(&mut self, stream: &impl AsRawFd, count: usize) -> Vec<Chunk> {
        self.chunks(cookie(stream), Direction::Receive, count)
    }

    #[track_caller]
    fn chunks(&mut self, cookie: SocketCookie, direction: Direction, count: usize) -> Vec<Chunk> {
        self.until(&format!("{count} chunks, {direction:?}, of {cookie:?}"), |seen| {
            seen.of(cookie, direction).len() >= count
        });
        let chunks = self.seen.of(cookie, direction);
        assert_eq!(chunks.len(), count, "{chunks:#?}");
        chunks
    }

    pub fn counters(&self) -> Counters {
        self.probes.counters().expect("counters can be read")
    }
}

/// A connection over loopback: client end, server end.
pub fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    connect_to(&listener)
}

pub fn connect_to(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    let (server, _) = listener.accept().expect("a client waits");
    (client, server)
}

/// The kernel's number for a socket.
pub fn cookie(socket: &impl AsRawFd) -> SocketCookie {
    let mut value = 0_u64;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).unwrap();
    // SAFETY: `value` and `length` are valid and as large as they say.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_COOKIE,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    assert_eq!(result, 0);
    SocketCookie(value)
}

/// The outcome of a system call that moved bytes.
#[track_caller]
pub fn moved(result: isize) -> usize {
    usize::try_from(result).unwrap_or_else(|_| panic!("{}", std::io::Error::last_os_error()))
}

pub fn vectors(buffers: &mut [&mut [u8]]) -> Vec<libc::iovec> {
    let vector = |buffer: &mut &mut [u8]| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    buffers.iter_mut().map(vector).collect()
}

pub fn send(socket: &impl AsRawFd, bytes: &[u8], flags: i32) -> usize {
    // SAFETY: the buffer is valid for its length.
    moved(unsafe { libc::send(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) })
}

pub fn receive(socket: &impl AsRawFd, size: usize, flags: i32) -> Vec<u8> {
    let mut buffer = vec![0; size];
    // SAFETY: the buffer is valid for its length.
    let count = moved(unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), size, flags) });
    buffer.truncate(count);
    buffer
}

/// Waits, without a clock, until the peer's FIN is queued at this end.
pub fn await_fin(socket: &TcpStream) {
    const CLOSE_WAIT: u8 = 8;
    loop {
        // SAFETY: all zeros are a valid tcp_info.
        let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
        let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).unwrap();
        // SAFETY: `info` and `length` are valid and as large as they say.
        let result = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                (&raw mut info).cast(),
                &raw mut length,
            )
        };
        assert_eq!(result, 0);
        if info.tcpi_state == CLOSE_WAIT {
            return;
        }
        std::thread::yield_now();
    }
}

/// A pipe: reading end, writing end.
pub fn pipe() -> (RawFd, RawFd) {
    let mut ends = [0; 2];
    // SAFETY: room for both descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    (ends[0], ends[1])
}
