/* SPDX-License-Identifier: MIT */
#include "kernel/stack_files.h"
#include "util/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool parse(const char *text, struct stack_map *ret)
{
	static char line[256];

	snprintf(line, sizeof(line), "%s", text);
	return stack_maps_parse(line, ret);
}

static void test_a_file(void **state)
{
	struct stack_map map;

	(void)state;
	assert_true(parse("7f01c0de2000-7f01c0f00000 r-xp 00026000 fe:00 1234      /usr/lib/a b.so",
			  &map));
	assert_int_equal(map.start, 0x7f01c0de2000);
	assert_int_equal(map.end, 0x7f01c0f00000);
	assert_int_equal(map.offset, 0x26000);
	assert_string_equal(map.path, "/usr/lib/a b.so");
}

static void test_anonymous_memory(void **state)
{
	struct stack_map map;

	(void)state;
	assert_true(parse("7f0000000000-7f0000001000 rwxp 00000000 00:00 0 ", &map));
	assert_string_equal(map.path, "");
}

static void test_what_is_left_out(void **state)
{
	static const char *const lines[] = {
		"7f01c0de2000-7f01c0f00000 r--p 00026000 fe:00 1234      /usr/lib/a.so",
		"7f01c0f00000-7f01c0de2000 r-xp 00026000 fe:00 1234      /usr/lib/a.so",
		"7f01c0de2000-7f01c0f00000 r-xp",
		"no map",
		"",
	};
	struct stack_map map;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(parse(lines[i], &map));
}

static int count_self(void *context, const struct stack_map *map)
{
	unsigned *found = context;
	uint64_t here = (uint64_t)(uintptr_t)count_self;

	*found += map->start <= here && here < map->end;
	return 0;
}

static void test_this_process(void **state)
{
	unsigned found = 0;

	(void)state;
	assert_int_equal(stack_maps_read(getpid(), count_self, &found), 0);
	assert_int_equal(found, 1);
	assert_true(stack_maps_exec_pages(getpid()) > 0);
	assert_int_equal(stack_maps_read(0x7ffffff0, count_self, &found), -ESRCH);
	assert_int_equal(stack_maps_exec_pages(0x7ffffff0), 0);
}

static unsigned asked;
static size_t words;

/* A table of as many words as the test wants, all of it unknown code. */
static int build(void *context, struct unwind_image *ret, int fd, const char *name, struct err *e)
{
	(void)context;
	(void)fd;
	asked++;
	if (words == 0)
		return err_set(e, ENODATA, "%s: has no .eh_frame", name);
	uint32_t *image = calloc(words, sizeof(*image));
	*(struct unwind_table *)image = (struct unwind_table){.magic = UNWIND_MAGIC,
							      .version = UNWIND_VERSION,
							      .page_shift = 16,
							      .words = (uint32_t)words};
	*ret = (struct unwind_image){image, words};
	return 0;
}

static const struct stack_source source = {.build = build};

static int add(void *context, const struct stack_map *map)
{
	if (strchr(map->path, '/'))
		stack_files_mapping(context, getpid(), map, true);
	return 0;
}

static void read_twice(struct stack_files *f, uint32_t blocks)
{
	int space = memfd_create("space", MFD_CLOEXEC);

	assert_int_equal(ftruncate(space, (off_t)blocks * UNWIND_BLOCK_WORDS * 4), 0);
	assert_int_equal(stack_files_open(f, space, blocks, &source, NULL), 0);
	close(space);
	asked = 0;
	assert_int_equal(stack_maps_read(getpid(), add, f), 0);
	stack_builder_wait(f->builder, false, 10000);
	stack_files_collect(f);
	unsigned first = asked;
	assert_true(first > 2);
	assert_int_equal(stack_maps_read(getpid(), add, f), 0);
	assert_int_equal(asked, first);
}

static void test_each_file_is_asked_once(void **state)
{
	struct stack_files f;

	(void)state;
	words = 100;
	read_twice(&f, 64);
	assert_int_equal(f.built, asked);
	assert_int_equal(f.used, 1 + asked);
	stack_files_close(&f);
	words = 0;
	read_twice(&f, 64);
	assert_int_equal(f.without, asked);
	assert_int_equal(f.used, 1);
	stack_files_close(&f);
}

static void test_what_does_not_fit_is_refused_with_the_reason(void **state)
{
	struct stack_files f;

	(void)state;
	words = 2 * UNWIND_BLOCK_WORDS;
	read_twice(&f, 4);
	assert_int_equal(f.built, 1);
	assert_int_equal(f.refused, asked - 1);
	assert_non_null(strstr(f.refusal.text, ": no room for its unwind table of 8 kB"));
	stack_files_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file),
		cmocka_unit_test(test_anonymous_memory),
		cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_this_process),
		cmocka_unit_test(test_each_file_is_asked_once),
		cmocka_unit_test(test_what_does_not_fit_is_refused_with_the_reason),
	};
	return cmocka_run_group_tests_name("stack_maps", tests, NULL, NULL);
}
