//! Who owns a pod, a ReplicaSet or a Job, as far as somebody told; else what their names say.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pairing::Names;
use topology::{Kind, Name, Workload};

/// What is owned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) enum Owned {
    Pod,
    ReplicaSet,
    Job,
}

/// Most owners that are remembered; a full table starts over, and names have to do until they are told again.
const MOST: usize = 262_144;

type Table = HashMap<(Owned, Name, Name), Workload, RandomState>;

/// Who owns what: what `k8s.*` attributes and the `kube_*_owner` metrics told. One for all shards.
///
/// A lock and not an owner: it is taken when an identity is seen first, and when metrics tell of owners.
#[derive(Debug, Default)]
pub(in super::super) struct Owners {
    table: Mutex<Table>,
    /// Grows when something is learnt, so that guesses are made anew.
    revision: AtomicU64,
    /// How often the table started over.
    restarts: AtomicU64,
}

impl Owners {
    /// Changes when guesses may have to.
    pub(in super::super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// How often all owners were forgotten for want of room.
    pub(in super::super) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Remembers an owner.
    pub(in super::super) fn learn(&self, namespace: &str, owned: Owned, name: &str, owner: Workload) {
        let mut table = self.table();
        let key = (owned, Name::from(namespace), Name::from(name));
        if table.get(&key) == Some(&owner) {
            return;
        }
        if table.len() >= MOST {
            table.clear();
            self.restarts.fetch_add(1, Ordering::Relaxed);
        }
        table.insert(key, owner);
        self.revision.fetch_add(1, Ordering::Relaxed);
    }

    /// The workload on top of something owned, and whether that is certain.
    pub(super) fn top(&self, namespace: &str, owned: Owned, name: &str, names: &mut Names) -> (Workload, bool) {
        let key = (owned, names.get(namespace), names.get(name));
        let told = self.table().get(&key).cloned();
        match told {
            Some(workload) => (workload, true),
            None => {
                let (kind, name) = guess(owned, name);
                (Workload { kind, name: names.get(name) }, false)
            }
        }
    }

    /// The workload that is, or stands above, an owner of this kind.
    pub(in super::super) fn owner(
        &self,
        namespace: &str,
        kind: &str,
        name: &str,
        names: &mut Names,
    ) -> (Workload, bool) {
        match kind {
            "ReplicaSet" => self.top(namespace, Owned::ReplicaSet, name, names),
            "Job" => self.top(namespace, Owned::Job, name, names),
            "Pod" => self.top(namespace, Owned::Pod, name, names),
            "StatefulSet" => (Workload { kind: Kind::StatefulSet, name: names.get(name) }, true),
            "DaemonSet" => (Workload { kind: Kind::DaemonSet, name: names.get(name) }, true),
            "CronJob" => (Workload { kind: Kind::CronJob, name: names.get(name) }, true),
            // Deployments, and what other controllers do in their place: Rollout, DeploymentConfig, ...
            _ => (Workload { kind: Kind::Deployment, name: names.get(name) }, true),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the name of something owned says about its owner.
fn guess(owned: Owned, name: &str) -> (Kind, &str) {
    match owned {
        Owned::ReplicaSet => (Kind::Deployment, without(name, is_template_hash).unwrap_or(name)),
        Owned::Job => match without(name, is_minute) {
            Some(cron_job) => (Kind::CronJob, cron_job),
            None => (Kind::Job, name),
        },
        Owned::Pod => guess_pod(name),
    }
}

fn guess_pod(pod: &str) -> (Kind, &str) {
    if let Some(stateful_set) = without(pod, is_ordinal) {
        return (Kind::StatefulSet, stateful_set);
    }
    let Some(owner) = without(pod, is_random) else { return (Kind::Pod, pod) };
    if let Some(cron_job) = without(owner, is_minute) {
        return (Kind::CronJob, cron_job);
    }
    if let Some(deployment) = without(owner, is_template_hash) {
        return (Kind::Deployment, deployment);
    }
    (Kind::DaemonSet, owner)
}

/// What stands before the last part of a name, if that part is as it should be.
fn without(name: &str, is_right: impl Fn(&str) -> bool) -> Option<&str> {
    let (owner, last) = name.rsplit_once('-')?;
    (!owner.is_empty() && is_right(last)).then_some(owner)
}

/// The letters and digits that Kubernetes makes random names of (apimachinery, `util/rand`): no vowels, no look-alikes.
fn is_safe(text: &str) -> bool {
    text.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

/// The end of a pod's name.
fn is_random(part: &str) -> bool {
    part.len() == 5 && is_safe(part)
}

/// The hash of a pod template: a number of 32 bits in safe letters, never without a digit in practice.
fn is_template_hash(part: &str) -> bool {
    (6..=10).contains(&part.len()) && is_safe(part) && part.bytes().any(|byte| byte.is_ascii_digit())
}

/// The ordinal of a StatefulSet's pod.
fn is_ordinal(part: &str) -> bool {
    (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// When a CronJob started a Job: minutes, in older releases seconds, since 1970.
fn is_minute(part: &str) -> bool {
    matches!(part.len(), 8 | 10) && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_who_owns_if_nobody_else_does() {
        let guesses = [
            (Owned::Pod, "cart-7d9f8b6c5d-x2x4z", Kind::Deployment, "cart"),
            (Owned::Pod, "cart-v2-7d9f8b6c5d-x2x4z", Kind::Deployment, "cart-v2"),
            (Owned::Pod, "orders-db-0", Kind::StatefulSet, "orders-db"),
            (Owned::Pod, "node-agent-x2x4z", Kind::DaemonSet, "node-agent"),
            (Owned::Pod, "report-29104320-x2x4z", Kind::CronJob, "report"),
            (Owned::Pod, "by-hand", Kind::Pod, "by-hand"),
            (Owned::Pod, "-0", Kind::Pod, "-0"),
            (Owned::ReplicaSet, "cart-7d9f8b6c5d", Kind::Deployment, "cart"),
            (Owned::ReplicaSet, "cart", Kind::Deployment, "cart"),
            (Owned::Job, "report-29104320", Kind::CronJob, "report"),
            (Owned::Job, "migrate-v2", Kind::Job, "migrate-v2"),
        ];

        for (owned, name, kind, owner) in guesses {
            assert_eq!(guess(owned, name), (kind, owner), "{name}");
        }
    }

    #[test]
    fn what_was_told_wins_over_names() {
        let (owners, mut names) = (Owners::default(), Names::default());
        let before = owners.revision();
        owners.learn("shop", Owned::Pod, "cart-0", Workload { kind: Kind::Deployment, name: "cart-canary".into() });

        let (told, is_certain) = owners.top("shop", Owned::Pod, "cart-0", &mut names);
        assert_eq!((told.kind, &*told.name, is_certain), (Kind::Deployment, "cart-canary", true));
        let (guessed, is_certain) = owners.top("other", Owned::Pod, "cart-0", &mut names);
        assert_eq!((guessed.kind, &*guessed.name, is_certain), (Kind::StatefulSet, "cart", false));
        assert_ne!(owners.revision(), before);
    }

    #[test]
    fn any_number_of_owners_takes_bounded_memory() {
        let owners = Owners::default();
        for pod in 0..MOST + 10 {
            owners.learn("", Owned::Pod, &pod.to_string(), Workload { kind: Kind::Pod, name: "one".into() });
        }

        assert!(owners.table().len() <= MOST);
        assert_eq!(owners.restarts(), 1);
    }
}
