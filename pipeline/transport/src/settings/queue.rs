//! `sending_queue`.

use config::{Check, Config, GoDuration, Toggle, Validate};

/// What is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "invalid sizer: {:?}")]
pub enum Sizer {
    /// Batches as they come.
    #[default]
    Requests,
    /// Spans, data points, log records.
    Items,
    /// Encoded bytes.
    Bytes,
}

/// What waits between the pipeline and the destination. Queued bytes also count against the byte budget of the process.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("storage"))]
pub struct QueueSettings {
    /// How many requests are sent at a time.
    #[config(default = 10)]
    pub num_consumers: i64,
    /// Most that is queued or being sent, in the unit of `sizer`.
    #[config(default = 1000)]
    pub queue_size: i64,
    /// What `queue_size` counts. By default requests.
    pub sizer: Option<Sizer>,
    /// When the queue is full: make senders wait instead of refusing them.
    pub block_on_overflow: bool,
    /// Tell senders how delivery ended, instead of that the queue took their data.
    pub wait_for_result: bool,
    /// Joins small requests and cuts large ones. On when written.
    pub batch: Toggle<BatchSettings>,
}

/// When requests are joined and cut.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules, unsupported("partition"))]
pub struct BatchSettings {
    /// Send what there is after this time.
    #[config(default = GoDuration::milliseconds(200))]
    pub flush_timeout: GoDuration,
    /// Send when there is this much.
    #[config(default = 8192)]
    pub min_size: i64,
    /// Cut what is larger. 0: no limit.
    pub max_size: i64,
    /// What the sizes count: items or bytes. By default that of the queue if one is written there, else items.
    pub sizer: Option<Sizer>,
}

impl BatchSettings {
    /// What the sizes count within a queue that counts `queue`.
    pub(crate) fn sizer_within(&self, queue: Option<Sizer>) -> Sizer {
        self.sizer.or(queue).unwrap_or(Sizer::Items)
    }

    fn problems(&self, queue: &QueueSettings) -> Vec<String> {
        let (min_size, max_size) = (self.min_size, self.max_size);
        let flush = self.flush_timeout.as_nanoseconds();
        let rules = [
            (flush > 0, format!("batch: `flush_timeout` must be positive, found {flush}")),
            (min_size >= 0, format!("batch: `min_size` must be non-negative, found {min_size}")),
            (max_size >= 0, format!("batch: `max_size` must be non-negative, found {max_size}")),
            (
                self.sizer_within(queue.sizer) != Sizer::Requests,
                "batch: `batch` supports only `items` or `bytes` sizer, found \"requests\"".to_owned(),
            ),
            (
                max_size <= 0 || max_size >= min_size,
                format!("batch: `max_size` ({max_size}) must be greater or equal to `min_size` ({min_size})"),
            ),
            (
                self.sizer_within(queue.sizer) != queue.sizer() || min_size <= queue.queue_size,
                "`min_size` must be less than or equal to `queue_size`".to_owned(),
            ),
        ];
        rules.into_iter().filter(|(holds, _)| !holds).map(|(_, text)| text).collect()
    }
}

impl QueueSettings {
    /// What `queue_size` counts.
    pub(crate) fn sizer(&self) -> Sizer {
        self.sizer.unwrap_or_default()
    }
}

impl Validate for QueueSettings {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.num_consumers > 0, "num_consumers", "`num_consumers` must be positive");
        check.require(self.queue_size > 0, "queue_size", "`queue_size` must be positive");
        let problems = self.batch.get().map(|batch| batch.problems(self)).unwrap_or_default();
        for problem in problems {
            check.error("batch", problem);
        }
    }
}
