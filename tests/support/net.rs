//! HTTP by the byte, over plain sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// No socket of a story waits longer.
const PATIENCE: Duration = Duration::from_secs(30);

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that nobody listens on, below those that the kernel gives to clients, and given to one story only.
pub fn free_port() -> u16 {
    let base = 20_000 + (std::process::id() % 600) as u16 * 20;
    loop {
        let port = base + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Connects to a port of this machine.
#[track_caller]
pub fn connect(port: u16) -> TcpStream {
    patient(TcpStream::connect(("127.0.0.1", port)).unwrap_or_else(|error| panic!("cannot connect to {port}: {error}")))
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket has timeouts");
    stream.set_nodelay(true).expect("a socket can be told not to wait");
    stream
}

/// Calls `answer` with each connection to the port, one thread each.
pub fn serve_each(port: u16, answer: impl Fn(TcpStream) + Clone + Send + 'static) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || answer(patient(stream)));
        }
    });
}

/// Answers each request with these bytes and keeps connections open.
pub fn serve(port: u16, answer: impl Into<Vec<u8>>) {
    let answer = answer.into();
    serve_each(port, move |mut stream| {
        while read_request(&mut stream).is_some() {
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    });
}

/// Reads up to the blank line, byte by byte, so that nothing behind it is taken.
pub fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// Reads one request with the body that its `Content-Length` announces; gives the head.
pub fn read_request(stream: &mut impl Read) -> Option<String> {
    let head = read_head(stream)?;
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let read = std::io::copy(&mut stream.take(length), &mut std::io::sink()).ok()?;
    (read == length).then_some(head)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Start line and headers.
    pub head: String,
    /// Body.
    pub body: Vec<u8>,
}

/// Reads one response with the body that its `Content-Length` announces, or up to the end of the connection.
#[track_caller]
pub fn read_answer(stream: &mut impl Read) -> Answer {
    let head = read_head(stream).expect("the server answers");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
    let mut body = Vec::new();
    let length = header(&head, "content-length").and_then(|length| length.parse().ok());
    match length {
        Some(length) => drop(stream.take(length).read_to_end(&mut body)),
        None if status == 204 || status == 304 => {}
        None => drop(stream.read_to_end(&mut body)),
    }
    Answer { status, head, body }
}

/// Sends the bytes and reads one response.
#[track_caller]
pub fn exchange(stream: &mut TcpStream, request: impl AsRef<[u8]>) -> Answer {
    stream.write_all(request.as_ref()).expect("the server reads");
    read_answer(stream)
}

/// One request over a connection of its own, which is closed afterwards.
#[track_caller]
pub fn ask(port: u16, request: impl AsRef<[u8]>) -> Answer {
    exchange(&mut connect(port), request)
}

/// The body of a page.
#[track_caller]
pub fn text_of(port: u16, path: &str) -> String {
    let answer = ask(port, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    let body = String::from_utf8_lossy(&unchunked(&answer)).into_owned();
    assert_eq!(answer.status, 200, "{path} answers {body}");
    body
}

fn unchunked(answer: &Answer) -> Vec<u8> {
    if !answer.head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return answer.body.clone();
    }
    let mut whole = Vec::new();
    let mut rest = answer.body.as_slice();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let size = usize::from_str_radix(String::from_utf8_lossy(&rest[..end]).trim(), 16).expect("a chunk has a size");
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}
