//! Who may ask: by the name under which the server was called, and by the token.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Uri};

use super::asked::Fault;
use super::config::TopologyConfig;

/// Decides who may ask.
#[derive(Debug, Clone)]
pub struct Guard {
    names: Vec<String>,
    any_name: bool,
    token: Option<String>,
}

impl Guard {
    /// As the configuration says.
    pub fn new(config: &TopologyConfig) -> Self {
        let own = host_of(&config.endpoint).to_ascii_lowercase();
        let mut names: Vec<String> = config.allowed_hosts.iter().map(|name| name.to_ascii_lowercase()).collect();
        let any_name = names.iter().any(|name| name == "*");
        names.extend(["localhost".to_owned(), own]);
        Self { names, any_name, token: config.token.as_ref().map(|token| token.expose().to_owned()) }
    }

    /// A page of another site may make its own name point here ("DNS rebinding"); its requests then carry that name.
    /// An address cannot be made to point elsewhere.
    pub fn knows_host(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Fault> {
        // RFC 9112 3.2: who sends several may mean one here and another to a server in front.
        let mut hosts = headers.get_all(HOST).iter();
        let (header, None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else {
            return Err(Fault::bad("the request has several Host headers"));
        };
        let Some(called) = uri.host().or_else(|| header.map(host_of)) else {
            return Err(Fault::bad("the request has no Host header that can be read"));
        };
        let called = called.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        if self.any_name || self.names.contains(&called) || called.parse::<IpAddr>().is_ok() {
            return Ok(());
        }
        let help = format!("if it is, add it to the extension's key: `allowed_hosts: [{called}]`");
        let fault = Fault { status: 421, error: format!("`{called}` is not a name of this server"), help: None };
        Err(fault.help(help))
    }

    /// `Authorization: Bearer TOKEN`, or the token as the password of `Basic`, which is what browsers ask people for.
    pub fn knows_sender(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let Some(token) = &self.token else { return Ok(()) };
        let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
        let (scheme, rest) = header.split_once(' ').unwrap_or_default();
        let sent = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(rest.trim().to_owned()),
            "basic" => password(rest.trim()),
            _ => None,
        };
        if sent.is_some_and(|sent| is_same(sent.as_bytes(), token.as_bytes())) {
            return Ok(());
        }
        let fault = Fault { status: 401, error: "this server wants its token".into(), help: None };
        Err(fault.help("send `Authorization: Bearer TOKEN` with the extension's `token`"))
    }
}

fn host_of(endpoint: &str) -> &str {
    let bracketed = endpoint.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match bracketed {
        Some((host, port)) if port.is_empty() || port.starts_with(':') => host,
        _ => endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host),
    }
}

fn password(basic: &str) -> Option<String> {
    let pair = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// Takes as long for every guess of the right length.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn guard(config: TopologyConfig) -> Guard {
        Guard::new(&config)
    }

    fn called(guard: &Guard, host: &'static str) -> u16 {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        guard.knows_host(&headers, &Uri::from_static("/")).err().map_or(200, |fault| fault.status)
    }

    fn sends(guard: &Guard, authorization: &str) -> u16 {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(authorization).unwrap())]);
        guard.knows_sender(&headers).err().map_or(200, |fault| fault.status)
    }

    #[test]
    fn a_name_that_somebody_made_point_here_is_refused() {
        let guard = guard(TopologyConfig { endpoint: "map.shop:4680".into(), ..TopologyConfig::default() });

        for host in ["localhost:4680", "LOCALHOST", "localhost.", "127.0.0.1:4680", "10.1.2.3", "map.shop.:4680"] {
            assert_eq!(called(&guard, host), 200, "{host}");
        }
        for host in ["[::1]:4680", "[::1]", "[fe80::1]:4680", "map.shop:4680"] {
            assert_eq!(called(&guard, host), 200, "{host}");
        }
        for host in [
            "evil.example:4680",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "localhost@evil.example",
            "evil.example#localhost",
            "[::1].evil.example",
            "[evil.example]",
            "",
        ] {
            assert_eq!(called(&guard, host), 421, "{host}");
        }
    }

    #[test]
    fn further_names_can_be_allowed() {
        let some = guard(TopologyConfig { allowed_hosts: vec!["Map.Example".into()], ..TopologyConfig::default() });
        let all = guard(TopologyConfig { allowed_hosts: vec!["*".into()], ..TopologyConfig::default() });

        assert_eq!(called(&some, "map.example"), 200);
        assert_eq!(called(&some, "other.example"), 421);
        assert_eq!(called(&all, "other.example"), 200);
    }

    #[test]
    fn a_request_without_a_name_is_refused() {
        assert!(guard(TopologyConfig::default()).knows_host(&HeaderMap::new(), &Uri::from_static("/")).is_err());
    }

    #[test]
    fn the_token_is_taken_from_programs_and_browsers_alike() {
        let guard = guard(TopologyConfig { token: Some("s3cret".into()), ..TopologyConfig::default() });

        assert_eq!(sends(&guard, "Bearer s3cret"), 200);
        assert_eq!(sends(&guard, &format!("Basic {}", STANDARD.encode("anybody:s3cret"))), 200);
        for wrong in ["", "Bearer", "Bearer s3creT", "Bearer s3cret2", "Basic s3cret", "Basic !!"] {
            assert_eq!(sends(&guard, wrong), 401, "{wrong}");
        }
    }
}
