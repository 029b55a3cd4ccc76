//! Who the process says it is.

use config::telemetry::ResourceAttributes;

/// `service.name` and its kin, as `service::telemetry::resource` changes them.
pub(super) fn attributes(settings: &ResourceAttributes, version: &str) -> Vec<(String, String)> {
    let mut attributes: Vec<(String, String)> = vec![
        ("service.name".into(), "tidewatch".into()),
        ("service.version".into(), version.into()),
        ("service.instance.id".into(), instance_id()),
    ];
    for (name, value) in &settings.attributes {
        attributes.retain(|(known, _)| known != name);
        if let Some(value) = value {
            attributes.push((name.clone(), value.clone()));
        }
    }
    attributes
}

/// The kernel's random UUID; without one, the process id is all that tells instances apart.
fn instance_id() -> String {
    let uuid = std::fs::read_to_string("/proc/sys/kernel/random/uuid");
    uuid.map_or_else(|_| std::process::id().to_string(), |uuid| uuid.trim().to_owned())
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

        let mut attributes = attributes(&settings, "1.0");
        attributes.retain(|(name, _)| name != "service.instance.id");

        let expected = [("service.name", "gateway"), ("k8s.node.name", "n1")];
        assert_eq!(attributes, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
