//! What one small keep-alive exchange costs the HTTP parser, from two chunks to an exchange.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

mod cpu;

use std::hint::black_box;

use cpu::ThreadTime;
use criterion::{Criterion, criterion_group, criterion_main};
use protocols::connection::Start;
use protocols::{Chunk, Connection, ConnectionConfig, Flow, Role};

const REQUEST: &[u8] =
    b"GET /items/17?color=blue HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: wrk/4.2\r\nAccept: */*\r\n\
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nAccept-Encoding: gzip\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Tue, 24 Nov 2026 18:00:00 GMT\r\n\
    Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, world\n";

fn costs(criterion: &mut Criterion<ThreadTime>) {
    let start = Some(Start { sent: 0, received: 0 });
    let mut connection = Connection::new(ConnectionConfig { role: Role::Server, start, ..ConnectionConfig::default() });
    let (mut asked, mut answered) = (0_u32, 0_u32);
    criterion.bench_function("protocols/HTTP exchange of two chunks", |bencher| {
        bencher.iter(|| {
            for (flow, position, bytes) in
                [(Flow::Received, &mut asked, REQUEST), (Flow::Sent, &mut answered, RESPONSE)]
            {
                let length = bytes.len() as u32;
                connection.push(flow, Chunk { position: *position, length, captured: bytes, ..Chunk::default() });
                *position = position.wrapping_add(length);
            }
            connection.drain(|exchange| {
                black_box(exchange);
            });
        });
    });
}

criterion_group! {
    name = benches;
    config = cpu::criterion();
    targets = costs
}
criterion_main!(benches);
