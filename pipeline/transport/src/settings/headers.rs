//! Headers from the configuration.

use config::{Check, Pairs, Secret};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Reports names and values that HTTP does not allow. Values are secrets and are not shown.
pub(super) fn check(headers: &Pairs<Secret>, key: &str, check: &mut Check<'_, '_>) {
    for (name, value) in headers.iter() {
        check.require(HeaderName::try_from(name).is_ok(), key, format!("invalid header name {name:?}"));
        let valid = HeaderValue::try_from(value.expose()).is_ok();
        check.require(valid, key, format!("invalid value of header {name:?}"));
    }
}

/// The headers; those that [`check`] reports are left out.
pub(super) fn map(headers: &Pairs<Secret>) -> HeaderMap {
    headers.iter().filter_map(|(name, value)| header(name, value.expose(), true)).collect()
}

pub(super) fn header(name: &str, value: &str, sensitive: bool) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(sensitive);
    Some((HeaderName::try_from(name).ok()?, value))
}
