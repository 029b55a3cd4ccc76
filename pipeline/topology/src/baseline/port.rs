//! The port, transport and protocol of a line, and how surely an edge's row is among them.

use std::fmt;

use super::end::Fit;
use super::file::{PortConfig, TransportName};
use crate::{EdgeRow, Transport};

/// A port of the called, and what is spoken there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Port {
    pub number: Option<u16>,
    pub transport: Option<Layer>,
    /// Anything if empty.
    pub protocols: Vec<String>,
}

/// A transport that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Layer {
    Tcp,
    Udp,
}

impl Layer {
    pub fn of(transport: Transport) -> Option<Self> {
        match transport {
            Transport::Tcp => Some(Self::Tcp),
            Transport::Udp => Some(Self::Udp),
            Transport::Unspecified => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl Port {
    pub fn of(config: &PortConfig) -> Self {
        let transport = config.transport.map(|transport| match transport {
            TransportName::Tcp => Layer::Tcp,
            TransportName::Udp => Layer::Udp,
        });
        let mut protocols = config.protocols.clone();
        protocols.sort();
        Self { number: config.port, transport, protocols }
    }

    fn fit(&self, row: &EdgeRow) -> Fit {
        let number = part(self.number.as_ref(), row.port.as_ref());
        let transport = part(self.transport.as_ref(), Layer::of(row.transport).as_ref());
        let spoken = &row.protocol.0;
        let protocol = match () {
            () if self.protocols.is_empty() => Fit::Yes,
            () if row.protocol.is_unspecified() => Fit::Maybe,
            () if self.protocols.iter().any(|protocol| **protocol == **spoken) => Fit::Yes,
            () => Fit::No,
        };
        number.min(transport).min(protocol)
    }

    /// True if everything on `other` is on this.
    pub fn covers(&self, other: &Self) -> bool {
        let protocols = self.protocols.is_empty()
            || !other.protocols.is_empty() && other.protocols.iter().all(|it| self.protocols.contains(it));
        protocols
            && self.number.is_none_or(|number| other.number == Some(number))
            && self.transport.is_none_or(|transport| other.transport == Some(transport))
    }

    /// True if nothing that is known of `other` is elsewhere. What a draft does not know contradicts nothing.
    pub fn admits(&self, other: &Self) -> bool {
        let known = Self {
            number: other.number,
            transport: other.transport.or(self.transport),
            protocols: if other.protocols.is_empty() { self.protocols.clone() } else { other.protocols.clone() },
        };
        self.covers(&known)
    }
}

/// One part of a port: what is not said means anything, what is not known contradicts nothing.
fn part<T: PartialEq>(said: Option<&T>, known: Option<&T>) -> Fit {
    match (said, known) {
        (None, _) => Fit::Yes,
        (Some(_), None) => Fit::Maybe,
        (Some(said), Some(known)) if said == known => Fit::Yes,
        (Some(_), Some(_)) => Fit::No,
    }
}

/// How surely a row is on one of these ports; on any, if there are none.
pub(super) fn fit(ports: &[Port], row: &EdgeRow) -> Fit {
    if ports.is_empty() { Fit::Yes } else { ports.iter().map(|port| port.fit(row)).max().unwrap_or(Fit::No) }
}

/// True if everything on `other` is on one of `own`.
pub(super) fn cover(own: &[Port], other: &[Port]) -> bool {
    own.is_empty() || !other.is_empty() && other.iter().all(|port| own.iter().any(|own| own.covers(port)))
}

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number.map_or_else(|| "*".to_owned(), |number| number.to_string());
        formatter.write_str(&number)?;
        if let Some(transport) = self.transport {
            write!(formatter, "/{}", transport.as_str())?;
        }
        if !self.protocols.is_empty() {
            write!(formatter, " {}", self.protocols.join("|"))?;
        }
        Ok(())
    }
}
