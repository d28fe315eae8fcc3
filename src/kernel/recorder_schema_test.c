/* SPDX-License-Identifier: MIT */
/* What the schema says of a record is what the compiler made of it. */
#include "event/event.h"
#include "kernel/rung.h"
#include "util/test.h"

#include <stddef.h>

static struct schema *schema;

static const struct event_type *type_of(uint64_t id)
{
	for (size_t i = 0; i < schema->type_count; i++) {
		if (schema->types[i]->id == id)
			return schema->types[i];
	}
	fail_msg("no type with id %u", (unsigned)id);
	return NULL;
}

static void same_place(uint64_t id, const char *name, size_t offset, size_t bytes)
{
	const struct field *f = type_field(type_of(id)->payload, name);
	if (!f)
		fail_msg("type %u has no field %s", (unsigned)id, name);
	assert_int_equal(f->offset_bits, offset * 8);
	if (f->type->size_bits >= 0)
		assert_int_equal(f->type->size_bits, bytes * 8);
}

#define SAME(id, type, member)                                                                     \
	same_place(id, #member, offsetof(struct type, member), sizeof(((struct type *)0)->member))

static void members_stand_where_the_schema_says(void **state)
{
	(void)state;
	SAME(RECORDER_SWITCH, recorder_switch, next_prio);
	SAME(RECORDER_SWITCH_SLEEP, recorder_switch_sleep, prev_state);
	SAME(RECORDER_SWITCH_SLEEP, recorder_switch_sleep, prev_site);
	SAME(RECORDER_SWITCH_SLEEP, recorder_switch_sleep, prev_arg);
	SAME(RECORDER_WAKING, recorder_waking, context);
	SAME(RECORDER_WAKING_SITE, recorder_waking_site, waker_site);
	SAME(RECORDER_IRQ_EXIT, recorder_irq_exit, ret);
	SAME(RECORDER_SOFTIRQ_RAISE, recorder_softirq, vec);
	same_place(RECORDER_HRTIMER_ENTRY, "function",
		   offsetof(struct recorder_timer_entry, function), 8);
	SAME(RECORDER_WORK_QUEUE, recorder_work, function);
	SAME(RECORDER_BLOCK_ISSUE, recorder_block_issue, tid);
	SAME(RECORDER_BLOCK_DONE, recorder_block_done, rwbs);
	SAME(RECORDER_SIGNAL, recorder_signal, sig);
	SAME(RECORDER_CONTENTION_BEGIN, recorder_contention_begin, flags);
	SAME(RECORDER_CONTENTION_END, recorder_contention_end, ret);
	SAME(RECORDER_SYSCALL_ENTRY, recorder_syscall_entry, arg0);
	SAME(RECORDER_SYSCALL_EXIT, recorder_syscall_exit, ret);
	SAME(RECORDER_SITE, recorder_site, count);
	SAME(RECORDER_SITE, recorder_site, ips);
	SAME(RECORDER_FORK, recorder_fork, child_comm);
	SAME(RECORDER_EXEC, recorder_exec, filename);
	SAME(RECORDER_EXIT, recorder_exit, comm);
	SAME(RECORDER_RENAME, recorder_rename, newcomm);
}

static void every_record_is_described(void **state)
{
	(void)state;
	assert_int_equal(schema->type_count, RECORDER_EVENTS - RECORDER_SWITCH);
	for (unsigned id = RECORDER_SWITCH; id < RECORDER_EVENTS; id++)
		assert_int_not_equal(type_of(id)->kind, EVENT_OTHER);
	assert_int_equal(type_of(RECORDER_FORK)->stream_id, RECORDER_STREAM_LIFE);
}

static int set_up(void **state)
{
	(void)state;
	return schema_create(&schema, NULL) < 0 || recorder_schema(schema, NULL) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	schema_destroy(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_stand_where_the_schema_says),
		cmocka_unit_test(every_record_is_described),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
