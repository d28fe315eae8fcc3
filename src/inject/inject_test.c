/* SPDX-License-Identifier: MIT */
/* Children of this test are the processes; their probes count in memory that both see. */
#include "util/test.h"
#include "inject/count_body_test.h"
#include "inject/inject.h"
#include "inject/inject_maps.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What is probed: a function of four instructions in its first seven bytes, one that is too short
 * for a jump and has a loop at its second instruction, and one that waits in a system call.
 */
__asm__(".text\n"
	/* what a C library's start files bring is not known, and too near otherwise */
	"probed_apart: .cfi_startproc; .fill 200,1,0x90; ret; .cfi_endproc\n"
	".type probed_sum,@function\n"
	"probed_sum: .cfi_startproc\n"
	"  push %rbx; mov %rdi,%rbx; xor %eax,%eax; add %rbx,%rax; add %rsi,%rax\n"
	"  pop %rbx; ret\n"
	".cfi_endproc\n .size probed_sum,.-probed_sum\n"
	".balign 16\n"
	".type probed_wait,@function\n"
	"probed_wait: .cfi_startproc\n"
	"  mov $34,%eax; nop; probed_wait_site: mov %eax,%eax; nop; syscall; ret\n"
	".cfi_endproc\n .size probed_wait,.-probed_wait\n");

uint64_t probed_sum(uint64_t a, uint64_t b);
long probed_wait(void);
extern const char probed_wait_site[];

struct seen {
	volatile uint64_t calls, wrong, stop, step;
};

static struct seen *seen;
static pid_t running;

static pid_t start(void (*work)(void))
{
	if (running) /* of a test that failed */
		kill(running, SIGKILL);
	if (!seen)
		seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset((void *)seen, 0, sizeof(*seen));
	pid_t pid = running = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work();
	_exit(seen->wrong ? 1 : 0);
}

static void call_sums(void)
{
	for (uint64_t n = 0; !seen->stop; n++) {
		bool wrong = probed_sum(n, 7) != n + 7;
		__atomic_fetch_add(&seen->wrong, wrong, __ATOMIC_RELAXED);
		__atomic_fetch_add(&seen->calls, 1, __ATOMIC_RELAXED);
	}
}

static void *call_sums_there(void *unused)
{
	call_sums();
	return unused;
}

static void call_sums_by_four(void)
{
	pthread_t threads[4];
	for (int t = 0; t < 4; t++)
		pthread_create(&threads[t], NULL, call_sums_there, NULL);
	for (int t = 0; t < 4; t++)
		pthread_join(threads[t], NULL);
}

static int end(pid_t pid)
{
	int status = -1;
	seen->stop = 1;
	waitpid(pid, &status, 0);
	running = 0;
	return status;
}

static void let_run(void)
{
	for (uint64_t until = seen->calls + 1000; seen->calls < until;)
		sched_yield();
}

struct probe {
	pid_t pid;
	struct inject *i;
	struct inject_module module;
	struct inject_region counters;
	uint64_t counter; /* there */
	struct inject_batch *batch;
	struct inject_stats stats;
};

static struct err e;

#define OK(call)                                                                                   \
	do {                                                                                       \
		if (call)                                                                          \
			fail_msg("%s", e.text);                                                    \
	} while (0)

static struct probe begin(void (*work)(void))
{
	struct probe p = {.pid = start(work)};
	p.counters = (struct inject_region){.kind = INJECT_SHARED, .bytes = 4096};
	OK(inject_open(p.pid, &p.i, &e));
	OK(inject_module_open(p.i, NULL, &p.module, &e));
	OK(inject_map(p.i, &p.counters, 1, &e));
	p.counter = p.counters.remote;
	return p;
}

static volatile uint64_t *count(const struct probe *p)
{
	return p->counters.local;
}

static struct inject_site site_at(struct probe *p, const void *code)
{
	return (struct inject_site){.module = &p->module,
				    .address = (uint64_t)(uintptr_t)code - p->module.bias,
				    .emit = emit_count,
				    .user = &p->counter};
}

static void attach(struct probe *p, const void *code)
{
	struct inject_site site = site_at(p, code);
	OK(inject_attach(p->i, &site, 1, &p->batch, &p->stats, &e));
	assert_int_equal(site.way, PATCH_JUMP);
}

static void finish(struct probe *p)
{
	munmap(p->counters.local, p->counters.bytes);
	inject_module_close(&p->module);
	inject_close(p->i);
}

static size_t count_ours(pid_t pid)
{
	struct inject_maps maps;
	size_t ours = 0;
	OK(inject_maps_read(pid, &maps, &e));
	array_each(map, &maps.maps)
		ours += inject_maps_is_ours(map);
	inject_maps_deinit(&maps);
	return ours;
}

/* On a busy machine a thread may be in a trampoline for long, without a cpu. */
static void clean(pid_t pid)
{
	struct inject_stats stats;
	do {
		OK(inject_clean(pid, &stats, &e));
		assert_int_equal(stats.foreign, 0);
	} while (stats.lingering);
	assert_int_equal(count_ours(pid), 0);
}

static void a_probe_counts_and_goes(void **state)
{
	(void)state;
	struct probe p = begin(call_sums);
	attach(&p, probed_sum);
	let_run();
	uint64_t counted = *count(&p);
	assert_true(counted >= 900);
	OK(inject_detach(p.i, p.batch, &p.stats, &e));
	assert_int_equal(p.stats.foreign, 0);
	counted = *count(&p);
	let_run();
	assert_true(*count(&p) == counted);
	clean(p.pid);
	assert_int_equal(end(p.pid), 0);
	finish(&p);
}

static void every_place_of_a_function_counts(void **state)
{
	(void)state;
	struct probe p = begin(call_sums_by_four);
	static volatile uint8_t places[] = {0, 1, 4, 6, 9}; /* or code would name them, and P1 */
	struct inject_site sites[5];
	for (int k = 0; k < 5; k++)
		sites[k] = site_at(&p, (const char *)probed_sum + places[k]);
	for (int cycle = 0; cycle < 20; cycle++) {
		OK(inject_attach(p.i, sites, 5, &p.batch, &p.stats, &e));
		for (int k = 0; k < 5; k++)
			assert_true(sites[k].way == PATCH_JUMP || sites[k].way == PATCH_SHARED);
		OK(inject_detach(p.i, p.batch, &p.stats, &e));
	}
	assert_true(*count(&p) > 0);
	assert_int_equal(end(p.pid), 0);
	finish(&p);
}

/* Runs a probe's tool in a child, which the test can kill. */
static void a_killed_tool_s_probes_can_be_cleaned(void **state)
{
	(void)state;
	pid_t pid = start(call_sums), tool = fork();
	if (tool == 0) {
		struct probe p = {.pid = pid};
		p.counters = (struct inject_region){.kind = INJECT_SHARED, .bytes = 4096};
		if (inject_open(pid, &p.i, &e) || inject_module_open(p.i, NULL, &p.module, &e) ||
		    inject_map(p.i, &p.counters, 1, &e))
			_exit(1);
		p.counter = p.counters.remote;
		struct inject_site site = site_at(&p, probed_sum);
		if (inject_attach(p.i, &site, 1, &p.batch, &p.stats, &e))
			_exit(2);
		seen->step = 1;
		pause();
	}
	while (!seen->step)
		sched_yield();
	struct inject_stats stats;
	let_run();
	assert_int_equal(inject_clean(pid, &stats, &e), -EBUSY);
	kill(tool, SIGKILL);
	waitpid(tool, NULL, 0);
	let_run();
	assert_true(count_ours(pid) > 0);
	clean(pid);
	let_run();
	assert_int_equal(end(pid), 0);
}

static void pause_once(void)
{
	pause();
}

static void on_signal(int signal)
{
	(void)signal;
	seen->step++;
}

static void wait_for_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGUSR1, &action, NULL);
	while (!seen->stop) {
		seen->step = 1;
		seen->wrong += probed_wait() != -EINTR;
		seen->calls++;
	}
}

/* pause(), of which a stop by a tracer is no end: it starts again, in the copy, and back. */
static void a_waiting_call_goes_on_through_both_stops(void **state)
{
	(void)state;
	struct probe p = begin(wait_for_signals);
	while (!seen->step)
		sched_yield();
	usleep(20000);
	attach(&p, probed_wait_site);
	assert_int_equal(p.stats.moved, 1);
	usleep(20000);
	assert_int_equal(seen->calls, 0);
	assert_int_equal(*count(&p), 0);
	kill(p.pid, SIGUSR1);
	while (!seen->calls || !*count(&p))
		sched_yield();
	usleep(20000);
	OK(inject_detach(p.i, p.batch, &p.stats, &e));
	assert_true(p.stats.moved == 1 && p.stats.lingering == 0);
	seen->stop = 1;
	kill(p.pid, SIGUSR1);
	assert_int_equal(end(p.pid), 0);
	finish(&p);
}

/* Parks the process before the instruction at `at`, stopped as by a shell's ^Z. */
static void park(pid_t pid, uint64_t at)
{
	struct user_regs_struct regs = {0};
	int status;
	ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	waitpid(pid, &status, 0);
	while (!ptrace(PTRACE_GETREGS, pid, NULL, &regs) && regs.rip != at) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
			fail_msg("at %#llx: status %#x", regs.rip, (unsigned)status);
	}
	kill(pid, SIGSTOP);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	waitpid(pid, &status, WUNTRACED);
	assert_true(WIFSTOPPED(status));
}

static void who_is_parked_inside_goes_on_rightly(void **state)
{
	(void)state;
	static volatile uint8_t places[] = {1, 4, 6, 9, 12};
	struct probe p = begin(call_sums);
	for (int k = 0; k < 5; k++) {
		uint64_t at = (uint64_t)(uintptr_t)probed_sum + places[k];
		park(p.pid, at);
		attach(&p, probed_sum);
		assert_int_equal(p.stats.moved, k < 2);
		kill(p.pid, SIGCONT);
		let_run();
		OK(inject_detach(p.i, p.batch, &p.stats, &e));
		let_run();
	}
	assert_int_equal(end(p.pid), 0);
	finish(&p);
}

static void on_signal_wait(int signal)
{
	(void)signal;
	seen->step = 1;
	while (seen->step == 1)
		sched_yield();
}

static void call_sums_on_two_stacks(void)
{
	static char room[65536];
	struct sigaction action = {.sa_handler = on_signal_wait, .sa_flags = SA_ONSTACK};
	stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
	sigaction(SIGUSR1, &action, NULL);
	sigaltstack(&stack, NULL);
	action.sa_flags = 0;
	sigaction(SIGUSR2, &action, NULL);
	call_sums();
}

/* Threads whose races are looked for get their signals later than the kernel gives them. */
static void need_prompt_signals(void)
{
#ifdef __SANITIZE_THREAD__
	print_message("this build delays signals\n");
	skip();
#endif
}

/* A handler runs, and will return to an instruction that is overwritten meanwhile. */
static void return_into(int signal)
{
	need_prompt_signals();
	struct probe p = begin(call_sums_on_two_stacks);
	let_run();
	park(p.pid, (uint64_t)(uintptr_t)probed_sum + 4);
	kill(p.pid, signal);
	kill(p.pid, SIGCONT);
	while (!seen->step)
		sched_yield();
	attach(&p, probed_sum);
	assert_int_equal(p.stats.moved, 1);
	seen->step = 2;
	let_run();
	OK(inject_detach(p.i, p.batch, &p.stats, &e));
	assert_int_equal(end(p.pid), 0);
	finish(&p);
}

static void a_handler_returns_into_the_copy(void **state)
{
	(void)state;
	return_into(SIGUSR2);
}

static void a_handler_on_another_stack_returns_into_the_copy(void **state)
{
	(void)state;
	return_into(SIGUSR1);
}

/* A trampoline stays as long as a handler that interrupted it has not returned. */
static void who_is_inside_keeps_the_trampoline(void **state)
{
	(void)state;
	need_prompt_signals();
	struct probe p = begin(call_sums_on_two_stacks);
	uint64_t body;
	uint8_t jump[5];
	int32_t distance;
	attach(&p, probed_sum);
	OK(inject_detach(p.i, p.batch, &p.stats, &e));
	attach(&p, probed_sum);
	ssize_t got = -1;
	struct iovec to = {jump, 5}, from = {(void *)probed_sum, 5};
	got = process_vm_readv(p.pid, &to, 1, &from, 1, 0);
	assert_int_equal(got, 5);
	memcpy(&distance, jump + 1, 4);
	body = (uint64_t)(uintptr_t)probed_sum + 5 + (uint64_t)(int64_t)distance;
	park(p.pid, body + 5); /* behind its first instruction */
	kill(p.pid, SIGUSR1);
	kill(p.pid, SIGCONT);
	while (!seen->step)
		sched_yield();
	OK(inject_detach(p.i, p.batch, &p.stats, &e));
	assert_int_equal(p.stats.lingering, 1);
	seen->step = 2;
	let_run();
	clean(p.pid);
	assert_int_equal(end(p.pid), 0);
	finish(&p);
}

static void call_sums_and_fork(void)
{
	while (!seen->step)
		call_sums();
	seen->stop = 0;
	pid_t pid = fork();
	call_sums();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void a_child_inherits_its_parent_s_probes(void **state)
{
	(void)state;
	struct probe p = begin(call_sums_and_fork);
	attach(&p, probed_sum);
	seen->step = seen->stop = 1;
	while (seen->stop)
		sched_yield();
	let_run();
	char path[64];
	pid_t child = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)p.pid, (int)p.pid);
	FILE *file = fopen(path, "r");
	assert_int_equal(fscanf(file, "%d", &child), 1);
	fclose(file);
	OK(inject_detach(p.i, p.batch, &p.stats, &e));
	uint64_t counted = *count(&p);
	while (*count(&p) == counted)
		sched_yield();
	clean(child);
	counted = *count(&p);
	let_run();
	assert_true(*count(&p) == counted);
	assert_int_equal(end(p.pid), 0);
	finish(&p);
}

static void call_sums_and_exec(void)
{
	call_sums();
	execl("/bin/sleep", "sleep", "60", NULL);
}

static void an_exec_is_noticed(void **state)
{
	(void)state;
	struct probe p = begin(call_sums_and_exec);
	struct inject_batch *none;
	struct inject_site site = site_at(&p, probed_sum);
	attach(&p, probed_sum);
	seen->stop = 1;
	usleep(100000);
	assert_int_equal(inject_detach(p.i, p.batch, &p.stats, &e), -ESRCH);
	assert_int_equal(inject_attach(p.i, &site, 1, &none, &p.stats, &e), -ESRCH);
	assert_int_equal(count_ours(p.pid), 0);
	kill(p.pid, SIGKILL);
	end(p.pid);
	assert_int_equal(inject_attach(p.i, &site, 1, &none, &p.stats, &e), -ESRCH);
	finish(&p);
}

static void what_was_changed_since_is_left_alone(void **state)
{
	(void)state;
	struct probe p = begin(pause_once);
	struct inject_site site = site_at(&p, probed_sum);
	char path[64];
	attach(&p, probed_sum);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)p.pid);
	int mem = open(path, O_RDWR);
	assert_int_equal(pwrite(mem, "\xcc", 1, (off_t)(uintptr_t)probed_sum), 1);
	OK(inject_detach(p.i, p.batch, &p.stats, &e));
	assert_int_equal(p.stats.foreign, 1);
	OK(inject_attach(p.i, &site, 1, &p.batch, &p.stats, &e));
	assert_null(p.batch);
	assert_int_equal(site.reason, PATCH_FOREIGN);
	close(mem);
	kill(p.pid, SIGKILL);
	end(p.pid);
	finish(&p);
}

static void what_is_patched_takes_no_second_jump(void **state)
{
	(void)state;
	static volatile uint8_t place = 1;
	struct probe p = begin(call_sums);
	struct inject_site site = site_at(&p, (const char *)probed_sum + place);
	struct inject_batch *second;
	attach(&p, probed_sum);
	OK(inject_attach(p.i, &site, 1, &second, &p.stats, &e));
	assert_null(second);
	assert_true(site.way == PATCH_NOWHERE && site.reason == PATCH_NEIGHBOUR);
	OK(inject_detach(p.i, p.batch, &p.stats, &e));
	assert_int_equal(end(p.pid), 0);
	finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_counts_and_goes),
		cmocka_unit_test(every_place_of_a_function_counts),
		cmocka_unit_test(a_killed_tool_s_probes_can_be_cleaned),
		cmocka_unit_test(a_waiting_call_goes_on_through_both_stops),
		cmocka_unit_test(who_is_parked_inside_goes_on_rightly),
		cmocka_unit_test(a_handler_returns_into_the_copy),
		cmocka_unit_test(a_handler_on_another_stack_returns_into_the_copy),
		cmocka_unit_test(who_is_inside_keeps_the_trampoline),
		cmocka_unit_test(a_child_inherits_its_parent_s_probes),
		cmocka_unit_test(an_exec_is_noticed),
		cmocka_unit_test(what_was_changed_since_is_left_alone),
		cmocka_unit_test(what_is_patched_takes_no_second_jump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
