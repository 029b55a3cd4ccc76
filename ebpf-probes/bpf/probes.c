// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The programs. In this file: what each hook means. The rest: kernel.h (the kernel's types), records.h (what user space
 * gets), maps.h (memory), policy.h (who is observed), socket.h (what a connection is), capture.h (its bytes), processes.h.
 */
#include "capture.h"
#include "processes.h"
#include "layout_check.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The state of a socket that is seen for the first time. NULL when the kernel has no memory for it. */
static __always_inline struct socket_state *create_state(struct sock *sk)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!state)
		count(COUNTER_NO_SOCKET_STORAGE, 1);
	return state;
}

static __always_inline void adopt_current_process(struct socket_state *state, __u32 tgid, __u32 decision)
{
	state->tgid = tgid;
	state->cgroup = cgroup_of(bpf_get_current_task_btf());
	state->decision = decision;
}

/*
 * Before the first chunk of a socket whose establishment we did not see, or did not announce. Returns false while the
 * identity cannot be read without doubt; after some tries it is taken as it is, and counted.
 */
static __always_inline bool make_known(struct sock *sk, struct tcp_sock *tcp, struct socket_state *state, __u32 tgid,
				       __u32 decision)
{
	__u8 role = ROLE_UNKNOWN;

	if (!state->connection.own_first && !state->connection.peer_first) {
		state->existed_before = 1;
		state->cookie = bpf_get_socket_cookie(sk);
		read_ends(sk, &state->connection);
		if (!tcp) {
			recover_mptcp_identity((struct mptcp_sock *)sk, &state->connection);
		} else if (!recover_identity(tcp, sk->__sk_common.skc_state, &state->connection, &role)) {
			if (state->identity_tries++ < IDENTITY_TRIES) {
				state->connection.own_first = 0;
				state->connection.peer_first = 0;
				count(COUNTER_DEFERRED_CHUNKS, 1);
				return false;
			}
			count(COUNTER_UNCERTAIN_IDENTITY, 1);
		}
		if (state->role != ROLE_SERVER)
			state->role = role;
	}
	/* Who moves bytes is nearer to the truth than who listened. */
	adopt_current_process(state, tgid, decision);
	announce(state);
	return true;
}

static __always_inline __u32 chunk_position(struct sock *sk, struct tcp_sock *tcp, __u8 direction, __u32 length)
{
	__u32 position;

	if (!tcp) {
		struct mptcp_sock *mptcp = (struct mptcp_sock *)sk;

		if (direction == DIRECTION_SEND)
			return (__u32)BPF_CORE_READ(mptcp, write_seq) - length;
		return (__u32)(BPF_CORE_READ(mptcp, ack_seq) - BPF_CORE_READ(mptcp, bytes_received) +
			       BPF_CORE_READ(mptcp, bytes_consumed)) - length;
	}
	if (direction == DIRECTION_SEND)
		return tcp->write_seq - length;
	position = tcp->copied_seq - length;
	/* tcp_recvmsg steps over the peer's FIN in the call that reads the last byte before it. */
	if (fin_received(sk) && tcp->rcv_nxt == tcp->copied_seq)
		position -= 1;
	return position;
}

static __always_inline void count_uncaptured(__u16 family, __u16 protocol, __u8 direction, __u32 length)
{
	bool sent = direction == DIRECTION_SEND;

	if (family == AF_UNIX)
		count(sent ? COUNTER_UNIX_SENT_BYTES : COUNTER_UNIX_RECEIVED_BYTES, length);
	else if ((family == AF_INET || family == AF_INET6) && protocol == IPPROTO_UDP)
		count(sent ? COUNTER_UDP_SENT_BYTES : COUNTER_UDP_RECEIVED_BYTES, length);
}

static __always_inline bool is_tcp(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family, protocol = sk->sk_protocol;

	return (family == AF_INET || family == AF_INET6) && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
}

/* Every successful send and receive of an observed process. Budget: some 0.6 us with payload. */
static __always_inline int on_chunk(struct sock *sk, int length, int flags, __u8 direction)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tgid = pid_tgid >> 32, zero = 0, decision, position;
	struct chunk_scratch *scratch;
	struct socket_state *state;
	struct tcp_sock *tcp;

	if (length <= 0)
		return 0;
	decision = decide_current(tgid);
	if (!is_captured(decision))
		return 0;
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)) {
		count(COUNTER_IGNORED_RECEIVES, 1);
		return 0;
	}
	if (!is_tcp(sk)) {
		count_uncaptured(sk->__sk_common.skc_family, sk->sk_protocol, direction, length);
		return 0;
	}

	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp && sk->sk_protocol != IPPROTO_MPTCP)
		return 0;
	/* Before anything else: other threads move these on. */
	position = chunk_position(sk, tcp, direction, length);
	state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (!state)
		state = create_state(sk);
	if (!state || state->decision == DECISION_OWN)
		return 0;
	count(COUNTER_CHUNKS, 1);
	follow_turn(state, direction);
	if (!state->announced && !make_known(sk, tcp, state, tgid, decision)) {
		state->lost++;
		return 0;
	}
	if (peer_is_own(state)) {
		state->decision = DECISION_OWN;
		count(COUNTER_OWN_PEERS, 1);
		return 0;
	}
	refresh_mode(state);
	if (state->mode == MODE_COUNTERS_ONLY)
		return 0;

	scratch = direction == DIRECTION_SEND ? bpf_map_lookup_elem(&send_scratch, &zero) :
						bpf_map_lookup_elem(&receive_scratch, &zero);
	if (!scratch)
		return 0;
	scratch->record.kind = RECORD_CHUNK;
	scratch->record.direction = direction;
	scratch->record.role = state->role;
	scratch->record.decision = decision;
	scratch->record.turn = state->turn;
	scratch->record.time = bpf_ktime_get_ns();
	scratch->record.cookie = state->cookie;
	scratch->record.own_first = state->connection.own_first;
	scratch->record.peer_first = state->connection.peer_first;
	scratch->record.position = position;
	scratch->record.tgid = tgid;
	scratch->record.tid = (__u32)pid_tgid;
	capture(sk, scratch, state, direction, length, direction == DIRECTION_RECEIVE && (flags & MSG_TRUNC));
	return 0;
}

SEC("tp_btf/sock_send_length")
int sock_send_length(__u64 *ctx)
{
	return on_chunk((struct sock *)ctx[0], (int)ctx[1], 0, DIRECTION_SEND);
}

SEC("tp_btf/sock_recv_length")
int sock_recv_length(__u64 *ctx)
{
	return on_chunk((struct sock *)ctx[0], (int)ctx[1], (int)ctx[2], DIRECTION_RECEIVE);
}

/* connect() and listen() run in the process that wants the socket: here its policy is known and inherited from. */
static __always_inline void on_socket_wanted(struct sock *sk, __u8 role)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 decision = decide_current(tgid);
	struct socket_state *state;

	if (decision == DECISION_IGNORE)
		return;
	state = create_state(sk);
	if (!state)
		return;
	/* The socket may have been another connection before. */
	__builtin_memset(state, 0, sizeof(*state));
	adopt_current_process(state, tgid, decision);
	state->role = role;
	state->connect_started = bpf_ktime_get_ns();
	if (role == ROLE_CLIENT) {
		state->cookie = bpf_get_socket_cookie(sk);
		read_ends(sk, &state->connection);
	}
}

static __always_inline void on_accepting(struct socket_state *state)
{
	state->role = ROLE_SERVER;
	state->connect_started = bpf_ktime_get_ns();
}

/* What holds now for the process that owns the socket, as far as it is known without being in that process. */
static __always_inline __u32 owner_decision(struct socket_state *state)
{
	struct cached_decision *cached = bpf_map_lookup_elem(&process_cache, &state->tgid);
	__u32 *explicit_decision;

	if (cached && cached->generation == runtime_cell(RUNTIME_POLICY_GENERATION))
		return cached->decision;
	explicit_decision = bpf_map_lookup_elem(&process_policy, &state->tgid);
	return explicit_decision ? *explicit_decision : state->decision;
}

/* A path of a multipath connection: the process holds another socket, which announces itself with its first bytes. */
static __always_inline bool is_subflow(struct tcp_sock *tcp)
{
	return bpf_core_field_exists(tcp->is_mptcp) && tcp->is_mptcp;
}

static __always_inline void on_established(struct sock *sk, struct socket_state *state)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp || is_subflow(tcp))
		return;
	state->cookie = bpf_get_socket_cookie(sk);
	read_ends(sk, &state->connection);
	state->connection.own_first = tcp->write_seq;
	state->connection.peer_first = tcp->copied_seq;
	state->connect_nanoseconds = bpf_ktime_get_ns() - state->connect_started;
	if (state->decision == DECISION_OWN)
		note_own(&state->connection);
	/* Softirq context: the owner is who connected or listened. If that one is ignored, an observed process that moves
	 * bytes through the socket announces it. */
	if (owner_decision(state) != DECISION_IGNORE)
		announce(state);
}

static __always_inline void on_connect_failed(struct sock *sk, struct socket_state *state)
{
	struct connect_failed_record record = {
		.kind = RECORD_CONNECT_FAILED,
		.error = sk->sk_err,
		.tgid = state->tgid,
		.time = bpf_ktime_get_ns(),
		.cookie = state->cookie,
		.cgroup = state->cgroup,
		.connection = state->connection,
	};
	record.connect_nanoseconds = record.time - state->connect_started;
	emit(&record, sizeof(record), COUNTER_LOST_CONNECTION_EVENT);
}

static __always_inline void on_closed(struct sock *sk, struct socket_state *state)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct close_record record = {
		.kind = RECORD_CLOSE,
		.role = state->role,
		.error = sk->sk_err,
		.tgid = state->tgid,
		.time = bpf_ktime_get_ns(),
		.cookie = state->cookie,
		/* The socket's own ports are already 0. */
		.connection = state->connection,
		.turns = state->turn,
		.lost_before = state->lost,
	};

	if (tcp)
		read_statistics(sk, tcp, &record.statistics);
	else
		read_mptcp_statistics((struct mptcp_sock *)sk, &record.statistics);
	emit(&record, sizeof(record), COUNTER_LOST_CONNECTION_EVENT);
	bpf_map_delete_elem(&modes, &state->cookie);
}

SEC("tp_btf/inet_sock_set_state")
int inet_sock_set_state(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int old_state = (int)ctx[1], new_state = (int)ctx[2];
	struct socket_state *state;

	if (sk->sk_protocol != IPPROTO_TCP && !(sk->sk_protocol == IPPROTO_MPTCP && new_state == TCP_CLOSE))
		return 0;
	if (new_state == TCP_SYN_SENT) {
		on_socket_wanted(sk, ROLE_CLIENT);
		return 0;
	}
	if (new_state == TCP_LISTEN) {
		on_socket_wanted(sk, ROLE_LISTENER);
		return 0;
	}
	state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (!state)
		return 0;
	if (new_state == TCP_SYN_RECV && old_state == TCP_LISTEN)
		on_accepting(state);
	else if (new_state == TCP_ESTABLISHED)
		on_established(sk, state);
	else if (new_state == TCP_CLOSE && old_state == TCP_SYN_SENT && state->decision != DECISION_OWN)
		on_connect_failed(sk, state);
	else if (new_state == TCP_CLOSE && old_state != TCP_LISTEN && state->announced)
		on_closed(sk, state);
	return 0;
}

SEC("tp_btf/inet_sk_error_report")
int inet_sk_error_report(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct socket_error_record record = { .kind = RECORD_SOCKET_ERROR };
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	if (!state || !state->announced || state->decision == DECISION_OWN)
		return 0;
	record.state = sk->__sk_common.skc_state;
	record.error = sk->sk_err;
	record.time = bpf_ktime_get_ns();
	record.cookie = state->cookie;
	record.own_first = state->connection.own_first;
	record.peer_first = state->connection.peer_first;
	emit(&record, sizeof(record), COUNTER_LOST_CONNECTION_EVENT);
	return 0;
}

/* Only the first two arguments: the list grew in 6.18. */
SEC("tp_btf/tcp_retransmit_skb")
int tcp_retransmit_skb(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct retransmit_record record = { .kind = RECORD_RETRANSMIT };
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	if (!state || state->decision == DECISION_OWN)
		return 0;
	record.state = sk->__sk_common.skc_state;
	record.time = bpf_ktime_get_ns();
	record.cookie = state->cookie;
	record.own_first = state->connection.own_first;
	record.peer_first = state->connection.peer_first;
	emit(&record, sizeof(record), COUNTER_LOST_CONNECTION_EVENT);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int sched_process_exec(__u64 *ctx)
{
	return on_exec((struct task_struct *)ctx[0], (struct linux_binprm *)ctx[2]);
}

SEC("tp_btf/sched_process_fork")
int sched_process_fork(__u64 *ctx)
{
	return on_fork((struct task_struct *)ctx[0], (struct task_struct *)ctx[1]);
}

SEC("tp_btf/sched_process_exit")
int sched_process_exit(__u64 *ctx)
{
	return on_exit((struct task_struct *)ctx[0]);
}

/* A listener that was there before us: what it accepts from now on inherits its role and owner. */
static __always_inline void adopt_listener(struct sock *sk, struct task_struct *task, __u32 decision)
{
	struct socket_state *state;

	if (decision == DECISION_IGNORE)
		return;
	state = create_state(sk);
	if (!state || state->role == ROLE_LISTENER)
		return;
	state->tgid = task->tgid;
	state->cgroup = cgroup_of(task);
	state->decision = decision;
	state->role = ROLE_LISTENER;
}

/* Every open socket of every process in every network namespace; `iter/tcp` would see only the reader's namespace. */
SEC("iter/task_file")
int open_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_record record = {};
	struct socket *socket;
	struct tcp_sock *tcp;
	struct sock *sk;
	__u32 reader = bpf_get_current_pid_tgid() >> 32, own = RUNTIME_OWN_TGID;

	if (!task || !file)
		return 0;
	/* Who reads this is Tidewatch; in a container it does not know this number of its own. */
	if ((__u32)task->tgid == reader)
		bpf_map_update_elem(&runtime, &own, &reader, BPF_ANY);
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !is_tcp(sk))
		return 0;

	record.tgid = task->tgid;
	record.descriptor = ctx->fd;
	record.cgroup = cgroup_of(task);
	record.decision = decide(task, record.tgid);
	record.state = sk->__sk_common.skc_state;
	record.cookie = bpf_get_socket_cookie(sk);
	read_ends(sk, &record.connection);
	tcp = bpf_skc_to_tcp_sock(sk);
	if (record.state == TCP_LISTEN) {
		record.role = ROLE_LISTENER;
		record.certain = 1;
		adopt_listener(sk, task, record.decision);
	} else if (tcp) {
		record.certain = recover_identity(tcp, record.state, &record.connection, &record.role);
		read_statistics(sk, tcp, &record.statistics);
		if (record.decision == DECISION_OWN)
			note_own(&record.connection);
	} else {
		recover_mptcp_identity((struct mptcp_sock *)sk, &record.connection);
		read_mptcp_statistics((struct mptcp_sock *)sk, &record.statistics);
		record.certain = 1;
	}
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}
