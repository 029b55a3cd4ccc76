//! The demo's shop, asked by a script: the graph is exactly the true one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Kernel, Program, Room, Tidewatch, free_port, system_python, text_of, until};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo");

/// A control group of the story's own, so that whatever else runs on this machine is not in its graph.
struct Group(PathBuf);

impl Group {
    fn new() -> Self {
        let root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].into_iter().map(Path::new);
        let root = root.into_iter().find(|root| root.join("cgroup.procs").exists()).expect("a cgroup2 hierarchy");
        let path = root.join(format!("tidewatch-story-{}", std::process::id()));
        fs::create_dir_all(&path).expect("root may make a group");
        Self(path)
    }

    fn name(&self) -> String {
        format!("/{}", self.0.file_name().unwrap().to_string_lossy())
    }

    /// Starts a service of the shop in it.
    fn start(&self, service: &str, command: &[&str]) -> Program {
        let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.0.display());
        let mut shell = Command::new("sh");
        shell.args(["-c", &enter, "sh"]).args(command).stderr(Stdio::null());
        shell.env("OTEL_RESOURCE_ATTRIBUTES", format!("k8s.namespace.name=shop,k8s.deployment.name={service}"));
        Program::start(service, &mut shell)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Workers outlive a master that had no chance to tell them.
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        // They leave the group a moment later; an empty group that stays behind harms nobody.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// GETs each path once, in order, over one connection.
const SCRIPTED: &str = r#"
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
for path in sys.argv[2:]:
    connection.request("GET", path)
    connection.getresponse().read()
"#;

/// What is true of an edge: requests, and how many of them failed.
type Edges = BTreeMap<(String, String), (u64, u64)>;

/// The shop as `examples/demo/run` and its sources say it is.
#[derive(Default)]
struct Truth {
    edges: Edges,
    payments: u64,
    looks: u64,
}

impl Truth {
    /// Calls and returns whether it worked.
    fn call(&mut self, client: &str, server: &str) -> bool {
        let works = match server {
            "web" => unreachable!("customers name the page that they want"),
            "payment" => client != "cart" || self.pay(),
            "cart" => {
                self.call("cart", "payment");
                true
            }
            "catalog" => self.look(),
            "shop" => {
                let cart = self.call("shop", "cart");
                let catalog = self.call("shop", "catalog");
                cart && catalog
            }
            _ => true,
        };
        self.count(client, server, works);
        works
    }

    /// Three of ten fail, evenly spread. Cart makes the best of it.
    fn pay(&mut self) -> bool {
        self.payments += 1;
        self.payments * 30 / 100 == (self.payments - 1) * 30 / 100
    }

    /// Every tenth look into the catalog is a look into payments, whatever comes of it.
    fn look(&mut self) -> bool {
        self.looks += 1;
        if self.looks.is_multiple_of(10) {
            self.call("catalog", "payment");
        }
        true
    }

    fn count(&mut self, client: &str, server: &str, works: bool) {
        let edge = self.edges.entry((client.into(), server.into())).or_default();
        edge.0 += 1;
        edge.1 += u64::from(!works);
    }

    fn of(paths: &[&str]) -> Edges {
        let mut truth = Self::default();
        for path in paths {
            let server =
                path.trim_start_matches('/').split('/').next().filter(|name| !name.is_empty()).unwrap_or("shop");
            let works = truth.call("web", server);
            truth.count("customers", "web", works);
        }
        truth.edges
    }
}

/// The edges that an endpoint with service-graph metrics serves, summed over other labels.
fn edges(exposition: &str) -> Edges {
    let mut edges = Edges::new();
    for line in exposition.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let label = |name: &str| {
            let start =
                series.find(&format!("{{{name}=\"")).or_else(|| series.find(&format!(",{name}=\"")))? + name.len() + 3;
            Some(series[start..].split('"').next()?.to_owned())
        };
        let is = |metric: &str| series.split('{').next() == Some(metric);
        let counts = (is("traces_service_graph_request_total"), is("traces_service_graph_request_failed_total"));
        if let ((true, _) | (_, true), Some(client), Some(server)) = (counts, label("client"), label("server")) {
            let value = value.parse::<f64>().unwrap() as u64;
            let edge = edges.entry((client, server)).or_default();
            *(if counts.0 { &mut edge.0 } else { &mut edge.1 }) += value;
        }
    }
    edges
}

/// A port such that it and the next six are free, and a text that names the demo's with those put in their place.
fn moved(text: &str, base: u16) -> String {
    (0..7).fold(text.to_owned(), |text, offset| {
        text.replace(&(18_080 + offset).to_string(), &(base + offset).to_string())
    })
}

fn seven_free_ports() -> u16 {
    loop {
        let base = free_port();
        let rest: Vec<u16> = (0..6).map(|_| free_port()).collect();
        if rest.iter().zip(1..).all(|(port, offset)| *port == base + offset) {
            return base;
        }
    }
}

#[test]
fn the_graph_of_the_demo_is_the_true_one() {
    let Some(_kernel) = Kernel::to_observe() else { return };
    let (group, room, base, scribe_port) = (Group::new(), Room::new(), seven_free_ports(), free_port());
    let (metrics, health, own, map) = (free_port(), free_port(), free_port(), free_port());

    // The demo's own configuration, but everything in the group is observed, and spans go to another Tidewatch too.
    let config = moved(&fs::read_to_string(format!("{DEMO}/tidewatch.yaml")).unwrap(), base)
        .replace(
            &format!("include: [{{ports: [\"{base}-{}\"]}}]", base + 6),
            &format!("include: [{{cgroup: \"{}\"}}]", group.name()),
        )
        .replace("18889", &metrics.to_string())
        .replace("18133", &health.to_string())
        .replace("18888", &own.to_string())
        .replace("cluster: demo", &format!("cluster: demo\n    endpoint: \"localhost:{map}\""))
        .replace(
            "verbosity: basic}",
            &format!("verbosity: basic}}\n  otlp_http: {{endpoint: \"http://127.0.0.1:{scribe_port}\"}}"),
        )
        .replace("span_metrics, debug]", "span_metrics, debug, otlp_http]");
    assert!(
        config.contains("cgroup: ") && config.contains(", otlp_http]") && config.contains("endpoint: \"localhost:"),
        "the demo's configuration has changed:\n{config}"
    );
    let _scribe = scribe_at(scribe_port);
    let tidewatch = Tidewatch::start(&config);

    let shop = Shop::open(&group, &room, base);
    let _watchers = Watchers::begin(&group, &room, metrics);
    let paths: Vec<&str> = ["/", "/cart/17", "/catalog/4711", "/", "/recommend", "/search"].repeat(10);
    let script = room.file("customers.py", SCRIPTED);
    let mut customers = vec![system_python(), script.to_str().unwrap()];
    let port = base.to_string();
    customers.push(&port);
    customers.extend(&paths);
    group.start("customers", &customers).finish();

    let truth = Truth::of(&paths);
    let seen = || edges(&text_of(metrics, "/metrics"));
    let total = |edges: &Edges| edges.values().map(|(requests, _)| requests).sum::<u64>();
    until(&format!("{} requests are counted, of {:?}", total(&truth), seen()), || total(&seen()) >= total(&truth));
    assert_eq!(seen(), truth);
    drop((shop, tidewatch));
}

/// Takes what Tidewatch exports: traffic that must not be in the graph.
fn scribe_at(port: u16) -> Tidewatch {
    Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{port}\"}}}}}}}}
exporters: {{nop: {{}}}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [nop]}}}}}}
"
    ))
}

/// The services of the demo, all of them in the group.
struct Shop(#[allow(dead_code, reason = "they live as long as it does")] Vec<Program>);

impl Shop {
    fn open(group: &Group, room: &Room, base: u16) -> Self {
        let (python, js) = (format!("{DEMO}/service.py"), format!("{DEMO}/service.js"));
        let port = |offset: u16| (base + offset).to_string();
        let url = |offset: u16, path: &str| format!("http://127.0.0.1:{}{path}", base + offset);
        fs::create_dir_all(room.path("nginx/tmp")).unwrap();
        let nginx = room.file("nginx.conf", moved(&fs::read_to_string(format!("{DEMO}/nginx.conf")).unwrap(), base));
        let service = |name, command: &[&str]| group.start(name, command);
        let services = vec![
            service("payment", &[system_python(), &python, &port(4), "--fail", "30"]),
            service("recommend", &["node", &js, &port(5), "--delay", "20"]),
            service("search", &[system_python(), &python, &port(6)]),
            service("cart", &["node", &js, &port(2), "--try", &url(4, "/pay")]),
            service("catalog", &[system_python(), &python, &port(3), "--sometimes", &url(4, "/export")]),
            service(
                "shop",
                &[system_python(), &python, &port(1), "--call", &url(2, "/cart/1"), "--call", &url(3, "/catalog/2")],
            ),
            service(
                "web",
                &["/usr/sbin/nginx", "-p", room.path("nginx").to_str().unwrap(), "-c", nginx.to_str().unwrap()],
            ),
        ];
        for offset in 0..7 {
            let listens = || std::net::TcpStream::connect(("127.0.0.1", base + offset)).is_ok();
            until(&format!("the service at {} listens", base + offset), listens);
        }
        Self(services)
    }
}

/// Somebody who scrapes Tidewatch all the time, in the group like everybody.
struct Watchers(#[allow(dead_code, reason = "it lives as long as this does")] Program);

impl Watchers {
    fn begin(group: &Group, room: &Room, metrics: u16) -> Self {
        const SCRAPES: &str = "import sys, time, urllib.request\nwhile True:\n    urllib.request.urlopen(sys.argv[1]).read()\n    time.sleep(0.05)\n";
        let script = room.file("scraper.py", SCRAPES);
        let url = format!("http://127.0.0.1:{metrics}/metrics");
        Self(group.start("prometheus", &[system_python(), script.to_str().unwrap(), &url]))
    }
}
