//! A real Prometheus.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Program, Room, ask, free_port, text_of, until};

/// A Prometheus that scrapes each second and takes remote writes.
pub struct Prometheus {
    port: u16,
    _room: Room,
    _program: Program,
}

/// Labels and value of each series of an answer.
pub type Series = Vec<(BTreeMap<String, String>, f64)>;

impl Prometheus {
    /// Scrapes these ports.
    #[track_caller]
    pub fn scraping(targets: &[u16]) -> Self {
        Self::with_rules(targets, None)
    }

    /// The same with a file of rules.
    #[track_caller]
    pub fn with_rules(targets: &[u16], rules: Option<&Path>) -> Self {
        let (room, port) = (Room::new(), free_port());
        let targets: Vec<String> = targets.iter().map(|target| format!("\"127.0.0.1:{target}\"")).collect();
        let rules = rules.map_or_else(String::new, |rules| format!("rule_files: [\"{}\"]\n", rules.display()));
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}
{rules}scrape_configs: [{{job_name: scraped, honor_labels: true, static_configs: [{{targets: [{}]}}]}}]
",
            targets.join(", ")
        );
        let config = room.file("prometheus.yaml", config);
        let mut command = Command::new("prometheus");
        command.arg("--config.file").arg(config).arg("--storage.tsdb.path").arg(room.path("data"));
        command.args(["--web.enable-remote-write-receiver", "--web.listen-address", &format!("127.0.0.1:{port}")]);
        let program = Program::start("prometheus", command.stderr(Stdio::null()));
        until("Prometheus is ready", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
                && ask(port, "GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status == 200
        });
        Self { port, _room: room, _program: program }
    }

    /// Where it answers.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The `data` of an answer that must be a success.
    #[track_caller]
    pub fn data(&self, path: &str) -> Value {
        let answer = text_of(self.port, path);
        let mut answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].take()
    }

    /// The result of an instant query.
    #[track_caller]
    pub fn query(&self, query: &str) -> Series {
        let encode =
            |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        let query: String = query.bytes().map(encode).collect();
        let data = self.data(&format!("/api/v1/query?query={query}"));
        let labels = |series: &Value| serde_json::from_value(series["metric"].clone()).unwrap();
        let value = |series: &Value| series["value"][1].as_str().unwrap().parse().unwrap();
        data["result"].as_array().unwrap().iter().map(|series| (labels(series), value(series))).collect()
    }

    /// One number per pair of client and server.
    pub fn by_edge(&self, query: &str) -> BTreeMap<(String, String), f64> {
        let series = self.query(query).into_iter();
        series.map(|(labels, value)| ((labels["client"].clone(), labels["server"].clone()), value)).collect()
    }
}
