//! What comes in small leaves large, and every sender hears how it ended.

use std::time::Duration;

use component::Refusal;
use component::testkit::{ProcessorStory, Sent, Stage, Watched, faults, processor, processor_on};
use pdata::Signal;
use proptest::prelude::*;

use super::*;
use crate::stories::{named_spans, names, spans};

const MS: Duration = Duration::from_millis(1);

fn sizes(sent: &[Sent]) -> Vec<usize> {
    sent.iter().map(|sent| sent.batch.items()).collect()
}

fn accept(sent: Vec<Sent>) {
    sent.into_iter().for_each(|sent| sent.ack.accept());
}

#[test]
fn small_batches_leave_together_once_there_is_enough() {
    let mut story = processor::<BatchProcessor>("{send_batch_size: 10, timeout: 1s}");

    let mut first = story.receives(spans(4));
    let mut second = story.receives(spans(5));
    assert!(story.sent().is_empty());
    let mut third = story.receives(spans(2));

    let sent = story.sent();
    assert_eq!(sizes(&sent), [11]);
    assert!(first.is_open() && second.is_open() && third.is_open());
    accept(sent);
    assert!(first.is_accepted() && second.is_accepted() && third.is_accepted());
    let labels = [("processor", "story")];
    assert_eq!(story.stage.metric("otelcol_processor_batch_batch_size_trigger_send", &labels), 1.0);
    assert_eq!(story.stage.metric("otelcol_processor_batch_batch_send_size", &labels), 1.0);
}

#[test]
fn what_is_not_enough_leaves_when_it_has_waited_long_enough() {
    let mut story = processor::<BatchProcessor>("{timeout: 200ms}");

    story.receives(spans(1));
    story.after(100 * MS).receives(spans(1));
    assert!(story.after(99 * MS).sent().is_empty());

    assert_eq!(sizes(&story.after(MS).sent()), [2]);
    assert_eq!(story.stage.metric("otelcol_processor_batch_timeout_trigger_send", &[]), 1.0);
    assert!(story.after(1000 * MS).sent().is_empty());
}

#[test]
fn a_refusal_reaches_every_sender() {
    let mut story = processor::<BatchProcessor>("{send_batch_size: 2}");
    let mut first = story.receives(spans(1));
    let mut second = story.receives(spans(1));

    for sent in story.sent() {
        sent.ack.refuse(Refusal::Retryable("the back end is away".into()));
    }

    let refusal = Some(Refusal::Retryable("the back end is away".into()));
    assert_eq!((first.refusal(), second.refusal()), (refusal.clone(), refusal));
}

#[test]
fn a_large_batch_is_cut_and_its_end_waits_for_more() {
    let mut story = processor::<BatchProcessor>("{send_batch_size: 10, send_batch_max_size: 10, timeout: 1s}");

    let mut watched = story.receives(spans(25));
    let sent = story.sent();
    assert_eq!(sizes(&sent), [10, 10]);
    accept(sent);
    assert!(watched.is_open(), "five of its spans still wait");

    accept(story.after(1000 * MS).sent());
    assert!(watched.is_accepted());
}

#[test]
fn without_a_timeout_nothing_waits() {
    for yaml in ["{timeout: 0s}", "{send_batch_size: 0}", "{timeout: 0s, send_batch_max_size: 9000}"] {
        let mut story = processor::<BatchProcessor>(yaml);

        story.receives(spans(3));

        assert_eq!(sizes(&story.sent()), [3], "{yaml}");
    }
}

#[test]
fn what_still_waits_at_the_end_is_sent() {
    let mut story = processor::<BatchProcessor>("");
    let mut watched = story.receives(spans(3));

    accept(story.finishes().sent());

    assert!(watched.is_accepted());
}

#[test]
fn data_that_the_byte_budget_has_no_room_for_does_not_wait() {
    let size = spans(3).size();
    let mut story = processor_on::<BatchProcessor>(Stage::new(Signal::Traces, size * 2), "");

    story.receives(spans(3));
    story.receives(spans(3));
    assert!(story.sent().is_empty());
    assert_eq!(story.stage.context.budget.used(), size * 2);

    story.receives(spans(3));

    assert_eq!(sizes(&story.sent()), [9]);
    assert_eq!(story.stage.context.budget.used(), 0);
    assert_eq!(story.processor().wake(), None);
}

#[test]
fn a_batch_without_items_is_not_waited_for() {
    let mut story = processor::<BatchProcessor>("");

    assert!(story.receives(Batch::empty(Signal::Traces)).is_accepted());
    assert_eq!(story.processor().wake(), None);
}

#[test]
fn edits_are_in_what_leaves() {
    let mut story = processor::<BatchProcessor>("{send_batch_size: 2}");
    let mut edited = spans(1);
    edited.resources_mut().for_each(|mut resource| resource.upsert("service.name", "basket"));

    story.receives(edited);
    story.receives(spans(1));

    let sent = story.sent();
    let services: Vec<_> = sent[0]
        .batch
        .resources()
        .map(|resource| resource.attribute("service.name").unwrap().as_str().unwrap().to_owned())
        .collect();
    assert_eq!(services, ["basket", "cart"]);
}

#[test]
fn sizes_that_contradict_are_refused_in_the_collectors_words() {
    let cases = [
        (
            "{send_batch_size: 100, send_batch_max_size: 50}",
            "send_batch_max_size must be greater or equal to send_batch_size",
        ),
        ("{timeout: -1s}", "timeout must be greater or equal to 0"),
        ("{metadata_keys: [tenant]}", "'metadata_keys' is not supported yet"),
    ];
    for (yaml, sentence) in cases {
        assert_eq!(faults::<BatchConfig>(yaml), [sentence], "{yaml}");
    }
}

#[test]
fn the_readme_has_the_keys() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/src/batch/README.md");
    ::config::assert_readme_table::<BatchConfig>(readme);
}

/// Something that happens to the processor.
#[derive(Debug, Clone)]
enum Step {
    Receive(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => (0usize..30).prop_map(Step::Receive), 1 => (0u64..300).prop_map(Step::Wait)];
    proptest::collection::vec(step, 1..40)
}

struct Flow {
    story: ProcessorStory<BatchProcessor>,
    given: Vec<String>,
    watched: Vec<Watched>,
}

impl Flow {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(milliseconds) => _ = self.story.after(Duration::from_millis(*milliseconds)),
            Step::Receive(count) => {
                let names: Vec<_> = (0..*count).map(|number| format!("{}.{number}", self.watched.len())).collect();
                self.given.extend(names.clone());
                self.watched.push(self.story.receives(named_spans(names)));
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_doubled_or_out_of_order_and_everybody_is_answered(
        steps in steps(),
        trigger in 0u32..50,
        above in 0u32..20,
        has_limit in any::<bool>(),
        budget in 0usize..4000,
    ) {
        let most = if has_limit { trigger + above } else { 0 };
        let yaml = format!("{{send_batch_size: {trigger}, send_batch_max_size: {most}, timeout: 200ms}}");
        let story = processor_on::<BatchProcessor>(Stage::new(Signal::Traces, budget), &yaml);
        let mut flow = Flow { story, given: Vec::new(), watched: Vec::new() };

        steps.iter().for_each(|step| flow.step(step));
        let sent = flow.story.finishes().sent();

        let taken: Vec<_> = sent.iter().flat_map(|sent| names(&sent.batch)).collect();
        prop_assert_eq!(taken, flow.given);
        if most > 0 {
            prop_assert!(sent.iter().all(|sent| sent.batch.items() <= most as usize));
        }
        prop_assert_eq!(flow.story.stage.context.budget.used(), 0);
        accept(sent);
        prop_assert!(flow.watched.iter_mut().all(Watched::is_accepted));
    }
}
