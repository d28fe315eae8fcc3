/* SPDX-License-Identifier: MIT */
/*
 * probe_race CYCLES SITES: puts probes into a busy process and takes them out again, over and
 * over, and says what went wrong: nothing may.
 *
 *	attach   before each cycle, every thread is stopped; one after another is led, instruction
 *	         by instruction, to the inside of what will be overwritten, and left there
 *	kill     the tool is killed at a random moment, and the next one cleans up
 *	raw      the control: the same bytes written without a stop, which must do harm
 */
#include "inject/count_body_test.h"
#include "inject/inject.h"
#include "inject/inject_maps.h"
#include "patch/patch_place.h"
#include "probe_victim.h"
#include "probe_work.h"
#include "switchboard/halt.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PLACES_MAX = 8192, STEPS_MAX = 3000, HANG_S = 20 };

struct race {
	struct victim *victim;
	pid_t pid;
	struct inject *i;
	struct inject_module module;
	struct inject_region counters;
	uint64_t counter;
	uint64_t places[PLACES_MAX]; /* instructions, as linked */
	size_t place_count;
	struct inject_site sites[PLACES_MAX];
	size_t site_count;
	uint64_t random;
	bool was_inside[1 << 16]; /* by distance from the first place */
	/* What the table says. */
	uint64_t cycles, attached, parked, distinct, moved, lingering, stopped_ns_max;
	uint64_t wrong, crashes, hangs, changed;
};

static struct err e;

static void must(int status)
{
	if (!status)
		return;
	fprintf(stderr, "probe_race: %s\n", e.text);
	exit(2);
}

static uint64_t next_random(struct race *r, uint64_t below)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random % below;
}

static bool alive(struct race *r)
{
	int status;
	if (waitpid(r->pid, &status, WNOHANG) != r->pid)
		return true;
	r->crashes++;
	fprintf(stderr, "the process ended with status %#x\n", (unsigned)status);
	return false;
}

/* Until every thread has done some work. */
static bool progress(struct race *r, uint64_t rounds)
{
	uint64_t from[VICTIM_THREADS];
	memcpy(from, (const void *)r->victim->rounds, sizeof(from));
	time_t until = time(NULL) + HANG_S;
	for (unsigned t = 0; t < VICTIM_THREADS;) {
		if (r->victim->rounds[t] >= from[t] + rounds)
			t++;
		else if (!alive(r))
			return false;
		else if (time(NULL) > until) {
			r->hangs++;
			return false;
		} else {
			sched_yield();
		}
	}
	return true;
}

static void find_places(struct race *r)
{
	uint64_t start = (uint64_t)(uintptr_t)__start_work - r->module.bias;
	uint64_t end = (uint64_t)(uintptr_t)__stop_work - r->module.bias;
	for (uint64_t at = start; at < end && r->place_count < PLACES_MAX; at++) {
		if (patch_code_next(r->module.code->code, &at) && at < end)
			r->places[r->place_count++] = at;
	}
}

static void start(struct race *r)
{
	r->victim = mmap(NULL, sizeof(*r->victim), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	r->pid = victim_start(r->victim);
	r->counters = (struct inject_region){.kind = INJECT_SHARED, .bytes = INJECT_PAGE_BYTES};
	must(inject_open(r->pid, &r->i, &e));
	must(inject_module_open(r->i, NULL, &r->module, &e));
	must(inject_map(r->i, &r->counters, 1, &e));
	r->counter = r->counters.remote;
	find_places(r);
	if (!progress(r, 2))
		exit(2);
}

static void finish(struct race *r)
{
	int status = 0;
	time_t until = time(NULL) + HANG_S;
	r->victim->stop = 1;
	while (!r->crashes && !waitpid(r->pid, &status, WNOHANG)) {
		if (time(NULL) > until) {
			r->hangs++;
			kill(r->pid, SIGKILL);
			break;
		}
		usleep(1000);
	}
	r->crashes += status != 0;
	r->wrong = r->victim->wrong;
	inject_module_close(&r->module);
	inject_close(r->i);
}

/* Different places each time, of which some are neighbours. */
static void choose_sites(struct race *r, size_t count)
{
	size_t step = r->place_count / count ? r->place_count / count : 1;
	size_t at = next_random(r, step);
	for (r->site_count = 0; at < r->place_count && r->site_count < count;
	     at += 1 + next_random(r, 2 * step - 1)) {
		r->sites[r->site_count++] = (struct inject_site){.module = &r->module,
								 .address = r->places[at],
								 .emit = emit_count,
								 .user = &r->counter};
	}
}

/* Whether an instruction, but not the first, of what a site's jump overwrites is at `pc`. */
static bool is_inside(const struct race *r, uint64_t pc)
{
	uint64_t linked = pc - r->module.bias;
	for (size_t k = 0; k < r->site_count; k++) {
		if (linked > r->sites[k].address && linked < r->sites[k].address + 5)
			return true;
	}
	return false;
}

/* Leads a thread of the stopped process on until it stands inside a site. */
static void park(struct race *r, pid_t tid)
{
	struct user_regs_struct regs;
	int status;
	for (int k = 0; k < STEPS_MAX; k++) {
		if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) < 0)
			return;
		if (is_inside(r, regs.rip)) {
			bool *was =
				&r->was_inside[(uint16_t)(regs.rip - r->module.bias - *r->places)];
			r->distinct += !*was;
			*was = true;
			r->parked++;
			return;
		}
		if (ptrace(PTRACE_SINGLESTEP, tid, NULL, NULL) < 0 ||
		    waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
			return;
		if (WSTOPSIG(status) != SIGTRAP) /* its timer: another time */
			ptrace(PTRACE_SINGLESTEP, tid, NULL, (void *)(long)WSTOPSIG(status)),
				waitpid(tid, &status, __WALL);
	}
}

/* All are stopped; each second one also stands where it hurts. */
static void stop_and_park(struct race *r)
{
	struct halt halt;
	kill(r->pid, SIGSTOP);
	must(halt_begin(&halt, r->pid, HALT_FOREVER, &e));
	for (size_t t = 0; t < halt.threads.count; t += 2)
		park(r, halt.threads.items[t]);
	halt_end(&halt);
}

static void take_stats(struct race *r, const struct inject_stats *stats)
{
	r->moved += stats->moved;
	if (stats->stopped_ns > r->stopped_ns_max)
		r->stopped_ns_max = stats->stopped_ns;
}

static void check_text(struct race *r)
{
	size_t bytes = (size_t)(__stop_work - __start_work);
	char *there = malloc(bytes);
	struct iovec to = {there, bytes}, from = {(void *)__start_work, bytes};
	r->changed += process_vm_readv(r->pid, &to, 1, &from, 1, 0) != (ssize_t)bytes ||
		      memcmp(there, __start_work, bytes) != 0;
	free(there);
}

static bool cycle(struct race *r, size_t count)
{
	struct inject_batch *batch;
	struct inject_stats stats;
	choose_sites(r, count);
	stop_and_park(r);
	must(inject_attach(r->i, r->sites, r->site_count, &batch, &stats, &e));
	take_stats(r, &stats);
	for (size_t k = 0; k < r->site_count; k++)
		r->attached += r->sites[k].way < PATCH_UPROBE;
	kill(r->pid, SIGCONT);
	if (!progress(r, 1))
		return false;
	must(inject_detach(r->i, batch, &stats, &e));
	take_stats(r, &stats);
	r->changed += stats.foreign;
	check_text(r);
	r->cycles++;
	return progress(r, 1) && r->victim->wrong == 0;
}

/* Whoever was in a trampoline all the time, for want of a cpu, leaves it some time. */
static void clean_rest(struct race *r)
{
	struct inject_stats stats;
	time_t until = time(NULL) + HANG_S;
	do {
		must(inject_clean(r->pid, &stats, &e));
		r->lingering = stats.lingering;
	} while (r->lingering && time(NULL) < until);
}

static void say(const struct race *r, const char *what)
{
	printf("%-7s %6llu cycles %8llu probes %6llu parked inside (%llu places) %6llu moved  "
	       "longest stop %5.1f ms: %llu wrong, %llu crashes, %llu hangs, %llu changed, %llu "
	       "left\n",
	       what, (unsigned long long)r->cycles, (unsigned long long)r->attached,
	       (unsigned long long)r->parked, (unsigned long long)r->distinct,
	       (unsigned long long)r->moved, (double)r->stopped_ns_max / 1e6,
	       (unsigned long long)r->wrong, (unsigned long long)r->crashes,
	       (unsigned long long)r->hangs, (unsigned long long)r->changed,
	       (unsigned long long)r->lingering);
	printf("        signals %llu, threads born %llu, forks %llu, execs %llu, hits %llu\n",
	       (unsigned long long)r->victim->signals, (unsigned long long)r->victim->births,
	       (unsigned long long)r->victim->forks, (unsigned long long)r->victim->execs,
	       (unsigned long long)*(uint64_t *)r->counters.local);
	fflush(stdout);
}

static bool is_fine(const struct race *r)
{
	return !r->wrong && !r->crashes && !r->hangs && !r->changed && !r->lingering;
}

static struct race *create(void)
{
	struct race *r = calloc(1, sizeof(*r));
	r->random = 88172645463325252ull;
	start(r);
	return r;
}

static bool race_attach(unsigned cycles, size_t sites)
{
	struct race *r = create();
	bool fine = true;
	for (unsigned k = 0; k < cycles && fine; k++)
		fine = cycle(r, sites);
	if (fine)
		clean_rest(r);
	finish(r);
	say(r, "attach");
	return is_fine(r) && r->cycles == cycles && r->moved > 0 &&
	       r->attached * 10 >= 9 * cycles * sites;
}

/* The same bytes, but nobody is stopped while they are written. */
static bool race_raw(size_t sites)
{
	struct race *r = create();
	struct inject_batch *batch;
	struct inject_stats stats;
	uint64_t start = (uint64_t)(uintptr_t)__start_work;
	size_t bytes = (size_t)(__stop_work - __start_work);
	char *patched = malloc(bytes), path[64];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)r->pid);
	int mem = open(path, O_RDWR | O_CLOEXEC);
	for (int k = 0; k < 50 && !r->crashes && !r->victim->wrong; k++) {
		choose_sites(r, sites);
		must(inject_attach(r->i, r->sites, r->site_count, &batch, &stats, &e));
		bool ok = pread(mem, patched, bytes, (off_t)start) == (ssize_t)bytes;
		ok = ok && pwrite(mem, __start_work, bytes, (off_t)start) == (ssize_t)bytes;
		if (!progress(r, 1))
			break;
		stop_and_park(r);
		ok = ok && pwrite(mem, patched, bytes, (off_t)start) == (ssize_t)bytes;
		kill(r->pid, SIGCONT);
		r->cycles++;
		if (!ok || !progress(r, 1) || inject_detach(r->i, batch, &stats, &e))
			break;
	}
	bool harmed = r->crashes || r->hangs || r->victim->wrong;
	if (!r->crashes)
		kill(r->pid, SIGKILL);
	r->wrong = r->victim->wrong;
	say(r, "raw");
	return harmed;
}

/* A tool that attaches and detaches until it is killed. */
static void be_tool(struct race *r, size_t sites)
{
	struct inject_batch *batch;
	struct inject_stats stats;
	struct inject *i;
	must(inject_open(r->pid, &i, &e));
	must(inject_map(i, &r->counters, 1, &e));
	r->counter = r->counters.remote;
	for (;;) {
		choose_sites(r, sites);
		must(inject_attach(i, r->sites, r->site_count, &batch, &stats, &e));
		must(inject_detach(i, batch, &stats, &e));
	}
}

static bool kill_and_clean(struct race *r, size_t sites)
{
	struct inject_stats stats;
	pid_t tool = fork();
	if (tool == 0)
		be_tool(r, sites);
	usleep((useconds_t)(500 + next_random(r, 20000)));
	kill(tool, SIGKILL);
	waitpid(tool, NULL, 0);
	if (!progress(r, 1))
		return false;
	for (int tries = 0; inject_clean(r->pid, &stats, &e); tries++) {
		if (tries > 200)
			must(1);
		usleep(1000); /* what the killed one had begun is being ended */
	}
	take_stats(r, &stats);
	r->changed += stats.foreign;
	check_text(r);
	r->cycles++;
	return progress(r, 1) && r->victim->wrong == 0;
}

static bool race_kill(unsigned cycles, size_t sites)
{
	struct race *r = create();
	bool fine = true;
	for (unsigned k = 0; k < cycles && fine; k++)
		fine = kill_and_clean(r, sites);
	if (fine)
		clean_rest(r);
	finish(r);
	say(r, "kill");
	return is_fine(r) && r->cycles == cycles;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "execed"))
		return victim_execed();
	if (argc != 3) {
		fprintf(stderr, "usage: probe_race CYCLES SITES\n");
		return 2;
	}
	unsigned cycles = (unsigned)atoi(argv[1]);
	size_t sites = (size_t)atoi(argv[2]);
	bool fine = race_attach(cycles, sites);
	fine &= race_kill(cycles, sites);
	fine &= race_raw(sites);
	return fine ? 0 : 1;
}
