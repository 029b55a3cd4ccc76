//! Who the process says it is.

use std::sync::Arc;

use config::telemetry::ResourceAttributes;

const INSTANCE: &str = "service.instance.id";

/// `service.name` and its kin, as `service::telemetry::resource` changes them.
pub(super) fn attributes(settings: &ResourceAttributes, version: &str, instance: &str) -> Vec<(String, String)> {
    let mut attributes: Vec<(String, String)> = vec![
        ("service.name".into(), "tidewatch".into()),
        ("service.version".into(), version.into()),
        (INSTANCE.into(), instance.into()),
    ];
    for (name, value) in &settings.attributes {
        attributes.retain(|(known, _)| known != name);
        if let Some(value) = value {
            attributes.push((name.clone(), value.clone()));
        }
    }
    attributes
}

/// The id of this process: the configured one, else the one that it came with.
pub(crate) fn instance(settings: &ResourceAttributes, own: &Arc<str>) -> Arc<str> {
    let configured = settings.attributes.iter().find(|(name, _)| name == INSTANCE).and_then(|(_, id)| id.as_deref());
    configured.map_or_else(|| Arc::clone(own), Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_replaced_added_and_removed() {
        let settings = ResourceAttributes {
            attributes: vec![
                ("service.name".into(), Some("gateway".into())),
                ("service.version".into(), None),
                ("k8s.node.name".into(), Some("n1".into())),
            ],
            schema_url: None,
        };

        let attributes = attributes(&settings, "1.0", "i");

        let expected = [("service.instance.id", "i"), ("service.name", "gateway"), ("k8s.node.name", "n1")];
        assert_eq!(attributes, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_instance_is_the_configured_one_else_its_own() {
        let own: Arc<str> = "own".into();
        let settings = |id: Option<&str>| ResourceAttributes {
            attributes: vec![("service.instance.id".into(), id.map(str::to_owned))],
            schema_url: None,
        };

        assert_eq!(&*instance(&settings(Some("a")), &own), "a");
        assert_eq!(&*instance(&settings(None), &own), "own");
    }
}
