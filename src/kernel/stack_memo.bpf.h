/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The memo of stacks: a thread that sleeps where it slept before is not walked again.
 *
 * A walk is a function of its first registers, its process's list and the words of the stack it
 * depended on: return addresses, and saved frame pointers that found a frame. Each cpu keeps
 * those of its last walks by (process, ip, sp). If every word is still the same, then, frame by
 * frame, so is the stack: nothing is guessed, a wrong hit is impossible.
 */
#ifndef CAIRN_KERNEL_STACK_MEMO_BPF_H
#define CAIRN_KERNEL_STACK_MEMO_BPF_H

#include "kernel/recorder_abi.h"
#include "kernel/stack_abi.h"

#include <bpf/bpf_helpers.h>

enum {
	STACK_MEMOS = 512, /* of each cpu */
	STACK_WORDS = 96,
	STACK_WORDS_STEP = 8, /* compared together: the verifier, and cpus, like few branches */
	STACK_SPAN_BYTES = 4096,
};

struct stack_word {
	__u64 offset; /* from the first stack pointer */
	__u64 word;
};

struct stack_memo {
	__u64 ip, sp, bp;
	__u32 tgid, generation;
	__s32 syscall;
	__u32 site;
	__u32 needs_bp; /* the first frame's bp found a frame */
	__u32 count;    /* of words; more than STACK_WORDS = not to be kept */
	__u64 span_bytes;
	struct stack_word words[STACK_WORDS + STACK_WORDS_STEP]; /* room to fill the last step */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STACK_MEMOS);
	__type(key, __u32);
	__type(value, struct stack_memo);
} stack_memos SEC(".maps");

static __always_inline struct stack_memo *stack_memo_at(__u32 tgid, __u64 ip, __u64 sp)
{
	__u64 hash = ((__u64)tgid << 40 ^ ip ^ sp << 16) * 0x9e3779b97f4a7c15ull;
	__u32 key = hash >> 55;
	return bpf_map_lookup_elem(&stack_memos, &key);
}

/* The draft of a memo notes a word; what lies outside of the span makes it unfit. */
static __always_inline void stack_memo_note(struct stack_memo *draft, __u64 address, __u64 word)
{
	__u64 offset = address - draft->sp;
	__u32 i = draft->count;
	if (!address) {
		draft->needs_bp = 1;
		return;
	}
	if (i >= STACK_WORDS || offset > STACK_SPAN_BYTES - 8) {
		draft->count = STACK_WORDS + 1;
		return;
	}
	draft->words[i].offset = offset;
	draft->words[i].word = word;
	draft->count = i + 1;
	if (offset + 8 > draft->span_bytes)
		draft->span_bytes = offset + 8;
}

/* Fills the last step with its first word again, and keeps the draft. */
static __always_inline void stack_memo_keep(struct stack_memo *draft)
{
	__u32 count = draft->count;
	if (count == 0 || count > STACK_WORDS)
		return;
	struct stack_memo *memo = stack_memo_at(draft->tgid, draft->ip, draft->sp);
	if (!memo)
		return;
#pragma unroll
	for (int i = 0; i < STACK_WORDS_STEP - 1; i++)
		draft->words[count + i] = draft->words[0];
	/* All of it: no verifier has to believe a computed length. */
	bpf_probe_read_kernel(memo, sizeof(*memo), draft);
}

/* True when all words are in `span` (STACK_SPAN_BYTES + 8 long, from sp on) as they were. */
static __always_inline bool stack_memo_holds(const struct stack_memo *memo, const __u8 *span)
{
	__u64 difference = 0;
#pragma nounroll
	for (int step = 0; step < STACK_WORDS; step += STACK_WORDS_STEP) {
		if (step >= memo->count)
			break;
#pragma unroll
		for (int i = 0; i < STACK_WORDS_STEP; i++) {
			const struct stack_word *w = &memo->words[step + i];
			__u64 at = w->offset & (STACK_SPAN_BYTES - 1);
			difference |= *(const __u64 *)(span + at) ^ w->word;
		}
	}
	return difference == 0;
}

#endif
