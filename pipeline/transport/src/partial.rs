//! What a destination that took a request did not take of it.

use crate::wire::{self, Value};

/// The `partial_success` of an export response; empty when all was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartialSuccess {
    /// Items not taken; sending them again is useless.
    pub rejected: u64,
    /// Why, or a warning when nothing was rejected.
    pub message: String,
}

impl PartialSuccess {
    /// True if there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.rejected == 0 && self.message.is_empty()
    }

    pub(crate) fn of_protobuf(response: &[u8]) -> Self {
        let mut partial = Self::default();
        for (number, value) in wire::fields(response) {
            if let (1, Value::Bytes(inner)) = (number, value) {
                partial.read(inner);
            }
        }
        partial
    }

    fn read(&mut self, inner: &[u8]) {
        for field in wire::fields(inner) {
            match field {
                (1, Value::Varint(rejected)) => self.rejected = i64::try_from(rejected).unwrap_or(0).unsigned_abs(),
                (2, Value::Bytes(text)) => self.message = String::from_utf8_lossy(text).into_owned(),
                _ => {}
            }
        }
    }

    pub(crate) fn of_json(response: &serde_json::Value) -> Self {
        let partial = &response["partialSuccess"];
        let rejected = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"]
            .iter()
            // int64 is a string in canonical protobuf JSON, and a number in some senders' JSON.
            .find_map(|key| partial[*key].as_u64().or_else(|| partial[*key].as_str()?.parse().ok()));
        Self { rejected: rejected.unwrap_or(0), message: partial["errorMessage"].as_str().unwrap_or_default().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_items_are_read_from_both_encodings() {
        let expected = PartialSuccess { rejected: 3, message: "too old".into() };
        let mut inner = Vec::new();
        wire::put_varint(&mut inner, 1, 3);
        wire::put_bytes(&mut inner, 2, b"too old");
        let mut response = Vec::new();
        wire::put_bytes(&mut response, 1, &inner);
        let json = serde_json::json!({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}});

        assert_eq!(PartialSuccess::of_protobuf(&response), expected);
        assert_eq!(PartialSuccess::of_json(&json), expected);
    }

    #[test]
    fn nothing_said_is_a_full_success() {
        assert!(PartialSuccess::of_protobuf(&[]).is_empty());
        assert!(PartialSuccess::of_json(&serde_json::json!({"partialSuccess": {}})).is_empty());
        assert!(PartialSuccess::of_json(&serde_json::json!([])).is_empty());
    }
}
