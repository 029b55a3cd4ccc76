//! Where things stand in the messages: the field numbers that hand-written code needs.
//!
//! The table of `schema` says the same for all fields; a test keeps both equal.

use crate::wire::Fields;

/// `resource_spans`, `resource_metrics`, `resource_logs`.
pub(crate) const RESOURCES: u32 = 1;
/// `resource` in each of them.
pub(crate) const RESOURCE: u32 = 1;
pub(crate) const RESOURCE_ATTRIBUTES: u32 = 1;
/// `scope_spans`, `scope_metrics`, `scope_logs`.
pub(crate) const SCOPES: u32 = 2;
/// `scope` in each of them.
pub(crate) const SCOPE: u32 = 1;
pub(crate) const SCOPE_ATTRIBUTES: u32 = 3;
/// `spans`, `metrics`, `log_records`.
pub(crate) const ITEMS: u32 = 2;
pub(crate) const SPAN_NAME: u32 = 5;
pub(crate) const SPAN_ATTRIBUTES: u32 = 9;
pub(crate) const SPAN_STATUS: u32 = 15;
pub(crate) const STATUS_MESSAGE: u32 = 2;
pub(crate) const STATUS_CODE: u32 = 3;
pub(crate) const LOG_ATTRIBUTES: u32 = 6;
pub(crate) const METRIC_NAME: u32 = 1;
/// `data_points` in the data of every type.
pub(crate) const POINTS: u32 = 1;

pub(crate) const GAUGE: u32 = 5;
pub(crate) const SUM: u32 = 7;
pub(crate) const HISTOGRAM: u32 = 9;
pub(crate) const EXPONENTIAL: u32 = 10;
pub(crate) const SUMMARY: u32 = 11;

pub(crate) const NUMBER_ATTRIBUTES: u32 = 7;
pub(crate) const HISTOGRAM_ATTRIBUTES: u32 = 9;
pub(crate) const EXPONENTIAL_ATTRIBUTES: u32 = 1;
pub(crate) const SUMMARY_ATTRIBUTES: u32 = 7;

/// Whether this field of a metric is its data.
pub(crate) fn is_data(number: u32) -> bool {
    matches!(number, GAUGE | SUM | HISTOGRAM | EXPONENTIAL | SUMMARY)
}

/// Type and body of a metric's data. In normal form there is one at most.
pub(crate) fn data(metric: &[u8]) -> Option<(u32, &[u8])> {
    Fields::new(metric).find(|field| is_data(field.number)).map(|field| (field.number, field.payload.bytes()))
}

/// The field of attributes in points of this type of data.
pub(crate) fn attributes_of(data: u32) -> u32 {
    match data {
        HISTOGRAM => HISTOGRAM_ATTRIBUTES,
        EXPONENTIAL => EXPONENTIAL_ATTRIBUTES,
        SUMMARY => SUMMARY_ATTRIBUTES,
        _ => NUMBER_ATTRIBUTES,
    }
}

/// The field of attributes in this metric's points.
pub(crate) fn point_attributes(metric: &[u8]) -> u32 {
    attributes_of(data(metric).map_or(GAUGE, |(number, _)| number))
}
