use proptest::prelude::*;

use super::*;

fn cart() -> Inside {
    Inside {
        cluster: "prod".into(),
        namespace: "shop".into(),
        workload: Some(Workload { kind: Kind::Deployment, name: "cart-v2".into() }),
        service: Some(Service { name: "cart".into(), origin: ServiceOrigin::Kubernetes }),
    }
}

#[test]
fn one_entity_is_a_workload_a_service_and_part_of_a_namespace() {
    let who = Who::Inside(cart());

    assert_eq!(who.node(View::Workload).to_string(), "prod/shop/Deployment/cart-v2");
    assert_eq!(who.node(View::Service).to_string(), "prod/shop/Service/cart");
    assert_eq!(who.node(View::Namespace).to_string(), "prod//Namespace/shop");
}

#[test]
fn what_only_says_its_service_name_is_that_service_in_both_views() {
    let who = Who::Inside(Inside { workload: None, ..cart() });

    assert_eq!(who.node(View::Workload), who.node(View::Service));
}

#[test]
fn an_outside_peer_lives_in_no_namespace() {
    let kind = OutsideKind::MySQL;
    let who = Who::Outside(Outside { cluster: "prod".into(), kind, name: "db.example:3306".into() });

    assert_eq!(who.node(View::Workload).to_string(), "prod//MySQL/db.example%3A3306");
}

proptest! {
    #[test]
    fn every_id_reads_back(cluster in ".{0,8}", namespace in ".{0,8}", name in ".{1,12}") {
        let id = NodeId {
            cluster: cluster.into(),
            namespace: namespace.into(),
            kind: Kind::StatefulSet,
            name: name.into(),
        };

        prop_assert_eq!(id.to_string().parse::<NodeId>(), Ok(id));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}") {
        let _ = text.parse::<NodeId>();
    }
}
