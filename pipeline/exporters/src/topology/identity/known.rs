//! The names under which ends are known, so that a client's word for its peer finds them.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use topology::{End, Inside, Name, Service, ServiceOrigin, Who};

/// Most names; a full table starts over, and ends are known again when their resource is read anew.
const MOST: usize = 262_144;

/// Cluster, namespace, name.
type Place = (Name, Name, Name);

#[derive(Debug, Clone)]
enum Bearer {
    /// One workload.
    One(Arc<End>),
    /// More than one: a Service in front of several workloads, such as a canary.
    Service(Arc<End>),
}

/// Who is known under which name.
#[derive(Debug, Default)]
pub(in super::super) struct Known {
    bearers: HashMap<Place, Bearer, RandomState>,
    /// By name alone; `None` if several places have one.
    anywhere: HashMap<Name, Option<Place>, RandomState>,
    /// Addresses; `None` if several live at one.
    addresses: HashMap<IpAddr, Option<Arc<End>>, RandomState>,
    /// Grows with everything that is learnt, and when an address turns out to say nothing.
    revision: u64,
    /// How often the names, and the addresses, started over.
    restarts: [u64; 2],
}

impl Known {
    /// Somebody was seen.
    pub(in super::super) fn meet(&mut self, end: &End) {
        let Who::Inside(inside) = &end.who else { return };
        let service = inside.service.as_ref().map(|service| &service.name);
        let workload = inside.workload.as_ref().map(|workload| &workload.name);
        if let Some(name) = service {
            self.add(inside, name);
        }
        if let Some(name) = workload.filter(|name| Some(*name) != service) {
            self.add(inside, name);
        }
    }

    fn add(&mut self, inside: &Inside, name: &Name) {
        let place = (inside.cluster.clone(), inside.namespace.clone(), name.clone());
        if !self.bearers.contains_key(&place) {
            if self.bearers.len() >= MOST {
                self.bearers.clear();
                self.anywhere.clear();
                self.restarts[0] = self.restarts[0].saturating_add(1);
            }
            self.revision = self.revision.wrapping_add(1);
            let only = self.anywhere.entry(name.clone()).or_insert_with(|| Some(place.clone()));
            match only {
                // Who is somewhere is more than who is not said to be anywhere.
                Some((_, namespace, _)) if namespace.is_empty() => *only = Some(place.clone()),
                Some(known) if *known != place && !inside.namespace.is_empty() => *only = None,
                _ => {}
            }
        }
        let whole = |inside: Inside| Arc::new(End { who: Who::Inside(inside), pod: None, host: None });
        match self.bearers.get_mut(&place) {
            None => {
                self.bearers.insert(place, Bearer::One(whole(inside.clone())));
            }
            Some(bearer @ Bearer::One(_)) => {
                let Bearer::One(known) = bearer else { return };
                let Who::Inside(before) = &known.who else { return };
                match (&before.workload, &inside.workload) {
                    // What only said its service's name is that workload, now that we know it.
                    (None, Some(_)) => {
                        self.revision = self.revision.wrapping_add(1);
                        *bearer = Bearer::One(whole(inside.clone()));
                    }
                    (Some(before), Some(now)) if before != now => {
                        let service = Some(Service { name: name.clone(), origin: ServiceOrigin::Address });
                        *bearer = Bearer::Service(whole(Inside { workload: None, service, ..inside.clone() }));
                    }
                    _ => {}
                }
            }
            Some(Bearer::Service(_)) => {}
        }
    }

    /// How often all names, and all addresses, were forgotten for want of room.
    pub(in super::super) fn restarts(&self) -> [u64; 2] {
        self.restarts
    }

    /// Changes when somebody may be known who was not before.
    pub(in super::super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Who is known under a name, for words without a place: the only one of that name, wherever it is.
    pub(in super::super) fn find_anywhere(&self, name: &str) -> Option<&Arc<End>> {
        let (cluster, namespace, name) = self.anywhere.get(name)?.as_ref()?;
        self.find(cluster, namespace, name)
    }

    /// Somebody spoke from an address. Loopback and unspecified addresses are nobody's.
    pub(in super::super) fn meet_at(&mut self, address: IpAddr, end: &Arc<End>) {
        if address.is_loopback() || address.is_unspecified() {
            return;
        }
        if self.addresses.len() >= MOST && !self.addresses.contains_key(&address) {
            self.addresses.clear();
            self.restarts[1] = self.restarts[1].saturating_add(1);
        }
        let known = self.addresses.entry(address).or_insert_with(|| {
            self.revision = self.revision.wrapping_add(1);
            Some(Arc::clone(end))
        });
        if known.as_ref().is_some_and(|known| known.who != end.who) {
            *known = None;
            self.revision = self.revision.wrapping_add(1);
        }
    }

    /// The only one who spoke from an address.
    pub(in super::super) fn at(&self, address: IpAddr) -> Option<&Arc<End>> {
        self.addresses.get(&address)?.as_ref()
    }

    /// Whether several have spoken from an address, so that it says nothing about who is there now.
    pub(in super::super) fn is_shared(&self, address: IpAddr) -> bool {
        self.addresses.get(&address).is_some_and(Option::is_none)
    }

    /// Who is known under a name.
    pub(in super::super) fn find(&self, cluster: &Name, namespace: &Name, name: &Name) -> Option<&Arc<End>> {
        let place = (cluster.clone(), namespace.clone(), name.clone());
        self.bearers.get(&place).map(|bearer| match bearer {
            Bearer::One(end) | Bearer::Service(end) => end,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn service(name: &str) -> Arc<End> {
        let service = Some(Service { name: name.into(), origin: ServiceOrigin::ServiceName });
        let inside = Inside { cluster: "".into(), namespace: "".into(), workload: None, service };
        Arc::new(End { who: Who::Inside(inside), pod: None, host: None })
    }

    fn address(number: usize) -> IpAddr {
        Ipv4Addr::from(u32::try_from(number).unwrap() + 0x0a00_0000).into()
    }

    #[test]
    fn a_full_table_starts_over_for_somebody_new_and_not_for_those_whom_it_knows() {
        let mut known = Known::default();
        let everybody = service("cart");
        for number in 0..MOST {
            known.meet(&service(&number.to_string()));
            known.meet_at(address(number), &everybody);
        }

        known.meet(&service("7"));
        known.meet_at(address(7), &everybody);
        assert_eq!(known.restarts(), [0, 0]);
        assert!(known.find_anywhere("8").is_some() && known.at(address(8)).is_some());

        known.meet(&service("new"));
        known.meet_at(address(MOST), &everybody);
        assert_eq!(known.restarts(), [1, 1]);
        assert!(known.find_anywhere("8").is_none() && known.at(address(8)).is_none());
        assert!(known.find_anywhere("new").is_some() && known.at(address(MOST)).is_some());
    }
}
