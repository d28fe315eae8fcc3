/* SPDX-License-Identifier: MIT */
/* Which processes are refused, with what sentence; what is learnt of one, and mapped into it. */
#include "util/test.h"
#include "inject/inject.h"
#include "inject/inject_maps.h"

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err e;
static int told[2], asked[2]; /* pipes to and from the child */

static void wait_to_be_asked(void)
{
	char byte = 'r';
	(void)!write(told[1], &byte, 1);
	(void)!read(asked[0], &byte, 1);
}

static pid_t start(void (*work)(void))
{
	char ready;
	assert_true(!pipe(told) && !pipe(asked));
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work();
		_exit(0);
	}
	assert_int_equal(read(told[0], &ready, 1), 1);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int k = 0; k < 2; k++) {
		close(told[k]);
		close(asked[k]);
	}
}

static void assert_refused(pid_t pid, int code, const char *why)
{
	struct inject *i;
	assert_int_equal(inject_open(pid, &i, &e), -code);
	if (!strstr(e.text, why))
		fail_msg("%s", e.text);
}

static void what_is_no_process_is_refused(void **state)
{
	(void)state;
	pid_t pid = start(wait_to_be_asked);
	end(pid);
	assert_refused(pid, ESRCH, "there is no process");
	if (!access("/proc/2/status", R_OK) && access("/proc/2/exe", R_OK))
		assert_refused(2, geteuid() ? EPERM : EINVAL, geteuid() ? "user" : "kernel");
}

static void a_traced_process_is_refused(void **state)
{
	(void)state;
	pid_t pid = start(wait_to_be_asked);
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	assert_refused(pid, EBUSY, "is being traced by inject_open_tes");
	end(pid);
}

static void filter_calls(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &allow};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	wait_to_be_asked();
}

static void a_process_with_filtered_calls_is_refused(void **state)
{
	(void)state;
	pid_t pid = start(filter_calls);
	assert_refused(pid, EPERM, "seccomp");
	end(pid);
}

static void be_nobody(void)
{
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		_exit(1);
}

static void be_secretive(void)
{
	be_nobody();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	wait_to_be_asked();
}

/* Asks as another user, in a child of its own. */
static void assert_refused_to_nobody(pid_t pid, const char *why)
{
	int status = -1;
	pid_t asking = fork();
	if (asking == 0) {
		struct inject *i;
		be_nobody();
		_exit(inject_open(pid, &i, &e) != -EPERM || !strstr(e.text, why));
	}
	waitpid(asking, &status, 0);
	assert_int_equal(status, 0);
}

static void what_is_not_ours_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root can be another user\n");
		skip();
	}
	pid_t pid = start(wait_to_be_asked);
	assert_refused_to_nobody(pid, "belongs to user 0");
	end(pid);
	pid = start(be_secretive);
	assert_refused_to_nobody(pid, "keeps its memory to itself");
	end(pid);
}

static void *wait_there(void *unused)
{
	pause();
	return unused;
}

static void have_threads(void)
{
	pthread_t thread;
	for (int t = 0; t < 3; t++)
		pthread_create(&thread, NULL, wait_there, NULL);
	wait_to_be_asked();
}

static void places_behind_the_thread_pointer_are_found(void **state)
{
	(void)state;
	struct inject *i;
	struct inject_facts facts;
	pid_t pid = start(have_threads);
	assert_int_equal(inject_open(pid, &i, &e), 0);
	assert_int_equal(inject_describe(i, &facts, &e), 0);
	const char *self = __builtin_thread_pointer();
	int32_t tid;
	assert_true(facts.has_tid);
	memcpy(&tid, self + facts.tid_offset, sizeof(tid));
	assert_int_equal(tid, syscall(SYS_gettid));
	const ptrdiff_t *rseq = dlsym(RTLD_DEFAULT, "__rseq_offset");
	const unsigned *rseq_bytes = dlsym(RTLD_DEFAULT, "__rseq_size");
	if (rseq_bytes && *rseq_bytes) {
		assert_true(facts.has_rseq);
		assert_int_equal(facts.rseq_offset, *rseq);
	}
	assert_int_equal(facts.pid_inside, pid);
	inject_close(i);
	end(pid);
}

static size_t count_ours(pid_t pid)
{
	struct inject_maps maps;
	size_t ours = 0;
	assert_int_equal(inject_maps_read(pid, &maps, &e), 0);
	array_each(map, &maps.maps)
		ours += inject_maps_is_ours(map);
	inject_maps_deinit(&maps);
	return ours;
}

/* The child calls what it finds in memory that it is told of, and says what came out. */
static struct {
	int (*function)(void);
	volatile int *wiped, *data;
} * orders;

static void follow_orders(void)
{
	char byte = 'r';
	while (write(told[1], &byte, 1) == 1 && read(asked[0], &byte, 1) == 1) {
		int answer = orders->function() + *orders->wiped + *orders->data;
		*orders->wiped = 100;
		*orders->data += 1000;
		pid_t child = fork();
		if (child == 0)
			_exit(*orders->wiped == 0 && *orders->data == 1007);
		waitpid(child, &answer, 0);
		byte = (char)WEXITSTATUS(answer);
	}
}

static void memory_of_every_kind_is_mapped(void **state)
{
	(void)state;
	static uint8_t code[INJECT_PAGE_BYTES] = {0xb8, 42, 0, 0, 0, 0xc3};
	static int data[INJECT_PAGE_BYTES / 4] = {7};
	struct inject_region regions[] = {
		{.kind = INJECT_SHARED, .bytes = 4 * INJECT_PAGE_BYTES},
		{.kind = INJECT_CODE, .bytes = sizeof(code), .data = code},
		{.kind = INJECT_DATA, .bytes = sizeof(data), .data = data},
		{.kind = INJECT_WIPED, .bytes = INJECT_PAGE_BYTES},
	};
	struct inject *i;
	struct inject_stats stats;
	char byte;
	orders = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = start(follow_orders);
	regions[1].near = (uint64_t)(uintptr_t)follow_orders;
	assert_int_equal(inject_open(pid, &i, &e), 0);
	if (inject_map(i, regions, 4, &e))
		fail_msg("%s", e.text);
	int64_t distance = (int64_t)(regions[1].remote - regions[1].near);
	assert_true(distance == (int32_t)distance);
	strcpy(regions[0].local, "shared");
	orders->function = (int (*)(void))(uintptr_t)regions[1].remote;
	orders->data = (void *)(uintptr_t)regions[2].remote;
	orders->wiped = (void *)(uintptr_t)regions[3].remote;
	assert_int_equal(write(asked[1], "x", 1), 1);
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	assert_true(count_ours(pid) >= 4);
	assert_int_equal(inject_clean(pid, &stats, &e), 0);
	assert_int_equal(count_ours(pid), 0);
	munmap(regions[0].local, regions[0].bytes);
	inject_close(i);
	end(pid);
}

static void what_is_no_code_of_the_process_is_said(void **state)
{
	(void)state;
	struct inject *i;
	struct inject_module module;
	pid_t pid = start(wait_to_be_asked);
	assert_int_equal(inject_open(pid, &i, &e), 0);
	assert_int_equal(inject_module_open(i, "libnothing.so", &module, &e), -ENOENT);
	assert_non_null(strstr(e.text, "runs no code of libnothing.so"));
	assert_int_equal(inject_module_open(i, "libc.so.6", &module, &e), 0);
	uint64_t here = (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "getppid") - module.bias;
	assert_true(patch_code_entry(module.code->code, here) >= here);
	inject_module_close(&module);
	inject_close(i);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_process_is_refused),
		cmocka_unit_test(a_traced_process_is_refused),
		cmocka_unit_test(a_process_with_filtered_calls_is_refused),
		cmocka_unit_test(what_is_not_ours_is_refused),
		cmocka_unit_test(places_behind_the_thread_pointer_are_found),
		cmocka_unit_test(memory_of_every_kind_is_mapped),
		cmocka_unit_test(what_is_no_code_of_the_process_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
