//! What comes in from outside and is wrong, slow or too much: it is told so or left, and others are answered.

use std::io::{Read, Write};
use std::net::TcpStream;

use component::Sample;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use topology::Moment;
use topology::store::{Store, StoreConfig};

use super::*;

/// Far longer than anything takes; only a story that fails waits so long.
const BOUND: Duration = Duration::from_secs(60);

fn serving() -> (Serving, watch::Sender<Arc<Published>>) {
    let config = TopologyConfig { endpoint: "127.0.0.1:0".into(), ..TopologyConfig::default() };
    let (store, _) = Store::open(StoreConfig::default(), Moment(0)).unwrap();
    let (publish, map) = watch::channel(Arc::new(Published::first(Moment(1 << 60), store.snapshot())));
    let (rules, telemetry) = (Arc::new(Rules::default()), Arc::default());
    (Serving { config: Arc::new(config), rules, map, telemetry }, publish)
}

/// A server of a map on which nothing is seen.
struct Stage {
    address: SocketAddr,
    telemetry: Arc<Registry>,
    server: Option<Server>,
    runtime: tokio::runtime::Runtime,
    _publish: watch::Sender<Arc<Published>>,
}

impl Stage {
    fn open() -> Self {
        let ((serving, publish), runtime) = (serving(), tokio::runtime::Builder::new_current_thread().build().unwrap());
        let telemetry = Arc::clone(&serving.telemetry);
        let server = runtime.block_on(Server::start(serving)).unwrap();
        Self { address: server.address().unwrap(), telemetry, server: Some(server), runtime, _publish: publish }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream
    }

    /// Status and text of the answer; 0 if the server breaks off without one.
    fn ask(&self, request: impl AsRef<[u8]>) -> (u16, String) {
        let mut stream = self.connect();
        // Whoever sends too much may be cut off in the middle.
        let _ = stream.write_all(request.as_ref());
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said).into_owned();
        let status = said.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or(0), said)
    }

    fn get(&self, path: &str) -> u16 {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).0
    }

    fn tries(&self, rules: &[u8]) -> (u16, String) {
        let length = rules.len();
        let head = format!(
            "POST /api/v1/rules HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        self.ask([head.as_bytes(), rules].concat())
    }

    /// Answers with this status so far.
    fn answered(&self, status: u16) -> f64 {
        let families = self.telemetry.read();
        let series = families.iter().filter(|family| family.name == "tidewatch_topology_questions");
        let of_status = series.flat_map(|family| &family.series).filter(|series| {
            series.labels.iter().any(|(name, value)| name == "status" && *value == status.to_string())
        });
        of_status.map(|series| if let Sample::Value(value) = series.sample { value } else { 0.0 }).sum()
    }

    #[track_caller]
    fn still_answers(&self) {
        assert_eq!(self.get("/api/v1/graph"), 200);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

#[test]
fn questions_that_make_no_sense_are_refused_and_counted() {
    let stage = Stage::open();
    let parameters: String = (0..5_000).map(|number| format!("p{number}=1&")).collect();
    let parentheses = "%28".repeat(20_000);
    let long = "a".repeat(30_000);
    let refused = [
        "/api/v1/graph?limit=-1",
        "/api/v1/graph?limit=0",
        "/api/v1/graph?limit=NaN",
        "/api/v1/graph?limit=99999999999999999999999",
        "/api/v1/graph?collapse=none&depth=-1",
        "/api/v1/graph?from=NaN",
        "/api/v1/graph?from=1e400",
        "/api/v1/graph?from=-99999999999999999999999d",
        "/api/v1/graph?focus=%",
        "/api/v1/graph?focus=%2",
        "/api/v1/graph?focus=%zz",
        "/api/v1/graph?focus=%c3%28",
        "/api/v1/graph?%ff=1",
        "/api/v1/nodes/%ff%fe",
        "/api/v1/nodes/a%2Fb",
        "/api/v1/edges/a",
        "/api/v1/series?node=",
        &format!("/api/v1/graph?{parameters}"),
        &format!("/api/v1/graph?filter={parentheses}"),
        &format!("/api/v1/graph?filter={long}"),
        &format!("/api/v1/graph?focus={long}"),
        &format!("/api/v1/graph/diff?a={long}"),
    ];

    for path in refused {
        assert_eq!(stage.get(path), 400, "{}", path.chars().take(80).collect::<String>());
    }

    assert_eq!(stage.answered(400), refused.len() as f64);
    stage.still_answers();
}

#[test]
fn windows_of_any_length_are_answered_or_refused() {
    let stage = Stage::open();
    let spans = ["from=0", "from=0&to=9999999999999", "from=-99999d", "to=18446744073", "at=1&from=-1d", "from=-1ms"];
    let routes = ["graph", "graph?collapse=none&format=columns", "history", "events", "export", "findings"];

    for route in routes {
        for span in spans {
            let sign = if route.contains('?') { '&' } else { '?' };
            let status = stage.get(&format!("/api/v1/{route}{sign}{span}"));
            assert!([200, 400].contains(&status), "{route}, {span}: {status}");
        }
    }
    assert_eq!(stage.get("/api/v1/graph/diff?a=0..now&b=0..9999999999999"), 200);
}

#[test]
fn bodies_that_are_no_rules_are_refused() {
    let stage = Stage::open();
    let aliases: String = (1..30).map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1)).collect();
    let bombs = format!("a0: &a0 [x]\n{aliases}rules: *a29\n");

    for body in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), bombs, "rules: 1".into()] {
        let (status, said) = stage.tries(body.as_bytes());
        assert_eq!(status, 400, "{said}");
    }
    assert_eq!(stage.tries(b"rules: \xff\xfe").0, 400);
    assert_eq!(stage.answered(400), 6.0);
    stage.still_answers();
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_comes() {
    let stage = Stage::open();
    let head = "POST /api/v1/rules HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let mebibyte = [b"100000\r\n", vec![b'#'; 1 << 20].as_slice(), b"\r\n"].concat();

    let told = stage.ask(format!("{head}Content-Length: 100000000\r\n\r\n"));
    let in_chunks =
        stage.ask([format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes(), &mebibyte, b"1\r\n#\r\n"].concat());

    assert!(told.0 == 413 && told.1.contains("1048576 bytes"), "{}", told.1);
    assert_eq!(in_chunks.0, 413, "{}", in_chunks.1);
    assert_eq!(stage.answered(413), 2.0);
}

#[test]
fn lines_that_are_too_long_are_refused() {
    let stage = Stage::open();

    let path = stage.get(&format!("/{}", "a".repeat(70_000)));
    let header = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(4 << 20));
    let header = stage.ask(header).0;
    let headers = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: a\r\n".repeat(1_000));
    let headers = stage.ask(headers).0;

    assert_eq!(path, 414);
    assert!([431, 0].contains(&header), "{header}: told so, or cut off in the middle");
    assert_eq!(headers, 431);
    stage.still_answers();
}

#[test]
fn hosts_that_are_none_are_refused() {
    let stage = Stage::open();
    let asks = |headers: &str| stage.ask(format!("GET /api/v1/graph HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")).0;

    assert_eq!(asks(""), 400);
    assert_eq!(asks("Host:\r\n"), 421);
    assert_eq!(asks("Host: localhost\r\nHost: localhost\r\n"), 400);
    assert_eq!(asks("Host: evil.example\r\n"), 421);
    assert_eq!(asks("Host: \u{fffd}\r\n"), 400);
    assert_eq!(stage.answered(421), 2.0);
    assert_eq!(asks("Host: [::1]:4680\r\n"), 200);
}

#[test]
fn however_many_begin_and_do_not_go_on_others_are_answered() {
    let stage = Stage::open();
    let mut begun: Vec<TcpStream> = (0..300).map(|_| stage.connect()).collect();
    for stream in &mut begun {
        stream.write_all(b"GET /api/v1/graph HTTP/1.1\r\nHo").unwrap();
    }

    stage.still_answers();

    let last = begun.last_mut().unwrap();
    last.write_all(b"st: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    last.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

/// Plays a story beside a server whose clock goes on by itself when nothing else happens.
async fn in_no_time<T>(story: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let play = async {
        let ((serving, _publish), (opened, is_open)) = (serving(), oneshot::channel());
        let (_stop, stopped) = oneshot::channel();
        tokio::task::spawn_local(async move { serve(&serving, opened, stopped).await });
        let address = is_open.await.unwrap().unwrap().unwrap();
        story(address).await
    };
    LocalSet::new().run_until(play).await
}

async fn said_to(address: SocketAddr, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    // It ends, well or by a reset, since the server ends it.
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_is_not_waited_for() {
    let said = in_no_time(async |address| said_to(address, "GET / HTTP/1.1\r\nHost: local").await).await;

    assert!(!said.contains("200"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_not_waited_for() {
    let request = "POST /api/v1/rules HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nConnection: close\r\n\r\nru";

    let said = in_no_time(async |address| said_to(address, request).await).await;

    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_and_never_reads_is_left() {
    const ASKED: usize = 500;
    let answers = in_no_time(async |address| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let requests = "GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(ASKED);
        stream.write_all(requests.as_bytes()).await.unwrap();
        tokio::time::sleep(2 * PATIENCE).await;
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).matches("HTTP/1.1 200").count()
    })
    .await;

    assert!((1..ASKED).contains(&answers), "{answers} of {ASKED}");
}
