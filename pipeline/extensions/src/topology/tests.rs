use std::sync::atomic::{AtomicUsize, Ordering};

use ::config::{Mark, Problems, Request, assert_readme_table, decode_component};
use component::{Budget, Clock, Now};

use super::*;

/// The settings of an extension as a file has them, or why they are refused.
fn settings(yaml: &str) -> Result<TopologyConfig, String> {
    let file = format!("yaml:extensions: {{topology: {yaml}}}\n");
    let loaded = ::config::load(&Request { uris: &[file], sets: &[], gates: &[], environment: &|_| None });
    let loaded = loaded.map_err(|problems| problems.render())?;
    let node = loaded.extensions.into_iter().next().unwrap().node;
    let mut problems = Problems::new();
    decode_component(&node, "extensions::topology", Mark::NOWHERE, &mut problems).ok_or_else(|| problems.render())
}

#[test]
fn without_keys_the_map_is_kept_in_memory_and_served_on_localhost() {
    let config = settings("{}").unwrap();

    assert_eq!(config.endpoint, "localhost:4680");
    assert_eq!(config.store().directory, None);
}

#[test]
fn the_keys_of_the_store_reach_it() {
    let config =
        settings("{directory: /data, limits: {edges: 7}, storage: {minutes: 2h, disk: 1GiB}}").unwrap().store();

    assert_eq!(config.directory, Some("/data".into()));
    assert_eq!(config.max_edges, 7);
    assert_eq!(config.retention.minutes, 7_200_000_000_000);
    assert_eq!(config.disk_bytes, 1 << 30);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_key_that_is_wrong() {
    for (yaml, word) in [
        ("{endpoint: localhost}", "host:port"),
        ("{directory: \"\"}", "directory"),
        ("{token: \"\"}", "token"),
        ("{links: {trace: \"javascript:alert(1)\"}}", "https://"),
        ("{storage: {recent: 1s}}", "recent"),
        ("{storage: {memory: 1KiB}}", "memory"),
        ("{limits: {edges: 0}}", "edges"),
        ("{limts: {edges: 1}}", "limits"),
    ] {
        let refused = settings(yaml).expect_err(yaml);
        assert!(refused.contains(word), "{yaml}: {refused}");
    }
}

#[test]
fn the_readme_has_every_key() {
    assert_readme_table::<TopologyConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/topology/README.md"));
}

/// A clock that breaks when it is looked at for the second time: the first look opens the store, all others are the owner's.
#[derive(Default)]
struct Fragile(AtomicUsize);

impl Clock for Fragile {
    fn now(&self) -> Now {
        assert_eq!(self.0.fetch_add(1, Ordering::Relaxed), 0, "the clock is broken");
        Now::default()
    }
}

#[tokio::test]
async fn a_map_that_cannot_go_on_ends_the_process_with_an_error() {
    let context = BuildContext::new(Arc::new(Fragile::default()), Budget::new(1), 1);
    let config = TopologyConfig { endpoint: "127.0.0.1:0".into(), ..TopologyConfig::default() };
    let mut map = Topology::build(&config, &context).unwrap();

    map.start().await.unwrap();

    let reason = context.stop.asked().await.unwrap_err();
    assert!(reason.contains("panicked"), "{reason}");
    assert!(map.intake.take(std::time::Duration::ZERO).closed, "what comes now is refused or counted");
    map.stop().await;
}
