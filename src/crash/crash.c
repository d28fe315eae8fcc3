/* SPDX-License-Identifier: MIT */
/*
 * What a dying program says: its stack with lines of source, before it dies as it would have.
 *
 * One thread prints; another that dies meanwhile waits for it, for a bounded time. A fault while
 * printing ends the printing, never the program's way to its end.
 */
#include <cairn/lines.h>
#include "crash/crash_image.h"
#include "crash/crash_print.h"
#include "crash/crash_stack.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SIGNAL_STACK_BYTES = 64 << 10, WAIT_MS_MAX = 5000 };

static const struct {
	int number;
	const char *name;
} signals[] = {{SIGSEGV, "SIGSEGV"},
	       {SIGBUS, "SIGBUS"},
	       {SIGFPE, "SIGFPE"},
	       {SIGILL, "SIGILL"},
	       {SIGABRT, "SIGABRT"}};

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static struct crash_image image;
static struct sigaction previous[SIGNALS];
static atomic_int printer; /* the thread that prints, or 0 */

static void print_module(uint64_t ip)
{
	for (unsigned i = 0; i < image.module_count; i++) {
		const struct crash_module *m = &image.modules[i];
		if (ip < m->start || ip >= m->end)
			continue;
		crash_put_text("  ");
		crash_put_text(m->path && *m->path ? m->path : "the program");
		crash_put_text("+");
		crash_put_hex(ip - m->base);
		return;
	}
}

static void print_place(const struct cairn_line *line, int has_line)
{
	if (line->function[0]) {
		crash_put_text("  ");
		crash_put_text(line->function);
	}
	if (has_line) {
		crash_put_text(line->is_exact ? "  " : "  ~");
		crash_put_text(line->file);
		crash_put_text(":");
		crash_put_number(line->line);
	}
}

static void print_frame(unsigned index, const struct crash_frame *frame)
{
	static struct cairn_line line;
	uint64_t address = frame->ip - image.base;
	int has_line = cairn_lines_find(&image.lines, address, frame->is_return, 0, &line);
	crash_put_text("#");
	crash_put_number(index);
	crash_put_text(index < 10 ? "   " : "  ");
	crash_put_hex(frame->ip);
	print_place(&line, has_line);
	if (!has_line && !line.function[0])
		print_module(frame->ip);
	crash_put_text("\n");
	for (unsigned level = 1; has_line; level++) {
		has_line = cairn_lines_find(&image.lines, address, frame->is_return, level, &line);
		if (!has_line)
			break;
		crash_put_text("     inlined into");
		print_place(&line, has_line);
		crash_put_text("\n");
	}
	crash_flush();
}

static void print_crash(unsigned which, const siginfo_t *info, const void *context)
{
	static struct crash_frame frames[CRASH_FRAMES_MAX];
	crash_put_text("cairn: ");
	crash_put_text(signals[which].name);
	if (info->si_code > 0) {
		crash_put_text(" at ");
		crash_put_hex((uint64_t)(uintptr_t)info->si_addr);
	}
	crash_put_text(" in thread ");
	crash_put_number((uint64_t)syscall(SYS_gettid));
	crash_put_text("\n");
	crash_flush();
	unsigned count = crash_stack_walk(context, frames);
	for (unsigned i = 0; i < count; i++)
		print_frame(i, &frames[i]);
}

/* One printer at a time: 1 for the one, 0 for who waited until that was over. */
static int become_printer(void)
{
	int nobody = 0, self = (int)syscall(SYS_gettid);
	if (atomic_compare_exchange_strong(&printer, &nobody, self))
		return 1;
	const struct timespec pause = {.tv_nsec = 1000000};
	for (int ms = 0; nobody != self && ms < WAIT_MS_MAX && atomic_load(&printer); ms++)
		nanosleep(&pause, NULL);
	return 0;
}

/*
 * As if this handler had never been: a fault comes again when its instruction runs again, abort()
 * goes on, a signal that was sent is sent once more.
 */
static void pass_on(unsigned which, int number, siginfo_t *info, void *context)
{
	const struct sigaction *before = &previous[which];
	if (before->sa_flags & SA_SIGINFO) {
		before->sa_sigaction(number, info, context);
	} else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
		before->sa_handler(number);
	} else {
		struct sigaction fallback = {.sa_handler = SIG_DFL};
		sigaction(number, &fallback, NULL);
		if (info->si_code <= 0 && number != SIGABRT)
			syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
	}
}

static void handle(int number, siginfo_t *info, void *context)
{
	int kept = errno;
	unsigned which = 0;
	while (which + 1 < SIGNALS && signals[which].number != number)
		which++;
	if (atomic_load(&printer) == (int)syscall(SYS_gettid))
		crash_stack_escape();
	if (become_printer()) {
		print_crash(which, info, context);
		atomic_store(&printer, 0);
	}
	errno = kept;
	pass_on(which, number, info, context);
}

static int use_own_stack(void)
{
	stack_t now;
	if (!sigaltstack(NULL, &now) && !(now.ss_flags & SS_DISABLE))
		return 0;
	void *memory = mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	const stack_t own = {.ss_sp = memory, .ss_size = SIGNAL_STACK_BYTES};
	return sigaltstack(&own, NULL) ? -errno : 0;
}

__attribute__((visibility("default"))) int cairn_crash_install(void)
{
	struct sigaction action = {.sa_sigaction = handle,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	int failed = crash_image_load(&image);
	if (!failed)
		failed = use_own_stack();
	if (failed)
		return failed;
	crash_stack_prepare();
	for (unsigned i = 0; i < SIGNALS; i++)
		if (sigaction(signals[i].number, &action, &previous[i]))
			return -errno;
	return 0;
}
