/* SPDX-License-Identifier: MIT */
/*
 * Code that is hard to write, or gone: a kernel that lets debuggers write only where the process
 * may (here pwrite() plays it, by the linker's --wrap), and libraries that leave.
 */
#include "util/test.h"
#include "inject/inject.h"
#include "inject/inject_maps.h"

#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err e;
static pid_t restricted; /* whose memory is */
static size_t refused;
static volatile int *step; /* what the child has done, and is to do next */

ssize_t __real_pwrite(int fd, const void *data, size_t bytes, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t bytes, off_t at);

static bool is_writable(pid_t pid, uint64_t address)
{
	char path[64], line[512];
	unsigned long start, end;
	char access[8];
	bool writable = false;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "r");
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, access) == 3 && address >= start &&
		    address < end)
			writable = access[1] == 'w';
	}
	fclose(maps);
	return writable;
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t bytes, off_t at)
{
	if (restricted && !is_writable(restricted, (uint64_t)at)) {
		refused++;
		errno = EIO;
		return -1;
	}
	return __real_pwrite(fd, data, bytes, at);
}

static void await_step(int wanted)
{
	while (*step != wanted)
		usleep(100);
}

static pid_t start(void (*work)(void))
{
	if (!step)
		step = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*step = 0;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work();
		_exit(0);
	}
	await_step(1);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int emit_nothing(void *user, struct emit *out)
{
	(void)user;
	emit_u8(out, 0x90);
	return 0;
}

__attribute__((noinline)) static int add(int a, int b)
{
	__asm__ volatile("" : "+r"(a), "+r"(b));
	return a * 3 + b * 5;
}

static void add_often(void)
{
	volatile int sum;
	for (*step = 1;;)
		sum = add(*step, 2);
	(void)sum;
}

static void where_debuggers_may_not_write_the_process_opens_its_code(void **state)
{
	(void)state;
	struct inject *i;
	struct inject_module module;
	struct inject_batch *batch;
	struct inject_stats stats;
	uint64_t at = (uint64_t)(uintptr_t)add;
	uint8_t before[8], byte;
	pid_t pid = restricted = start(add_often);
	assert_int_equal(inject_open(pid, &i, &e), 0);
	assert_int_equal(inject_module_open(i, NULL, &module, &e), 0);
	struct inject_site site = {
		.module = &module, .address = at - module.bias, .emit = emit_nothing};
	memcpy(before, (const void *)at, sizeof(before));
	if (inject_attach(i, &site, 1, &batch, &stats, &e))
		fail_msg("%s", e.text);
	assert_int_equal(site.way, PATCH_JUMP);
	assert_true(refused >= 2);
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	FILE *mem = fopen(path, "r");
	assert_int_equal(fseek(mem, (long)at, SEEK_SET), 0);
	assert_int_equal(fread(&byte, 1, 1, mem), 1);
	assert_int_equal(byte, 0xe9);
	assert_false(is_writable(pid, at));
	if (inject_detach(i, batch, &stats, &e))
		fail_msg("%s", e.text);
	assert_int_equal(stats.foreign, 0);
	rewind(mem);
	uint8_t after[8];
	assert_int_equal(fseek(mem, (long)at, SEEK_SET), 0);
	assert_int_equal(fread(after, sizeof(after), 1, mem), 1);
	assert_memory_equal(after, before, sizeof(after));
	fclose(mem);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	inject_module_close(&module);
	inject_close(i);
	end(pid);
	restricted = 0;
}

static void load_and_leave(void)
{
	for (;;) {
		void *library = dlopen("libthread_db.so.1", RTLD_LAZY);
		int (*init)(void) = library ? (int (*)(void))dlsym(library, "td_init") : NULL;
		if (!init)
			_exit(1);
		*step = 1;
		await_step(2);
		init();
		*step = 3;
		await_step(4);
		dlclose(library);
		*step = 5;
		await_step(6);
	}
}

/* Entry of the library's function, by its symbol there being the same as here. */
static struct inject_site site_of(const struct inject_module *module)
{
	void *library = dlopen("libthread_db.so.1", RTLD_LAZY);
	Dl_info info;
	assert_true(library && dladdr(dlsym(library, "td_init"), &info));
	uint64_t linked = (uint64_t)((char *)info.dli_saddr - (char *)info.dli_fbase);
	dlclose(library);
	return (struct inject_site){
		.module = module,
		.address = patch_code_entry(module->code->code, linked),
		.emit = emit_nothing,
	};
}

static void a_library_takes_its_probes_along(void **state)
{
	(void)state;
	struct inject *i;
	struct inject_module module;
	struct inject_batch *batch;
	struct inject_stats stats;
	pid_t pid = start(load_and_leave);
	assert_int_equal(inject_open(pid, &i, &e), 0);
	for (int round = 0; round < 2; round++) {
		await_step(1);
		assert_int_equal(inject_module_open(i, "libthread_db.so", &module, &e), 0);
		struct inject_site site = site_of(&module);
		assert_int_equal(inject_attach(i, &site, 1, &batch, &stats, &e), 0);
		assert_non_null(batch);
		*step = 2;
		await_step(3);
		*step = 4;
		await_step(5);
		assert_int_equal(inject_detach(i, batch, &stats, &e), 0);
		assert_int_equal(stats.foreign, 1);
		assert_int_equal(stats.lingering, 0);
		assert_int_equal(inject_attach(i, &site, 1, &batch, &stats, &e), 0);
		assert_null(batch);
		assert_int_equal(site.reason, PATCH_FOREIGN);
		inject_module_close(&module);
		*step = 6;
	}
	inject_close(i);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_debuggers_may_not_write_the_process_opens_its_code),
		cmocka_unit_test(a_library_takes_its_probes_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
