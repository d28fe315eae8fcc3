/* SPDX-License-Identifier: MIT */
#include "inject/inject_stack.h"
#include "switchboard/halt.h"

#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

enum {
	PART_WORDS = 4096,
	STACKS_MAX = 64, /* of one thread */
};

/* What a signal frame's words are, from where its stack pointer was saved. */
enum { FRAME_SP, FRAME_PC, FRAME_FLAGS, FRAME_SEGMENTS, FRAME_WORDS };

#define SEGMENTS 0x002b000000000033ull /* ss, fs, gs, cs of 64-bit code */

struct walk {
	struct inject_stacks *s;
	pid_t tid;
	struct patch_range stacks[STACKS_MAX];
	size_t count;
};

static int add_pc(struct inject_stacks *s, pid_t tid, uint64_t at, uint64_t pc)
{
	return array_push(&s->pcs, (struct inject_pc){tid, at, pc});
}

/* The stack that `sp` points into, unless it is known. */
static int add_stack(struct walk *w, uint64_t sp)
{
	struct inject_stacks *s = w->s;
	for (size_t i = 0; i < w->count; i++) {
		if (sp >= w->stacks[i].start && sp < w->stacks[i].end)
			return 0;
	}
	const struct proc_map *map = inject_maps_find(s->maps, sp);
	if (!map) { /* it has grown, or is new */
		inject_maps_deinit(s->maps);
		int status = inject_maps_read(s->pid, s->maps, NULL);
		if (status)
			return status;
		map = inject_maps_find(s->maps, sp);
	}
	if (!map)
		return 0;
	if (w->count == STACKS_MAX)
		return -E2BIG;
	w->stacks[w->count++] = (struct patch_range){sp & ~UINT64_C(7), map->end};
	return 0;
}

static int look_at(struct walk *w, const uint64_t *words, size_t count, uint64_t address)
{
	int status = 0;
	for (size_t i = 0; i < count && !status; i++) {
		if (w->s->word)
			w->s->word(w->s->context, words[i]);
		if (words[i] != SEGMENTS || i < FRAME_SEGMENTS)
			continue;
		const uint64_t *frame = &words[i - FRAME_SEGMENTS];
		status = add_pc(w->s, w->tid, address + 8 * (i - FRAME_SEGMENTS + FRAME_PC),
				frame[FRAME_PC]);
		if (!status)
			status = add_stack(w, frame[FRAME_SP]);
	}
	return status;
}

/* The parts overlap by less than a frame, so that none is cut or seen twice. */
static int walk_stack(struct walk *w, struct patch_range stack)
{
	uint64_t words[PART_WORDS];
	while (stack.start < stack.end) {
		size_t bytes = sizeof(words);
		if (bytes > stack.end - stack.start)
			bytes = stack.end - stack.start;
		ssize_t got = pread(w->s->mem, words, bytes, (off_t)stack.start);
		if (got < 8)
			return 0;
		int status = look_at(w, words, (size_t)got / 8, stack.start);
		if (status || (size_t)got < sizeof(words))
			return status;
		stack.start += sizeof(words) - 8 * (FRAME_WORDS - 1);
	}
	return 0;
}

static int read_thread(struct walk *w, bool deep)
{
	struct user_regs_struct regs;
	if (ptrace(PTRACE_GETREGS, w->tid, NULL, &regs) < 0)
		return errno == ESRCH ? 0 : -errno;
	int status = add_pc(w->s, w->tid, 0, regs.rip);
	if (!status && deep)
		status = add_stack(w, regs.rsp);
	for (size_t i = 0; !status && i < w->count; i++)
		status = walk_stack(w, w->stacks[i]);
	return status;
}

int inject_stacks_read(struct inject_stacks *s, const struct halt *h, bool deep, struct err *e)
{
	s->pcs.count = 0;
	array_each(tid, &h->threads) {
		struct walk w = {.s = s, .tid = *tid};
		int status = read_thread(&w, deep);
		if (status)
			return err_set(e, -status, "cannot read the stack of thread %d: %s",
				       (int)*tid, strerror(-status));
	}
	return 0;
}

int inject_stacks_move(struct inject_stacks *s, const struct inject_pc *pc, uint64_t to,
		       struct err *e)
{
	struct user_regs_struct regs;
	if (pc->at) {
		if (pwrite(s->mem, &to, sizeof(to), (off_t)pc->at) != sizeof(to))
			return err_errno(e, "cannot write to the stack of thread %d", (int)pc->tid);
		return 0;
	}
	if (ptrace(PTRACE_GETREGS, pc->tid, NULL, &regs) < 0)
		return err_errno(e, "thread %d was lost", (int)pc->tid);
	regs.rip = to;
	if (ptrace(PTRACE_SETREGS, pc->tid, NULL, &regs) < 0)
		return err_errno(e, "thread %d cannot be moved", (int)pc->tid);
	return 0;
}

void inject_stacks_deinit(struct inject_stacks *s)
{
	array_free(&s->pcs);
}
