/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The parts of the kernel's types that we read, and nothing else. Field offsets here are placeholders: every access is
 * relocated against the running kernel's BTF when the object is loaded (CO-RE), by the names of struct and field.
 */
#ifndef TIDEWATCH_KERNEL_H
#define TIDEWATCH_KERNEL_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000

#define PF_IO_WORKER 0x00000010
#define PF_USER_WORKER 0x00004000
#define PF_KTHREAD 0x00200000

/* enum sock_flags: tcp_fin() sets it when the peer's FIN is accepted, and nothing else does for TCP. */
#define SOCK_DONE_BIT (1UL << 1)

enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
};

struct file;

struct socket {
	struct file *file;
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	int sk_err;
	__u16 sk_type;
	__u16 sk_protocol;
};

struct tcp_sock {
	__u32 write_seq;
	__u32 copied_seq;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 srtt_us;
	__u32 total_retrans;
	__u32 segs_out;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	__u64 bytes_acked;
	__u64 bytes_received;
	bool is_mptcp; /* only with CONFIG_MPTCP */
};

struct mptcp_sock {
	__u64 write_seq;
	__u64 bytes_sent;
	__u64 snd_nxt;
	__u64 bytes_received;
	__u64 ack_seq;
	__u64 bytes_retrans;
	__u64 bytes_consumed;
};

struct sk_buff;

struct kernfs_node {
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct mm_struct {
	unsigned long env_start;
	unsigned long env_end;
};

struct signal_struct {
	atomic_t live;
};

struct thread_info {
	unsigned long flags;
	__u32 status; /* x86 only; never touched elsewhere */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	struct mm_struct *mm;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct css_set *cgroups;
	struct signal_struct *signal;
};

struct linux_binprm {
	const char *filename;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31];
	__s32 syscallno;
};
#else
#error "Tidewatch's probes know the system call registers of x86_64 and aarch64 only"
#endif

#pragma clang attribute pop

/* The system calls that carry socket bytes in a user buffer, and where their second and third arguments are. */
#if defined(__TARGET_ARCH_x86)
enum {
	SYSCALL_READ = 0,
	SYSCALL_WRITE = 1,
	SYSCALL_READV = 19,
	SYSCALL_WRITEV = 20,
	SYSCALL_SENDTO = 44,
	SYSCALL_RECVFROM = 45,
	SYSCALL_SENDMSG = 46,
	SYSCALL_RECVMSG = 47,
	SYSCALL_PREADV2 = 327,
	SYSCALL_PWRITEV2 = 328,
};
#define SYSCALL_NUMBER(entry) ((entry)->orig_ax)
#define SECOND_ARGUMENT(entry) ((entry)->si)
#define THIRD_ARGUMENT(entry) ((entry)->dx)
/* TS_COMPAT: the call came through a 32-bit entry, whose registers mean something else. */
#define IS_COMPAT(task) ((task)->thread_info.status & 0x2)
#else
enum {
	SYSCALL_READ = 63,
	SYSCALL_WRITE = 64,
	SYSCALL_READV = 65,
	SYSCALL_WRITEV = 66,
	SYSCALL_SENDTO = 206,
	SYSCALL_RECVFROM = 207,
	SYSCALL_SENDMSG = 211,
	SYSCALL_RECVMSG = 212,
	SYSCALL_PREADV2 = 286,
	SYSCALL_PWRITEV2 = 287,
};
#define SYSCALL_NUMBER(entry) ((unsigned long)(entry)->syscallno)
#define SECOND_ARGUMENT(entry) ((entry)->regs[1])
#define THIRD_ARGUMENT(entry) ((entry)->regs[2])
/* TIF_32BIT */
#define IS_COMPAT(task) ((task)->thread_info.flags & (1UL << 22))
#endif

#endif
