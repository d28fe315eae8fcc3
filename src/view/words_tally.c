/* SPDX-License-Identifier: MIT */
#include "view/words_tally.h"
#include "analysis/syscalls.h"
#include "view/unit.h"

#include <string.h>

/* No cpu takes longer to wake up: something kept the thread off it. */
enum { IDLE_WAKES_UP_NS_MAX = 2000000 };

static const char *kernel_function(const struct scene *s, uint64_t address)
{
	const struct view_names *names = &s->options->names;
	return address && names->kernel ? names->kernel(names->context, address) : NULL;
}

static void words_device(const struct scene *s, const struct tally *line, struct text *out)
{
	const struct disk_request *r = &line->cause.request;
	text_print(out, "disk ");
	words_disk(s, r->dev, out);
	text_print(out, ": %s", disk_op_name(r->op));
	if (line->count > 1)
		text_print(out, ", %s requests, longest %s", unit_count(line->count).text,
			   unit_ns(line->longest_ns).text);
	else if (r->bytes)
		text_print(out, " of %s", unit_bytes(r->bytes).text);
}

static void words_interrupt(const struct scene *s, int32_t number, struct text *out)
{
	const char *name = inventory_irq(s->inventory, number);
	if (number < 0)
		text_print(out, "an interrupt whose handler was not recorded");
	else
		text_print(out, "interrupt %d%s%s", number, name ? " " : "", name ? name : "");
}

static void words_softirq(const struct cause *cause, struct text *out)
{
	if (cause->number < 0)
		text_print(out, "a softirq whose start was not recorded");
	else
		text_print(out, "softirq %s", softirq_name(cause->number));
}

/* Callers are told where a story begins, below it one place suffices. */
static void words_at(const struct scene *s, const struct tally *line, const char *before,
		     struct text *out)
{
	bool actor = line->key.kind == TALLY_FOR;
	bool outermost = !line->key.parent->key.parent && !actor;
	struct stack stack;
	struct text place = {0};
	stack_init(&stack, s, actor ? line->cause.site : line->key.site,
		   actor ? line->at_ns : line->sleep.from_ns);
	words_stack_callers(&stack, outermost ? STACK_CALLERS_SHOWN : 1, &place);
	if (place.bytes)
		text_print(out, "%s%s", before, place.data);
	out->failed = out->failed || place.failed;
	text_deinit(&place);
}

static void words_actor(const struct scene *s, const struct tally *line, struct text *out)
{
	const struct tally *wait = line->key.parent;
	int32_t syscall = sleep_syscall(s->sites, &wait->sleep);
	struct stack stack;
	text_print(out, "for ");
	scene_name(s, line->key.thread, out);
	stack_init(&stack, s, wait->key.site, wait->sleep.from_ns);
	bool lock = syscall_kind(syscall) == SYSCALL_FUTEX && words_is_lock(&stack);
	words_at(s, line, lock ? ", which held the lock until " : ", which ended it at ", out);
}

static void words_behind(const struct scene *s, const struct tally *line, struct text *out)
{
	if (line->key.idle) {
		text_print(out,
			   line->longest_ns > IDLE_WAKES_UP_NS_MAX
				   ? "held back while the cpu was idle (a quota, or a busy host)"
				   : "the cpu was idle and had to wake up");
		return;
	}
	if (!line->key.thread) {
		text_print(out, "it is not known behind whom");
		return;
	}
	text_print(out, "behind ");
	scene_name(s, line->key.thread, out);
}

static void words_work(const struct scene *s, uint64_t address, struct text *out)
{
	const char *function = kernel_function(s, address);
	text_print(out, "queued work%s%s, not begun", function ? " " : "",
		   function ? function : "");
}

static void words_timer(const struct scene *s, const struct tally *line, struct text *out)
{
	const struct tally *wait = line->key.parent;
	int32_t syscall = -1;
	if (wait && wait->key.kind == SEGMENT_BLOCKED)
		syscall = sleep_syscall(s->sites, &wait->sleep);
	text_print(out, syscall_kind(syscall) == SYSCALL_SLEEP ? "by choice: its timer"
							       : "until a timer");
}

void words_tally(const struct scene *s, const struct tally *line, struct text *out)
{
	struct stack stack;
	switch (line->key.kind) {
	case SEGMENT_RUN:
		text_print(out, "ran");
		break;
	case SEGMENT_QUEUE:
		text_print(out, line->key.woken ? "queued for a cpu" : "preempted");
		break;
	case SEGMENT_BLOCKED:
		stack_init(&stack, s, line->key.site, line->sleep.from_ns);
		words_wait(s, &line->sleep, &stack, out);
		words_at(s, line, " at ", out);
		break;
	case SEGMENT_DEVICE:
		words_device(s, line, out);
		break;
	case SEGMENT_TIMER:
		words_timer(s, line, out);
		break;
	case SEGMENT_IRQ:
		text_print(out, "from outside: ");
		words_interrupt(s, line->cause.number, out);
		break;
	case SEGMENT_SOFTIRQ:
		words_softirq(&line->cause, out);
		break;
	case SEGMENT_WORK:
		words_work(s, line->key.object, out);
		break;
	case TALLY_FOR:
		words_actor(s, line, out);
		break;
	case TALLY_BEHIND:
		words_behind(s, line, out);
		break;
	default:
		text_print(out, line->key.parent && line->key.parent->sleep.open
					? "not ended before the recording did"
					: "not known");
	}
}

void words_blamed(const struct scene *s, const struct blame *b, struct text *out)
{
	const struct cause *cause = &b->longest->cause;
	switch (b->key.kind) {
	case SEGMENT_DEVICE:
		text_print(out, "disk ");
		words_disk(s, cause->request.dev, out);
		break;
	case SEGMENT_IRQ:
		words_interrupt(s, cause->number, out);
		break;
	case SEGMENT_SOFTIRQ:
		words_softirq(cause, out);
		break;
	case SEGMENT_WORK:
		text_print(out, "a worker");
		break;
	default:
		if (b->thread)
			scene_name(s, b->thread, out);
		else
			text_print(out, b->key.idle ? "nobody" : "not known");
		if (b->others && b->thread)
			text_print(out, " and others");
	}
}

void words_deed(const struct scene *s, const struct blame *b, struct text *out)
{
	struct stack stack;
	switch (b->key.kind) {
	case SEGMENT_RUN:
		text_print(out, "ran");
		break;
	case TALLY_BEHIND:
		text_print(out, !b->key.idle ? "had the cpu"
				: b->longest->longest_ns > IDLE_WAKES_UP_NS_MAX
					? "held back, cpu idle"
					: "cpu woke up");
		break;
	case SEGMENT_DEVICE:
		text_print(out, "%s", disk_op_name(b->longest->cause.request.op));
		break;
	case SEGMENT_TIMER:
		words_timer(s, b->longest, out);
		break;
	case SEGMENT_BLOCKED:
		stack_init(&stack, s, b->longest->sleep.site, b->longest->sleep.from_ns);
		words_wait(s, &b->longest->sleep, &stack, out);
		break;
	case SEGMENT_WORK:
		words_work(s, b->key.object, out);
		break;
	case SEGMENT_IRQ:
		text_print(out, "from outside");
		break;
	case SEGMENT_SOFTIRQ:
		text_print(out, "ran late");
		break;
	default:
		text_print(out, "not known");
	}
}

void words_blame_place(const struct scene *s, const struct blame *b, struct text *out)
{
	struct stack stack;
	stack_init(&stack, s, b->key.site, b->longest->at_ns);
	words_stack(&stack, out);
}
