//! What must hold for any request. The oracle is prost.

use bytes::Bytes;
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::MetricsData;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::generate::Chance;
use super::{model, oracle};
use crate::framing::check_by;
use crate::wire::put_bytes_field;
use crate::{Batch, BufferPool, Limit, Signal, json};

fn chances() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..1500)
}

fn request(signal: Signal, chance: &mut Chance<'_>) -> Bytes {
    match signal {
        Signal::Traces => chance.traces().encode_to_vec().into(),
        Signal::Metrics => chance.metrics().encode_to_vec().into(),
        Signal::Logs => chance.logs().encode_to_vec().into(),
    }
}

fn signals() -> impl Strategy<Value = Signal> {
    prop_oneof![Just(Signal::Traces), Just(Signal::Metrics), Just(Signal::Logs)]
}

/// Everything that the views show, as text that can be compared for all signals.
fn shown(batch: &Batch) -> String {
    match batch.signal() {
        Signal::Traces => format!("{:#?}", oracle::traces(batch)),
        Signal::Metrics => format!("{:#?}", oracle::metrics(batch)),
        Signal::Logs => format!("{:#?}", oracle::logs(batch)),
    }
}

/// What prost says that the views must show.
fn decoded(signal: Signal, bytes: &[u8]) -> String {
    match signal {
        Signal::Traces => format!("{:#?}", TracesData::decode(bytes).unwrap()),
        Signal::Metrics => format!("{:#?}", MetricsData::decode(bytes).unwrap()),
        Signal::Logs => format!("{:#?}", LogsData::decode(bytes).unwrap()),
    }
}

/// All items of all parents, without regard to how they are wrapped.
fn items(batch: &Batch) -> usize {
    crate::edit::count_live(batch)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_views_show_what_prost_decodes(signal in signals(), chances in chances()) {
        let bytes = request(signal, &mut Chance(&chances));
        let batch = Batch::from_otlp(signal, bytes.clone()).unwrap();

        prop_assert_eq!(shown(&batch), decoded(signal, &bytes));
        prop_assert_eq!(batch.items(), items(&batch));
        prop_assert_eq!(batch.to_bytes(), bytes, "an unedited batch is its bytes");
    }

    #[test]
    fn edits_are_what_prost_would_make_of_them(signal in signals(), chances in chances(), edits in chances()) {
        let bytes = request(signal, &mut Chance(&chances));
        let mut batch = Batch::from_otlp(signal, bytes.clone()).unwrap();
        let expected: Bytes = match signal {
            Signal::Traces => {
                let mut data = TracesData::decode(bytes).unwrap();
                model::model_traces(&mut data, &mut Chance(&edits));
                model::edit_traces(&mut batch, &mut Chance(&edits));
                data.encode_to_vec().into()
            }
            Signal::Metrics => {
                let mut data = MetricsData::decode(bytes).unwrap();
                model::model_metrics(&mut data, &mut Chance(&edits));
                model::edit_items(&mut batch, &mut Chance(&edits));
                data.encode_to_vec().into()
            }
            Signal::Logs => {
                let mut data = LogsData::decode(bytes).unwrap();
                model::model_logs(&mut data, &mut Chance(&edits));
                model::edit_items(&mut batch, &mut Chance(&edits));
                data.encode_to_vec().into()
            }
        };

        let expected = decoded(signal, &expected);
        prop_assert_eq!(shown(&batch), &expected[..], "read through the edits");
        let written = batch.to_bytes();
        prop_assert_eq!(decoded(signal, &written), expected, "written");
        prop_assert_eq!(batch.size(), written.len());
        prop_assert_eq!(batch.items(), Batch::from_otlp(signal, written.clone()).unwrap().items());
        let rope = batch.into_segments(&mut BufferPool::default());
        prop_assert_eq!(rope.concat(), written);
    }

    #[test]
    fn split_keeps_items_limits_and_order(signal in signals(), chances in chances(), most in 1..6_usize) {
        let bytes = request(signal, &mut Chance(&chances));
        let batch = Batch::from_otlp(signal, bytes).unwrap();
        let total = batch.items();

        let parts = batch.clone().split(Limit::Items(most));
        for part in &parts {
            let again = Batch::from_otlp(signal, part.to_bytes()).unwrap();
            prop_assert!(part.items() <= most);
            prop_assert_eq!(part.items(), again.items());
        }
        prop_assert_eq!(parts.iter().map(Batch::items).sum::<usize>(), total);
        prop_assert_eq!(items(&Batch::merge(parts).unwrap()), total);

        for limit in [1, most * 100] {
            let parts = batch.clone().split(Limit::Bytes(limit));
            prop_assert_eq!(parts.iter().map(Batch::items).sum::<usize>(), total);
            for part in parts {
                prop_assert!(part.size() <= limit || part.items() <= 1, "{} bytes of {limit}", part.size());
                prop_assert_eq!(Batch::from_otlp(signal, part.to_bytes()).unwrap().items(), part.items());
            }
        }
    }

    #[test]
    fn merging_is_concatenation(signal in signals(), first in chances(), second in chances()) {
        let [first, second] = [first, second].map(|chances| request(signal, &mut Chance(&chances)));
        let both = [first.clone(), second.clone()].map(|bytes| Batch::from_otlp(signal, bytes).unwrap());
        let merged = Batch::merge(both.clone()).unwrap();

        prop_assert_eq!(shown(&merged), decoded(signal, &[first, second].concat()));
        prop_assert_eq!(merged.items(), both[0].items() + both[1].items());
    }

    #[test]
    fn bytes_cut_anywhere_give_an_error_or_fewer_items(signal in signals(), chances in chances()) {
        let bytes = request(signal, &mut Chance(&chances));
        let whole = Batch::from_otlp(signal, bytes.clone()).unwrap().items();

        for end in 0..bytes.len() {
            let cut = bytes.slice(..end);
            prop_assert_eq!(check_by::<true>(signal.schema(), &cut), check_by::<false>(signal.schema(), &cut));
            if let Ok(batch) = Batch::from_otlp(signal, cut) {
                prop_assert!(batch.items() <= whole, "{} of {whole} items from {end} bytes", batch.items());
            }
        }
    }

    #[test]
    fn hostile_bytes_never_panic(signal in signals(), chances in chances(), flips in vec(any::<(u16, u8)>(), 1..8)) {
        let mut bytes = request(signal, &mut Chance(&chances)).to_vec();
        for (place, value) in flips {
            let length = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(usize::from(place) % length) {
                *byte = value;
            }
        }
        // Shortcuts find what the table finds, down to the error's place.
        prop_assert_eq!(check_by::<true>(signal.schema(), &bytes), check_by::<false>(signal.schema(), &bytes));
        if let Ok(mut batch) = Batch::from_otlp(signal, bytes.into()) {
            shown(&batch);
            prop_assert!(json::decode(signal, &json::encode(&batch)).is_ok(), "our own JSON is readable");
            model::edit_items(&mut batch, &mut Chance(&chances));
            let items = batch.items();
            prop_assert_eq!(batch.split(Limit::Bytes(64)).iter().map(Batch::items).sum::<usize>(), items);
        }
    }

    #[test]
    fn json_and_back_is_the_same_request(signal in signals(), chances in chances()) {
        let bytes = request(signal, &mut Chance(&chances));
        let batch = Batch::from_otlp(signal, bytes.clone()).unwrap();
        let text = json::encode(&batch);
        let back = json::decode(signal, &text).unwrap();

        prop_assert_eq!(decoded(signal, &back.to_bytes()), decoded(signal, &bytes));
        prop_assert_eq!(json::encode(&back), text);
    }

    #[test]
    fn unusual_but_legal_encodings_are_read_as_prost_reads_them(first in chances(), second in chances()) {
        let [mut first, mut second] = [Chance(&first), Chance(&second)];
        let resource = [first.resource_spans().encode_to_vec(), second.resource_spans().encode_to_vec()].concat();
        let metric = [first.metric().encode_to_vec(), second.metric().encode_to_vec()].concat();
        let value = [first.value().encode_to_vec(), second.value().encode_to_vec()].concat();

        let traces = nest(&[1], &resource);
        let batch = Batch::from_otlp(Signal::Traces, traces.clone()).unwrap();
        prop_assert_eq!(shown(&batch), decoded(Signal::Traces, &traces));

        let metrics = nest(&[1, 2, 2], &metric);
        let batch = Batch::from_otlp(Signal::Metrics, metrics.clone()).unwrap();
        let expected = MetricsData::decode(&metrics[..]).unwrap();
        prop_assert_eq!(
            &oracle::metrics(&batch).resource_metrics[0].scope_metrics[0].metrics[0],
            &expected.resource_metrics[0].scope_metrics[0].metrics[0]
        );

        let log = nest(&[1, 2, 2, 5], &value);
        let batch = Batch::from_otlp(Signal::Logs, log.clone()).unwrap();
        let expected = LogsData::decode(&log[..]).unwrap();
        prop_assert_eq!(
            &oracle::logs(&batch).resource_logs[0].scope_logs[0].log_records[0],
            &expected.resource_logs[0].scope_logs[0].log_records[0]
        );
    }
}

/// A message inside the fields with these numbers, the outermost first.
fn nest(path: &[u32], body: &[u8]) -> Bytes {
    path.iter()
        .rev()
        .fold(body.to_vec(), |body, number| {
            let mut out = Vec::new();
            put_bytes_field(&mut out, *number, &body);
            out
        })
        .into()
}
