//! HTTP/1.x by the byte: whatever a connection carries and however it is cut, each request gets its own answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;

use support::{Kernel, ask, connect, exchange, free_port, read_answer, read_head, read_request, serve, serve_each};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn pipelined_requests_get_their_own_answers() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    let statuses = [200, 404, 204, 500, 200];
    serve_each(port, move |mut stream| {
        let requests: Vec<_> = statuses.iter().filter_map(|_| read_request(&mut stream)).collect();
        assert_eq!(requests.len(), statuses.len());
        let length = |status| if status == 204 { "" } else { "Content-Length: 0\r\n" };
        let answers = statuses.map(|status| format!("HTTP/1.1 {status} X\r\n{}\r\n", length(status)));
        stream.write_all(answers.concat().as_bytes()).unwrap();
    });

    let mut stream = connect(port);
    let requests: String = (0..5).map(|number| format!("GET /pipe{number} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    stream.write_all(requests.as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();

    let pairs = tidewatch.stop().pairs();
    let mut seen: Vec<_> = pairs.iter().map(|pair| (pair.server.get("url.path"), pair.server.status())).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("/pipe0", "200"), ("/pipe1", "404"), ("/pipe2", "204"), ("/pipe3", "500"), ("/pipe4", "200")]);
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        read_request(&mut stream);
        OK.bytes().for_each(|byte| stream.write_all(&[byte]).unwrap());
    });

    let mut stream = connect(port);
    for byte in b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" {
        stream.write_all(&[*byte]).unwrap();
    }
    assert_eq!(read_answer(&mut stream).body, b"ok");

    let pair = tidewatch.stop().only_pair();
    assert_eq!((pair.server.name.as_str(), pair.server.status()), ("POST /slow", "200"));
}

#[test]
fn bodies_of_megabytes_are_counted_and_not_captured() {
    const SIZE: usize = 8 << 20;
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        while read_request(&mut stream).is_some() {
            stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").as_bytes()).unwrap();
            stream.write_all(&vec![b'r'; SIZE]).unwrap();
        }
    });

    let mut stream = connect(port);
    for _ in 0..2 {
        stream.write_all(format!("PUT /big HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\n\r\n").as_bytes()).unwrap();
        stream.write_all(&vec![b'q'; SIZE]).unwrap();
        assert_eq!(read_answer(&mut stream).body.len(), SIZE);
    }

    let told = tidewatch.stop();
    assert_eq!(told.pairs().len(), 2);
    let twice = (2 * SIZE) as f64;
    assert_eq!(told.total("http.server.request.body.size", &[]), twice);
    assert_eq!(told.total("http.client.response.body.size", &[]), twice);
    assert_eq!(told.total("tidewatch.ebpf.lost", &[]), 0.0);
}

#[test]
fn chunked_bodies_end_where_they_end() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        while read_head(&mut stream).is_some() {
            let mut body = Vec::new();
            while !body.ends_with(b"0\r\nX-Sum: 1\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                body.push(byte[0]);
            }
            stream.write_all(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
            stream.write_all(b"4;note=1\r\n0\r\n\r\r\n").unwrap();
            stream.write_all(format!("{:x}\r\n{}\r\n", 100_000, "z".repeat(100_000)).as_bytes()).unwrap();
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
    });

    let mut stream = connect(port);
    for _ in 0..2 {
        stream.write_all(b"POST /chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        stream.write_all(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n").unwrap();
        let head = read_head(&mut stream).unwrap();
        assert!(head.starts_with("HTTP/1.1 201"));
        let mut body = vec![0; "4;note=1\r\n0\r\n\r\r\n".len() + "186a0\r\n".len() + 100_002 + "0\r\n\r\n".len()];
        stream.read_exact(&mut body).unwrap();
    }

    let pairs = tidewatch.stop().pairs();
    assert_eq!(pairs.iter().map(|pair| pair.client.status()).collect::<Vec<_>>(), ["201", "201"]);
}

#[test]
fn an_answer_to_head_has_no_body_whatever_it_says() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        while let Some(head) = read_request(&mut stream) {
            let body = if head.starts_with("HEAD") { "" } else { "x" };
            stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{body}").as_bytes()).unwrap();
        }
    });

    let mut stream = connect(port);
    stream.write_all(b"HEAD /page HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    read_head(&mut stream).unwrap();
    exchange(&mut stream, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n");

    let names: Vec<_> = tidewatch.stop().pairs().into_iter().map(|pair| pair.server.name).collect();
    assert_eq!(names, ["HEAD /page", "GET /page"]);
}

#[test]
fn an_answer_may_end_with_the_connection_and_a_client_may_stop_sending_first() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        stream.read_to_end(&mut Vec::new()).unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nas much as there is").unwrap();
    });

    let mut stream = connect(port);
    stream.write_all(b"GET /old HTTP/1.0\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_answer(&mut stream).body, b"as much as there is");
    drop(stream);

    let pair = tidewatch.stop().only_pair();
    assert_eq!((pair.client.status(), pair.client.is_error), ("200", false));
    assert_eq!(pair.client.get("network.protocol.version"), "1.0");
}

#[test]
fn a_body_that_waits_for_permission_belongs_to_its_request() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        while read_head(&mut stream).is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
            stream.read_exact(&mut [0; 4]).unwrap();
            stream.write_all(OK.as_bytes()).unwrap();
        }
    });

    let mut stream = connect(port);
    for _ in 0..2 {
        stream.write_all(b"PUT /w HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").unwrap();
        assert!(read_head(&mut stream).unwrap().contains("100"));
        exchange(&mut stream, "body");
    }

    let pairs = tidewatch.stop().pairs();
    assert_eq!(pairs.iter().map(|pair| pair.server.status()).collect::<Vec<_>>(), ["200", "200"]);
}

#[test]
fn an_upgraded_connection_is_left_alone() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        read_head(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n").unwrap();
        let mut said = [0; 36];
        stream.read_exact(&mut said).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });

    let mut stream = connect(port);
    stream.write_all(b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n").unwrap();
    read_head(&mut stream).unwrap();
    stream.write_all(b"GET /looks-like HTTP/1.1\r\nHost: xyz\r\n\r\n".get(..36).unwrap()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();

    let pair = tidewatch.stop().only_pair();
    assert_eq!((pair.server.get("url.path"), pair.server.status()), ("/chat", "101"));
}

#[test]
fn a_head_of_sixty_kilobytes_is_read_whole() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve(port, OK);

    let cookies: String = (0..60).map(|number| format!("Cookie: c{number}={}\r\n", "v".repeat(1000))).collect();
    ask(port, format!("GET /wide HTTP/1.1\r\nHost: x\r\n{cookies}User-Agent: behind\r\n\r\n"));

    let pair = tidewatch.stop().only_pair();
    assert_eq!(pair.server.get("user_agent.original"), "behind");
    assert!(!pair.server.attributes.values().any(|value| value.contains("vvvv")), "cookies are nobody's business");
}

#[test]
fn an_answer_may_come_before_the_request_is_whole() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        read_head(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 10]).unwrap();
        while read_request(&mut stream).is_some() {
            stream.write_all(OK.as_bytes()).unwrap();
        }
    });

    let mut stream = connect(port);
    let early = exchange(&mut stream, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
    assert_eq!(early.status, 413);
    stream.write_all(b"0123456789").unwrap();
    exchange(&mut stream, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");

    let pairs = tidewatch.stop().pairs();
    let seen: Vec<_> = pairs.iter().map(|pair| (pair.server.name.as_str(), pair.server.status())).collect();
    assert_eq!(seen, [("POST /upload", "413"), ("GET /next", "200")]);
}
