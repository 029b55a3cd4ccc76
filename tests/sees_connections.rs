//! Connections, whatever they carry: across namespaces and translated addresses, unknown protocols, failures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use support::{Kernel, Program, Told, connect, free_port, run, serve_each, system_python};

/// Bytes of an edge in both directions, as one end reports them.
fn bytes(told: &Told, reporter: &str) -> (f64, f64) {
    let direction =
        |name| told.total("tidewatch.tcp.bytes", &[("tidewatch.reporter", reporter), ("tidewatch.direction", name)]);
    (direction("forward"), direction("backward"))
}

#[test]
fn bytes_of_an_unknown_protocol_are_an_edge_all_the_same() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        stream.read_exact(&mut [0; 1000]).unwrap();
        stream.write_all(&[7; 300]).unwrap();
    });

    let mut stream = connect(port);
    stream.write_all(&[9; 1000]).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    drop(stream);

    let told = tidewatch.stop();
    assert!(told.spans.is_empty(), "{told}");
    assert_eq!((bytes(&told, "source"), bytes(&told, "destination")), ((1000.0, 300.0), (1000.0, 300.0)));
    let points = told.last("tidewatch.tcp.connections");
    assert_eq!(points.len(), 2);
    for point in points {
        assert_eq!(point.value, 1.0);
        assert_eq!(point.attributes["destination.port"], port.to_string());
        assert!(!point.attributes.keys().any(|key| key == "source.port"), "{:?}", point.attributes);
    }
}

#[test]
fn protocols_that_are_not_parsed_are_recognised() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");
    serve_each(port, |mut stream| {
        while matches!(stream.read(&mut [0; 100]), Ok(1..)) {
            stream.write_all(b"+PONG\r\n").unwrap();
        }
    });

    let mut stream = connect(port);
    stream.write_all(b"*1\r\n$4\r\nPING\r\n").unwrap();
    stream.read_exact(&mut [0; 7]).unwrap();
    drop(stream);

    let told = tidewatch.stop();
    assert_eq!(
        told.last_of("tidewatch.tcp.connections", &[("network.protocol.name", "redis")]).len(),
        2,
        "{:?}",
        told.last("tidewatch.tcp.connections")
    );
}

#[test]
fn a_connection_that_nobody_takes_is_counted() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let tidewatch = kernel.watch(port, "");

    for _ in 0..3 {
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }

    let told = tidewatch.stop();
    let failed = told.last("tidewatch.tcp.failed_connections");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].value, 3.0);
    assert_eq!(failed[0].attributes["error.type"], "connection_refused");
}

/// Three network namespaces in a row: a client, a router that translates both addresses, and a server.
struct Row {
    names: [String; 3],
}

impl Row {
    const SCRIPT: &str = r#"
set -e
client=$1 router=$2 server=$3
for space in "$client" "$router" "$server"; do ip netns add "$space"; ip -n "$space" link set lo up; done
ip link add name west netns "$client" type veth peer name west netns "$router"
ip link add name east netns "$server" type veth peer name east netns "$router"
ip -n "$client" addr add 10.210.1.2/24 dev west
ip -n "$router" addr add 10.210.1.1/24 dev west
ip -n "$router" addr add 10.210.2.1/24 dev east
ip -n "$server" addr add 10.210.2.2/24 dev east
for pair in "$client west" "$router west" "$router east" "$server east"; do set -- $pair; ip -n "$1" link set "$2" up; done
ip -n "$client" route add default via 10.210.1.1
ip netns exec "$router" sysctl -q -w net.ipv4.ip_forward=1
ip netns exec "$router" nft -f - <<RULES
table ip translate {
  chain in { type nat hook prerouting priority -100; ip daddr 10.210.9.9 tcp dport 80 dnat to 10.210.2.2:8080; }
  chain out { type nat hook postrouting priority 100; oifname "east" masquerade; }
}
RULES
"#;

    fn new() -> Self {
        // Made first, so that what the script has begun is undone if it fails.
        let row =
            Self { names: ["client", "router", "server"].map(|name| format!("tw-{name}-{}", std::process::id())) };
        run(Command::new("sh")
            .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
            .args(["-c", Self::SCRIPT, "sh"])
            .args(&row.names));
        row
    }

    fn start(&self, space: usize, service: &str, command: &[&str]) -> Program {
        Program::start(service, Command::new("ip").args(["netns", "exec", &self.names[space]]).args(command))
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

#[test]
fn a_call_through_translated_addresses_is_one_joined_pair() {
    const SERVER: &str = "import http.server\nclass H(http.server.BaseHTTPRequestHandler):\n  def do_GET(self):\n    self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()\ns = http.server.HTTPServer(('10.210.2.2', 8080), H)\nprint('ready', flush=True)\ns.serve_forever()";
    let Some(kernel) = Kernel::to_observe() else { return };
    let row = Row::new();
    let tidewatch = kernel.watch_ports("80, 8080", "");
    let mut server = row.start(2, "backend", &[system_python(), "-c", SERVER]);
    assert_eq!(server.line(), "ready");

    row.start(0, "frontend", &["curl", "--silent", "--fail", "http://10.210.9.9/through"]).finish();

    let told = tidewatch.stop();
    let pair = told.only_pair();
    assert_eq!((pair.client.service.as_str(), pair.server.service.as_str()), ("frontend", "backend"));
    assert_eq!(pair.client.get("network.peer.address"), "10.210.9.9");
    assert_eq!(pair.server.get("network.peer.address"), "10.210.2.1");
    assert_eq!((pair.client.get("service.peer.name"), pair.server.get("service.peer.name")), ("backend", "frontend"));
}

#[test]
fn two_agents_that_never_talk_agree_on_a_call() {
    let Some(kernel) = Kernel::to_observe() else { return };
    let port = free_port();
    let one = kernel.watch(port, "");
    let other = kernel.watch(port, "");
    support::serve(port, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    support::ask(port, "GET /both HTTP/1.1\r\nHost: x\r\n\r\n");

    let (one, other) = (one.stop().only_pair(), other.stop().only_pair());
    let ids =
        |pair: &support::Pair| [&pair.client, &pair.server].map(|span| (span.trace_id.clone(), span.span_id.clone()));
    assert_eq!(ids(&one), ids(&other));
}
