/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "kernel/stack_builder.h"
#include "util/now.h"

#include <string.h>
#include <unistd.h>

enum { LONG_NS = 30000000 };

static uint32_t order[64];
static unsigned made;

/* The name says what to do: a number to note, after much work or not. */
static int build(void *context, struct unwind_image *ret, int fd, const char *name, struct err *e)
{
	uint64_t start = now_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	(void)context;
	(void)ret;
	(void)fd;
	while (*name == '!' && now_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start < LONG_NS)
		;
	order[made++] = (uint32_t)atoi(name + 1);
	return err_set(e, ENODATA, "%s: nothing", name);
}

static const struct stack_source source = {.build = build};

static struct stack_builder *open_builder(void)
{
	struct stack_builder *b;

	made = 0;
	assert_int_equal(stack_builder_open(&b, &source, NULL), 0);
	return b;
}

static void add(struct stack_builder *b, const char *name, uint64_t entries, bool urgent)
{
	assert_int_equal(
		stack_builder_add(b, (uint32_t)atoi(name + 1), STDIN_FILENO, name, entries, urgent),
		0);
}

static unsigned take_all(struct stack_builder *b)
{
	struct stack_built built;
	unsigned count = 0;

	for (; stack_builder_take(b, &built); count++) {
		assert_int_equal(built.status, -ENODATA);
		free(built.name);
	}
	return count;
}

/* While the first is at work the others line up. */
static void urgent_ones_first_then_small_ones(void **state)
{
	static const uint32_t expected[] = {1, 5, 3, 2, 4};
	struct stack_builder *b = open_builder();

	(void)state;
	add(b, "!1", 10, true);
	usleep(1000);
	add(b, " 2", 500, false);
	add(b, " 3", 100, false);
	add(b, " 4", 900, false);
	add(b, " 5", 5000, false);
	stack_builder_urge(b, 5);
	stack_builder_wait(b, true, 10000);
	assert_int_equal(made, 5);
	assert_memory_equal(order, expected, sizeof(expected));
	assert_int_equal(take_all(b), 5);
	assert_true(stack_builder_spent_ns(b) >= LONG_NS);
	stack_builder_close(b);
}

/* Ten long ones of strangers would take 300 ms; a twentieth of the time begins two at most. */
static void strangers_wait_for_their_share(void **state)
{
	struct stack_builder *b = open_builder();
	char name[8];

	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "!%d", i);
		add(b, name, 10000, false);
	}
	uint64_t start = now_monotonic_ns();
	while (now_monotonic_ns() - start < 500000000) {
		stack_builder_step(b);
		usleep(10000);
	}
	assert_true(take_all(b) <= 2);
	/* Nobody waits for them. */
	start = now_monotonic_ns();
	stack_builder_wait(b, false, 10000);
	assert_true(now_monotonic_ns() - start < 5000000000);
	stack_builder_close(b);
	assert_true(made < 10);
}

/* It is not asked again, and who closes waits for the job at work only. */
static void closing_leaves_the_rest_undone(void **state)
{
	struct stack_builder *b = open_builder();
	char name[8];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "!%d", i);
		add(b, name, 10, true);
	}
	stack_builder_close(b);
	assert_true(made < 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urgent_ones_first_then_small_ones),
		cmocka_unit_test(strangers_wait_for_their_share),
		cmocka_unit_test(closing_leaves_the_rest_undone),
	};
	return cmocka_run_group_tests_name("stack_builder", tests, NULL, NULL);
}
