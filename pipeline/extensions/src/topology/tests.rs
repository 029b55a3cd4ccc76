use ::config::{Mark, Node, Problems, Value, assert_readme_table, decode_component};

use super::config::TopologyConfig;

#[test]
fn without_keys_the_map_is_kept_in_memory_and_served_on_localhost() {
    let mut problems = Problems::new();
    let node = Node::new(Value::Null, Mark::NOWHERE);
    let config: TopologyConfig = decode_component(&node, "extensions::topology", Mark::NOWHERE, &mut problems).unwrap();

    assert_eq!(config.endpoint, "localhost:4680");
    assert_eq!(config.store().directory, None);
}

#[test]
fn the_readme_has_every_key() {
    assert_readme_table::<TopologyConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/topology/README.md"));
}
