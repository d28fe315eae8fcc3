/* SPDX-License-Identifier: MIT */
#include "analysis/story_test.h"

#include "analysis/threads.h"
#include "view/table.h"
#include "view/unit.h"
#include "view/waits_view.h"

#include <string.h>

static void numbers_have_units(void **state)
{
	(void)state;
	static const struct {
		uint64_t ns;
		const char *text;
	} times[] = {{0, "0"},
		     {999, "999 ns"},
		     {1000, "1.0 µs"},
		     {1234, "1.2 µs"},
		     {9949, "9.9 µs"},
		     {9950, "10 µs"},
		     {999499, "999 µs"},
		     {999500, "1.0 ms"},
		     {412000000, "412 ms"},
		     {999500000, "1.00 s"},
		     {99994000000, "99.99 s"},
		     {123456000000, "123 s"}};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_string_equal(unit_ns(times[i].ns).text, times[i].text);
	assert_string_equal(unit_count(0).text, "0");
	assert_string_equal(unit_count(999).text, "999");
	assert_string_equal(unit_count(1234567).text, "1,234,567");
	assert_string_equal(unit_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_string_equal(unit_bytes(1023).text, "1023 B");
	assert_string_equal(unit_bytes(131072).text, "128 kB");
	assert_string_equal(unit_bytes(UINT64_MAX).text, "16 EB");
	assert_string_equal(unit_share(1, 10000).text, "<0.1 %");
	assert_string_equal(unit_share(9999, 10000).text, "99 %");
	assert_string_equal(unit_share(5, 5).text, "100 %");
	assert_string_equal(unit_share(0, 0).text, "");
}

static void tables_align_and_fit(void **state)
{
	(void)state;
	static const struct table_column columns[] = {
		{"NAME", false, 4}, {"TIME", true, 0}, {"NEVER", true, 0}, {"WHAT", false, 3}};
	struct table t;
	struct text out = {0};
	table_init(&t, columns, 4);
	static const char *const cells[] = {"a", "1.2 µs", "", "x", "longer name", "7 s", "", ""};
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		table_cell(&t, "%s", cells[i]);
	table_print(&t, &out, 80, false);
	assert_string_equal(out.data, "NAME           TIME  WHAT\n"
				      "a            1.2 µs  x\n"
				      "longer name     7 s\n");
	text_clear(&out);
	table_print(&t, &out, 20, false);
	assert_string_equal(out.data, "NAME      TIME  WHAT\n"
				      "a       1.2 µs  x\n"
				      "longe…     7 s\n");
	text_clear(&out);
	line_print(&out, 12, "  at µµµµµ and so on, µµµµµµµµµµµµµµµ");
	assert_string_equal(out.data, "  at µµµµµ\n"
				      "    and so\n"
				      "    on,\n"
				      "    µµµµµµµµ\n"
				      "    µµµµµµµ\n");
	text_deinit(&out);
	table_deinit(&t);
}

/* A program of three functions, and a C library below it. */
static size_t fake_user(void *context, int32_t pid, uint64_t time_ns, uint64_t ip, bool is_return,
			struct view_place *ret, size_t max)
{
	static const struct {
		uint64_t ip;
		struct view_place place;
	} places[] = {
		{0x7f0000000010, {"__lll_lock_wait", NULL, 0, "libc.so.6", 0x10}},
		{0x7f0000000020, {"pthread_mutex_lock", NULL, 0, "libc.so.6", 0x20}},
		{0x7f0000000030, {"pthread_mutex_unlock", NULL, 0, "libc.so.6", 0x30}},
		{0x7f0000000040, {"fsync", NULL, 0, "libc.so.6", 0x40}},
		{0x7f0000000050, {"clock_nanosleep", NULL, 0, "libc.so.6", 0x50}},
		{0x401010, {"reserve_stock", "src/checkout.c", 61, "shop", 0x1010}},
		{0x401020, {"serve", "src/shop.c", 12, "shop", 0x1020}},
		{0x401030, {"commit", "src/checkout.c", 88, "shop", 0x1030}},
		{0x401040, {"serve", "src/shop.c", 14, "shop", 0x1040}},
		{0x401050, {"journal_sync", "src/journal.c", 40, "shop", 0x1050}},
	};
	(void)context;
	(void)time_ns;
	assert_true(pid == 50 || pid == 52);
	assert_true(max > 0);
	assert_int_equal(is_return, ip != 0x7f0000000010 && ip != 0x7f0000000030 &&
					    ip != 0x7f0000000040 && ip != 0x7f0000000050);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].ip == ip) {
			*ret = places[i].place;
			return 1;
		}
	}
	*ret = (struct view_place){.module = "shop", .offset = ip - 0x400000};
	return 1;
}

static const char *fake_kernel(void *context, uint64_t address)
{
	(void)context;
	return address == 0xffffffff81000100 ? "hrtimer_wakeup" : NULL;
}

static const struct view_options options = {
	.path = "shop.cairn",
	.recorder = "bpf",
	.width = 80,
	.names = {.user = fake_user, .kernel = fake_kernel},
};

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct text t = {0};
	char chunk[4096];
	size_t got;
	if (!in)
		return strdup("");
	while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0)
		text_append(&t, chunk, got);
	fclose(in);
	return t.data ? t.data : strdup("");
}

/* The page as it should be; CAIRN_GOLDEN=write keeps what it is. */
static void expect_golden(const char *got, const char *path)
{
	const char *mode = getenv("CAIRN_GOLDEN");
	if (mode && !strcmp(mode, "write")) {
		FILE *to = fopen(path, "wb");
		assert_non_null(to);
		assert_true(fputs(got, to) >= 0);
		fclose(to);
	}
	char *wanted = read_file(path);
	if (strcmp(got, wanted))
		print_message("%s is not what was printed:\n%s", path, got);
	assert_string_equal(got, wanted);
	free(wanted);
}

static void print_golden(const struct view *view, const char *path)
{
	char *script = read_file("tests/golden/report.events");
	struct story *story = story_of(script);
	struct text out = {0};
	view->print(story, &options, &out);
	assert_false(out.failed);
	expect_golden(out.data, path);
	text_deinit(&out);
	story_destroy(story);
	free(script);
}

static void report_is_as_it_should_be(void **state)
{
	(void)state;
	print_golden(&view_text, "tests/golden/report.txt");
}

static void json_report_is_as_it_should_be(void **state)
{
	(void)state;
	print_golden(&view_json, "tests/golden/report.json");
}

static void print_waits(const struct waits_view *view, int32_t tid, enum waits_by by,
			const char *path)
{
	char *script = read_file("tests/golden/report.events");
	struct story *story = story_of(script);
	const struct threads *threads = story_state(story, &analysis_threads);
	const struct waits_question question = {
		.thread = threads_find(threads, tid), .to_ns = UINT64_MAX, .by = by};
	struct text out = {0};
	view->print(story, &options, &question, &out);
	assert_false(out.failed);
	expect_golden(out.data, path);
	text_deinit(&out);
	story_destroy(story);
	free(script);
}

static void waits_are_as_they_should_be(void **state)
{
	(void)state;
	print_waits(&waits_text, 52, WAITS_BY_BLAME, "tests/golden/waits_thread.txt");
	print_waits(&waits_text, 0, WAITS_BY_BLAME, "tests/golden/waits.txt");
	print_waits(&waits_json, 52, WAITS_BY_BLAME, "tests/golden/waits_thread.json");
	print_waits(&waits_json, 0, WAITS_BY_BLAME, "tests/golden/waits.json");
	print_waits(&waits_text, 0, WAITS_BY_PEER, "tests/golden/waits_peer.txt");
	print_waits(&waits_text, 0, WAITS_BY_LOCK, "tests/golden/waits_lock.txt");
	print_waits(&waits_text, 0, WAITS_BY_FILE, "tests/golden/waits_file.txt");
	print_waits(&waits_json, 0, WAITS_BY_SYSCALL, "tests/golden/waits_syscall.json");
	print_waits(&waits_folded, 52, WAITS_BY_BLAME, "tests/golden/waits_thread.folded");
}

/* A server's event loop was idle until a client came; it waited for one of its own kind. */
static void event_loops_without_work_are_idle(void **state)
{
	(void)state;
	struct story *story = story_of(
		"0us lttng_statedump_process_state tid=50 pid=50 ppid=1 name=server type=0\n"
		"0us lttng_statedump_process_state tid=51 pid=51 ppid=1 name=client type=0\n"
		"0us lttng_statedump_process_state tid=52 pid=52 ppid=1 name=server type=0\n"
		"0us cairn_site site=1 pid=50 syscall=232 ips=[0x7f0000000040 0x401010]\n"
		"0us cairn_site site=2 pid=50 syscall=232 ips=[0x7f0000000040 0x401030]\n"
		"0us cpu0 sched_switch prev_tid=0 next_tid=50 prev_state=0\n"
		"1us cpu0 sched_switch prev_tid=50 next_tid=0 prev_state=1 prev_site=1\n"
		"900us cpu1 tid51 sched_waking tid=50\n"
		"901us cpu0 sched_switch prev_tid=0 next_tid=50 prev_state=0\n"
		"902us cpu0 sched_switch prev_tid=50 next_tid=0 prev_state=1 prev_site=2\n"
		"950us cpu1 tid52 sched_waking tid=50\n"
		"951us cpu0 sched_switch prev_tid=0 next_tid=50 prev_state=0\n");
	struct text out = {0};
	view_text.print(story, &options, &out);
	const char *waits = strstr(out.data, "LONGEST WAITS");
	assert_non_null(waits);
	const char *own = strstr(waits, "server: epoll_wait");
	const char *idle = strstr(waits, "server: idle in epoll_wait");
	assert_true(own && idle && own < idle);
	text_deinit(&out);
	story_destroy(story);
}

/* Forked processes share their addresses: two that wait at one place are one line. */
static void forked_processes_wait_alike(void **state)
{
	(void)state;
	struct story *story = story_of(
		"0us lttng_statedump_process_state tid=50 pid=50 ppid=1 name=server type=0\n"
		"0us lttng_statedump_process_state tid=52 pid=52 ppid=1 name=server type=0\n"
		"0us cairn_site site=2 pid=50 syscall=75 ips=[0x7f0000000040 0x401050]\n"
		"0us cairn_site site=3 pid=52 syscall=75 ips=[0x7f0000000040 0x401050]\n"
		"0us cpu0 sched_switch prev_tid=0 next_tid=50 prev_state=0\n"
		"0us cpu1 sched_switch prev_tid=0 next_tid=52 prev_state=0\n"
		"1us cpu0 sched_switch prev_tid=50 next_tid=0 prev_state=1 prev_site=2\n"
		"50us cpu1 tid52 sched_waking tid=50\n"
		"51us cpu0 sched_switch prev_tid=0 next_tid=50 prev_state=0\n"
		"52us cpu1 sched_switch prev_tid=52 next_tid=0 prev_state=1 prev_site=3\n"
		"90us cpu0 tid50 sched_waking tid=52\n"
		"91us cpu1 sched_switch prev_tid=0 next_tid=52 prev_state=0\n");
	struct text out = {0};
	view_text.print(story, &options, &out);
	assert_non_null(strstr(out.data, "2 waits like it in 2 threads, 87 µs in all"));
	text_deinit(&out);
	story_destroy(story);
}

/* Traces that have almost nothing still give a page. */
static void odd_traces_give_a_page(void **state)
{
	(void)state;
	static const char *const scripts[] = {
		"",
		"5us cpu3 lost_events count=7 begin=1\n",
		"1us cairn_target pid=9\n",
		"1us other:event a=1\n",
		"1us cpu0 sched_switch prev_tid=1 next_tid=2 prev_state=1 prev_site=77\n"
		"1us cpu0 sched_switch prev_tid=2 next_tid=1 prev_state=1 prev_site=77\n",
		"1us cpu0 tid5 sched_waking tid=6\n9us cpu0 sched_wakeup tid=6\n",
		"1us block_rq_complete\n2us irq_handler_exit\n3us sched_switch\n4us cairn_site\n",
	};
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct story *story = story_of(scripts[i]);
		for (const struct view *const *view = view_all; *view; view++) {
			struct text out = {0};
			struct view_options bare = {.path = "x", .width = VIEW_WIDTH_MIN};
			(*view)->print(story, &bare, &out);
			assert_false(out.failed);
			assert_true(out.bytes > 0);
			text_deinit(&out);
		}
		story_destroy(story);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_units),
		cmocka_unit_test(tables_align_and_fit),
		cmocka_unit_test(report_is_as_it_should_be),
		cmocka_unit_test(json_report_is_as_it_should_be),
		cmocka_unit_test(waits_are_as_they_should_be),
		cmocka_unit_test(event_loops_without_work_are_idle),
		cmocka_unit_test(forked_processes_wait_alike),
		cmocka_unit_test(odd_traces_give_a_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
