/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Processes begin, become another program, and end. */
#ifndef TIDEWATCH_PROCESSES_H
#define TIDEWATCH_PROCESSES_H

#include "policy.h"

#define FILENAME 256
#define VARIABLE 4096
#define VARIABLES 1024
/* Room of all OTEL_* variables that are taken along. */
#define ENVIRONMENT 8192

struct exec_scratch {
	struct exec_record record;
	/* File name, then the variables that were kept; the last read may start at the last place and be a whole one. */
	__u8 text[FILENAME + ENVIRONMENT + VARIABLE];
	/* The walk. Here and not on the stack, so that the verifier does not follow its numbers from step to step. */
	__u64 address;
	__u64 end;
	__u32 filled;
	__u8 inside_long_one;
	__u8 truncated;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

/* Unrolled to constants: there is no memcmp to call here. */
#define BEGINS_WITH(text, name)                                            \
	({                                                                 \
		bool same = true;                                          \
		_Pragma("unroll") for (int i = 0; i < (int)sizeof(name) - 1; i++) \
			same &= (text)[i] == (__u8)(name)[i];              \
		same;                                                      \
	})

static __always_inline bool is_wanted_variable(const __u8 *text)
{
	if (text[0] != 'O' || text[1] != 'T')
		return false;
	return BEGINS_WITH(text, "OTEL_SERVICE_NAME=") || BEGINS_WITH(text, "OTEL_RESOURCE_ATTRIBUTES=");
}

/* One variable: kept by moving `filled` behind it. Returns 1 to end the walk. */
static long keep_variable(__u32 index, void *unused)
{
	__u32 zero = 0, filled;
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &zero);
	bool whole;
	long length;

	if (!scratch || scratch->address >= scratch->end)
		return 1;
	filled = scratch->filled;
	if (filled > FILENAME + ENVIRONMENT) {
		scratch->truncated = 1;
		return 1;
	}
	length = bpf_probe_read_user_str(scratch->text + filled, VARIABLE, (void *)scratch->address);
	if (length <= 0)
		return 1;
	scratch->address += length;
	/* A string as long as the buffer was cut: what follows is its rest, not a variable. */
	whole = length < VARIABLE;
	if (!scratch->inside_long_one && is_wanted_variable(scratch->text + filled)) {
		scratch->filled = filled + length;
		scratch->truncated |= !whole;
	}
	scratch->inside_long_one = !whole;
	return 0;
}

/*
 * Walks the environment block of the new program and keeps the wanted variables behind the file name. Servers overwrite
 * their block within milliseconds (nginx, for its process title), so this is the moment to read it.
 */
static __always_inline void keep_environment(struct exec_scratch *scratch, struct mm_struct *mm, __u32 begin)
{
	scratch->address = BPF_CORE_READ(mm, env_start);
	scratch->end = BPF_CORE_READ(mm, env_end);
	scratch->filled = begin;
	scratch->inside_long_one = 0;
	scratch->truncated = 0;
	bpf_loop(VARIABLES, keep_variable, NULL, 0);
	scratch->record.environment_length = scratch->filled - begin;
	scratch->record.environment_truncated = scratch->truncated || scratch->address < scratch->end;
}

static __always_inline int on_exec(struct task_struct *task, struct linux_binprm *program)
{
	__u32 zero = 0, tgid = task->tgid;
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &zero);
	long filename_length;
	__u64 size;

	/* Another program: what was decided for the old one no longer holds. */
	bpf_map_delete_elem(&process_policy, &tgid);
	bpf_map_delete_elem(&process_cache, &tgid);
	if (!scratch)
		return 0;
	__builtin_memset(&scratch->record, 0, sizeof(scratch->record));
	scratch->record.kind = RECORD_EXEC;
	scratch->record.tgid = tgid;
	scratch->record.time = bpf_ktime_get_ns();
	scratch->record.cgroup = cgroup_of(task);
	scratch->record.parent = BPF_CORE_READ(task, real_parent, tgid);
	filename_length = bpf_probe_read_kernel_str(scratch->text, FILENAME, program->filename);
	if (filename_length < 0 || filename_length > FILENAME)
		filename_length = 0;
	scratch->record.filename_length = filename_length;
	keep_environment(scratch, task->mm, filename_length);

	size = filename_length + scratch->record.environment_length;
	barrier_var(size);
	if (size > FILENAME + ENVIRONMENT + VARIABLE)
		return 0;
	emit(scratch, sizeof(struct exec_record) + size, COUNTER_LOST_PROCESS_EVENT);
	return 0;
}

static __always_inline int on_fork(struct task_struct *parent, struct task_struct *child)
{
	struct fork_record record = { .kind = RECORD_FORK };
	__u32 parent_tgid = parent->tgid, tgid = child->tgid;
	__u32 *decision;

	if (child->pid != child->tgid)
		return 0;
	/* The same program in another process: the same decision, until it becomes another program. */
	bpf_map_delete_elem(&process_cache, &tgid);
	decision = bpf_map_lookup_elem(&process_policy, &parent_tgid);
	if (decision)
		bpf_map_update_elem(&process_policy, &tgid, decision, BPF_ANY);
	else
		bpf_map_delete_elem(&process_policy, &tgid);

	record.tgid = tgid;
	record.parent = parent_tgid;
	record.time = bpf_ktime_get_ns();
	record.cgroup = cgroup_of(child);
	emit(&record, sizeof(record), COUNTER_LOST_PROCESS_EVENT);
	return 0;
}

static __always_inline int on_exit(struct task_struct *task)
{
	struct exit_record record = { .kind = RECORD_EXIT };
	__u32 tgid = task->tgid;

	/* A thread's end is the process's end when it was the last. Two that end at once may both say so. */
	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	bpf_map_delete_elem(&process_policy, &tgid);
	bpf_map_delete_elem(&process_cache, &tgid);
	record.tgid = tgid;
	record.time = bpf_ktime_get_ns();
	emit(&record, sizeof(record), COUNTER_LOST_PROCESS_EVENT);
	return 0;
}

#endif
