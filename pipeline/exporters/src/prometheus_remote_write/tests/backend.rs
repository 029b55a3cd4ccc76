//! Servers to write to: one that answers as told, and a real Prometheus.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::message::WriteRequest;

/// An answer, or an empty text for a connection that breaks off without one. When there are no more: 204.
type Answers = Rc<RefCell<VecDeque<&'static str>>>;

/// A server that answers as told and remembers what it was sent.
pub(super) struct Backend {
    pub(super) url: String,
    pub(super) requests: Rc<RefCell<Vec<(String, WriteRequest)>>>,
    came: Rc<Notify>,
}

impl Backend {
    pub(super) async fn answering(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/v1/write", listener.local_addr().unwrap());
        let backend = Self { url, requests: Rc::default(), came: Rc::default() };
        let answers: Answers = Rc::new(RefCell::new(answers.iter().copied().collect()));
        let (requests, came) = (Rc::clone(&backend.requests), Rc::clone(&backend.came));
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (requests, came, answers) = (Rc::clone(&requests), Rc::clone(&came), Rc::clone(&answers));
                tokio::task::spawn_local(async move { serve(stream, &requests, &came, &answers).await });
            }
        });
        backend
    }

    /// Returns when so many requests have come.
    pub(super) async fn got(&self, count: usize) {
        while self.requests.borrow().len() < count {
            self.came.notified().await;
        }
    }

    /// All series and metadata of all requests.
    pub(super) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.requests.borrow().iter().flat_map(|(_, request)| request.texts()).collect();
        texts.sort_unstable();
        texts
    }
}

async fn serve(
    mut stream: TcpStream,
    requests: &RefCell<Vec<(String, WriteRequest)>>,
    came: &Notify,
    answers: &Answers,
) {
    let mut read = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let headers = String::from_utf8_lossy(&read[..head]).to_lowercase();
        let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let end = head + length.unwrap();
        while read.len() < end {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
        }
        let body = snap::raw::Decoder::new().decompress_vec(&read[head..end]).unwrap();
        requests.borrow_mut().push((headers, WriteRequest::decode(body.as_slice()).unwrap()));
        read.drain(..end);
        came.notify_one();
        let next = answers.borrow_mut().pop_front().unwrap_or("204 No Content\r\n\r\n");
        if next.is_empty() || stream.write_all(format!("HTTP/1.1 {next}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A Prometheus with an empty store. Ends with the story.
pub(super) struct Prometheus {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    /// `None` where it is not installed.
    pub(super) async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("prometheus.yml"), "{}\n").unwrap();
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new("prometheus")
            .args(["--web.enable-remote-write-receiver", "--enable-feature=native-histograms,exemplar-storage"])
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let prometheus = Self { process, address, _folder: folder };
        while !prometheus.get("/-/ready").await.is_some_and(|answer| answer.contains(" 200 ")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(prometheus)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// The answer to an instant query.
    pub(super) async fn query(&self, query: &str, time: u64) -> String {
        self.get(&format!("/api/v1/query?query={query}&time={time}")).await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }
}
