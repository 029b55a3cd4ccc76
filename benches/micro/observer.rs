//! What a chunk costs in user space: both ends of keep-alive connections, from chunks to two spans and their metrics.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

mod cpu;

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use component::testkit;
use cpu::ThreadTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protocols::connection::Start;
use protocols::{Chunk, Flow, Nanos, Origin, Role};
use receivers::ebpf::{EbpfConfig, settings};
use receivers::observe::{EndId, Identify, Observer, Opened, Process, Statistics};

/// As wrk asks and nginx answers.
const REQUEST: &[u8] = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 24 Nov 2026 18:00:00 GMT\r\n\
    Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, world\n";
const CONNECTIONS: u32 = 64;
const CHUNKS: u64 = 4;
const SPANS_PER_BATCH: usize = 512;
const CLIENT: u32 = 100;
const SERVER: u32 = 200;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Two {
    client: Rc<Process>,
    server: Rc<Process>,
}

impl Two {
    fn new() -> Self {
        let process = |pid: u32, name: &str| {
            Rc::new(Process {
                pid,
                service_name: name.to_owned(),
                executable: format!("/usr/bin/{name}"),
                cgroup: "/".to_owned(),
                declares_sdk: false,
                attributes: vec![("service.name".to_owned(), name.to_owned())],
            })
        };
        Self { client: process(CLIENT, "wrk"), server: process(SERVER, "nginx") }
    }
}

impl Identify for Two {
    fn process(&mut self, id: u32) -> Rc<Process> {
        Rc::clone(if id == CLIENT { &self.client } else { &self.server })
    }
}

/// Connections on which requests are made in turn.
struct Traffic {
    observer: Observer<Two>,
    asked: Vec<u32>,
    answered: Vec<u32>,
    next: usize,
    now: u64,
}

impl Traffic {
    fn new() -> Option<Self> {
        let config = testkit::settings::<EbpfConfig>("{}");
        let mut observer = Observer::new(settings::settings(&config).ok()?, Two::new());
        for number in 0..CONNECTIONS {
            let (client, server) = (address(40_000, number), address(8080, 0));
            let start = Start { sent: first(number), received: first(number) };
            let opened = |role, local, peer, process| Opened {
                role,
                local,
                peer,
                start: Some(start),
                process,
                is_new: true,
                connect_seconds: None,
                before: Statistics::default(),
            };
            observer.opened(client_end(number), &opened(Role::Client, client, server, CLIENT));
            observer.opened(server_end(number), &opened(Role::Server, server, client, SERVER));
        }
        let firsts: Vec<u32> = (0..CONNECTIONS).map(first).collect();
        Some(Self { observer, asked: firsts.clone(), answered: firsts, next: 0, now: 1_767_225_600_000_000_000 })
    }

    /// A request and its response, as both ends see them.
    fn request(&mut self) {
        self.next = (self.next + 1) % self.asked.len();
        let (Some(asked), Some(answered)) = (self.asked.get_mut(self.next), self.answered.get_mut(self.next)) else {
            return;
        };
        let (client, server) = (client_end(self.next as u32), server_end(self.next as u32));
        for (end, flow, process, position, captured) in [
            (client, Flow::Sent, CLIENT, *asked, REQUEST),
            (server, Flow::Received, SERVER, *asked, REQUEST),
            (server, Flow::Sent, SERVER, *answered, RESPONSE),
            (client, Flow::Received, CLIENT, *answered, RESPONSE),
        ] {
            self.now += 5_000;
            let origin = Origin { time: Nanos(self.now), tgid: process, tid: process };
            let chunk = Chunk { position, length: captured.len() as u32, captured, origin, ..Chunk::default() };
            self.observer.chunk(end, flow, chunk);
        }
        *asked = asked.wrapping_add(REQUEST.len() as u32);
        *answered = answered.wrapping_add(RESPONSE.len() as u32);
        if self.observer.spans_ready() >= SPANS_PER_BATCH {
            black_box(self.observer.take_spans());
            self.observer.tick(Nanos(self.now));
        }
    }
}

fn address(port: u16, number: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port.saturating_add(number as u16)))
}

fn first(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b9)
}

fn client_end(number: u32) -> EndId {
    EndId(u64::from(number) * 2)
}

fn server_end(number: u32) -> EndId {
    EndId(u64::from(number) * 2 + 1)
}

fn costs(criterion: &mut Criterion<ThreadTime>) {
    let Some(mut traffic) = Traffic::new() else { return };
    let mut group = criterion.benchmark_group("observer");
    group.throughput(Throughput::Elements(CHUNKS));
    group.bench_function("chunk, of four to a request with two spans", |bencher| {
        bencher.iter(|| traffic.request());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = cpu::criterion();
    targets = costs
}
criterion_main!(benches);
