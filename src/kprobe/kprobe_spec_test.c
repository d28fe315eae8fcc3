/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "kprobe/kprobe_spec.h"

#include <string.h>

static struct kprobe_spec parsed(const char *text)
{
	struct kprobe_spec s;
	struct err e;
	if (kprobe_spec_parse(&s, text, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void a_function_alone_is_a_probe(void **state)
{
	(void)state;
	struct kprobe_spec s = parsed("kprobe:vfs_read");
	assert_string_equal(s.called, "kprobe:vfs_read");
	assert_string_equal(s.function, "vfs_read");
	assert_null(s.condition);
	assert_int_equal(s.value_count, 0);
	assert_false(s.is_user || s.is_return || s.is_trampoline);
	kprobe_spec_deinit(&s);
}

static void condition_and_values_are_told_apart(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"kprobe:do_it if name == \"a: if b\" && n > 1 : file->f_inode->i_ino, n=f(a, b)",
		"kprobe:do_it: file->f_inode->i_ino, n = f(a, b) if name == \"a: if b\" && n > 1",
	};
	for (size_t i = 0; i < 2; i++) {
		struct kprobe_spec s = parsed(texts[i]);
		assert_string_equal(s.condition, "name == \"a: if b\" && n > 1");
		assert_int_equal(s.value_count, 2);
		assert_null(s.values[0].name);
		assert_string_equal(s.values[0].text, "file->f_inode->i_ino");
		assert_string_equal(s.values[1].name, "n");
		assert_string_equal(s.values[1].text, "f(a, b)");
		kprobe_spec_deinit(&s);
	}
}

static void programs_have_a_file_and_an_offset(void **state)
{
	(void)state;
	struct kprobe_spec s = parsed("uprobe:/opt/a:b/c:work+0x10");
	assert_true(s.is_user);
	assert_string_equal(s.file, "/opt/a:b/c");
	assert_string_equal(s.function, "work");
	assert_int_equal(s.offset, 16);
	kprobe_spec_deinit(&s);
	s = parsed("fexit:x");
	assert_true(s.is_return && s.is_trampoline);
	kprobe_spec_deinit(&s);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {
		{"kprobe:", "which function?"},
		{"uprobe:main", "which file?"},
		{"uprobe::main", "which file?"},
		{"kprobe:vfs_*", "cairn list"},
		{"kprobe:a+b", "no number"},
		{"kprobe:a+1 2", "not understood"},
		{"kretprobe:a+4", "whole function"},
		{"kprobe:a: b,", "a value is missing"},
		{"kprobe:a:", "a value is missing"},
		{"kprobe:a if  ", "condition is missing"},
		{"kprobe:a if x > 1: x if x > 2", "two conditions"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct kprobe_spec s;
		struct err e;
		assert_int_equal(kprobe_spec_parse(&s, wrong[i][0], &e), -EINVAL);
		if (!strstr(e.text, wrong[i][1]))
			fail_msg("'%s': %s", wrong[i][0], e.text);
	}
	assert_false(kprobe_spec_is("kprobes:x"));
	assert_true(kprobe_spec_is("uretprobe:/bin/a:x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_alone_is_a_probe),
		cmocka_unit_test(condition_and_values_are_told_apart),
		cmocka_unit_test(programs_have_a_file_and_an_offset),
		cmocka_unit_test(what_is_wrong_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
