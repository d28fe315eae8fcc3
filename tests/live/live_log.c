/* SPDX-License-Identifier: MIT */
/*
 * The log: entries in memory that all children share, so that writing one is a few stores and no
 * system call; printed as lines of JSON when all is over. The first line names the threads:
 *
 *   {"scenario":"pipe","roles":[{"tid":101,"role":"ping"},…]}
 *   {"begin":ns,"end":ns,"tid":101,"what":"wait","for":102,"how":"pipe"}
 *
 * `what` is "wait", "put" (a message), "hold" (a lock), "run" (a cpu) or "move" (a thread to
 * another cpu). Of a wait, `for` is a tid, an array of tids some of which it was, "child:TID",
 * "cpu:TID", "disk" or "timer".
 */
#include "live.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ENTRIES_MAX = 1 << 16, ROLES_MAX = 32 };

struct entry {
	uint64_t begin_ns, end_ns;
	int32_t tid;
	struct live_cause cause; /* of a wait */
	const char *what, *how;  /* literals: at the same place in every child */
};

struct role {
	int32_t tid; /* 0 until the name is there */
	char name[16];
};

static struct log {
	unsigned entry_count, role_count;
	struct role roles[ROLES_MAX];
	struct entry entries[ENTRIES_MAX];
} * live_log;

void live_log_open(void)
{
	live_log = mmap(NULL, sizeof(*live_log), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (live_log == MAP_FAILED)
		err(1, "the log");
}

int32_t live_role(const char *name)
{
	unsigned at = __atomic_fetch_add(&live_log->role_count, 1, __ATOMIC_RELAXED);
	if (at >= ROLES_MAX)
		errx(1, "more than %d roles", ROLES_MAX);
	struct role *role = &live_log->roles[at];
	snprintf(role->name, sizeof(role->name), "%s", name);
	prctl(PR_SET_NAME, name);
	/* Pairs with live_tid_of(). */
	__atomic_store_n(&role->tid, gettid(), __ATOMIC_RELEASE);
	return role->tid;
}

static int32_t find_role(const char *name)
{
	for (struct role *role = live_log->roles; role < live_log->roles + ROLES_MAX; role++) {
		int32_t tid = __atomic_load_n(&role->tid, __ATOMIC_ACQUIRE);
		if (tid && strcmp(role->name, name) == 0)
			return tid;
	}
	return 0;
}

int32_t live_tid_of(const char *name)
{
	uint64_t end_ns = live_now_ns() + 5000000000u;
	for (;;) {
		int32_t tid = find_role(name);
		if (tid)
			return tid;
		if (live_now_ns() > end_ns)
			errx(1, "nobody became %s", name);
		usleep(200);
	}
}

static struct live_cause cause_of(enum live_kind kind, int32_t tid)
{
	return (struct live_cause){.kind = kind, .count = 1, .tids = {tid}};
}

struct live_cause live_thread(int32_t tid)
{
	return cause_of(LIVE_THREAD, tid);
}

struct live_cause live_child(pid_t pid)
{
	return cause_of(LIVE_CHILD, pid);
}

struct live_cause live_cpu(int32_t tid)
{
	return cause_of(LIVE_CPU, tid);
}

struct live_cause live_disk(void)
{
	return cause_of(LIVE_DISK, 0);
}

struct live_cause live_timer(void)
{
	return cause_of(LIVE_TIMER, 0);
}

void live_cause_add(struct live_cause *cause, int32_t tid)
{
	for (unsigned i = 0; i < cause->count; i++) {
		if (cause->tids[i] == tid)
			return;
	}
	if (cause->count == LIVE_CAUSES_MAX)
		errx(1, "more than %d causes of one wait", LIVE_CAUSES_MAX);
	cause->tids[cause->count++] = tid;
}

static void put_entry(const struct entry *entry)
{
	unsigned at = __atomic_fetch_add(&live_log->entry_count, 1, __ATOMIC_RELAXED);
	if (at >= ENTRIES_MAX)
		errx(1, "more than %d entries", ENTRIES_MAX);
	live_log->entries[at] = *entry;
}

void live_waited(uint64_t begin_ns, uint64_t end_ns, struct live_cause cause, const char *how)
{
	put_entry(&(struct entry){begin_ns, end_ns, gettid(), cause, "wait", how});
}

void live_did(uint64_t begin_ns, uint64_t end_ns, const char *what, const char *how)
{
	put_entry(&(struct entry){begin_ns, end_ns, gettid(), {0}, what, how});
}

static void print_cause(const struct live_cause *cause)
{
	switch (cause->kind) {
	case LIVE_THREAD:
		printf(cause->count == 1 ? "" : "[");
		for (unsigned i = 0; i < cause->count; i++)
			printf("%s%d", i ? "," : "", cause->tids[i]);
		printf(cause->count == 1 ? "" : "]");
		break;
	case LIVE_CHILD:
		printf("\"child:%d\"", cause->tids[0]);
		break;
	case LIVE_CPU:
		printf("\"cpu:%d\"", cause->tids[0]);
		break;
	case LIVE_DISK:
		printf("\"disk\"");
		break;
	case LIVE_TIMER:
		printf("\"timer\"");
		break;
	}
}

void live_log_print(const char *scenario)
{
	printf("{\"scenario\":\"%s\",\"roles\":[", scenario);
	for (unsigned i = 0; i < live_log->role_count; i++)
		printf("%s{\"tid\":%d,\"role\":\"%s\"}", i ? "," : "", live_log->roles[i].tid,
		       live_log->roles[i].name);
	printf("]}\n");
	for (unsigned i = 0; i < live_log->entry_count; i++) {
		const struct entry *e = &live_log->entries[i];
		printf("{\"begin\":%lu,\"end\":%lu,\"tid\":%d,\"what\":\"%s\",", e->begin_ns,
		       e->end_ns, e->tid, e->what);
		if (strcmp(e->what, "wait") == 0) {
			printf("\"for\":");
			print_cause(&e->cause);
			printf(",");
		}
		printf("\"how\":\"%s\"}\n", e->how);
	}
}
