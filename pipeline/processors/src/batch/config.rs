//! The keys of `batch`.

use config::{Check, Config, GoDuration, Validate};

/// `batch`: makes few large batches of many small ones.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct BatchConfig {
    /// How long items wait at most. Zero: not at all.
    #[config(default = GoDuration::milliseconds(200))]
    pub timeout: GoDuration,
    /// How many items are sent without waiting longer. Zero: any number.
    #[config(default = 8192)]
    pub send_batch_size: u32,
    /// Most items in one batch. Zero: no limit.
    pub send_batch_max_size: u32,
    /// Not supported yet: batches apart by metadata of the request.
    pub metadata_keys: Vec<String>,
    /// Accepted; without `metadata_keys` it means nothing.
    #[config(default = 1000)]
    pub metadata_cardinality_limit: u32,
}

impl Validate for BatchConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let (trigger, most) = (self.send_batch_size, self.send_batch_max_size);
        check.require(
            most == 0 || most >= trigger,
            "send_batch_max_size",
            "send_batch_max_size must be greater or equal to send_batch_size",
        );
        check.require(!self.timeout.is_negative(), "timeout", "timeout must be greater or equal to 0");
        check.require(self.metadata_keys.is_empty(), "metadata_keys", "'metadata_keys' is not supported yet");
    }
}
