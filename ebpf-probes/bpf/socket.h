/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a socket is: its ends, the identity of its connection, its role, its numbers. */
#ifndef TIDEWATCH_SOCKET_H
#define TIDEWATCH_SOCKET_H

#include "policy.h"

#define IDENTITY_TRIES 8
#define OWN_CHECKS 4

static __always_inline void read_ends(struct sock *sk, struct connection *connection)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	connection->family = family;
	connection->protocol = BPF_CORE_READ(sk, sk_protocol);
	connection->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	connection->peer_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	connection->network_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&connection->local_address, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&connection->peer_address, sk, __sk_common.skc_v6_daddr);
	} else {
		BPF_CORE_READ_INTO((__u32 *)&connection->local_address, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__u32 *)&connection->peer_address, sk, __sk_common.skc_daddr);
	}
}

static __always_inline bool fin_received(struct sock *sk)
{
	return sk->__sk_common.skc_flags & SOCK_DONE_BIT;
}

/*
 * First sequence numbers of a connection that was established before we saw it. `bytes_sent` does not count a FIN, `snd_nxt`
 * does. The socket is not locked; `snd_una - bytes_acked` is kept by other code of the kernel (tcp_ack) and must tell the
 * same number, but for the SYN, which only the connecting side counts there: that is also how the roles are told apart.
 */
static __always_inline bool recover_identity(struct tcp_sock *tcp, __u8 tcp_state, struct connection *connection, __u8 *role)
{
	__u32 next = BPF_CORE_READ(tcp, snd_nxt);
	__u32 first = next - (__u32)(BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans));
	__u32 witness = BPF_CORE_READ(tcp, snd_una) - (__u32)BPF_CORE_READ(tcp, bytes_acked);
	bool closing = tcp_state == TCP_FIN_WAIT1 || tcp_state == TCP_FIN_WAIT2 || tcp_state == TCP_CLOSING ||
		       tcp_state == TCP_LAST_ACK;

	if (closing && next == BPF_CORE_READ(tcp, write_seq))
		first -= 1;
	connection->own_first = first;
	connection->peer_first = BPF_CORE_READ(tcp, rcv_nxt) - (__u32)BPF_CORE_READ(tcp, bytes_received);
	if (first - witness > 1)
		return false;
	*role = first == witness ? ROLE_SERVER : ROLE_CLIENT;
	return true;
}

/* MPTCP counts bytes in a numbering of its own, shared by both ends like TCP's. */
static __always_inline void recover_mptcp_identity(struct mptcp_sock *mptcp, struct connection *connection)
{
	connection->own_first =
		BPF_CORE_READ(mptcp, snd_nxt) - (BPF_CORE_READ(mptcp, bytes_sent) - BPF_CORE_READ(mptcp, bytes_retrans));
	connection->peer_first = BPF_CORE_READ(mptcp, ack_seq) - BPF_CORE_READ(mptcp, bytes_received);
}

static __always_inline struct identity shared_identity(struct connection *connection)
{
	__u32 own = connection->own_first, peer = connection->peer_first;
	struct identity identity = { .low = own < peer ? own : peer, .high = own < peer ? peer : own };
	return identity;
}

static __always_inline void read_statistics(struct sock *sk, struct tcp_sock *tcp, struct statistics *statistics)
{
	statistics->bytes_sent = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
	statistics->bytes_received = BPF_CORE_READ(tcp, bytes_received) - (fin_received(sk) ? 1 : 0);
	statistics->smoothed_rtt_us = BPF_CORE_READ(tcp, srtt_us) >> 3;
	statistics->retransmits = BPF_CORE_READ(tcp, total_retrans);
	statistics->segments_sent = BPF_CORE_READ(tcp, segs_out);
	statistics->reserved = 0;
}

/* Round trips and repetitions belong to the paths, not to the connection. */
static __always_inline void read_mptcp_statistics(struct mptcp_sock *mptcp, struct statistics *statistics)
{
	statistics->bytes_sent = BPF_CORE_READ(mptcp, bytes_sent) - BPF_CORE_READ(mptcp, bytes_retrans);
	statistics->bytes_received = BPF_CORE_READ(mptcp, bytes_received);
}

static __always_inline void announce(struct socket_state *state)
{
	struct open_record record = {
		.kind = RECORD_OPEN,
		.role = state->role,
		.decision = state->decision,
		.existed_before = state->existed_before,
		.tgid = state->tgid,
		.time = bpf_ktime_get_ns(),
		.cookie = state->cookie,
		.cgroup = state->cgroup,
		.connect_nanoseconds = state->connect_nanoseconds,
		.connection = state->connection,
	};
	state->announced = emit(&record, sizeof(record), COUNTER_LOST_CONNECTION_EVENT);
}

/*
 * Tidewatch's own connections: noted under the identity that the other end shares. The other end looks a few times, because
 * its first bytes may be on their way before our side of an accepted connection is established.
 */
static __always_inline void note_own(struct connection *connection)
{
	struct identity identity = shared_identity(connection);
	__u8 present = 1;
	bpf_map_update_elem(&own_connections, &identity, &present, BPF_ANY);
}

static __always_inline bool peer_is_own(struct socket_state *state)
{
	struct identity identity = shared_identity(&state->connection);

	if (state->own_checks >= OWN_CHECKS)
		return false;
	state->own_checks++;
	return bpf_map_lookup_elem(&own_connections, &identity) != NULL;
}

#endif
