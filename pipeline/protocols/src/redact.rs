//! Takes secrets out of URLs.
//!
//! In this room: queries and user information.
//! Not here: which URLs are shown at all (`semconv`).
//!
//! Enter at [`write_query`] and [`write_url`].

/// What stands in the place of a secret.
pub const REDACTED: &str = "REDACTED";

/// Parameters whose value is always a credential: signatures of Amazon, Azure, Google (semantic conventions, `url.full`).
const SECRETS: [&str; 7] = [
    "awsaccesskeyid",
    "signature",
    "sig",
    "x-goog-signature",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
];

/// How much of a query is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueryRedaction {
    /// Names only: every value is replaced.
    #[default]
    Values,
    /// All but the values of known signature parameters.
    Secrets,
}

/// Appends a query (without question mark) with its secrets replaced.
pub fn write_query(query: &str, redaction: QueryRedaction, out: &mut String) {
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            Some((name, value)) if value.is_empty() || (redaction == QueryRedaction::Secrets && !is_secret(name)) => {
                out.push_str(pair);
            }
            Some((name, _)) => {
                out.push_str(name);
                out.push('=');
                out.push_str(REDACTED);
            }
            // Without a name, the whole may be a token.
            None if redaction == QueryRedaction::Values && !pair.is_empty() => out.push_str(REDACTED),
            None => out.push_str(pair),
        }
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// Appends a URL from its parts, without user information and with its query redacted.
pub fn write_url(
    scheme: &str,
    authority: &str,
    path: &str,
    query: Option<&str>,
    redaction: QueryRedaction,
    out: &mut String,
) {
    out.push_str(scheme);
    out.push_str("://");
    let user = if authority.as_bytes().contains(&b'@') { authority.rsplit_once('@') } else { None };
    match user {
        Some((user, host)) => {
            out.push_str(REDACTED);
            if user.contains(':') {
                out.push(':');
                out.push_str(REDACTED);
            }
            out.push('@');
            out.push_str(host);
        }
        None => out.push_str(authority),
    }
    out.push_str(path);
    if let Some(query) = query {
        out.push('?');
        write_query(query, redaction, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str, redaction: QueryRedaction) -> String {
        let mut out = String::new();
        write_query(text, redaction, &mut out);
        out
    }

    #[test]
    fn by_default_no_value_is_shown() {
        assert_eq!(query("q=shoes&page=2", QueryRedaction::Values), "q=REDACTED&page=REDACTED");
        assert_eq!(query("token-without-a-name&empty=&", QueryRedaction::Values), "REDACTED&empty=&");
    }

    #[test]
    fn signatures_are_never_shown() {
        let shown = query("q=shoes&Sig=abc&X-Amz-Signature=def&AWSAccessKeyId=g", QueryRedaction::Secrets);

        assert_eq!(shown, "q=shoes&Sig=REDACTED&X-Amz-Signature=REDACTED&AWSAccessKeyId=REDACTED");
    }

    #[test]
    fn credentials_in_a_url_are_replaced() {
        let url = |authority: &str| {
            let mut out = String::new();
            write_url("http", authority, "/a", Some("b=c"), QueryRedaction::Secrets, &mut out);
            out
        };

        assert_eq!(url("ann:secret@shop.test:8080"), "http://REDACTED:REDACTED@shop.test:8080/a?b=c");
        assert_eq!(url("ann@shop.test"), "http://REDACTED@shop.test/a?b=c");
        assert_eq!(url("shop.test"), "http://shop.test/a?b=c");
    }
}
