//! What a destination took a request for and then did not take of it.

use component::{BuildContext, Counter};
use transport::PartialSuccess;

/// Counts and tells rejected items. Sending them again is useless (OTLP specification, partial success).
pub(crate) struct Rejected {
    items: Counter,
    exporter: String,
}

impl Rejected {
    /// For the exporter built in this context.
    pub(crate) fn new(context: &BuildContext) -> Self {
        let exporter = context.id.to_string();
        let help = "Items that the destination rejected although it took their request.";
        let items = context.registry.counter("tidewatch_exporter_rejected_items", help, &[("exporter", &exporter)]);
        Self { items, exporter }
    }

    /// Looks at one answer.
    pub(crate) fn note(&self, partial: &PartialSuccess) {
        if !partial.is_empty() {
            self.items.add(partial.rejected);
            let PartialSuccess { rejected, message } = partial;
            tracing::warn!(exporter = self.exporter, rejected, message, "Partial success response");
        }
    }
}
