//! Searching, checking a way, comparing two windows.

use super::world::{World, calls, deployment, outside, shop};
use crate::query::{Difference, NoSuchNode, Overlook, Verdict, check, compare, search};
use crate::{Inside, Level, Measures, OutsideKind, Protocol, View, Who};

fn found(world: &World, text: &str) -> Vec<String> {
    let hits = search(&world.observed, &world.judgements, View::Workload, text, 3);
    hits.into_iter().map(|hit| hit.name.to_string()).collect()
}

#[test]
fn the_best_fitting_name_stands_first() {
    let mut world = World::new();
    for name in ["discart", "cart-worker", "cart", "big-cart", "price"] {
        world.entity(&deployment("shop", name));
    }

    assert_eq!(found(&world, "CART"), ["cart", "cart-worker", "big-cart"]);
}

#[test]
fn words_narrow_a_search_by_namespace_and_kind() {
    let mut world = shop();
    world.entity(&deployment("old", "cart"));
    world.node_is(&deployment("old", "cart"), Level::Red);

    assert_eq!(found(&world, "cart"), ["cart", "cart"]);
    let hits = search(&world.observed, &world.judgements, View::Workload, "shop/cart", 9);
    assert_eq!(hits.iter().map(|hit| hit.group.as_str()).collect::<Vec<_>>(), ["ns:prod/shop"]);
    assert_eq!(found(&world, "mysql"), ["db.example"]);
    assert_eq!(found(&world, " "), Vec::<String>::new());
    assert_eq!(found(&world, "cart mysql"), Vec::<String>::new());
}

fn verdict(world: &World, a: &str, b: &str) -> Verdict {
    check(&world.observed, View::Workload, a, b).unwrap().verdict
}

fn attempts(refused: u64, timed_out: u64, connections: u64) -> Measures {
    let mut measures = Measures::default();
    measures.flow.failed.refused = refused;
    measures.flow.failed.timed_out = timed_out;
    measures.flow.connections = connections;
    measures
}

#[test]
fn a_way_that_was_used_works() {
    let world = shop();

    assert_eq!(verdict(&world, "front", "cart"), Verdict::Ok);
    assert_eq!(verdict(&world, "prod/shop/Deployment/cart", "pay/payment"), Verdict::Ok);
    assert_eq!(Verdict::Ok.exit_code(), 0);
}

#[test]
fn a_way_over_others_is_named_hop_by_hop() {
    let answer = check(&shop().observed, View::Workload, "front", "db.example").unwrap();

    let hops: Vec<_> = answer.hops.iter().map(|hop| format!("{}>{}", hop.source.name, hop.target.name)).collect();
    assert_eq!(hops, ["front>cart", "cart>payment", "payment>db.example"]);
    assert_eq!(answer.verdict, Verdict::Ok);
}

#[test]
fn a_broken_way_says_how() {
    let mut world = shop();
    let (price, ledger) = (deployment("shop", "price"), deployment("pay", "ledger"));
    let (mail, audit) = (deployment("shop", "mail"), deployment("shop", "audit"));
    world.call(&price, &ledger, "tcp", attempts(9, 1, 10)).call(&price, &mail, "tcp", attempts(0, 4, 4)).call(
        &price,
        &audit,
        "http",
        calls(5, 5),
    );

    assert_eq!(verdict(&world, "price", "ledger"), Verdict::Refused);
    assert_eq!(verdict(&world, "price", "mail"), Verdict::TimedOut);
    assert_eq!(verdict(&world, "price", "audit"), Verdict::Failing);
    assert_eq!(Verdict::Refused.exit_code(), 1);
}

#[test]
fn where_nobody_went_nothing_is_claimed() {
    let world = shop();

    assert_eq!(verdict(&world, "price", "front"), Verdict::NeverTried);
    assert_eq!(Verdict::NeverTried.exit_code(), 4);
}

#[test]
fn a_name_that_means_nobody_or_two_is_an_error_that_says_so() {
    let mut world = shop();
    world.entity(&deployment("old", "cart"));

    let nobody = check(&world.observed, View::Workload, "front", "kart").unwrap_err();
    assert_eq!(nobody, NoSuchNode::Unknown("kart".to_owned()));
    let two = check(&world.observed, View::Workload, "front", "cart").unwrap_err();
    assert!(two.to_string().contains("`prod/old/Deployment/cart`, `prod/shop/Deployment/cart`"), "{two}");
}

#[test]
fn equal_windows_are_the_same() {
    assert!(compare(&shop().observed, &shop().observed, View::Workload, Overlook::default()).same);
}

#[test]
fn what_is_new_and_what_is_gone_is_listed() {
    let mut after = shop();
    after.observed.edges.retain(|edge| edge.rows[0].protocol != Protocol("grpc".into()));
    after.call(&deployment("shop", "cart"), &outside(OutsideKind::Redis, "cache.example"), "redis", calls(9, 0));

    let change = compare(&shop().observed, &after.observed, View::Workload, Overlook::default());

    let name = |id: &crate::NodeId| id.name.to_string();
    assert_eq!(change.nodes.added.iter().map(name).collect::<Vec<_>>(), ["cache.example"]);
    assert_eq!(change.nodes.removed.iter().map(name).collect::<Vec<_>>(), ["price"]);
    assert_eq!(&*change.edges.added[0].target.name, "cache.example");
    assert_eq!(&*change.edges.removed[0].target.name, "price");
    assert!(!change.same);
}

#[test]
fn an_edge_that_fails_more_often_or_speaks_otherwise_has_changed() {
    let (mut before, mut after) = (World::new(), World::new());
    let (front, cart, price) = (deployment("shop", "front"), deployment("shop", "cart"), deployment("shop", "price"));
    before.call(&front, &cart, "http", calls(100, 1)).call(&front, &price, "unspecified", calls(50, 0));
    after.call(&front, &cart, "grpc", calls(100, 10)).call(&front, &price, "http", calls(50, 0));

    let change = compare(&before.observed, &after.observed, View::Workload, Overlook::default());

    assert_eq!(change.edges.changed.len(), 1, "what was not known has not changed");
    assert_eq!(change.edges.changed[0].what, [Difference::Protocols, Difference::Errors]);
    assert_eq!(change.edges.changed[0].protocols_added, [Protocol("grpc".into())]);
}

#[test]
fn a_new_region_compares_with_the_old_one() {
    let moved = |who: Who| match who {
        Who::Inside(inside) => Who::Inside(Inside { cluster: "new".into(), ..inside }),
        outside @ Who::Outside(_) => outside,
    };
    let (front, cart) = (deployment("shop", "front"), deployment("shop", "cart"));
    let (mut old, mut new) = (World::new(), World::new());
    old.call(&front, &cart, "http", calls(10, 0));
    new.call(&moved(front), &moved(cart), "http", calls(10, 0));

    assert!(!compare(&old.observed, &new.observed, View::Workload, Overlook::default()).same);
    assert!(compare(&old.observed, &new.observed, View::Workload, Overlook { cluster: true }).same);
}
