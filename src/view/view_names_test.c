/* SPDX-License-Identifier: MIT */
/* The test finds its own functions: it is the process of the trace. */
#include "util/test.h"

#include "elf/elf_file.h"
#include "event/script.h"
#include "util/text.h"
#include "view/view_names.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

extern const char __executable_start, etext;

__attribute__((noinline)) static int here(int x)
{
	return x * 3 + (int)getpid();
}

static struct story *own_story(const char *build_id, const char *more)
{
	const struct analysis *const wanted[] = {&analysis_names, NULL};
	char path[4096] = "";
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		fail_msg("/proc/self/exe is not readable");
	struct text script = {0};
	text_print(&script,
		   "5us cairn_process_map pid=7 start=%#" PRIxPTR " end=%#" PRIxPTR
		   " offset=0 path='%s' build_id='%s'\n%s",
		   (uintptr_t)&__executable_start, (uintptr_t)&etext, path, build_id, more);
	struct source *source;
	struct story *story;
	struct err e = {0};
	if (script_open(&source, script.data, &e) || analysis_run(source, wanted, &story, &e))
		fail_msg("%s", e.text);
	source_close(source);
	text_deinit(&script);
	return story;
}

static void own_build_id(char text[static ELF_BUILD_ID_TEXT_BYTES])
{
	struct elf_file *f;
	assert_int_equal(elf_file_open("/proc/self/exe", &f, NULL), 0);
	strcpy(text, elf_file_build_id(f));
	elf_file_close(f);
}

static void names_user_and_kernel(void **state)
{
	(void)state;
	char build_id[ELF_BUILD_ID_TEXT_BYTES];
	own_build_id(build_id);
	struct story *story = own_story(
		build_id, "6us sched_process_fork parent_pid=7 child_pid=8 child_tid=8\n"
			  "7us cairn_kernel_symbol addr=0xffffffff81000000 name=tick offset=0\n");
	struct view_names names = view_names_of(story);
	struct view_place place[4];
	uintptr_t ip = (uintptr_t)here;
	for (int32_t pid = 7; pid <= 8; pid++) {
		assert_true(names.user(names.context, pid, 9000, ip, false, place, 4) >= 1);
		assert_string_equal(place[0].function, "here");
		assert_string_equal(place[0].file, "src/view/view_names_test.c");
		assert_in_range(place[0].line, 15, 25);
	}
	assert_string_equal(names.kernel(names.context, 0xffffffff81000000), "tick");
	assert_null(names.kernel(names.context, 0xffffffff81000001));
	assert_int_equal(names.user(names.context, 9, 9000, ip, false, place, 4), 1);
	assert_null(place[0].function);
	story_destroy(story);
}

static void another_file_gives_no_lines(void **state)
{
	(void)state;
	struct story *story = own_story("00ff", "");
	struct view_names names = view_names_of(story);
	struct view_place place;
	names.user(names.context, 7, 9000, (uintptr_t)here, false, &place, 1);
	assert_null(place.function);
	assert_string_equal(place.module, "view_names_test");
	story_destroy(story);
	assert_int_equal(here(1) > 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_user_and_kernel),
		cmocka_unit_test(another_file_gives_no_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
