/* SPDX-License-Identifier: MIT */
/* What code in the process wants to know of its threads, asked of all of them. */
#include "inject/inject_apart.h"
#include "inject/inject_own.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

enum { TID_WORDS = 1024 }; /* looked at behind the thread pointer */

/* As ptrace(2) has it; a C library of old does not. */
enum { GET_RSEQ_CONFIGURATION = 0x420f };

struct rseq_configuration {
	uint64_t pointer;
	uint32_t bytes, signature, flags, spare;
};

struct asking {
	const struct inject *i;
	struct inject_facts *facts;
	uint32_t tids[TID_WORDS]; /* of the first thread; 0 where they are no tid of all */
	size_t asked;
};

/* The thread's number in the innermost namespace: the last one of the line. */
static pid_t inner_id(pid_t pid, pid_t tid)
{
	char path[64], line[256];
	pid_t inner = tid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tid);
	CLEANUP(stream) FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "NSpid:", 6))
			inner = atoi(strrchr(line, '\t') + 1);
	}
	return inner;
}

static void compare_rseq(struct asking *a, pid_t tid, uint64_t thread_pointer)
{
	struct rseq_configuration rseq = {0};
	struct inject_facts *facts = a->facts;
	int64_t offset = 0;
	bool has = ptrace((enum __ptrace_request)GET_RSEQ_CONFIGURATION, tid, sizeof(rseq), &rseq) >
			   0 &&
		   rseq.pointer;
	if (has)
		offset = (int64_t)(rseq.pointer - thread_pointer);
	if (a->asked == 0) {
		facts->has_rseq = has && offset == (int32_t)offset;
		facts->rseq_offset = (int32_t)offset;
		facts->rseq_signature = rseq.signature;
	} else if (!has || offset != facts->rseq_offset ||
		   rseq.signature != facts->rseq_signature) {
		facts->has_rseq = false;
	}
}

/* What is no thread's number in one thread is none. */
static void compare_tids(struct asking *a, pid_t tid, uint64_t thread_pointer)
{
	uint32_t words[TID_WORDS] = {0};
	uint32_t inner = (uint32_t)inner_id(a->i->pid, tid);
	for (size_t at = 0; at < TID_WORDS; at += 64) { /* up to where it can be read */
		if (inject_read(a->i, thread_pointer + 4 * at, &words[at], 256, NULL))
			break;
	}
	for (size_t k = 0; k < TID_WORDS; k++)
		a->tids[k] = words[k] == inner && (a->asked == 0 || a->tids[k]);
}

static int ask_threads(void *context, struct err *e)
{
	struct asking *a = context;
	struct halt halt;
	struct user_regs_struct regs;
	int status = halt_begin(&halt, a->i->pid, inject_wait_ns, e);
	if (status)
		return status;
	array_each(tid, &halt.threads) {
		if (ptrace(PTRACE_GETREGS, *tid, NULL, &regs) < 0)
			continue;
		compare_rseq(a, *tid, regs.fs_base);
		compare_tids(a, *tid, regs.fs_base);
		a->asked++;
	}
	halt_end(&halt);
	return 0;
}

int inject_describe(struct inject *i, struct inject_facts *ret, struct err *e)
{
	struct inject_facts facts = {.has_shadow_stack = i->has_shadow_stack,
				     .pid_inside = inner_id(i->pid, i->pid)};
	struct asking *a = calloc(1, sizeof(*a));
	if (!a)
		return err_set(e, ENOMEM, "no memory to ask process %d", (int)i->pid);
	a->i = i;
	a->facts = &facts;
	int status = inject_apart(ask_threads, a, e);
	for (size_t k = 0; !status && k < TID_WORDS && !facts.has_tid; k++) {
		facts.has_tid = a->asked && a->tids[k];
		facts.tid_offset = (int32_t)(4 * k);
	}
	free(a);
	if (!status)
		*ret = facts;
	return status;
}
