/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs keep between events, and what user space may set. */
#ifndef TIDEWATCH_MAPS_H
#define TIDEWATCH_MAPS_H

#include "kernel.h"
#include "records.h"

/* Set by the loader before loading; constants to the verifier. */
const volatile __u32 request_budget = 65536;
const volatile __u32 response_budget = 4096;
const volatile __u32 default_decision = DECISION_OBSERVE;
const volatile __u32 exclude_self = 1;
const volatile __u32 wake_shift = 20;

/* Lives and dies with its socket. A listener's is copied to each socket that it accepts. */
struct socket_state {
	__u64 cookie;
	__u64 cgroup;
	__u64 connect_started;
	struct connection connection;
	__u32 tgid;
	__u32 turn;
	__u32 turn_captured;
	__u32 lost;
	__u32 mode_generation;
	__u32 mode_serial;
	__u32 mode;
	__u32 skip_until;
	__u8 skip_direction;
	__u8 direction;
	__u8 role;
	__u8 announced;
	__u8 existed_before;
	__u8 decision;
	__u8 own_checks;
	__u8 identity_tries;
	__u64 connect_nanoseconds;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTER_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RUNTIME_CELLS);
	__type(key, __u32);
	__type(value, __u32);
} runtime SEC(".maps");

/* What user space decided for a process. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u32);
} process_policy SEC(".maps");

/* What user space decided for a cgroup and all below it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} cgroup_policy SEC(".maps");

struct cached_decision {
	__u32 decision;
	__u32 generation;
};

/* The outcome per process, so that a socket operation pays for one look-up. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct cached_decision);
} process_cache SEC(".maps");

struct connection_mode {
	__u32 mode;
	__u32 skip_until;
	__u32 skip_direction;
	__u32 serial; /* the mode generation that set it: a mode is taken over once */
};

/* Modes of single connections, by socket cookie. Forgetting one costs only bytes: the turn budget applies. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct connection_mode);
} modes SEC(".maps");

struct identity {
	__u32 low;
	__u32 high;
};

/* Connections with Tidewatch at one end, by an identity that both ends share: the other end's bytes are dropped too. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct identity);
	__type(value, __u8);
} own_connections SEC(".maps");

static __always_inline void count(__u32 counter, __u64 amount)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);
	if (value)
		*value += amount;
}

static __always_inline __u32 runtime_cell(__u32 cell)
{
	__u32 *value = bpf_map_lookup_elem(&runtime, &cell);
	return value ? *value : 0;
}

/*
 * Puts a record into the ring. The consumer polls; it is woken only when the filling passes another step of the ring, so
 * that an event does not pay for an interrupt.
 */
static __always_inline bool emit(void *record, __u64 size, __u32 lost_counter)
{
	__u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	bool next_step = ((waiting + size) >> wake_shift) != (waiting >> wake_shift);

	if (bpf_ringbuf_output(&ring, record, size, next_step ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP) == 0)
		return true;
	count(lost_counter, 1);
	return false;
}

#endif
