//! A process whose memory the story decides.

use std::time::Duration;

use component::testkit::{self, ProcessorStory, processor};
use component::{BuildContext, Refusal};

use super::gate::Gate;
use super::meter::Meter;
use super::*;
use crate::stories::spans;

/// A limiter, and the machine it lives on.
struct Machine {
    story: ProcessorStory<MemoryLimiterProcessor>,
    root: tempfile::TempDir,
}

fn machine(yaml: &str) -> Machine {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("proc/self")).unwrap();
    std::fs::write(root.path().join("proc/meminfo"), "MemTotal: 1024000 kB\n").unwrap();
    let mut story = processor::<MemoryLimiterProcessor>(yaml);
    story.processor().gate = Arc::new(Gate::measuring(&testkit::settings(yaml), Meter::below(root.path())));
    Machine { story, root }
}

impl Machine {
    /// The process uses this much, and the next check sees it.
    fn uses(&mut self, mib: u64) {
        std::fs::write(self.root.path().join("proc/self/status"), format!("VmRSS: {} kB\n", mib * 1024)).unwrap();
        self.story.after(Duration::from_secs(1));
    }

    fn refuses(&mut self) -> bool {
        let mut watched = self.story.receives(spans(3));
        for sent in self.story.sent() {
            sent.ack.accept();
        }
        let expected = Refusal::overload("data refused due to high memory usage");
        match watched.refusal() {
            Some(refusal) => {
                assert_eq!(refusal, expected);
                true
            }
            None => false,
        }
    }

    fn metric(&self, name: &str) -> f64 {
        self.story.stage.metric(name, &[("processor", "story")])
    }
}

#[test]
fn data_is_refused_from_the_soft_limit_on_and_taken_again_below_it() {
    let mut machine = machine("{check_interval: 1s, limit_mib: 100, spike_limit_mib: 30}");

    machine.uses(69);
    assert!(!machine.refuses());
    machine.uses(70);
    assert!(machine.refuses());
    machine.uses(500);
    assert!(machine.refuses());
    machine.uses(69);
    assert!(!machine.refuses());

    assert_eq!(machine.metric("otelcol_processor_memory_limiter_accepted_spans"), 6.0);
    assert_eq!(machine.metric("otelcol_processor_memory_limiter_refused_spans"), 6.0);
}

#[test]
fn without_a_spike_limit_a_fifth_is_kept_free() {
    let mut machine = machine("{check_interval: 1s, limit_mib: 100}");

    machine.uses(79);
    assert!(!machine.refuses());
    machine.uses(80);
    assert!(machine.refuses());
}

#[test]
fn percentages_are_of_what_the_machine_has() {
    let mut machine = machine("{check_interval: 1s, limit_percentage: 50, spike_limit_percentage: 10}");

    machine.uses(399);
    assert!(!machine.refuses());
    machine.uses(400);
    assert!(machine.refuses());
}

#[test]
fn a_fixed_limit_wins_over_a_percentage() {
    let mut machine = machine("{check_interval: 1s, limit_mib: 100, limit_percentage: 50}");

    machine.uses(90);

    assert!(machine.refuses());
}

#[test]
fn memory_that_cannot_be_measured_is_not_limited() {
    let mut machine = machine("{check_interval: 1s, limit_mib: 1}");

    machine.story.after(Duration::from_secs(5));

    assert!(!machine.refuses());
}

#[test]
fn all_instances_of_one_limiter_share_one_gate() {
    let stage = testkit::Stage::new(Signal::Traces, 1 << 20);
    let config = testkit::settings("{check_interval: 1s, limit_mib: 100}");
    let build = |context: &BuildContext| MemoryLimiterProcessor::build(&config, context).unwrap();

    let first = build(&stage.context);
    let mut elsewhere = stage.context.clone();
    (elsewhere.shard, elsewhere.signal) = (1, Some(Signal::Logs));
    let second = build(&elsewhere);

    assert!(Arc::ptr_eq(&first.gate, &second.gate));
}

#[test]
fn this_very_process_uses_more_than_one_mebibyte() {
    let mut story = processor::<MemoryLimiterProcessor>("{check_interval: 1s, limit_mib: 1}");

    story.after(Duration::from_secs(1));

    assert!(story.receives(spans(1)).refusal().is_some());
}

#[test]
fn bad_limits_are_refused_in_the_collectors_words() {
    let cases = [
        ("{limit_mib: 100}", "'check_interval' must be greater than zero"),
        ("{check_interval: -1s, limit_mib: 100}", "'check_interval' must be greater than zero"),
        ("{check_interval: 1s}", "'limit_mib' or 'limit_percentage' must be greater than zero"),
        (
            "{check_interval: 1s, limit_mib: 100, spike_limit_mib: 100}",
            "'spike_limit_mib' must be smaller than 'limit_mib'",
        ),
        (
            "{check_interval: 1s, limit_percentage: 50, spike_limit_percentage: 60}",
            "'spike_limit_percentage' must be smaller than 'limit_percentage'",
        ),
        (
            "{check_interval: 1s, limit_percentage: 101}",
            "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred",
        ),
        (
            "{check_interval: 1s, limit_mib: 100, min_gc_interval_when_hard_limited: 11s}",
            "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
        ),
    ];
    for (yaml, sentence) in cases {
        assert_eq!(testkit::faults::<MemoryLimiterConfig>(yaml), [sentence], "{yaml}");
    }
}

#[test]
fn the_readme_has_the_keys() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/src/memory_limiter/README.md");
    ::config::assert_readme_table::<MemoryLimiterConfig>(readme);
}
