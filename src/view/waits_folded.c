/* SPDX-License-Identifier: MIT */
/* The tree as folded stacks, which flame graph programs draw: `thread;wait;for …;… ns`. */
#include "view/waits_answer.h"
#include "view/words_tally.h"

#include <inttypes.h>

/* ';' parts frames, and a line is one stack. */
static void add_frame(struct text *stack, const struct text *frame)
{
	if (stack->bytes)
		text_append(stack, ";", 1);
	for (size_t i = 0; i < frame->bytes; i++) {
		char c = frame->data[i];
		text_append(stack, c == ';' ? "," : c == '\n' ? " " : &frame->data[i], 1);
	}
}

/* Of everybody's waits the outermost lines are different threads'. */
static void words_whose(const struct scene *s, const struct tally *line, struct text *out)
{
	scene_name(s, line->key.thread, out);
	text_print(out, ": ");
}

static void print_lines(struct scene *s, const struct tally *parent, bool whose, struct text *stack,
			struct text *out)
{
	for (const struct tally *line = parent->children; line; line = line->next) {
		struct text frame = {0};
		size_t bytes = stack->bytes;
		uint64_t own_ns = line->total_ns;
		if (whose)
			words_whose(s, line, &frame);
		words_tally(s, line, &frame);
		add_frame(stack, &frame);
		for (const struct tally *child = line->children; child; child = child->next)
			own_ns -= child->total_ns < own_ns ? child->total_ns : own_ns;
		if (own_ns)
			text_print(out, "%s %" PRIu64 "\n", stack->data, own_ns);
		print_lines(s, line, false, stack, out);
		stack->bytes = bytes;
		stack->data[bytes] = 0;
		out->failed = out->failed || frame.failed;
		text_deinit(&frame);
	}
}

static void print_folded(const struct story *story, const struct view_options *options,
			 const struct waits_question *q, struct text *out)
{
	struct waits_answer a;
	struct text stack = {0}, name = {0};
	waits_answer_init(&a, story, options, q);
	if (q->thread)
		scene_name(&a.scene, q->thread, &name);
	else
		text_print(&name, "everybody");
	add_frame(&stack, &name);
	print_lines(&a.scene, &a.tallies.root, !q->thread, &stack, out);
	out->failed = out->failed || waits_answer_failed(&a) || stack.failed || name.failed;
	text_deinit(&stack);
	text_deinit(&name);
	waits_answer_deinit(&a);
}

const struct waits_view waits_folded = {.name = "folded", .print = print_folded};
