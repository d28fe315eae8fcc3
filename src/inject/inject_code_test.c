/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "inject/inject_code.h"
#include "lineinfo/unwind_pads.h"
#include "patch/patch_code.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct inject_code *open_file(const char *path)
{
	struct inject_code *c;
	struct err e;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (inject_code_open(fd, path, &c, &e))
		fail_msg("%s", e.text);
	close(fd);
	return c;
}

static void this_program_s_functions_take_jumps(void **state)
{
	(void)state;
	struct inject_code *c = open_file("/proc/self/exe");
	struct cfi_entry f;
	size_t entries = 0, jumps = 0;
	assert_non_null(c);
	for (size_t at = 0; cfi_next(&c->cfi, &at, &f);) {
		struct patch_plan plan;
		if (!inject_code_is_called(c, &f))
			continue;
		patch_plan_site(c->code, patch_code_entry(c->code, f.start), &plan);
		entries++;
		jumps += plan.way == PATCH_JUMP;
	}
	assert_true(entries > 5 && jumps * 100 >= entries * 90);
	inject_code_close(c);
}

/* Every landing pad that a large library of C++ has starts an instruction, and is known. */
static void landing_pads_are_read(void **state)
{
	(void)state;
	struct inject_code *c = open_file("/usr/lib/x86_64-linux-gnu/libstdc++.so.6");
	if (!c) {
		print_message("there is no libstdc++ here\n");
		skip();
	}
	assert_true(c->image.target_count > 1000);
	for (size_t i = 0; i < c->image.target_count; i++) {
		assert_true(patch_code_has(c->code, c->image.targets[i]));
		uint8_t marks = *patch_code_mark(c->code, c->image.targets[i]);
		assert_true(!(marks & PATCH_IS_KNOWN) || marks & PATCH_IS_BOUNDARY);
		assert_true(marks & PATCH_IS_TARGET);
	}
	inject_code_close(c);
}

/* libcairn's writers have some; they are found through relocations. */
static void restartable_sequences_are_found(void **state)
{
	(void)state;
	char path[256];
	const char *build = getenv("BUILD");
	snprintf(path, sizeof(path), "%s/libcairn.so", build ? build : "build");
	struct inject_code *c = open_file(path);
	struct patch_plan plan;
	assert_non_null(c);
	assert_int_equal(c->image.sequence_count, 8);
	for (size_t i = 0; i < c->image.sequence_count; i++) {
		const struct patch_range *sequence = &c->image.sequences[i];
		assert_true(sequence->end - sequence->start < 1000);
		patch_plan_site(c->code, sequence->start, &plan);
		assert_int_equal(plan.way, PATCH_NOWHERE);
		assert_int_equal(plan.reason, PATCH_IN_SEQUENCE);
	}
	inject_code_close(c);
}

static void a_table_of_exceptions_gives_its_pads(void **state)
{
	(void)state;
	/* from the function, no types, numbers of variable length, two calls of which one lands */
	static const uint8_t table[] = {0xff, 0xff, 0x01, 8, 0, 5, 0, 0, 5, 3, 0x90, 1};
	static const uint8_t cut[] = {0xff, 0xff, 0x01, 9, 0, 5, 0, 0, 5, 3, 0x90, 1};
	struct cfi_entry entry = {.start = 0x1000, .end = 0x1200, .pads = 0x3000};
	struct cfi_pads pads;
	uint64_t pad = 0;
	assert_true(cfi_pads_open(&pads, &entry, table, sizeof(table)));
	assert_int_equal(cfi_pads_next(&pads, &pad), -EINVAL);
	assert_false(cfi_pads_open(&pads, &entry, cut, sizeof(cut)));
	static const uint8_t whole[] = {0xff, 0xff, 0x01, 9, 0, 5, 0, 0, 5, 3, 0x90, 1, 0};
	assert_true(cfi_pads_open(&pads, &entry, whole, sizeof(whole)));
	assert_int_equal(cfi_pads_next(&pads, &pad), 1);
	assert_true(pad == 0x1090);
	assert_int_equal(cfi_pads_next(&pads, &pad), 0);
}

static void what_is_no_program_is_said(void **state)
{
	(void)state;
	struct inject_code *c;
	struct err e;
	int fd = open("Makefile", O_RDONLY | O_CLOEXEC);
	assert_int_equal(inject_code_open(fd, "Makefile", &c, &e), -ENOEXEC);
	assert_string_equal(e.text, "Makefile is not a program or library of x86-64");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_program_s_functions_take_jumps),
		cmocka_unit_test(landing_pads_are_read),
		cmocka_unit_test(restartable_sequences_are_found),
		cmocka_unit_test(a_table_of_exceptions_gives_its_pads),
		cmocka_unit_test(what_is_no_program_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
