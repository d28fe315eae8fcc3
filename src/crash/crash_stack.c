/* SPDX-License-Identifier: MIT */
#include "crash/crash_stack.h"

#include <setjmp.h>
#include <stddef.h>
#include <ucontext.h>
#include <unwind.h>

/* Frames of the handler itself and what called it, before the interrupted one comes. */
enum { OWN_FRAMES_MAX = 8 };

struct walk {
	struct crash_frame *frames;
	volatile unsigned count;
	unsigned passed;
	uint64_t interrupted;
	bool is_found;
};

static sigjmp_buf way_out;
static volatile bool is_walking;

static uint64_t interrupted_ip(const void *context)
{
	const ucontext_t *c = context;
#if defined(__x86_64__)
	return (uint64_t)c->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return c->uc_mcontext.pc;
#else
#error "where does this processor keep its instruction pointer?"
#endif
}

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *argument)
{
	struct walk *w = argument;
	int is_exact = 0;
	uint64_t ip = _Unwind_GetIPInfo(context, &is_exact);
	if (!w->is_found && ip != w->interrupted)
		return ++w->passed > OWN_FRAMES_MAX ? _URC_END_OF_STACK : _URC_NO_REASON;
	w->is_found = true;
	if (!ip || w->count == CRASH_FRAMES_MAX)
		return _URC_END_OF_STACK;
	w->frames[w->count] = (struct crash_frame){ip, w->count > 0 && !is_exact};
	w->count++;
	return _URC_NO_REASON;
}

unsigned crash_stack_walk(const void *context, struct crash_frame ret[static CRASH_FRAMES_MAX])
{
	struct walk w = {.frames = ret, .interrupted = interrupted_ip(context)};
	if (!sigsetjmp(way_out, 1)) {
		is_walking = true;
		_Unwind_Backtrace(take_frame, &w);
	}
	is_walking = false;
	if (!w.count)
		ret[w.count++] = (struct crash_frame){w.interrupted, false};
	return w.count;
}

void crash_stack_escape(void)
{
	if (is_walking)
		siglongjmp(way_out, 1);
}

static _Unwind_Reason_Code stop(struct _Unwind_Context *context, void *argument)
{
	(void)context;
	(void)argument;
	return _URC_END_OF_STACK;
}

void crash_stack_prepare(void)
{
	_Unwind_Backtrace(stop, NULL);
}
