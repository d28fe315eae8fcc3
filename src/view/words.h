/* SPDX-License-Identifier: MIT */
/* What a person calls it: places in programs, what a thread waited for, what ended the wait. */
#ifndef CAIRN_VIEW_WORDS_H
#define CAIRN_VIEW_WORDS_H

#include "view/scene.h"

enum { STACK_PLACES_MAX = 24, STACK_CALLERS_SHOWN = 2 };

/* A stack with names, innermost first. */
struct stack {
	struct view_place places[STACK_PLACES_MAX];
	uint64_t ips[STACK_PLACES_MAX];
	size_t count;
	bool probable; /* it is the only one known with its innermost address */
	size_t own; /* the first that is the program's own, not the C library's; 0 when none is */
};

/* Of a site the trace describes; `count` is 0 otherwise. */
void stack_init(struct stack *ret, const struct scene *s, uint32_t site, uint64_t time_ns);

/* "checkout.c:88", or what there is instead; "" where no program's own place is known. */
void words_line(const struct stack *stack, struct text *out);

/* "checkout.c:88 lock_stock < reserve_stock < serve"; with up to so many callers. */
void words_stack_callers(const struct stack *stack, unsigned callers, struct text *out);

static inline void words_stack(const struct stack *stack, struct text *out)
{
	words_stack_callers(stack, STACK_CALLERS_SHOWN, out);
}

/* A thread waits for another's end: long, and nobody's fault. */
bool words_is_join(const struct scene *s, const struct sleep *sleep, const struct stack *stack);

/* Of a futex's stack: the wait is for a lock, which somebody holds. */
bool words_is_lock(const struct stack *stack);

/* "lock (futex 0x5581…)", "fsync /var/lib/x", "read pipe:[77]", "nanosleep". */
void words_wait(const struct scene *s, const struct sleep *sleep, const struct stack *stack,
		struct text *out);

/* In a few words, for a column: "lock from worker-1", "disk vda (fsync)", "sleep by choice". */
void words_wait_short(const struct scene *s, const struct sleep *sleep, const struct stack *stack,
		      bool others, struct text *out);

/* "vda"; "254:0" when the trace has no name for it. */
void words_disk(const struct scene *s, uint32_t dev, struct text *out);

/* "woken by worker-1 at checkout.c:48 unlock_stock", "by disk vda: write of 128 kB took …" */
void words_cause(const struct scene *s, const struct sleep *sleep, struct text *out);

#endif
