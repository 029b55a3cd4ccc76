/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the kernel side tells user space. This file is the only definition: build.rs reads it, writes the Rust twins, and
 * writes compile-time checks of each offset back to the C side. Keep to its small language: enums with explicit values,
 * structs of __u8/__u16/__u32/__u64, byte arrays and earlier structs, no hidden padding.
 */
#ifndef TIDEWATCH_RECORDS_H
#define TIDEWATCH_RECORDS_H

enum record_kind {
	RECORD_CHUNK = 1,
	RECORD_OPEN = 2,
	RECORD_CLOSE = 3,
	RECORD_CONNECT_FAILED = 4,
	RECORD_SOCKET_ERROR = 5,
	RECORD_RETRANSMIT = 6,
	RECORD_EXEC = 7,
	RECORD_FORK = 8,
	RECORD_EXIT = 9,
};

enum direction {
	DIRECTION_SEND = 1,
	DIRECTION_RECEIVE = 2,
};

enum role {
	ROLE_UNKNOWN = 0,
	ROLE_CLIENT = 1,
	ROLE_SERVER = 2,
	ROLE_LISTENER = 3,
};

enum decision {
	DECISION_OBSERVE = 1,
	DECISION_IGNORE = 2,
	DECISION_UNDECIDED = 3,
	DECISION_OWN = 4,
};

enum mode {
	MODE_TURN_BUDGET = 0,
	MODE_EVERYTHING = 1,
	MODE_SKIP_UNTIL = 2,
	MODE_COUNTERS_ONLY = 3,
};

/* Why a chunk has no payload although its budget had room. */
enum payload_state {
	PAYLOAD_AVAILABLE = 0,
	PAYLOAD_NO_USER_BUFFER = 1,
	PAYLOAD_COMPAT_CALL = 2,
	PAYLOAD_DISCARDED = 3,
	PAYLOAD_FAULT = 4,
	PAYLOAD_TOO_SCATTERED = 5,
};

enum counter {
	COUNTER_CHUNKS = 0,
	COUNTER_CAPTURED_BYTES = 1,
	COUNTER_IGNORED_RECEIVES = 2,
	COUNTER_UNIX_SENT_BYTES = 3,
	COUNTER_UNIX_RECEIVED_BYTES = 4,
	COUNTER_UDP_SENT_BYTES = 5,
	COUNTER_UDP_RECEIVED_BYTES = 6,
	COUNTER_NO_USER_BUFFER = 7,
	COUNTER_COMPAT_CALL = 8,
	COUNTER_USER_FAULT = 9,
	COUNTER_TOO_SCATTERED = 10,
	COUNTER_LOST_CHUNK = 11,
	COUNTER_LOST_CONNECTION_EVENT = 12,
	COUNTER_LOST_PROCESS_EVENT = 13,
	COUNTER_NO_SOCKET_STORAGE = 14,
	COUNTER_OWN_PEERS = 15,
	COUNTER_UNCERTAIN_IDENTITY = 16,
	COUNTER_DEFERRED_CHUNKS = 17,
	COUNTER_COUNT = 18,
};

enum runtime_cell {
	RUNTIME_OWN_TGID = 0,
	RUNTIME_POLICY_GENERATION = 1,
	RUNTIME_MODE_GENERATION = 2,
	RUNTIME_CELLS = 3,
};

struct connection {
	__u8 local_address[16];
	__u8 peer_address[16];
	__u16 local_port;
	__u16 peer_port;
	__u16 family;
	__u16 protocol;
	__u32 network_namespace;
	__u32 own_first;
	__u32 peer_first;
};

struct statistics {
	__u64 bytes_sent;
	__u64 bytes_received;
	__u32 smoothed_rtt_us;
	__u32 retransmits;
	__u32 segments_sent;
	__u32 reserved;
};

/* Followed by `captured` bytes of payload and `tail_length` bytes: the end of the chunk, when the payload stops before it. */
struct chunk_record {
	__u8 kind;
	__u8 direction;
	__u8 role;
	__u8 decision;
	__u32 turn;
	__u64 time;
	__u64 cookie;
	__u32 own_first;
	__u32 peer_first;
	__u32 position;
	__u32 length;
	__u32 captured;
	__u32 tgid;
	__u32 tid;
	__u32 lost_before;
	__u8 tail_length;
	__u8 payload_state;
	__u16 reserved;
	__u32 reserved2;
};

struct open_record {
	__u8 kind;
	__u8 role;
	__u8 decision;
	__u8 existed_before;
	__u32 tgid;
	__u64 time;
	__u64 cookie;
	__u64 cgroup;
	__u64 connect_nanoseconds;
	struct connection connection;
	__u32 reserved;
};

struct close_record {
	__u8 kind;
	__u8 role;
	__u16 error;
	__u32 tgid;
	__u64 time;
	__u64 cookie;
	struct statistics statistics;
	struct connection connection;
	__u32 turns;
	__u32 lost_before;
	__u32 reserved;
};

struct connect_failed_record {
	__u8 kind;
	__u8 reserved;
	__u16 error;
	__u32 tgid;
	__u64 time;
	__u64 cookie;
	__u64 cgroup;
	__u64 connect_nanoseconds;
	struct connection connection;
	__u32 reserved2;
};

struct socket_error_record {
	__u8 kind;
	__u8 state;
	__u16 error;
	__u32 own_first;
	__u64 time;
	__u64 cookie;
	__u32 peer_first;
	__u32 reserved;
};

struct retransmit_record {
	__u8 kind;
	__u8 state;
	__u16 reserved;
	__u32 own_first;
	__u64 time;
	__u64 cookie;
	__u32 peer_first;
	__u32 reserved2;
};

/* Followed by `filename_length` bytes and `environment_length` bytes: NUL-ended OTEL_* assignments. */
struct exec_record {
	__u8 kind;
	__u8 reserved;
	__u16 filename_length;
	__u32 tgid;
	__u64 time;
	__u64 cgroup;
	__u32 parent;
	__u16 environment_length;
	__u16 environment_truncated;
};

struct fork_record {
	__u8 kind;
	__u8 reserved[3];
	__u32 tgid;
	__u64 time;
	__u64 cgroup;
	__u32 parent;
	__u32 reserved2;
};

struct exit_record {
	__u8 kind;
	__u8 reserved[3];
	__u32 tgid;
	__u64 time;
};

/* One line of the socket iterator: a file descriptor of a process that is a TCP socket. */
struct socket_record {
	__u64 cookie;
	__u64 cgroup;
	__u32 tgid;
	__u32 descriptor;
	struct statistics statistics;
	struct connection connection;
	__u8 state;
	__u8 role;
	__u8 decision;
	__u8 certain;
};

#endif
