/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One chunk of bytes through a socket: where it lies in the stream, how much of it is captured, and its record. */
#ifndef TIDEWATCH_CAPTURE_H
#define TIDEWATCH_CAPTURE_H

#include "socket.h"

/* A record carries at most this much payload; a longer capture is several records. Per-CPU values end at 32 KiB. */
#define PIECE 16000
/* Steps of the copy loop: each fills one piece or ends one I/O vector. */
#define COPY_STEPS 256
#define TAIL_STEPS 256
#define TAIL 16
/* Most bytes that are captured of one call, whatever the mode. */
#define MOST_OF_A_CALL (256 * 1024)

/* Where the user's bytes are: the rest of the current vector, and the vectors after it. */
struct source {
	__u64 base;
	__u64 left;
	__u64 vectors;
	__u64 remaining_vectors;
};

struct copying {
	__u32 skip;   /* bytes that are passed over before the copy begins */
	__u32 wanted; /* bytes still to copy */
	__u32 left;   /* bytes of the chunk that no record has reported */
	__u32 filled; /* payload bytes in the scratch */
	__u32 begin;  /* bytes of the chunk that lie before its tail */
	__u32 passed; /* bytes of the chunk that the source has passed */
	__u32 tail;   /* bytes of the tail that are in the scratch */
	__u32 failed; /* enum payload_state */
};

/* The numbers of the copy live here and not on the stack, so that the verifier does not follow them from step to step. */
struct chunk_scratch {
	struct chunk_record record;
	/* Twice a piece: the verifier bounds offset and length apart from each other. */
	__u8 payload[2 * PIECE];
	__u8 tail[2 * TAIL];
	struct source source;
	struct copying copy;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct chunk_scratch);
} send_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct chunk_scratch);
} receive_scratch SEC(".maps");

struct io_vector {
	__u64 base;
	__u64 length;
};

static __always_inline __u8 find_vectors(struct source *source, __u64 vectors, __u64 vector_count)
{
	source->base = 0;
	source->left = 0;
	source->vectors = vectors;
	source->remaining_vectors = vector_count;
	return PAYLOAD_AVAILABLE;
}

/* struct user_msghdr of the kernel's user interface: the vectors are its third and fourth word. */
static __always_inline __u8 find_message(struct source *source, __u64 message)
{
	__u64 vectors[2];

	if (bpf_probe_read_user(vectors, sizeof(vectors), (void *)(message + 16)))
		return PAYLOAD_FAULT;
	return find_vectors(source, vectors[0], vectors[1]);
}

/*
 * The user's buffer, from the registers with which the task entered the kernel. A task that is not in one of the calls
 * below (io_uring, sendfile, a kernel thread, a kernel file system on a socket of its own) has none.
 */
static __always_inline __u8 find_source(struct sock *sk, __u8 direction, struct source *source)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct socket *socket = sk->sk_socket;
	struct pt_regs *registers;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		return PAYLOAD_NO_USER_BUFFER;
	if (!socket || !socket->file)
		return PAYLOAD_NO_USER_BUFFER;
	if (IS_COMPAT(task))
		return PAYLOAD_COMPAT_CALL;

	registers = (struct pt_regs *)bpf_task_pt_regs(task);
	switch (SYSCALL_NUMBER(registers)) {
	case SYSCALL_WRITE:
	case SYSCALL_SENDTO:
		if (direction != DIRECTION_SEND)
			return PAYLOAD_NO_USER_BUFFER;
		break;
	case SYSCALL_READ:
	case SYSCALL_RECVFROM:
		if (direction != DIRECTION_RECEIVE)
			return PAYLOAD_NO_USER_BUFFER;
		break;
	case SYSCALL_WRITEV:
	case SYSCALL_PWRITEV2:
		if (direction != DIRECTION_SEND)
			return PAYLOAD_NO_USER_BUFFER;
		return find_vectors(source, SECOND_ARGUMENT(registers), THIRD_ARGUMENT(registers));
	case SYSCALL_READV:
	case SYSCALL_PREADV2:
		if (direction != DIRECTION_RECEIVE)
			return PAYLOAD_NO_USER_BUFFER;
		return find_vectors(source, SECOND_ARGUMENT(registers), THIRD_ARGUMENT(registers));
	case SYSCALL_SENDMSG:
		if (direction != DIRECTION_SEND)
			return PAYLOAD_NO_USER_BUFFER;
		return find_message(source, SECOND_ARGUMENT(registers));
	case SYSCALL_RECVMSG:
		if (direction != DIRECTION_RECEIVE)
			return PAYLOAD_NO_USER_BUFFER;
		return find_message(source, SECOND_ARGUMENT(registers));
	default:
		return PAYLOAD_NO_USER_BUFFER;
	}
	source->base = SECOND_ARGUMENT(registers);
	source->left = THIRD_ARGUMENT(registers);
	source->vectors = 0;
	source->remaining_vectors = 0;
	return PAYLOAD_AVAILABLE;
}

/* Makes the next vector the current one. False at the end of the vectors, or when they cannot be read. */
static __always_inline bool next_vector(struct source *source)
{
	struct io_vector vector;

	if (!source->remaining_vectors)
		return false;
	if (bpf_probe_read_user(&vector, sizeof(vector), (void *)source->vectors))
		return false;
	source->remaining_vectors--;
	source->vectors += sizeof(vector);
	source->base = vector.base;
	source->left = vector.length;
	return true;
}

static __always_inline void advance(struct source *source, __u64 bytes)
{
	source->base += bytes;
	source->left -= bytes;
}

/* Sends what the scratch holds as a record of `length` stream bytes, `captured` of them with it. */
static __always_inline void emit_piece(struct chunk_scratch *scratch, struct socket_state *state, __u32 length,
				       __u32 captured, __u32 tail_length)
{
	__u64 size;

	scratch->record.length = length;
	scratch->record.captured = captured;
	scratch->record.tail_length = tail_length;
	scratch->record.lost_before = state->lost;
	size = sizeof(struct chunk_record) + captured + tail_length;
	barrier_var(size);
	if (size > sizeof(struct chunk_record) + PIECE + TAIL)
		return;
	if (emit(scratch, size, COUNTER_LOST_CHUNK))
		state->lost = 0;
	else
		state->lost++;
	scratch->record.position += length;
}

struct step_context {
	struct chunk_scratch *scratch;
	struct socket_state *state;
};

/* One step of the copy: a stretch of one vector, at most to the end of a piece. A full piece is sent. Returns 1 at the end. */
static long copy_step(__u32 index, struct step_context *context)
{
	struct chunk_scratch *scratch = context->scratch;
	struct source *source = &scratch->source;
	struct copying *copy = &scratch->copy;
	__u32 filled = copy->filled;
	__u64 bytes;

	if (!copy->wanted)
		return 1;
	if (!source->left && !next_vector(source)) {
		copy->failed = PAYLOAD_FAULT;
		return 1;
	}
	if (copy->skip) {
		bytes = source->left < copy->skip ? source->left : copy->skip;
		advance(source, bytes);
		copy->skip -= bytes;
		copy->passed += bytes;
		return 0;
	}
	if (filled > PIECE)
		return 1;
	bytes = source->left < copy->wanted ? source->left : copy->wanted;
	if (bytes > PIECE - filled)
		bytes = PIECE - filled;
	barrier_var(bytes);
	if (bytes > PIECE)
		return 1;
	if (bpf_probe_read_user(scratch->payload + filled, bytes, (void *)source->base)) {
		copy->failed = PAYLOAD_FAULT;
		return 1;
	}
	advance(source, bytes);
	copy->wanted -= bytes;
	copy->passed += bytes;
	copy->filled = filled + bytes;
	if (copy->filled == PIECE && copy->left > PIECE) {
		emit_piece(scratch, context->state, PIECE, PIECE, 0);
		copy->left -= PIECE;
		copy->filled = 0;
	}
	return !copy->wanted;
}

/* One step towards the tail, or of it. */
static long tail_step(__u32 index, struct step_context *context)
{
	struct chunk_scratch *scratch = context->scratch;
	struct source *source = &scratch->source;
	struct copying *copy = &scratch->copy;
	__u32 done = copy->tail;
	__u64 bytes;

	if (!source->left)
		return next_vector(source) ? 0 : 1;
	if (copy->passed < copy->begin) {
		bytes = copy->begin - copy->passed;
		if (bytes > source->left)
			bytes = source->left;
		advance(source, bytes);
		copy->passed += bytes;
		return 0;
	}
	if (done >= TAIL)
		return 1;
	bytes = TAIL - done;
	if (bytes > source->left)
		bytes = source->left;
	barrier_var(bytes);
	if (bytes > TAIL)
		return 1;
	if (bpf_probe_read_user(scratch->tail + done, bytes, (void *)source->base))
		return 1;
	advance(source, bytes);
	copy->passed += bytes;
	copy->tail = done + bytes;
	return copy->tail >= TAIL;
}

/*
 * Copies the wanted bytes into the scratch and sends each full piece; the last, partial piece stays in the scratch.
 * Returns why it stopped early, if it did.
 */
static __always_inline __u8 copy_payload(struct step_context *context)
{
	struct copying *copy = &context->scratch->copy;
	__u32 wanted = copy->wanted;

	/* Nearly always one step does it: then there is no call through a pointer. */
	if (!copy_step(0, context))
		bpf_loop(COPY_STEPS, copy_step, context, 0);
	count(COUNTER_CAPTURED_BYTES, wanted - copy->wanted);
	if (copy->failed)
		return copy->failed;
	return copy->wanted ? PAYLOAD_TOO_SCATTERED : PAYLOAD_AVAILABLE;
}

/*
 * Copies the last bytes of the chunk behind the payload, as far as the payload does not hold them. Returns their number: 0
 * when the end is out of reach.
 */
static __always_inline __u32 copy_tail(struct step_context *context, __u32 chunk_length)
{
	struct chunk_scratch *scratch = context->scratch;
	struct copying *copy = &scratch->copy;
	__u32 missing = copy->left - copy->filled, filled = copy->filled;
	__u32 length = missing < TAIL ? missing : TAIL;

	copy->begin = chunk_length - length;
	copy->tail = 0;
	bpf_loop(TAIL_STEPS, tail_step, context, 0);
	/* The buffer may be longer than what was moved: what lies behind the end is not ours. */
	if (copy->tail < length || filled > PIECE)
		return 0;
	bpf_probe_read_kernel(scratch->payload + filled, TAIL, scratch->tail);
	return length;
}

/* A new mode of this connection, if user space set one since the last look. */
static __always_inline void refresh_mode(struct socket_state *state)
{
	__u32 generation = runtime_cell(RUNTIME_MODE_GENERATION);
	struct connection_mode *mode;

	if (state->mode_generation == generation)
		return;
	state->mode_generation = generation;
	mode = bpf_map_lookup_elem(&modes, &state->cookie);
	if (!mode || mode->serial == state->mode_serial)
		return;
	state->mode_serial = mode->serial;
	state->mode = mode->mode;
	state->skip_until = mode->skip_until;
	state->skip_direction = mode->skip_direction;
}

/* A turn begins when a direction follows the other. */
static __always_inline void follow_turn(struct socket_state *state, __u8 direction)
{
	if (state->direction == direction)
		return;
	state->direction = direction;
	state->turn++;
	state->turn_captured = 0;
}

/* How much of the chunk is copied, and from where on. */
static __always_inline void plan_copy(struct socket_state *state, __u8 direction, __u32 position, __u32 length,
				      struct copying *copy)
{
	bool is_response = (state->role == ROLE_SERVER && direction == DIRECTION_SEND) ||
			   (state->role == ROLE_CLIENT && direction == DIRECTION_RECEIVE);
	__u32 budget = is_response ? response_budget : request_budget;
	__u32 room;

	if (state->mode == MODE_SKIP_UNTIL && state->skip_direction == direction) {
		__s32 ahead = (__s32)(state->skip_until - position);

		if (ahead >= (__s32)length) {
			copy->skip = length;
			return;
		}
		if (ahead > 0)
			copy->skip = ahead;
		state->mode = MODE_TURN_BUDGET;
		state->turn_captured = 0;
	}
	if (state->mode == MODE_EVERYTHING)
		budget = state->turn_captured + MOST_OF_A_CALL;
	room = budget > state->turn_captured ? budget - state->turn_captured : 0;
	if (room > MOST_OF_A_CALL)
		room = MOST_OF_A_CALL;
	copy->wanted = length - copy->skip;
	if (copy->wanted > room)
		copy->wanted = room;
	if (state->mode != MODE_EVERYTHING)
		state->turn_captured += copy->wanted;
}

static __always_inline void count_missing_payload(__u8 payload_state)
{
	if (payload_state == PAYLOAD_NO_USER_BUFFER)
		count(COUNTER_NO_USER_BUFFER, 1);
	else if (payload_state == PAYLOAD_COMPAT_CALL)
		count(COUNTER_COMPAT_CALL, 1);
	else if (payload_state == PAYLOAD_FAULT)
		count(COUNTER_USER_FAULT, 1);
	else if (payload_state == PAYLOAD_TOO_SCATTERED)
		count(COUNTER_TOO_SCATTERED, 1);
}

/* Sends the records of one chunk. */
static __always_inline void capture(struct sock *sk, struct chunk_scratch *scratch, struct socket_state *state,
				    __u8 direction, __u32 length, bool discarded)
{
	struct step_context context = { .scratch = scratch, .state = state };
	struct copying *copy = &scratch->copy;
	__u32 tail_length = 0;
	__u8 payload_state;

	__builtin_memset(copy, 0, sizeof(*copy));
	copy->left = length;
	plan_copy(state, direction, scratch->record.position, length, copy);
	payload_state = discarded ? PAYLOAD_DISCARDED : find_source(sk, direction, &scratch->source);
	scratch->record.payload_state = payload_state;
	if (payload_state == PAYLOAD_AVAILABLE) {
		if (copy->skip && copy->skip < length) {
			__u32 skipped = copy->skip;
			emit_piece(scratch, state, skipped, 0, 0);
			copy->left -= skipped;
		}
		if (copy->wanted)
			payload_state = copy_payload(&context);
		scratch->record.payload_state = payload_state;
		if (copy->filled < copy->left && payload_state == PAYLOAD_AVAILABLE)
			tail_length = copy_tail(&context, length);
	}
	if (payload_state != PAYLOAD_AVAILABLE)
		count_missing_payload(payload_state);
	emit_piece(scratch, state, copy->left, copy->filled, tail_length);
}

#endif
