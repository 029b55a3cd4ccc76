//! Who an address is: a capture knows no processes, so an address stands for one.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use hashbrown::HashMap;

use crate::observe::{Identify, Process};

/// More addresses than this share one name.
const MOST_HOSTS: usize = 16_384;
/// What addresses beyond that are called.
const EVERYBODY_ELSE: &str = "other";

/// Names that the configuration gives, by address, or by address and port.
#[derive(Debug, Clone, Default)]
pub struct Names {
    by_address: HashMap<IpAddr, String>,
    by_socket: HashMap<SocketAddr, String>,
}

impl Names {
    /// Reads the names; `Err` holds a key that is no address.
    pub fn read(names: &BTreeMap<String, String>) -> Result<Self, &str> {
        let mut read = Self::default();
        for (key, name) in names {
            if let Ok(address) = key.parse() {
                read.by_address.insert(address, name.clone());
            } else {
                let socket = key.parse().map_err(|_| key.as_str())?;
                read.by_socket.insert(socket, name.clone());
            }
        }
        Ok(read)
    }
}

/// Addresses seen so far.
#[derive(Debug)]
pub struct Hosts {
    names: Names,
    ids: HashMap<Host, u32>,
    /// By id; the first is everybody else.
    processes: Vec<Rc<Process>>,
}

/// A socket's address with a name of its own, or all of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Host {
    Address(IpAddr),
    Socket(SocketAddr),
}

impl Hosts {
    /// Nobody was seen yet.
    pub fn new(names: Names) -> Self {
        let everybody_else = Rc::new(process(0, EVERYBODY_ELSE.into(), None));
        Self { names, ids: HashMap::new(), processes: vec![everybody_else] }
    }

    /// The number that stands for whoever is at this address.
    pub fn id(&mut self, address: SocketAddr) -> u32 {
        let has_own_name = self.names.by_socket.contains_key(&address);
        let host = if has_own_name { Host::Socket(address) } else { Host::Address(address.ip()) };
        if let Some(id) = self.ids.get(&host) {
            return *id;
        }
        let Some(id) = u32::try_from(self.processes.len()).ok().filter(|_| self.processes.len() <= MOST_HOSTS) else {
            return 0;
        };
        let given = match host {
            Host::Socket(socket) => self.names.by_socket.get(&socket),
            Host::Address(address) => self.names.by_address.get(&address),
        };
        let text = match host {
            Host::Socket(socket) => socket.to_string(),
            Host::Address(address) => address.to_string(),
        };
        let name = given.unwrap_or(&text).clone();
        self.processes.push(Rc::new(process(id, name, Some(text))));
        self.ids.insert(host, id);
        id
    }
}

fn process(id: u32, service_name: String, instance: Option<String>) -> Process {
    let mut attributes = vec![("service.name".to_owned(), service_name.clone())];
    attributes.extend(instance.map(|instance| ("service.instance.id".to_owned(), instance)));
    Process { pid: id, service_name, executable: String::new(), cgroup: String::new(), declares_sdk: false, attributes }
}

impl Identify for Hosts {
    fn process(&mut self, id: u32) -> Rc<Process> {
        let known = usize::try_from(id).ok().and_then(|id| self.processes.get(id)).or_else(|| self.processes.first());
        known.map_or_else(|| Rc::new(process(0, EVERYBODY_ELSE.into(), None)), Rc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(names: &[(&str, &str)]) -> Hosts {
        let names = names.iter().map(|(key, name)| ((*key).into(), (*name).into())).collect();
        Hosts::new(Names::read(&names).unwrap())
    }

    fn name(hosts: &mut Hosts, address: &str) -> String {
        let id = hosts.id(address.parse().unwrap());
        hosts.process(id).service_name.clone()
    }

    #[test]
    fn an_address_is_called_as_configured_else_by_itself() {
        let mut hosts = hosts(&[("10.0.0.1", "cart"), ("127.0.0.1:8080", "front"), ("[::1]:80", "six")]);

        assert_eq!(name(&mut hosts, "10.0.0.1:1234"), "cart");
        assert_eq!(name(&mut hosts, "127.0.0.1:8080"), "front");
        assert_eq!(name(&mut hosts, "127.0.0.1:40000"), "127.0.0.1");
        assert_eq!(name(&mut hosts, "[::1]:80"), "six");
    }

    #[test]
    fn two_ports_of_an_address_are_one_service() {
        let mut hosts = hosts(&[]);
        let first = hosts.id("10.0.0.1:1".parse().unwrap());
        assert_eq!(hosts.id("10.0.0.1:2".parse().unwrap()), first);
    }

    #[test]
    fn beyond_the_limit_addresses_share_a_name() {
        let mut hosts = hosts(&[]);
        let address = |number: u32| SocketAddr::new(IpAddr::V4(number.into()), 80);
        (0..20_000).for_each(|number| {
            hosts.id(address(number));
        });

        assert_eq!(hosts.processes.len(), MOST_HOSTS + 1);
        let id = hosts.id(address(30_000));
        assert_eq!(hosts.process(id).service_name, "other");
    }
}
