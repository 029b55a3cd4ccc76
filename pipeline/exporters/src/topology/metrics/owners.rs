//! `kube_*_owner`: who owns which pod. Read before anything else of a batch, so that its states find their workloads.

use pdata::{Attributes, Batch, MetricData, MetricView};

use super::Context;
use super::meaning::{Meaning, OwnerOf};
use crate::topology::identity::Owned;
use crate::topology::names::{LONGEST, shortened};

/// Learns the owners in a batch: of ReplicaSets and Jobs first, since those own pods.
pub(super) fn learn(batch: &Batch, context: &mut Context<'_>) {
    learn_some(batch, context, |of| of != OwnerOf::Pod);
    learn_some(batch, context, |of| of == OwnerOf::Pod);
}

fn learn_some(batch: &Batch, context: &mut Context<'_>, wanted: impl Fn(OwnerOf) -> bool) {
    let scopes = batch.resources().flat_map(|resource| resource.scopes());
    for metric in scopes.flat_map(|scope| scope.metrics()).filter(|metric| metric.name().ends_with("_owner")) {
        if let Some(Meaning::Owner(of)) = Meaning::of(metric.name())
            && wanted(of)
        {
            learn_metric(&metric, of, context);
        }
    }
}

fn learn_metric(metric: &MetricView<'_>, of: OwnerOf, context: &mut Context<'_>) {
    match metric.data() {
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
            for point in points.filter(|point| point.value().is_some_and(|value| value.as_f64() > 0.0)) {
                learn_point(point.attributes(), of, context);
            }
        }
        _ => {}
    }
}

fn learn_point(labels: Attributes<'_>, of: OwnerOf, context: &mut Context<'_>) {
    let label = |key: &str| {
        let text = labels.clone().get(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        text.map(|text| shortened(text, LONGEST))
    };
    let (owned, name) = match of {
        OwnerOf::Pod => (Owned::Pod, label("exported_pod").or_else(|| label("pod"))),
        OwnerOf::ReplicaSet => (Owned::ReplicaSet, label("replicaset")),
        OwnerOf::Job => (Owned::Job, label("job_name")),
    };
    let namespace = label("exported_namespace").or_else(|| label("namespace")).unwrap_or_default();
    // Of what nothing owns the labels are there, and say `<none>`.
    let owner = (label("owner_kind").filter(|kind| *kind != "<none>"), label("owner_name"));
    let (Some(name), (Some(kind), Some(owner))) = (name, owner) else { return };
    if kind == "Node" {
        return; // Static pods: the kubelet started them.
    }
    let (workload, _) = context.owners.owner(namespace, kind, owner, context.residents.names());
    context.owners.learn(namespace, owned, name, workload);
}
