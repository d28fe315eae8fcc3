/* SPDX-License-Identifier: MIT */
#include "session/state.h"
#include "util/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct state *state;

static int set_up(void **unused)
{
	(void)unused;
	return state_create(&state, NULL);
}

static int tear_down(void **unused)
{
	(void)unused;
	state_destroy(state);
	return 0;
}

static void fork_news(pid_t parent, pid_t child, uint64_t time_ns)
{
	struct recorder_fork fork = {parent, parent, child, child, "born"};
	state_news(state, RECORDER_FORK, time_ns, &fork);
}

static void exit_news(pid_t pid, uint64_t time_ns)
{
	struct recorder_exit gone = {.tid = pid, .pid = pid, .comm = "born"};
	state_news(state, RECORDER_EXIT, time_ns, &gone);
}

static void this_process_is_read(void **unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "state-test");
	int file = open("/dev/null", O_RDONLY);
	assert_int_equal(state_add_target(state, getpid(), 1000, NULL), 0);
	struct state_process *p = state_process(state, getpid());
	assert_true(p->is_target);
	assert_int_equal(p->parent, getppid());
	assert_string_equal(state_thread(p, getpid())->name, "state-test");
	assert_non_null(strstr(p->args, "state_test"));
	bool program = false, opened = false;
	array_each(map, &p->maps) {
		uint64_t here = (uint64_t)(uintptr_t)this_process_is_read;
		if (map->start <= here && here < map->end) {
			program = true;
			assert_non_null(strstr(map->path, "state_test"));
			assert_true(strlen(map->build_id) >= 16);
		}
	}
	array_each(fd, &p->fds)
		opened |= fd->fd == file && !strcmp(fd->path, "/dev/null");
	assert_true(program);
	assert_true(opened);
	close(file);
}

static void children_of_targets_are_targets(void **unused)
{
	(void)unused;
	state_process(state, 4000000)->is_target = true;
	fork_news(4000000, 4000001, 5000);
	fork_news(4000001, 4000002, 6000);
	fork_news(4000009, 4000003, 6000);
	assert_true(state_process(state, 4000002)->is_target);
	assert_false(state_process(state, 4000003)->is_target);
	assert_string_equal(state_thread(state_process(state, 4000002), 4000002)->name, "born");
}

static void an_exec_begins_anew(void **unused)
{
	(void)unused;
	struct recorder_exec exec = {4000001, 4000001, "sh", "/bin/sh"};
	fork_news(4000000, 4000001, 5000);
	array_push(&state_process(state, 4000001)->maps, (struct state_map){.start = 1});
	state_news(state, RECORDER_EXEC, 7000, &exec);
	struct state_process *p = state_process(state, 4000001);
	assert_int_equal(p->maps.count, 0);
	assert_string_equal(p->args, "/bin/sh");
	assert_string_equal(state_thread(p, 4000001)->name, "sh");
	struct recorder_rename rename = {4000001, "shell"};
	state_news(state, RECORDER_RENAME, 8000, &rename);
	assert_string_equal(state_thread(p, 4000001)->name, "shell");
}

static void a_pid_that_comes_again_is_somebody_else(void **unused)
{
	(void)unused;
	state_process(state, 4000000)->is_target = true;
	fork_news(4000000, 4000001, 5000);
	exit_news(4000001, 6000);
	fork_news(1, 4000001, 7000);
	assert_false(state_process(state, 4000001)->is_target);
	assert_int_equal(state->gone_count, 0);
}

static void the_dead_do_not_pile_up(void **unused)
{
	(void)unused;
	for (pid_t pid = 5000000; pid < 5000000 + STATE_GONE_MAX + 1000; pid++) {
		fork_news(1, pid, (uint64_t)pid);
		exit_news(pid, (uint64_t)pid + 1);
	}
	state_forget(state, false);
	assert_true(state->gone_count < STATE_GONE_MAX);
	assert_true(state->gone_count > STATE_GONE_MAX / 3);
	assert_non_null(map_find(&state->processes, 5000000 + STATE_GONE_MAX + 999));
}

struct told {
	unsigned events, packets;
	uint64_t last_ns;
};

static int count_packet(void *context, const struct ring_packet *header, const void *body,
			size_t body_bytes, struct err *e)
{
	(void)body;
	(void)e;
	struct told *told = context;
	told->packets++;
	assert_int_equal(header->stream_id, RECORDER_STREAM_STATE);
	assert_true(header->begin_ns >= told->last_ns);
	assert_true(body_bytes > 0);
	told->last_ns = header->end_ns;
	return 0;
}

static uint64_t write_all(struct packet *out, bool everything)
{
	uint64_t before = out->events;
	assert_int_equal(state_write(state, out, everything, 1000000, NULL), 0);
	assert_int_equal(packet_seal(out, NULL), 0);
	return out->events - before;
}

static void streaming_tells_once_a_snapshot_tells_all(void **unused)
{
	(void)unused;
	struct packet out;
	struct told told = {0};
	uint8_t uuid[16] = {0};
	assert_int_equal(
		packet_init(&out, uuid, RECORDER_STREAM_STATE, 0, count_packet, &told, NULL), 0);
	fork_news(1, 4000002, 7000);
	fork_news(1, 4000001, 6000);
	uint64_t first = write_all(&out, false);
	assert_true(first >= 2);
	assert_int_equal(write_all(&out, false), 0);
	exit_news(4000001, 9000);
	assert_int_equal(write_all(&out, true), first);
	packet_deinit(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(this_process_is_read),    TEST(children_of_targets_are_targets),
		TEST(an_exec_begins_anew),     TEST(a_pid_that_comes_again_is_somebody_else),
		TEST(the_dead_do_not_pile_up), TEST(streaming_tells_once_a_snapshot_tells_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
