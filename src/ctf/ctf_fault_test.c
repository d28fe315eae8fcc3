/* SPDX-License-Identifier: MIT */
/* The writer with every system call and allocation failing once, at the first, second, … call. */
#include "ctf/ctf_append.h"
#include "ctf/ctf_mend.h"
#include "packet/packet.h"
#include "ctf/ctf_write.h"
#include "util/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PACKETS = 6, EVENTS = 3, PACKET_BYTES = 128, CALLS_MAX = 1000, SHORT_WRITE = -1 };

static const struct ctf_stream_class streams[] = {{0, "kernel", true}};
static struct ctf_trace trace = {
	.uuid = "uuid of the test",
	.streams = streams,
	.stream_count = 1,
	.clock = {.name = "monotonic"},
};
static char directory[64];

/* The call that fails, counted down to 0; how many calls in a row do, and with what. */
static long calls_left = -1;
static long failures;
static int failure;

static bool fails(void)
{
	if (calls_left < 0)
		return false;
	if (calls_left > 0) {
		calls_left--;
		return false;
	}
	if (failures && !--failures)
		calls_left = -1;
	errno = failure;
	return true;
}

/* What the linker puts in place of the system's (see the Makefile). */
ssize_t __real_pwritev(int fd, const struct iovec *parts, int count, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t at);
ssize_t __real_write(int fd, const void *data, size_t bytes);
ssize_t __wrap_write(int fd, const void *data, size_t bytes);
int __real_ftruncate(int fd, off_t bytes);
int __wrap_ftruncate(int fd, off_t bytes);
int __real_openat(int fd, const char *path, int flags, mode_t mode);
int __wrap_openat(int fd, const char *path, int flags, mode_t mode);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);

static size_t bytes_of(const struct iovec *parts, int count)
{
	size_t bytes = 0;
	for (int i = 0; i < count; i++)
		bytes += parts[i].iov_len;
	return bytes;
}

/* A disk that fills takes the first bytes and refuses the rest; a word is written or not. */
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	bool is_word = bytes_of(parts, count) <= sizeof(uint64_t);
	if ((is_word && failure == SHORT_WRITE) || !fails())
		return __real_pwritev(fd, parts, count, at);
	ssize_t taken = 0;
	if (!is_word)
		taken = pwrite(fd, parts->iov_base, parts->iov_len / 2 + 1, at);
	return failure == SHORT_WRITE ? taken : -1;
}

ssize_t __wrap_write(int fd, const void *data, size_t bytes)
{
	if (!fails())
		return __real_write(fd, data, bytes);
	ssize_t taken = __real_write(fd, data, bytes / 2 + 1);
	return failure == SHORT_WRITE ? taken : -1;
}

int __wrap_ftruncate(int fd, off_t bytes)
{
	return failure != SHORT_WRITE && fails() ? -1 : __real_ftruncate(fd, bytes);
}

int __wrap_openat(int fd, const char *path, int flags, mode_t mode)
{
	return failure != SHORT_WRITE && fails() ? -1 : __real_openat(fd, path, flags, mode);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return failure != SHORT_WRITE && fails() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

void *__wrap_malloc(size_t bytes)
{
	return failure == ENOMEM && fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return failure == ENOMEM && fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	return failure == ENOMEM && fails() ? NULL : __real_realloc(old, bytes);
}

static int set_up(void **state)
{
	struct schema *s;
	(void)state;
	if (schema_create(&s, NULL))
		return -1;
	struct type *payload = type_struct(s, 1);
	type_set_field(payload, 0, "n", type_integer(s, 32, false, 10));
	trace.schema = s;
	return schema_add(s, 0, 1, "number", NULL, payload, NULL, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	schema_destroy((struct schema *)trace.schema);
	return 0;
}

static void write_packets(struct ctf_write *w)
{
	struct packet p;
	if (packet_init(&p, trace.uuid, 0, 0, ctf_write_packet, w, NULL))
		return;
	for (unsigned i = 0; i < PACKETS * EVENTS; i++) {
		packet_begin(&p, 1, 1000 + i);
		packet_put_u32(&p, i);
		assert_int_equal(packet_commit(&p, NULL), 0);
		if (i % EVENTS == EVENTS - 1)
			assert_int_equal(packet_seal(&p, NULL), 0);
	}
	packet_deinit(&p);
}

/* The stream's bytes; none when it was never opened. */
static size_t read_stream(uint8_t *data, size_t room)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/kernel_0", directory);
	int fd = open(path, O_RDONLY);
	ssize_t bytes = fd < 0 ? 0 : read(fd, data, room);
	if (fd >= 0)
		close(fd);
	assert_true(bytes >= 0 && (size_t)bytes < room);
	return (size_t)bytes;
}

/* Nothing to mend, and as many packets as were written; the header of the last one. */
static void check_stream(const struct ctf_write_totals *totals, struct ring_packet *last_ret)
{
	static uint8_t data[2 * CTF_APPEND_GROWTH_BYTES];
	struct ctf_layout *layout;
	struct ctf_mend plan;
	size_t bytes = read_stream(data, sizeof(data));
	assert_int_equal(ctf_layout_create(&layout, trace.schema, NULL), 0);
	assert_int_equal(ctf_mend_plan(&plan, trace.uuid, layout, data, bytes, NULL), 0);
	assert_false(ctf_mend_needed(&plan, bytes));
	assert_int_equal(plan.packets, totals->packets);
	if (plan.packets)
		memcpy(last_ret, data + (plan.packets - 1) * PACKET_BYTES, sizeof(*last_ret));
	ctf_mend_deinit(&plan);
	ctf_layout_destroy(layout);
}

/* What is there if it were killed now (two failures may tear a file), and when it ends. */
static void check_recording(struct ctf_write *w, bool twice)
{
	struct ctf_write_totals totals;
	struct ring_packet last = {0};
	ctf_write_totals(w, &totals);
	assert_true(totals.packets + totals.lost_packets == PACKETS || failure == ENOMEM);
	assert_int_equal(totals.refused_packets, 0);
	assert_int_equal(totals.lost_packets > 0, totals.trouble.code != 0);
	if (!twice)
		check_stream(&totals, &last);
	ctf_write_destroy(w);
	check_stream(&totals, &last);
	assert_true(!totals.packets || last.packet_bits == PACKET_BYTES * 8);
	if (totals.packets && failure != ENOMEM) {
		assert_int_equal(last.discarded, totals.lost_events);
		assert_true(last.end_ns >= 1000 + PACKETS * EVENTS - 1);
	}
}

/* One recording; false when nothing was left to fail. */
static bool record_once(long call, long count, int with)
{
	struct ctf_write *w = NULL;
	struct err e = {0};
	strcpy(directory, "/tmp/ctf_fault_test.XXXXXX");
	assert_non_null(mkdtemp(directory));
	calls_left = call;
	failures = count;
	failure = with;
	if (!ctf_write_create(&w, directory, &trace, &e)) {
		bool described = !ctf_write_metadata(w, &e);
		assert_true(described || e.text[0]);
		write_packets(w);
	}
	bool reached = calls_left < 0 || failures != count;
	calls_left = -1;
	assert_true(w || e.text[0]);
	if (w)
		check_recording(w, count > 1);
	char command[96];
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
	return reached;
}

static void record(long count, int with)
{
	long call = 0;
	while (record_once(call, count, with))
		assert_true(++call < CALLS_MAX);
	assert_true(call >= PACKETS);
}

static void a_write_may_stop_short(void **state)
{
	(void)state;
	record(1, SHORT_WRITE);
}

static void a_system_call_may_fail(void **state)
{
	(void)state;
	record(1, ENOSPC);
	record(1, EIO);
}

static void a_call_may_be_interrupted(void **state)
{
	(void)state;
	record(1, EINTR);
}

/* The cut that would take half a packet away fails too. */
static void two_system_calls_in_a_row_may_fail(void **state)
{
	(void)state;
	record(2, ENOSPC);
}

static void an_allocation_may_fail(void **state)
{
	(void)state;
	record(1, ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_may_stop_short),
		cmocka_unit_test(a_system_call_may_fail),
		cmocka_unit_test(a_call_may_be_interrupted),
		cmocka_unit_test(two_system_calls_in_a_row_may_fail),
		cmocka_unit_test(an_allocation_may_fail),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
