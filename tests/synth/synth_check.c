/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "synth_check.h"

enum { WORK_PENDING = 1, WORK_UNDER_WAY = 2, OP_IS_FLUSH = 2 };

/* Drowsy: a waking came before it slept, and may have been for this sleep or one called off. */
enum { AWAKE, ASLEEP, DROWSY };

static uint64_t *place(struct map *map, uint64_t key)
{
	uint64_t *value = map_put(map, key);
	assert_non_null(value);
	return value;
}

static uint64_t frame_key(const struct event *e, unsigned slot, enum event_kind entry)
{
	return event_uint(e, slot) << 8 ^ entry;
}

static bool is_irq(uint64_t key)
{
	unsigned kind = key & 0xff;
	return kind == EVENT_IRQ_ENTRY || kind == EVENT_HRTIMER_ENTRY;
}

/* Interrupts come above all but each other, softirqs above threads only, timers in softirqs. */
static void check_enter(struct check_cpu *cpu, uint64_t key)
{
	unsigned kind = key & 0xff;
	assert_true(cpu->depth < CHECK_DEPTH_MAX);
	if (is_irq(key))
		assert_false(cpu->depth && is_irq(cpu->open[cpu->depth - 1]));
	else
		assert_int_equal(cpu->depth, kind == EVENT_TIMER_ENTRY);
	cpu->open[cpu->depth++] = key;
}

/* What is left is what was entered last. */
static void check_leave(struct check_cpu *cpu, uint64_t key)
{
	assert_true(cpu->depth);
	assert_int_equal(cpu->open[--cpu->depth], key);
}

static void check_switch(struct check *c, struct check_cpu *cpu, const struct event *e)
{
	int32_t prev = (int32_t)event_int(e, SWITCH_PREV_TID);
	int32_t next = (int32_t)event_int(e, SWITCH_NEXT_TID);
	assert_int_equal(cpu->depth, 0);
	assert_int_equal(prev, cpu->tid);
	assert_int_not_equal(prev, next);
	c->switches++;
	if (prev) {
		*place(&c->runs_on, (uint32_t)prev) = 0;
		if (event_uint(e, SWITCH_PREV_STATE)) {
			uint64_t early = *place(&c->asleep, (uint32_t)prev << 1 | 1);
			*place(&c->asleep, (uint32_t)prev << 1) = early ? DROWSY : ASLEEP;
		}
		*place(&c->asleep, (uint32_t)prev << 1 | 1) = 0;
	}
	if (next) {
		assert_int_equal(*place(&c->runs_on, (uint32_t)next), 0);
		assert_int_not_equal(*place(&c->asleep, (uint32_t)next << 1), ASLEEP);
		*place(&c->asleep, (uint32_t)next << 1) = AWAKE;
		*place(&c->runs_on, (uint32_t)next) = (uint64_t)e->cpu + 1;
	}
	cpu->tid = next;
}

/* Of a sleeper, or of one that is on its way to sleep (the odd keys). */
static void check_waking(struct check *c, const struct check_cpu *cpu, const struct event *e)
{
	uint32_t tid = (uint32_t)event_uint(e, WAKING_TID);
	uint64_t *asleep = place(&c->asleep, tid << 1);
	bool softirq = false, irq = false;
	c->wakings++;
	for (unsigned i = 0; i < cpu->depth; i++) {
		softirq |= (cpu->open[i] & 0xff) == EVENT_SOFTIRQ_ENTRY;
		irq |= is_irq(cpu->open[i]);
	}
	assert_int_equal(event_uint(e, WAKING_CONTEXT), irq       ? WAKING_FROM_IRQ
							: softirq ? WAKING_FROM_SOFTIRQ
								  : WAKING_FROM_TASK);
	if (*asleep) {
		*asleep = AWAKE;
		return;
	}
	const uint64_t *runs = map_find(&c->runs_on, tid);
	c->strays += runs && !*runs;
	*place(&c->asleep, tid << 1 | 1) = 1;
}

static void check_block(struct check *c, const struct event *e, bool issue)
{
	unsigned dev_slot = issue ? BLOCK_ISSUE_DEV : BLOCK_DONE_DEV;
	unsigned sector_slot = issue ? BLOCK_ISSUE_SECTOR : BLOCK_DONE_SECTOR;
	bool flush =
		(event_uint(e, issue ? BLOCK_ISSUE_RWBS : BLOCK_DONE_RWBS) & 0xff) == OP_IS_FLUSH;
	uint64_t sector = event_uint(e, sector_slot);
	if (flush)
		assert_true(sector == UINT64_MAX || (issue && !sector));
	uint64_t *pending =
		place(&c->requests, (flush ? UINT64_MAX : sector) ^ event_uint(e, dev_slot) << 40);
	assert_int_equal(*pending, !issue);
	*pending = issue;
}

static void check_work(struct check *c, const struct event *e, unsigned slot)
{
	uint64_t *state = place(&c->works, event_uint(e, slot));
	if (e->type->kind == EVENT_WORK_QUEUE) {
		assert_int_equal(*state & WORK_PENDING, 0);
		*state |= WORK_PENDING;
	} else if (e->type->kind == EVENT_WORK_START) {
		assert_int_equal(*state, WORK_PENDING);
		*state = WORK_UNDER_WAY;
	} else {
		assert_int_equal(*state & WORK_UNDER_WAY, WORK_UNDER_WAY);
		*state &= ~(uint64_t)WORK_UNDER_WAY;
	}
}

static void check_frame(struct check_cpu *cpu, const struct event *e)
{
	switch (e->type->kind) {
	case EVENT_IRQ_ENTRY:
		check_enter(cpu, frame_key(e, IRQ_ENTRY_IRQ, EVENT_IRQ_ENTRY));
		break;
	case EVENT_IRQ_EXIT:
		check_leave(cpu, frame_key(e, IRQ_EXIT_IRQ, EVENT_IRQ_ENTRY));
		break;
	case EVENT_SOFTIRQ_ENTRY:
		check_enter(cpu, frame_key(e, SOFTIRQ_ENTRY_VEC, EVENT_SOFTIRQ_ENTRY));
		break;
	case EVENT_SOFTIRQ_EXIT:
		check_leave(cpu, frame_key(e, SOFTIRQ_EXIT_VEC, EVENT_SOFTIRQ_ENTRY));
		break;
	case EVENT_HRTIMER_ENTRY:
		check_enter(cpu, frame_key(e, HRTIMER_ENTRY_TIMER, EVENT_HRTIMER_ENTRY));
		break;
	case EVENT_HRTIMER_EXIT:
		check_leave(cpu, frame_key(e, HRTIMER_EXIT_TIMER, EVENT_HRTIMER_ENTRY));
		break;
	case EVENT_TIMER_ENTRY:
		check_enter(cpu, frame_key(e, TIMER_ENTRY_TIMER, EVENT_TIMER_ENTRY));
		break;
	case EVENT_TIMER_EXIT:
		check_leave(cpu, frame_key(e, TIMER_EXIT_TIMER, EVENT_TIMER_ENTRY));
		break;
	default:
		break;
	}
}

void check_event(struct check *c, const struct event *e)
{
	assert_true(e->time_ns >= c->time_ns);
	c->time_ns = e->time_ns;
	if (e->cpu < 0)
		return;
	struct check_cpu *cpu = &c->cpus[e->cpu];
	assert_true(e->cpu < SYNTH_CPUS_MAX);
	c->events++;
	assert_int_equal(e->tid, cpu->tid);
	switch (e->type->kind) {
	case EVENT_SCHED_SWITCH:
		check_switch(c, cpu, e);
		break;
	case EVENT_SCHED_WAKING:
		check_waking(c, cpu, e);
		break;
	case EVENT_BLOCK_ISSUE:
	case EVENT_BLOCK_DONE:
		check_block(c, e, e->type->kind == EVENT_BLOCK_ISSUE);
		break;
	case EVENT_WORK_QUEUE:
		check_work(c, e, WORK_QUEUE_WORK);
		break;
	case EVENT_WORK_START:
		check_work(c, e, WORK_START_WORK);
		break;
	case EVENT_WORK_END:
		check_work(c, e, WORK_END_WORK);
		break;
	default:
		check_frame(cpu, e);
	}
}

void check_deinit(struct check *c)
{
	map_deinit(&c->runs_on);
	map_deinit(&c->asleep);
	map_deinit(&c->requests);
	map_deinit(&c->works);
}
