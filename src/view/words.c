/* SPDX-License-Identifier: MIT */
#include "view/words.h"
#include "analysis/syscalls.h"
#include "view/unit.h"

#include <inttypes.h>
#include <string.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Every sleep ends up in these; what people look for is who called them. */
static bool is_runtime(const char *module)
{
	static const char *const patterns[] = {"libc.so*", "libc-*", "libpthread*",
					       "ld-*.so*", "*vdso*", "libc.musl*"};
	for (size_t i = 0; module && i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (text_glob(patterns[i], base_name(module)))
			return true;
	}
	return false;
}

void stack_init(struct stack *ret, const struct scene *s, uint32_t site_id, uint64_t time_ns)
{
	const struct view_names *names = &s->options->names;
	uint32_t place = scene_place(s, site_id);
	const struct site *site = sites_find(s->sites, place);
	*ret = (struct stack){.probable = place != site_id};
	for (uint32_t i = 0; site && i < site->count && ret->count < STACK_PLACES_MAX; i++) {
		struct view_place *places = &ret->places[ret->count];
		size_t room = STACK_PLACES_MAX - ret->count, found = 0;
		if (names->user)
			found = names->user(names->context, site->pid, time_ns, site->ips[i], i > 0,
					    places, room);
		if (!found)
			places[found++] = (struct view_place){0};
		for (size_t k = 0; k < found; k++)
			ret->ips[ret->count + k] = site->ips[i];
		ret->count += found;
	}
	for (size_t i = 0; i < ret->count; i++) {
		if (ret->places[i].module && !is_runtime(ret->places[i].module)) {
			ret->own = i;
			break;
		}
	}
}

static void words_address(const struct view_place *place, uint64_t ip, struct text *out)
{
	if (place->module)
		text_print(out, "%s+0x%" PRIx64, base_name(place->module), place->offset);
	else
		text_print(out, "0x%" PRIx64, ip);
}

/* All of the stack that is known lies in the C library: true of any program, so it says little. */
static bool is_bare(const struct stack *stack)
{
	return stack->count && is_runtime(stack->places[stack->own].module);
}

void words_line(const struct stack *stack, struct text *out)
{
	const struct view_place *place = &stack->places[stack->own];
	if (!stack->count || is_bare(stack))
		return;
	if (place->file && place->line)
		text_print(out, "%s:%u", base_name(place->file), place->line);
	else if (place->function)
		text_print(out, "%s", place->function);
	else
		words_address(place, stack->ips[stack->own], out);
}

static void words_bare(const struct stack *stack, struct text *out)
{
	const struct view_place *place = &stack->places[0];
	if (place->function)
		text_print(out, "%s (%s)", place->function, base_name(place->module));
	else
		words_address(place, stack->ips[0], out);
	text_print(out, ", its caller is not known");
}

void words_stack_callers(const struct stack *stack, unsigned callers, struct text *out)
{
	const struct view_place *place = &stack->places[stack->own];
	if (!stack->count)
		return;
	if (is_bare(stack)) {
		words_bare(stack, out);
		return;
	}
	text_print(out, "%s", stack->probable ? "probably " : "");
	words_line(stack, out);
	if (place->function && place->file && place->line)
		text_print(out, " %s", place->function);
	else if (place->function && place->module)
		text_print(out, " (%s)", base_name(place->module));
	for (size_t i = 1; i <= callers && stack->own + i < stack->count; i++) {
		place = &stack->places[stack->own + i];
		if (!place->function || is_runtime(place->module))
			break;
		text_print(out, " < %s", place->function);
	}
}

/* What the program asked the C library for: the outermost of its functions. */
static const char *asked_for(const struct stack *stack)
{
	return stack->own ? stack->places[stack->own - 1].function : NULL;
}

bool words_is_join(const struct scene *s, const struct sleep *sleep, const struct stack *stack)
{
	const char *asked = asked_for(stack);
	const struct site *waker = sites_find(s->sites, sleep->cause.site);
	const char *call = waker ? syscall_name(waker->syscall) : NULL;
	if (syscall_kind(sleep_syscall(s->sites, sleep)) != SYSCALL_FUTEX)
		return false;
	/* The kernel itself wakes who waits for a thread that exits. */
	return (asked && text_glob("*join*", asked)) || (call && !strcmp(call, "exit"));
}

/* By what the program asked the C library for; NULL when that does not tell. */
static const char *futex_kind(const struct stack *stack)
{
	static const struct {
		const char *pattern, *word;
	} words[] = {
		{"*cond_*wait*", "condition"}, {"*mutex*lock*", "lock"},
		{"*rwlock*", "lock"},          {"*spin_lock*", "lock"},
		{"*lll_lock*", "lock"},        {"*sem_*wait*", "semaphore"},
		{"*barrier*", "barrier"},      {"cnd_*wait", "condition"},
		{"mtx_*lock", "lock"},
	};
	const char *asked = asked_for(stack);
	for (size_t i = 0; asked && i < sizeof(words) / sizeof(words[0]); i++) {
		if (text_glob(words[i].pattern, asked))
			return words[i].word;
	}
	return NULL;
}

bool words_is_lock(const struct stack *stack)
{
	const char *kind = futex_kind(stack);
	return kind && !strcmp(kind, "lock");
}

static const char *futex_word(const struct scene *s, const struct sleep *sleep,
			      const struct stack *stack)
{
	if (words_is_join(s, sleep, stack))
		return "a thread's end";
	const char *kind = futex_kind(stack);
	return kind ? kind : "lock or condition";
}

static const char *file_of(const struct scene *s, const struct sleep *sleep)
{
	const struct site *site = sites_find(s->sites, sleep->site);
	int32_t pid = site ? site->pid : thread_pid(sleep->thread);
	return inventory_file(s->inventory, pid, (int32_t)sleep->arg);
}

/* The system call's name; what the thread did without one. */
static void words_call(const struct sleep *sleep, int32_t syscall, struct text *out)
{
	const char *name = syscall_name(syscall);
	if (name)
		text_print(out, "%s", name);
	else if (syscall >= 0)
		text_print(out, "system call %d", syscall);
	else if (sleep->thread->kernel)
		text_print(out, "kernel thread, nothing to do");
	else if (sleep->site)
		text_print(out, "page fault");
	else
		text_print(out, "asleep");
}

void words_wait(const struct scene *s, const struct sleep *sleep, const struct stack *stack,
		struct text *out)
{
	int32_t syscall = sleep_syscall(s->sites, sleep);
	enum syscall_kind kind = sleep->site ? syscall_kind(syscall) : SYSCALL_PLAIN;
	if (kind == SYSCALL_FUTEX) {
		text_print(out, "%s (futex 0x%" PRIx64 ")", futex_word(s, sleep, stack),
			   sleep->arg);
		return;
	}
	if (kind == SYSCALL_READY && scene_is_idle(s, sleep))
		text_print(out, "idle in ");
	words_call(sleep, syscall, out);
	if (kind != SYSCALL_FILE)
		return;
	const char *file = file_of(s, sleep);
	if (file)
		text_print(out, " %s", file);
	else
		text_print(out, " fd %d", (int32_t)sleep->arg);
}

void words_disk(const struct scene *s, uint32_t dev, struct text *out)
{
	const char *name = inventory_disk(s->inventory, dev);
	if (name)
		text_print(out, "%s", name);
	else
		text_print(out, "%u:%u", dev >> 20, dev & 0xfffff);
}

/* "pipe" of "pipe:[77]", "x.db" of "/var/x.db". */
static void words_file_short(const char *file, struct text *out)
{
	const char *colon = strstr(file, ":[");
	const char *base = base_name(file);
	if (colon)
		text_print(out, " %.*s", (int)(colon - file), file);
	else
		text_print(out, " %s", *base ? base : file);
}

static void words_object_short(const struct scene *s, const struct sleep *sleep,
			       const struct stack *stack, struct text *out)
{
	int32_t syscall = sleep_syscall(s->sites, sleep);
	enum syscall_kind kind = syscall_kind(syscall);
	const char *file = kind == SYSCALL_FILE && sleep->site ? file_of(s, sleep) : NULL;
	if (kind == SYSCALL_FUTEX)
		text_print(out, "%s", futex_word(s, sleep, stack));
	else if (kind == SYSCALL_CHILD)
		text_print(out, "a child's end");
	else if (sleep->thread->kernel && syscall < 0)
		text_print(out, "work");
	else
		words_call(sleep, syscall, out);
	if (file)
		words_file_short(file, out);
}

void words_wait_short(const struct scene *s, const struct sleep *sleep, const struct stack *stack,
		      bool others, struct text *out)
{
	const struct cause *cause = &sleep->cause;
	int32_t syscall = sleep_syscall(s->sites, sleep);
	bool nameless = syscall < 0 && !sleep->site && !sleep->thread->kernel;
	if (cause->kind == CAUSE_DISK) {
		text_print(out, "disk ");
		words_disk(s, cause->request.dev, out);
		if (syscall < 0)
			return;
		text_print(out, " (");
		words_call(sleep, syscall, out);
		text_print(out, ")");
		return;
	}
	if (cause->kind == CAUSE_TIMER && (nameless || syscall_kind(syscall) == SYSCALL_SLEEP)) {
		text_print(out, nameless ? "a timer" : "sleep by choice");
		return;
	}
	if (sleep->site && syscall_kind(syscall) == SYSCALL_READY && scene_is_idle(s, sleep)) {
		text_print(out, "idle in ");
		words_call(sleep, syscall, out);
		return;
	}
	if (!nameless)
		words_object_short(s, sleep, stack, out);
	if (cause->kind == CAUSE_TASK) {
		text_print(out, nameless ? "woken by " : " from ");
		scene_name(s, cause->thread, out);
		text_print(out, "%s", others ? " and others" : "");
	} else if (nameless) {
		text_print(out, "not known");
	} else if (cause->kind == CAUSE_TIMER) {
		text_print(out, ", time-out");
	}
}

static void words_place(const struct scene *s, const struct sleep *sleep, struct text *out)
{
	struct stack stack;
	stack_init(&stack, s, sleep->cause.site, sleep->woken_ns);
	if (stack.count) {
		text_print(out, " at ");
		words_stack(&stack, out);
	}
}

static void words_task(const struct scene *s, const struct sleep *sleep, struct text *out)
{
	const struct cause *cause = &sleep->cause;
	const struct view_names *names = &s->options->names;
	text_print(out, "woken by ");
	scene_name(s, cause->thread, out);
	words_place(s, sleep, out);
	if (cause->number >= 0)
		text_print(out, " (softirq %s)", softirq_name(cause->number));
	if (cause->function) {
		const char *function = NULL;
		if (names->kernel)
			function = names->kernel(names->context, cause->function);
		text_print(out, " doing %s", function ? function : "queued work");
		if (cause->queuer) {
			text_print(out, " for ");
			scene_name(s, cause->queuer, out);
		}
	}
}

static void words_timer(const struct scene *s, const struct sleep *sleep, struct text *out)
{
	const struct view_names *names = &s->options->names;
	const char *function = NULL;
	if (names->kernel)
		function = names->kernel(names->context, sleep->cause.function);
	if (syscall_kind(sleep_syscall(s->sites, sleep)) == SYSCALL_SLEEP)
		text_print(out, "by its timer (slept by choice)");
	else if (!function || !strcmp(function, "hrtimer_wakeup") ||
		 !strcmp(function, "process_timeout"))
		text_print(out, "by its timer (time-out)");
	else
		text_print(out, "by a timer (%s)", function);
}

static void words_request(const struct scene *s, const struct disk_request *r, struct text *out)
{
	text_print(out, "by disk ");
	words_disk(s, r->dev, out);
	text_print(out, ": %s", disk_op_name(r->op));
	if (r->bytes)
		text_print(out, " of %s", unit_bytes(r->bytes).text);
	if (!r->issue_ns) {
		text_print(out, ", issued before the recording");
		return;
	}
	text_print(out, r->shared ? " took perhaps %s" : " took %s",
		   unit_ns(r->done_ns - r->issue_ns).text);
	if (r->issuer && !r->shared) {
		text_print(out, ", issued by ");
		scene_name(s, r->issuer, out);
	}
}

void words_cause(const struct scene *s, const struct sleep *sleep, struct text *out)
{
	const struct cause *cause = &sleep->cause;
	const char *irq = inventory_irq(s->inventory, cause->number);
	if (sleep->open) {
		text_print(out, "not woken before the recording ended");
		return;
	}
	switch (cause->kind) {
	case CAUSE_TASK:
		words_task(s, sleep, out);
		break;
	case CAUSE_TIMER:
		words_timer(s, sleep, out);
		break;
	case CAUSE_DISK:
		words_request(s, &cause->request, out);
		break;
	case CAUSE_IRQ:
		if (cause->number < 0)
			text_print(out, "by an interrupt whose handler was not recorded");
		else
			text_print(out, "by interrupt %d%s%s", cause->number, irq ? " " : "",
				   irq ? irq : "");
		break;
	case CAUSE_SOFTIRQ:
		if (cause->number < 0)
			text_print(out, "by a softirq whose start was not recorded");
		else
			text_print(out, "by softirq %s", softirq_name(cause->number));
		break;
	default:
		text_print(out, "waker not seen");
		words_place(s, sleep, out);
	}
}
