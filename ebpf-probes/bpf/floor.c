// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs that do nothing, on the hooks of every send and receive: what any program there costs, and ours cannot undercut. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sock_send_length")
int sock_send_length(void *ctx)
{
	return 0;
}

SEC("tp_btf/sock_recv_length")
int sock_recv_length(void *ctx)
{
	return 0;
}
