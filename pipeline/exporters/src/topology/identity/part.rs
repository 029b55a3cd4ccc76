//! The attributes that make an identity.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Part {
    Cluster,
    Namespace,
    ServiceNamespace,
    Service,
    KubeService,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    CronJob,
    Job,
    OwnerKind,
    OwnerName,
    Pod,
    Instance,
    Node,
    Host,
    Container,
    Executable,
}

/// Longest key of a part.
const LONGEST: usize = 32;

impl Part {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Executable as usize + 1;

    /// The part that an attribute tells. Labels of Prometheus have `_` for `.`, and mean the same.
    pub(in super::super) fn of(key: &[u8]) -> Option<Self> {
        let mut plain = [0; LONGEST];
        let plain = plain.get_mut(..key.len())?;
        for (place, byte) in plain.iter_mut().zip(key) {
            *place = if *byte == b'.' { b'_' } else { *byte };
        }
        Some(match &*plain {
            b"k8s_cluster_name" => Self::Cluster,
            b"k8s_namespace_name" => Self::Namespace,
            b"service_namespace" => Self::ServiceNamespace,
            b"service_name" => Self::Service,
            b"k8s_service_name" => Self::KubeService,
            b"k8s_deployment_name" => Self::Deployment,
            b"k8s_statefulset_name" => Self::StatefulSet,
            b"k8s_daemonset_name" => Self::DaemonSet,
            b"k8s_replicaset_name" => Self::ReplicaSet,
            b"k8s_cronjob_name" => Self::CronJob,
            b"k8s_job_name" => Self::Job,
            b"k8s_owner_kind" | b"k8s_workload_kind" | b"k8s_kind" => Self::OwnerKind,
            b"k8s_owner_name" | b"k8s_workload_name" => Self::OwnerName,
            b"k8s_pod_name" => Self::Pod,
            b"service_instance_id" => Self::Instance,
            b"k8s_node_name" => Self::Node,
            b"host_name" => Self::Host,
            b"k8s_container_name" | b"container_name" => Self::Container,
            b"process_executable_name" => Self::Executable,
            _ => return None,
        })
    }
}
