//! `host:port`, as gRPC clients are told it.

/// Schemes that say nothing about where to.
const SCHEMES: [&str; 3] = ["http://", "https://", "dns:///"];

/// The endpoint without its scheme.
pub(super) fn without_scheme(endpoint: &str) -> &str {
    SCHEMES.iter().find_map(|scheme| endpoint.strip_prefix(scheme)).unwrap_or(endpoint)
}

/// What is wrong with a `host:port`, in Go's words.
pub(super) fn problem(address: &str) -> Option<String> {
    let missing = || format!("address {address}: missing port in address");
    let rest = match address.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((_, rest)) => rest,
            None => return Some(format!("address {address}: missing ']' in address")),
        },
        None => address.find(':').and_then(|at| address.get(at..)).unwrap_or_default(),
    };
    let Some(port) = rest.strip_prefix(':') else { return Some(missing()) };
    if port.contains(':') {
        return Some(format!("address {address}: too many colons in address"));
    }
    if port.parse::<u16>().is_err() {
        return Some(format!("invalid port {port:?}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_as_go_does() {
        assert_eq!(problem("localhost:4317"), None);
        assert_eq!(problem("[::1]:4317"), None);
        assert_eq!(problem("localhost").unwrap(), "address localhost: missing port in address");
        assert_eq!(problem("[::1]").unwrap(), "address [::1]: missing port in address");
        assert_eq!(problem("::1:4317").unwrap(), "address ::1:4317: too many colons in address");
        assert_eq!(problem("localhost:otlp").unwrap(), "invalid port \"otlp\"");
        assert_eq!(problem("[::1").unwrap(), "address [::1: missing ']' in address");
    }

    #[test]
    fn schemes_are_stripped() {
        for endpoint in ["http://a:1", "https://a:1", "dns:///a:1", "a:1"] {
            assert_eq!(without_scheme(endpoint), "a:1");
        }
    }
}
