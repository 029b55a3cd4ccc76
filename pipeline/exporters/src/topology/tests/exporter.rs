//! The component: its way to the map, and what it does when there is no room.

use std::sync::Arc;
use std::time::Duration;

use ::topology::intake::Intake;
use component::testkit::{ExporterStory, Stage, exporter_on, faults};
use component::{Exporter as _, Refusal};
use config::ComponentId;
use pdata::Signal;

use super::super::{TopologyConfig, TopologyExporter};
use super::kit::{batch, client, server};

fn stage(intake: &Arc<Intake>) -> Stage {
    let stage = Stage::new(Signal::Traces, 1 << 20);
    let mut context = stage.context.clone();
    context.id = ComponentId::of("topology");
    context.offer(Arc::clone(intake));
    stage
}

fn exporter(intake: &Arc<Intake>, yaml: &str) -> ExporterStory<TopologyExporter> {
    exporter_on(stage(intake), yaml).unwrap()
}

fn taken(intake: &Intake) -> usize {
    intake.take(Duration::ZERO).rows.iter().map(::topology::Rows::count).sum()
}

#[test]
fn what_is_accepted_is_on_its_way_to_the_map() {
    let intake = Arc::new(Intake::new(10).in_cluster("prod"));
    let mut exporter = exporter(&intake, "");

    assert_eq!(exporter.delivers(batch(&[client("front", 1), server("cart", 1)])), Ok(()));

    let rows = intake.take(Duration::ZERO).rows;
    assert_eq!(super::kit::call(&rows[0].facts[0]), "prod/Service/front -> prod/Service/cart: 1 paired");
    assert_eq!(exporter.stage.metric("otelcol_exporter_sent_spans", &[]), 2.0);
    assert_eq!(exporter.stage.metric("tidewatch_exporter_topology_rows", &[]), 1.0);
}

#[test]
fn beyond_the_bound_rows_are_dropped_counted_and_not_refused() {
    let intake = Arc::new(Intake::new(1));
    let mut exporter = exporter(&intake, "");

    for call in 0..3 {
        assert_eq!(exporter.delivers(batch(&[client("front", call), server("cart", call)])), Ok(()));
    }

    let taken = intake.take(Duration::ZERO);
    assert_eq!((taken.rows.len(), taken.dropped.get("intake_full")), (1, Some(&2)));
    assert_eq!(exporter.stage.metric("tidewatch_exporter_topology_dropped_rows", &[]), 2.0);
}

#[test]
fn who_asks_for_it_is_refused_and_what_was_accepted_is_kept() {
    let intake = Arc::new(Intake::new(1));
    let mut exporter = exporter(&intake, "{on_overflow: refuse}");
    let call = |call| batch(&[client("front", call), server("cart", call)]);

    assert_eq!(exporter.delivers(call(1)), Ok(()));
    assert_eq!(exporter.delivers(call(2)), Ok(()), "it is read, and waits for its place");
    assert_eq!(exporter.delivers(call(3)), Err(Refusal::overload("the map's intake is full")));

    assert_eq!(taken(&intake), 1);
    assert_eq!(exporter.delivers(call(3)), Ok(()), "the sender comes again");
    assert_eq!(taken(&intake), 1);
    exporter.stops();
    assert_eq!(taken(&intake), 1);
}

#[test]
fn what_still_waits_at_the_end_is_told() {
    let intake = Arc::new(Intake::new(10));
    let mut exporter = exporter(&intake, "");
    exporter.delivers(batch(&[server("cart", 1)])).unwrap();
    assert_eq!(taken(&intake), 0);

    exporter.stops();

    assert_eq!(taken(&intake), 1);
}

#[test]
fn without_its_extension_it_says_what_to_add() {
    let context = Stage::new(Signal::Traces, 1 << 20).context;
    let config = component::testkit::settings("{extension: map}");

    let error = TopologyExporter::build(&config, &context).err().unwrap();

    assert!(error.0.contains("extensions"), "{error}");
    assert!(error.0.contains("map"), "{error}");
}

#[test]
fn impossible_settings_are_refused() {
    assert_eq!(
        faults::<TopologyConfig>("{extension: '', pairing: {max_items: 0, wait: 0s}, streams: {max_items: 0}}").len(),
        4
    );
}

#[test]
fn the_readme_tells_all_keys() {
    ::config::assert_readme_table::<TopologyConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/topology/README.md"));
}
