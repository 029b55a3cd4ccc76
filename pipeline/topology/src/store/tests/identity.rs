//! Who is who.

use super::support::*;
use crate::*;

#[test]
fn what_names_only_the_service_meets_its_workload_as_soon_as_one_resource_carried_both() {
    let mut story = story();
    story.receives(calls(NOON, end(service("shop", "front")), end(service("shop", "cart")), 3, 10));
    assert_eq!(edges(&story.last(MINUTE)), [("prod/shop/Service/front -> prod/shop/Service/cart".to_owned(), 3)]);

    story.after(5 * SECOND);
    story.receives(calls(
        story.now,
        end(both("shop", "front-v1", "front")),
        end(both("shop", "cart-v2", "cart")),
        4,
        10,
    ));

    let joined = [("prod/shop/Deployment/front-v1 -> prod/shop/Deployment/cart-v2".to_owned(), 7)];
    assert_eq!(edges(&story.last(MINUTE)), joined, "totals survive the merge");
    let observed = story.last(MINUTE);
    assert!(observed.edges[0].first_seen <= NOON, "and so does the first time");
    let nodes: std::collections::BTreeSet<_> =
        observed.registry.entities.iter().map(|entity| entity.who.node(View::Workload)).collect();
    assert_eq!(nodes.len(), 2, "nobody stands there twice: {nodes:?}");
}

#[test]
fn with_two_candidates_a_service_stands_for_itself() {
    let mut story = story();
    let front = || end(workload("shop", "front"));
    story.receives(calls(NOON, front(), end(both("shop", "cart-v1", "cart")), 1, 10));
    story.receives(calls(NOON, front(), end(both("shop", "cart-v2", "cart")), 1, 10));
    story.receives(calls(NOON, front(), end(service("shop", "cart")), 5, 10));

    let edge = |target: &str, count| (format!("prod/shop/Deployment/front -> prod/shop/{target}"), count);
    let expected = [edge("Deployment/cart-v1", 1), edge("Deployment/cart-v2", 1), edge("Service/cart", 5)];
    assert_eq!(edges(&story.last(MINUTE)), expected);
}

#[test]
fn where_a_services_name_comes_from_makes_no_second_service() {
    let mut story = story();
    let mut told = service("shop", "cart");
    told.service.as_mut().unwrap().origin = ServiceOrigin::Address;
    story.receives(calls(NOON, end(workload("shop", "front")), end(service("shop", "cart")), 1, 10));
    story.receives(calls(NOON, end(workload("shop", "front")), end(told), 1, 10));

    assert_eq!(story.last(MINUTE).edges.len(), 1);
}

#[test]
fn state_that_names_only_the_workload_is_state_of_the_node_with_traffic() {
    let mut story = story();
    story.receives(calls(NOON, end(workload("shop", "front")), end(both("shop", "cart-v2", "cart")), 1, 10));
    let replicas = |metric, value| StateRow { at: NOON, subject: end(workload("shop", "cart-v2")), metric, value };
    let states = vec![replicas(StateMetric::ReplicasDesired, 3.0), replicas(StateMetric::ReplicasAvailable, 2.0)];
    story.store.apply(Rows { states, ..Rows::default() }, NOON);

    let observed = story.last(MINUTE);
    assert_eq!(observed.nodes.len(), 1);
    assert_eq!(observed.nodes[0].entity, observed.edges[0].target);
    assert_eq!(observed.nodes[0].replicas, Some(Replicas { desired: 3, available: 2 }));
}

#[test]
fn machines_are_a_graph_of_their_own() {
    let mut story = story();
    let on = |who: Inside, host: &str| {
        std::sync::Arc::new(End { who: Who::Inside(who), pod: None, host: Some(host.into()) })
    };
    story.receives(calls(NOON, on(workload("shop", "front"), "n1"), on(workload("shop", "cart"), "n2"), 2, 10));
    story.receives(calls(NOON, on(workload("shop", "front"), "n1"), on(workload("shop", "mail"), "n2"), 3, 10));

    let hosts = story.store.snapshot().observe_hosts(NOON.minus(MINUTE), NOON.plus(MINUTE));

    assert_eq!(edges(&hosts), [("prod//Host/n1 -> prod//Host/n2".to_owned(), 5)]);
    assert!(
        story.last(MINUTE).registry.entities.iter().all(|entity| !entity
            .who
            .node(View::Host)
            .to_string()
            .contains("Host"))
    );
}
