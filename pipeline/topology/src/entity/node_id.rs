//! The id of a drawn node: `cluster/namespace/Kind/name`, each segment percent-encoded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Kind, Name};

/// The id of a drawn node. Stable across restarts, views of one cluster never share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Empty if unknown.
    pub cluster: Name,
    /// Empty for what lives in none.
    pub namespace: Name,
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: Name,
}

/// A text that is no node id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadNodeId(pub String);

impl fmt::Display for BadNodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "`{}` is no node id; one reads `cluster/namespace/Kind/name`, for instance `prod/shop/Deployment/cart`",
            self.0
        )
    }
}

impl std::error::Error for BadNodeId {}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cluster, namespace, name) = (Encoded(&self.cluster), Encoded(&self.namespace), Encoded(&self.name));
        write!(formatter, "{cluster}/{namespace}/{}/{name}", self.kind)
    }
}

/// A segment of an id. RFC 3986 2.3: all but unreserved characters are percent-encoded; so an id is one path segment
/// per part, and harmless in any text.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'t>(pub &'t str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                write!(formatter, "{}", char::from(byte))?;
            } else {
                write!(formatter, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

fn decode(text: &str) -> Option<Name> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Name::from)
}

impl FromStr for NodeId {
    type Err = BadNodeId;

    fn from_str(text: &str) -> Result<Self, BadNodeId> {
        let bad = || BadNodeId(text.to_owned());
        let mut parts = text.split('/');
        let mut next = || parts.next().ok_or_else(bad);
        let (cluster, namespace, kind, name) = (next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(bad());
        }
        Ok(Self {
            cluster: decode(cluster).ok_or_else(bad)?,
            namespace: decode(namespace).ok_or_else(bad)?,
            kind: kind.parse().map_err(|_| bad())?,
            name: decode(name).filter(|name| !name.is_empty()).ok_or_else(bad)?,
        })
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
