//! The field numbers in hand-written code are those of the table.

use crate::Signal;
use crate::schema::{Kind, Message};
use crate::view::layout;

fn below(message: &'static Message, name: &str) -> (u32, &'static Message) {
    let field = message.field_named(name).unwrap_or_else(|| panic!("no field {name}"));
    let Kind::Message(nested) = field.kind else { panic!("{name} is no message") };
    (u32::from(field.number), nested)
}

#[test]
fn the_layout_agrees_with_the_table() {
    let items = [("spans", Signal::Traces), ("metrics", Signal::Metrics), ("log_records", Signal::Logs)];
    for ((item, signal), stem) in items.into_iter().zip(["spans", "metrics", "logs"]) {
        let (number, resource) = below(signal.schema(), &format!("resource_{stem}"));
        assert_eq!(number, layout::RESOURCES);
        let (number, description) = below(resource, "resource");
        assert_eq!((number, below(description, "attributes").0), (layout::RESOURCE, layout::RESOURCE_ATTRIBUTES));
        let (number, scope) = below(resource, &format!("scope_{stem}"));
        assert_eq!(number, layout::SCOPES);
        let (number, description) = below(scope, "scope");
        assert_eq!((number, below(description, "attributes").0), (layout::SCOPE, layout::SCOPE_ATTRIBUTES));
        let (number, item) = below(scope, item);
        assert_eq!(number, layout::ITEMS);
        match signal {
            Signal::Traces => assert_eq!(below(item, "attributes").0, layout::SPAN_ATTRIBUTES),
            Signal::Logs => assert_eq!(below(item, "attributes").0, layout::LOG_ATTRIBUTES),
            Signal::Metrics => {
                for data in ["gauge", "sum", "histogram", "exponential_histogram", "summary"] {
                    let (number, data) = below(item, data);
                    assert!(layout::is_data(number));
                    let (points, point) = below(data, "data_points");
                    assert_eq!(points, layout::POINTS);
                    assert_eq!(below(point, "attributes").0, layout::attributes_of(number));
                    assert!(point.is_item);
                }
            }
        }
    }
}
