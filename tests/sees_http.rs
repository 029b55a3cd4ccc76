//! HTTP between programs that know nothing of us, seen in the kernel.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::Command;

use support::{
    Kernel, Kind, Program, Room, ask, connect, exchange, free_port, python, read_answer, read_head, read_request,
    serve, serve_each,
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers 200 to everything, after asking others if it was told to.
const SERVICE: &str = r#"
import http.client, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        for port in sys.argv[2:]:
            connection = http.client.HTTPConnection("127.0.0.1", int(port))
            connection.request("GET", "/inner")
            connection.getresponse().read()
            connection.close()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Service)
print("ready")
server.serve_forever()
"#;

fn curl(service: &str, arguments: &[&str]) {
    Program::start(service, Command::new("curl").args(["--silent", "--show-error"]).args(arguments)).finish();
}

#[test]
fn a_call_between_two_programs_is_one_joined_pair() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let (room, port) = (Room::new(), free_port());
    let tidewatch = kernel.watch(port, "http: {routes: [\"/users/{name}\"]}");
    let _greeter = python(&room, "greeter", SERVICE, &[&port.to_string()]);

    curl("visitor", &[&format!("http://127.0.0.1:{port}/users/ann?token=secret")]);

    let pair = tidewatch.stop().only_pair();
    let (client, server) = (&pair.client, &pair.server);
    assert_eq!((client.service.as_str(), server.service.as_str()), ("visitor", "greeter"));
    assert_eq!((client.name.as_str(), server.name.as_str()), ("GET", "GET /users/{name}"));
    assert_eq!((client.status(), server.status()), ("200", "200"));
    assert_eq!(client.get("url.full"), format!("http://127.0.0.1:{port}/users/ann?token=REDACTED"));
    assert_eq!(server.get("url.path"), "/users/ann");
    assert_eq!(server.get("http.route"), "/users/{name}");
    assert_eq!(server.get("server.port"), port.to_string());
    assert_eq!(client.resource["process.executable.name"], "curl");
    assert_eq!(client.wire_key().len(), 32);
    assert_eq!(
        client.trace_id,
        client.wire_key(),
        "without a trace on the wire, its place in the stream names the trace"
    );
    assert_eq!(client.parent_id, "");
}

#[test]
fn a_call_inside_a_call_is_in_the_same_trace() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let (room, front, back) = (Room::new(), free_port(), free_port());
    let tidewatch = kernel.watch_ports(&format!("{front}, {back}"), "");
    let _back = python(&room, "back", SERVICE, &[&back.to_string()]);
    let _front = python(&room, "front", SERVICE, &[&front.to_string(), &back.to_string()]);

    curl("visitor", &[&format!("http://127.0.0.1:{front}/outer")]);

    let pairs = tidewatch.stop().pairs();
    assert_eq!(pairs.len(), 2);
    let (outer, inner) = (&pairs[0], &pairs[1]);
    assert_eq!((outer.client.service.as_str(), outer.server.service.as_str()), ("visitor", "front"));
    assert_eq!((inner.client.service.as_str(), inner.server.service.as_str()), ("front", "back"));
    assert_eq!(inner.client.parent_id, outer.server.span_id);
    assert_eq!(inner.client.trace_id, outer.client.trace_id);
}

#[test]
fn a_trace_that_the_programs_carry_is_kept() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let (room, port) = (Room::new(), free_port());
    let tidewatch = kernel.watch(port, "");
    let _greeter = python(&room, "greeter", SERVICE, &[&port.to_string()]);

    let url = format!("http://127.0.0.1:{port}/a");
    curl("visitor", &["-H", "traceparent: 00-0123456789abcdef0123456789abcdef-00f067aa0ba902b7-01", &url]);
    curl("visitor", &["-H", "b3: aaaabbbbccccddddaaaabbbbccccdddd-1122334455667788-1", &url]);

    let pairs = tidewatch.stop().pairs();
    assert_eq!(pairs[0].client.trace_id, "0123456789abcdef0123456789abcdef");
    assert_eq!(pairs[0].client.parent_id, "00f067aa0ba902b7");
    assert_eq!(pairs[1].client.trace_id, "aaaabbbbccccddddaaaabbbbccccdddd");
    assert_eq!(pairs[1].client.parent_id, "1122334455667788");
}

#[test]
fn a_connection_that_stays_open_gives_each_request_its_own_pair() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve(port, OK);

    let mut stream = connect(port);
    for number in 0..200 {
        exchange(&mut stream, format!("GET /numbers/{number} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }

    let pairs = tidewatch.stop().pairs();
    let paths: Vec<&str> = pairs.iter().map(|pair| pair.server.get("url.path")).collect();
    assert_eq!(paths, (0..200).map(|number| format!("/numbers/{number}")).collect::<Vec<_>>());
    assert!(pairs.iter().all(|pair| pair.server.name == "GET /numbers/{id}"));
}

#[test]
fn a_thousand_short_connections_are_all_seen() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve(port, OK);

    for _ in 0..1000 {
        ask(port, "GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
    }

    let told = tidewatch.stop();
    assert_eq!(told.pairs().len(), 1000);
    assert_eq!(told.count("http.server.request.duration", &[]), 1000);
    assert_eq!(told.count("http.client.request.duration", &[]), 1000);
    let reporter = |reporter| told.total("tidewatch.tcp.connections", &[("tidewatch.reporter", reporter)]);
    assert_eq!((reporter("source"), reporter("destination")), (1000.0, 1000.0));
}

#[test]
fn a_connection_that_is_older_than_tidewatch_is_joined_too() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let (room, port) = (Room::new(), free_port());
    let _greeter = python(&room, "greeter", SERVICE, &[&port.to_string()]);
    let mut stream = connect(port);
    let mut ask = |path: &str| {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).unwrap();
        assert!(answer[..length].ends_with(b"\r\n\r\n"));
    };
    ask("/before");
    let tidewatch = kernel.watch(port, "");

    ask("/after/1");
    ask("/after/2");

    let pairs = tidewatch.stop().pairs();
    assert_eq!(pairs.iter().map(|pair| pair.server.get("url.path")).collect::<Vec<_>>(), ["/after/1", "/after/2"]);
    assert_eq!(pairs[0].server.service, "greeter");
    assert_eq!(pairs[0].client.wire_key().len(), 32);
}

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
fn a_server_that_dies_gives_an_error_and_nothing_invented() {
    const DIES: &str = r#"
import os, signal, socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready")
stream, _ = server.accept()
stream.recv(1000)
stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
stream.recv(1000)
os.kill(os.getpid(), signal.SIGKILL)
"#;
    let Some(kernel) = Kernel::to_observe() else { return };
    let (room, port) = (Room::new(), free_port());
    let tidewatch = kernel.watch(port, "");
    let _mortal = python(&room, "mortal", DIES, &[&port.to_string()]);

    let mut stream = connect(port);
    exchange(&mut stream, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(b"GET /last HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    // An end or a reset, as the kernel likes.
    let _ = stream.read_to_end(&mut Vec::new());
    drop(stream);

    let pairs = tidewatch.stop().pairs();
    assert_eq!(pairs.len(), 2);
    assert!(!pairs[0].client.is_error);
    let last = &pairs[1];
    assert_eq!((last.server.service.as_str(), last.server.get("url.path")), ("mortal", "/last"));
    assert_eq!((last.client.status(), last.server.status()), ("", ""));
    assert!(last.client.is_error && last.server.is_error);
    let reason = last.client.get("error.type");
    assert!(["no_response", "connection_reset"].contains(&reason), "{reason}");
}

#[test]
fn an_answer_may_come_from_another_thread() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        while read_request(&mut stream).is_some() {
            let mut writer = stream.try_clone().unwrap();
            std::thread::spawn(move || writer.write_all(OK.as_bytes()).unwrap()).join().unwrap();
        }
    });

    let mut stream = connect(port);
    for _ in 0..3 {
        exchange(&mut stream, "GET /threads HTTP/1.1\r\nHost: x\r\n\r\n");
    }

    assert_eq!(tidewatch.stop().pairs().len(), 3);
}

/// The parent accepts and hands the socket to a worker; nobody says so on the wire.
const HANDS_OVER: &str = r#"
import os, socket, sys
port, how = int(sys.argv[1]), sys.argv[2]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

def work(stream):
    while stream.recv(1000):
        stream.sendall(OK)

def forked(server):
    while True:
        stream, _ = server.accept()
        if os.fork() == 0:
            server.close()
            work(stream)
            os._exit(0)
        stream.close()

def passed(server):
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    if os.fork() == 0:
        server.close()
        ours.close()
        while True:
            _, (descriptor, *_), _, _ = socket.recv_fds(theirs, 1, 1)
            work(socket.socket(fileno=descriptor))
    while True:
        stream, _ = server.accept()
        socket.send_fds(ours, [b"x"], [stream.fileno()])
        stream.close()

server = socket.create_server(("127.0.0.1", port))
print("ready")
{"forked": forked, "passed": passed}[how](server)
"#;

#[test]
fn a_connection_that_is_handed_over_belongs_to_who_works_on_it() {
    let Some(kernel) = Kernel::to_observe() else { return };
    for how in ["forked", "passed"] {
        let (room, port) = (Room::new(), free_port());
        let tidewatch = kernel.watch(port, "");
        let parent = python(&room, how, HANDS_OVER, &[&port.to_string(), how]);

        let mut stream = connect(port);
        for _ in 0..2 {
            exchange(&mut stream, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        drop(stream);

        let pairs = tidewatch.stop().pairs();
        assert_eq!(pairs.len(), 2, "{how}");
        for pair in pairs {
            assert_eq!(pair.server.service, how);
            assert_ne!(
                pair.server.resource["process.pid"],
                parent.id().to_string(),
                "{how}: the worker, not who accepted"
            );
        }
    }
}

#[test]
fn what_is_to_be_ignored_gives_no_span_and_counts_all_the_same() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "ignore: [{path: /healthz}, {user_agent: \"Prometheus/*\", metrics: false}]");
    serve(port, OK);

    ask(port, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    ask(port, "GET /metrics HTTP/1.1\r\nHost: x\r\nUser-Agent: Prometheus/2.42\r\n\r\n");
    ask(port, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n");

    let told = tidewatch.stop();
    assert_eq!(told.only_pair().server.get("url.path"), "/page");
    assert_eq!(told.count("http.server.request.duration", &[]), 2);
}

#[test]
fn spans_and_metrics_come_while_it_runs() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "metrics: {interval: 1s}");
    serve(port, OK);

    ask(port, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");

    tidewatch.told_when("the call is told", |told| told.spans.len() == 2);
    tidewatch.told_when("the call is counted", |told| told.count("http.server.request.duration", &[]) == 1);
}

#[test]
fn what_happened_just_before_the_end_is_told() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    serve(port, OK);
    let tidewatch = kernel.watch(port, "");
    let mut stream = connect(port);
    for _ in 0..50 {
        exchange(&mut stream, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    }

    let told = tidewatch.stop();

    assert_eq!(told.of_kind(Kind::Client).len(), 50);
    assert_eq!(told.pairs().len(), 50);
}
