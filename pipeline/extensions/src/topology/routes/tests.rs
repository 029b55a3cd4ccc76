//! Stories about answers, from a publication and without a server.

use std::sync::Arc;

use topology::baseline::Baseline;
use topology::rules::Rules;
use topology::store::{Store, StoreConfig};
use topology::{Moment, SECOND};

use super::*;
use crate::topology::judge::Judging;

const NOW: Moment = Moment(1_767_268_800 * SECOND);

/// The worker must call the cart.
const BASELINE: &str = "apiVersion: topology/v1alpha1
kind: TopologyBaseline
metadata: { name: shop }
spec:
  defaults: { missingAfter: 0s }
  edges:
    - from: { ns: shop, kind: Deployment, name: worker }
      to: { ns: shop, kind: Deployment, name: cart }
      state: require
";

/// A map that has seen nothing, held against the baseline.
fn map() -> Published {
    let mut problems = config::Problems::new();
    let baseline = Baseline::read("baseline.yaml", BASELINE, &mut problems);
    let baseline = baseline.unwrap_or_else(|| panic!("{}", problems.render()));
    let mut judging = Judging::new(&Rules::default(), [Arc::new(baseline)].into(), "prod", Arc::default());
    let (store, _) = Store::open(StoreConfig::default(), NOW).unwrap();
    let snapshot = store.snapshot();
    judging.step(&snapshot, NOW);
    let first = Published::first(NOW, Arc::clone(&snapshot));
    first.next(NOW, snapshot, judging.opinion(), judging.notices())
}

fn ask(map: &Published, question: &str) -> Result<String, Fault> {
    let (path, query) = question.split_once('?').unwrap_or((question, ""));
    let (place, rest) = find(path).unwrap_or_else(|| panic!("nothing answers at {path}"));
    let route = &ROUTES[place];
    let mut asked = Asked::read(query, &route.parameter_names())?;
    asked.rest = rest.to_owned();
    let settings = Settings::new(&TopologyConfig::default(), Arc::default());
    let answer = (route.answer)(&asked, map, &settings)?;
    Ok(String::from_utf8(answer.plain.to_vec()).unwrap())
}

const WORKER: &str = "prod/shop/Deployment/worker";

#[test]
fn who_is_required_and_was_never_seen_can_be_asked_about_like_everybody() {
    let map = map();

    for question in [
        "/api/v1/graph?collapse=none",
        "/api/v1/graph?collapse=none&format=columns",
        &format!("/api/v1/graph?focus={WORKER}"),
        &format!("/api/v1/nodes/{WORKER}"),
        &format!("/api/v1/edges?source={WORKER}&target=prod/shop/Deployment/cart"),
        &format!("/api/v1/stack?focus={WORKER}"),
        "/api/v1/search?q=worker",
        "/api/v1/findings",
    ] {
        let answer = ask(&map, question).unwrap_or_else(|fault| panic!("{question}: {fault:?}"));
        assert!(answer.contains("worker"), "{question}: {answer}");
    }
    for question in ["series", "events"].map(|route| format!("/api/v1/{route}?node={WORKER}")) {
        assert!(ask(&map, &question).is_ok(), "{question}");
    }
    assert_eq!(ask(&map, "/api/v1/series?node=prod/shop/Deployment/nobody").unwrap_err().status, 404);
}

#[test]
fn what_is_taken_along_holds_only_what_was_seen() {
    let map = map();

    for question in ["/api/v1/export", "/api/v1/graph?format=window", "/api/v1/graph?format=yaml"] {
        let answer = ask(&map, question).unwrap();
        assert!(!answer.contains("worker"), "{question}: {answer}");
    }
}
