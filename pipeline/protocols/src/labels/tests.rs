use super::*;
use crate::chunk::{Chunk, Flow, Role};
use crate::connection::{Connection, ConnectionConfig, TlsNames, Want};
use crate::protocol::Label;

/// What a connection of unknown role is called after these writes, and who it thinks it is.
fn label(writes: &[(Flow, &[u8])]) -> (Label, Role) {
    let connection = connection(writes);
    (connection.protocol(), connection.role())
}

fn connection(writes: &[(Flow, &[u8])]) -> Connection {
    let mut connection = Connection::new(ConnectionConfig::default());
    let mut positions = [100_u32, 200];
    for (flow, bytes) in writes {
        let position = &mut positions[usize::from(*flow == Flow::Received)];
        let length = bytes.len() as u32;
        connection.push(*flow, Chunk { position: *position, length, captured: bytes, ..Chunk::default() });
        *position += length;
    }
    connection
}

/// A ClientHello for `shop.test` that prefers h2.
fn client_hello() -> Vec<u8> {
    let mut extensions = Vec::new();
    extensions.extend_from_slice(&[0, 0, 0, 14, 0, 12, 0, 0, 9]);
    extensions.extend_from_slice(b"shop.test");
    extensions.extend_from_slice(&[0, 16, 0, 14, 0, 12, 2]);
    extensions.extend_from_slice(b"h2\x08http/1.1");
    let mut hello = vec![3, 3];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0, 2, 0x13, 0x01, 1, 0, 0, extensions.len() as u8]);
    hello.extend_from_slice(&extensions);
    let mut record = vec![0x16, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend_from_slice(&hello);
    record
}

#[test]
fn tls_is_known_by_its_hello_and_says_where_it_goes() {
    let hello = client_hello();
    let names = TlsNames { server_name: Some("shop.test".to_owned()), protocol: Some("h2".to_owned()) };
    for cut in 1..hello.len() {
        let connection = connection(&[(Flow::Received, &hello[..cut]), (Flow::Received, &hello[cut..])]);

        assert_eq!((connection.protocol(), connection.role()), (Label::Tls, Role::Server));
        assert_eq!(connection.tls(), &names, "cut at {cut}");
        assert_eq!(connection.wants(), Want::Counters);
    }
}

#[test]
fn a_hello_cut_anywhere_tells_a_part_or_nothing() {
    let hello = client_hello();
    for length in 0..hello.len() {
        if let Some(hello) = tls::client_hello(&hello[..length]) {
            assert!(hello.server_name.is_none_or(|name| name == "shop.test"));
        }
    }
}

#[test]
fn each_protocol_is_known_by_its_first_bytes_and_tells_who_asks() {
    let startup = b"\0\0\0\x1e\0\x03\0\0user\0ann\0database\0shop\0\0";
    let ssl_request = b"\0\0\0\x08\x04\xd2\x16\x2f";
    let greeting = b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0";
    let redis = b"*1\r\n$4\r\nPING\r\n";
    let http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    assert_eq!(label(&[(Flow::Sent, startup)]), (Label::PostgreSql, Role::Client));
    assert_eq!(label(&[(Flow::Received, ssl_request)]), (Label::PostgreSql, Role::Server));
    assert_eq!(label(&[(Flow::Sent, greeting)]), (Label::MySql, Role::Server));
    assert_eq!(label(&[(Flow::Received, greeting)]), (Label::MySql, Role::Client));
    assert_eq!(label(&[(Flow::Sent, redis)]), (Label::Redis, Role::Client));
    assert_eq!(label(&[(Flow::Received, http2)]), (Label::Http2, Role::Server));
    assert_eq!(label(&[(Flow::Sent, b"DELETE /a HTTP/1.1\r\n")]), (Label::Http, Role::Client));
    assert_eq!(label(&[(Flow::Sent, b"HTTP/1.1 200 OK\r\n")]), (Label::Http, Role::Server));
}

#[test]
fn what_nobody_knows_is_left_alone_in_the_end() {
    let noise: Vec<(Flow, &[u8])> = vec![(Flow::Sent, b"\x01\x02\x03\x04\x05\x06\x07\x08\x09"); 1000];

    let connection = connection(&noise);

    assert_eq!(connection.protocol(), Label::Unknown);
    assert_eq!(connection.wants(), Want::Counters);
}

#[test]
fn a_connection_seen_from_its_middle_is_recognised_at_a_later_turn() {
    let writes: [(Flow, &[u8]); 3] = [
        (Flow::Sent, b"\x00rest of a body\x00"),
        (Flow::Received, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (Flow::Sent, b"GET / HTTP/1.1\r\n\r\n"),
    ];

    assert_eq!(label(&writes), (Label::Http, Role::Client));
}
