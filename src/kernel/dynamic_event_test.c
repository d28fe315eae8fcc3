/* SPDX-License-Identifier: MIT */
/* Events made through tracefs: of this program's own code. Needs root, skips without. */
#include "util/test.h"

#include "kernel/clean.h"
#include "kernel/dynamic_event.h"
#include "kernel/format.h"
#include "kernel/tracefs.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[300];

static struct dynamic_event event_of(const char *fetch)
{
	return (struct dynamic_event){
		.wish = "some::place", .place = program, .fetch = fetch, .called = "uprobe:it"};
}

static void make_or_skip(struct dynamic_events *d, const char *fetch, char *name)
{
	struct err e;
	struct dynamic_event event = event_of(fetch);
	int status = dynamic_event_make(d, &event, name, &e);
	if (status == -EPERM || status == -EACCES || status == -ENOENT) {
		print_message("%s\n", e.text);
		skip();
	}
	if (status < 0)
		fail_msg("%s", e.text);
}

static bool exists(const struct dynamic_events *d, const char *name)
{
	char path[400];
	snprintf(path, sizeof(path), "%s/events/%s/%s", d->tracefs, d->group, name);
	return access(path, F_OK) == 0;
}

static void an_event_has_the_fields_asked_for(void **state)
{
	(void)state;
	struct dynamic_events d = {0};
	struct format f;
	char first[DYNAMIC_EVENT_NAME_BYTES], second[DYNAMIC_EVENT_NAME_BYTES];
	make_or_skip(&d, "fd=%di:s32 path=+0(%si):string", first);
	make_or_skip(&d, "", second);
	assert_string_equal(first, "some__place");
	assert_string_equal(second, "some__place_2");
	assert_int_equal(format_read(&f, d.tracefs, d.group, first, NULL), 0);
	assert_int_equal(format_find(&f, "fd")->size, 4);
	assert_int_equal(format_find(&f, "path")->kind, FORMAT_DYNAMIC_TEXT);
	format_deinit(&f);
	struct dynamic_events before = d;
	dynamic_events_remove(&d);
	assert_false(exists(&before, first));
	assert_false(exists(&before, second));
}

static void a_refusal_says_the_kernels_reason(void **state)
{
	(void)state;
	struct dynamic_events d = {0};
	char name[DYNAMIC_EVENT_NAME_BYTES];
	struct err e;
	make_or_skip(&d, "", name);
	struct dynamic_event event = event_of("x=%nonsense");
	assert_int_equal(dynamic_event_make(&d, &event, name, &e), -EINVAL);
	assert_string_equal(e.text, "the kernel refuses uprobe:it: Invalid register name");
	dynamic_events_remove(&d);
}

static void a_complaint_is_that_about_our_command(void **state)
{
	(void)state;
	char log[] = "[  1.0] trace_uprobe: error: Invalid register name\n"
		     "  Command: p:cairn_1_0/x /bin/true:0x10 a=%zz\n"
		     "                                          ^\n"
		     "[  2.0] trace_kprobe: error: Invalid probed address or symbol\n"
		     "  Command: p:other/x nothing\n"
		     "                     ^\n";
	char copy[sizeof(log)];
	memcpy(copy, log, sizeof(log));
	assert_string_equal(dynamic_event_complaint(copy, "p:cairn_1_0/x /bin/true:0x10 a=%zz"),
			    "Invalid register name");
	memcpy(copy, log, sizeof(log));
	assert_null(dynamic_event_complaint(copy, "p:cairn_1_0/x"));
}

static void a_dead_makers_events_are_cleaned_and_a_living_ones_left(void **state)
{
	(void)state;
	struct dynamic_events d = {0}, dead;
	char name[DYNAMIC_EVENT_NAME_BYTES];
	int ready[2];
	make_or_skip(&d, "", name);
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct dynamic_events own = {0};
		struct dynamic_event event = event_of("");
		close(d.lock_fd);
		if (dynamic_event_make(&own, &event, name, NULL) == 0)
			(void)!write(ready[1], &own, sizeof(own));
		pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &dead, sizeof(dead)), sizeof(dead));
	clean_dynamic_events();
	assert_true(exists(&dead, name));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(exists(&dead, name));
	assert_true(clean_dynamic_events() >= 1);
	assert_false(exists(&dead, name));
	assert_true(exists(&d, name));
	dynamic_events_remove(&d);
	close(ready[0]);
}

static void a_kernel_without_kprobes_says_so(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(dynamic_event_kernel_allows("/nowhere", &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.text, "built without kprobes"));
}

int main(void)
{
	char path[256];
	ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[bytes > 0 ? bytes : 0] = 0;
	snprintf(program, sizeof(program), "%s:0x2000", path);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_has_the_fields_asked_for),
		cmocka_unit_test(a_refusal_says_the_kernels_reason),
		cmocka_unit_test(a_complaint_is_that_about_our_command),
		cmocka_unit_test(a_dead_makers_events_are_cleaned_and_a_living_ones_left),
		cmocka_unit_test(a_kernel_without_kprobes_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
