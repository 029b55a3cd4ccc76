/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether a process is observed. Explicit decisions for the process win, then the nearest cgroup, then the default. */
#ifndef TIDEWATCH_POLICY_H
#define TIDEWATCH_POLICY_H

#include "maps.h"

#define CGROUP_LEVELS 16

static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

static __noinline __u32 decision_by_cgroup(struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);

	for (int level = 0; level < CGROUP_LEVELS && cgroup; level++) {
		__u64 id = BPF_CORE_READ(cgroup, kn, id);
		__u32 *decision = bpf_map_lookup_elem(&cgroup_policy, &id);
		if (decision)
			return *decision;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return default_decision;
}

static __always_inline __u32 decide(struct task_struct *task, __u32 tgid)
{
	__u32 *explicit_decision;

	if (exclude_self && tgid == runtime_cell(RUNTIME_OWN_TGID))
		return DECISION_OWN;
	explicit_decision = bpf_map_lookup_elem(&process_policy, &tgid);
	return explicit_decision ? *explicit_decision : decision_by_cgroup(task);
}

/* On every socket operation of every process: one look-up when the process is known. */
static __always_inline __u32 decide_current(__u32 tgid)
{
	__u32 generation = runtime_cell(RUNTIME_POLICY_GENERATION);
	struct cached_decision *cached = bpf_map_lookup_elem(&process_cache, &tgid);
	struct cached_decision fresh;

	if (cached && cached->generation == generation)
		return cached->decision;
	fresh.decision = decide(bpf_get_current_task_btf(), tgid);
	fresh.generation = generation;
	bpf_map_update_elem(&process_cache, &tgid, &fresh, BPF_ANY);
	return fresh.decision;
}

static __always_inline bool is_captured(__u32 decision)
{
	return decision == DECISION_OBSERVE || decision == DECISION_UNDECIDED;
}

#endif
