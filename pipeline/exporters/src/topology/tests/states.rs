//! What metrics make known of the state of workloads and pods.

use component::testkit::BEGINNING;
use pdata::{MetricsWriter, Number, PointFields, Temporality};

use super::kit::{SECOND, Story, labels, metrics, node, story};

fn at(seconds: u64) -> PointFields {
    PointFields { start_unix_nano: 0, time_unix_nano: BEGINNING + seconds * SECOND, flags: 0 }
}

fn gauge(writer: &mut MetricsWriter, name: &str, value: f64, of: &[(&str, &str)]) {
    writer.gauge(name, "", "", |points| {
        points.number(&at(10), Number::Double(value), |out| labels(out, of));
    });
}

fn total(writer: &mut MetricsWriter, name: &str, seconds: u64, value: f64, of: &[(&str, &str)]) {
    writer.sum(name, "", "", Temporality::Cumulative, true, |points| {
        points.number(&at(seconds), Number::Double(value), |out| labels(out, of));
    });
}

/// `subject[/pod] metric value`, sorted.
fn states(story: &mut Story) -> Vec<String> {
    let mut told: Vec<_> = story
        .rows()
        .states
        .iter()
        .map(|row| {
            let pod = row.subject.pod.as_deref().map_or_else(String::new, |pod| format!(" {pod}"));
            format!("{}{pod}: {:?} {}", node(&row.subject.who), row.metric, row.value)
        })
        .collect();
    told.sort();
    told
}

#[test]
fn the_receivers_of_the_collector_tell_the_state_of_pods_and_workloads() {
    let mut story = story("");
    let pod =
        [("k8s.namespace.name", "shop"), ("k8s.pod.name", "cart-7d9f8b6c5d-x2x4z"), ("k8s.container.name", "app")];

    story.takes(&metrics(&pod, |writer| {
        gauge(writer, "k8s.container.cpu_limit", 0.5, &[]);
        gauge(writer, "k8s.container.ready", 0.0, &[]);
        gauge(writer, "k8s.container.restarts", 3.0, &[]);
        gauge(writer, "container.memory.working_set", 1e6, &[]);
        gauge(writer, "k8s.container.memory_limit_utilization", 0.75, &[]);
    }));
    story.takes(&metrics(&[("k8s.namespace.name", "shop"), ("k8s.deployment.name", "cart")], |writer| {
        gauge(writer, "k8s.deployment.desired", 3.0, &[]);
        gauge(writer, "k8s.deployment.available", 2.0, &[]);
    }));

    assert_eq!(
        states(&mut story),
        [
            "shop/Deployment/cart cart-7d9f8b6c5d-x2x4z: CpuLimit 0.5",
            "shop/Deployment/cart cart-7d9f8b6c5d-x2x4z: MemoryLimitUtilization 0.75",
            "shop/Deployment/cart cart-7d9f8b6c5d-x2x4z: MemoryWorkingSet 1000000",
            "shop/Deployment/cart cart-7d9f8b6c5d-x2x4z: Ready 0",
            "shop/Deployment/cart cart-7d9f8b6c5d-x2x4z: Restarts 3",
            "shop/Deployment/cart: ReplicasAvailable 2",
            "shop/Deployment/cart: ReplicasDesired 3",
        ]
    );
}

#[test]
fn a_pod_is_its_containers_together() {
    let mut story = story("");
    let container = |name: &'static str, ready: f64, cpu: f64| {
        metrics(&[("k8s.pod.name", "cart-0"), ("k8s.container.name", name)], |writer| {
            gauge(writer, "k8s.container.ready", ready, &[]);
            gauge(writer, "container.cpu.usage", cpu, &[]);
        })
    };

    story.takes(&container("app", 1.0, 0.25)).rows();
    story.takes(&container("proxy", 0.0, 0.5));

    assert_eq!(states(&mut story), ["StatefulSet/cart cart-0: CpuUsage 0.75", "StatefulSet/cart cart-0: Ready 0"]);
}

#[test]
fn kube_state_metrics_tell_the_same_and_who_owns_whom() {
    let mut story = story("");
    let pod = [("namespace", "shop"), ("pod", "odd-name-1")];
    let with = |more: &[(&'static str, &'static str)]| pod.into_iter().chain(more.iter().copied()).collect::<Vec<_>>();

    story.takes(&metrics(&[("service.name", "kube-state-metrics")], |writer| {
        gauge(writer, "kube_pod_status_phase", 1.0, &with(&[("phase", "Pending")]));
        gauge(writer, "kube_pod_status_phase", 0.0, &with(&[("phase", "Running")]));
        gauge(writer, "kube_pod_status_ready", 0.0, &with(&[("condition", "true")]));
        gauge(writer, "kube_pod_status_ready", 1.0, &with(&[("condition", "false")]));
        gauge(writer, "kube_pod_container_resource_limits", 2.0, &with(&[("container", "app"), ("resource", "cpu")]));
        gauge(
            writer,
            "kube_pod_container_resource_limits",
            64.0,
            &with(&[("container", "app"), ("resource", "memory")]),
        );
        gauge(
            writer,
            "kube_pod_container_status_last_terminated_reason",
            1.0,
            &with(&[("container", "app"), ("reason", "OOMKilled")]),
        );
        gauge(writer, "kube_deployment_spec_replicas", 4.0, &[("namespace", "shop"), ("deployment", "odd")]);
        gauge(writer, "kube_pod_owner", 1.0, &with(&[("owner_kind", "ReplicaSet"), ("owner_name", "odd-set")]));
        let set =
            [("namespace", "shop"), ("replicaset", "odd-set"), ("owner_kind", "Deployment"), ("owner_name", "odd")];
        gauge(writer, "kube_replicaset_owner", 1.0, &set);
    }));

    assert_eq!(
        states(&mut story),
        [
            "shop/Deployment/odd odd-name-1: CpuLimit 2",
            "shop/Deployment/odd odd-name-1: MemoryLimit 64",
            "shop/Deployment/odd odd-name-1: OomKills 1",
            "shop/Deployment/odd odd-name-1: Phase 1",
            "shop/Deployment/odd odd-name-1: Ready 0",
            "shop/Deployment/odd: ReplicasDesired 4",
        ],
        "owners are read first, wherever they stand"
    );
}

#[test]
fn an_owner_that_is_told_later_corrects_a_guess() {
    let mut story = story("");
    let pod = [("k8s.namespace.name", "shop"), ("k8s.pod.name", "cart-0")];
    let ready = metrics(&pod, |writer| gauge(writer, "k8s.container.ready", 1.0, &[]));
    story.takes(&ready);
    assert_eq!(states(&mut story), ["shop/StatefulSet/cart cart-0: Ready 1"]);

    story.takes(&metrics(&[], |writer| {
        let of = [("namespace", "shop"), ("pod", "cart-0"), ("owner_kind", "DaemonSet"), ("owner_name", "cart-agent")];
        gauge(writer, "kube_pod_owner", 1.0, &of);
    }));
    story.takes(&ready);

    assert_eq!(states(&mut story), ["shop/DaemonSet/cart-agent cart-0: Ready 1"]);
}

#[test]
fn cadvisor_tells_use_as_totals_and_the_share_of_time_held_back() {
    let mut story = story("");
    let app = [("namespace", "shop"), ("pod", "cart-0"), ("container", "app"), ("id", "/kubepods/x")];
    let whole = [("namespace", "shop"), ("pod", "cart-0"), ("id", "/kubepods")];
    let scrape = |seconds: u64, cpu: f64, periods: f64, held: f64| {
        metrics(&[("service.name", "cadvisor")], |writer| {
            total(writer, "container_cpu_usage_seconds_total", seconds, cpu, &app);
            total(writer, "container_cpu_usage_seconds_total", seconds, cpu * 2.0, &whole);
            total(writer, "container_cpu_cfs_periods_total", seconds, periods, &app);
            total(writer, "container_cpu_cfs_throttled_periods_total", seconds, held, &app);
            gauge(writer, "container_spec_cpu_quota", 50_000.0, &app);
            gauge(writer, "container_spec_memory_limit_bytes", 0.0, &app);
        })
    };

    story.takes(&scrape(10, 100.0, 1000.0, 10.0)).rows();
    story.takes(&scrape(20, 105.0, 1100.0, 35.0));

    assert_eq!(
        states(&mut story),
        [
            "shop/StatefulSet/cart cart-0: CpuLimit 0.5",
            "shop/StatefulSet/cart cart-0: CpuThrottled 0.25",
            "shop/StatefulSet/cart cart-0: CpuUsage 0.5",
        ],
        "a limit of 0 is none, and the pod's whole group is not added to its parts"
    );
}

#[test]
fn a_state_of_nobody_is_counted_and_dropped() {
    let mut story = story("");

    story.takes(&metrics(&[], |writer| gauge(writer, "k8s.container.ready", 1.0, &[])));

    assert_eq!((story.rows().count(), story.told().points.nobody), (0, 1));
}
