/* SPDX-License-Identifier: MIT */
/*
 * Carries one event, a worker's going to sleep for a lock, through every stop of its way: bytes
 * in a ring, a packet, a trace on disk, an event again, a thread's state, a wait, a line on the
 * page. Each stop is checked against the one before and adds to a figure, which
 * docs/ARCHITECTURE.md must contain as it is.
 */
#include "analysis/waits.h"
#include "ctf/ctf_read.h"
#include "ctf/ctf_write.h"
#include "kernel/rung.h"
#include "util/test.h"
#include "util/text.h"
#include "view/view.h"

#include <string.h>
#include <unistd.h>

enum { WORKER = 101, HOLDER = 102, SHOP = 100, FUTEX = 202, SITE_ASKS = 7, SITE_GIVES = 8 };
enum { SLEEP_NS = 1000000, WAKE_NS = 23000000, RUN_NS = 23005000, END_NS = 24000000 };
static const uint64_t lock_word = 0x5581c0, ask_ip = 0x401010, give_ip = 0x401030;

static struct text figure;

#define SAY(...) text_print(&figure, __VA_ARGS__)

/* What a cpu's sub-buffer holds. */
struct subbuf {
	union {
		struct ring_packet packet;
		uint8_t bytes[RECORDER_SUBBUF_BYTES];
	};
	size_t used;
};

static void subbuf_begin(struct subbuf *s, uint32_t stream, uint32_t cpu, const uint8_t uuid[16])
{
	memset(s, 0, sizeof(*s));
	s->packet = (struct ring_packet){.magic = RING_CTF_MAGIC,
					 .stream_id = stream,
					 .begin_ns = SLEEP_NS / 2,
					 .end_ns = END_NS,
					 .packet_bits = RECORDER_SUBBUF_BYTES * 8,
					 .cpu = cpu};
	memcpy(s->packet.uuid, uuid, sizeof(s->packet.uuid));
	s->used = sizeof(s->packet);
}

/* As ring_reserve() and ring_commit() leave it; gives where the record begins. */
static size_t subbuf_put(struct subbuf *s, uint16_t id, uint64_t time_ns, const void *payload,
			 size_t bytes)
{
	size_t at = (s->used + RING_EVENT_ALIGN - 1) & ~(size_t)(RING_EVENT_ALIGN - 1);
	uint64_t word = RING_EVENT_WORD(id, time_ns);
	memcpy(s->bytes + at, &word, sizeof(word));
	memcpy(s->bytes + at + sizeof(word), payload, bytes);
	s->used = at + sizeof(word) + bytes;
	s->packet.content_bits = s->used * 8;
	return at;
}

#define PUT(subbuf, id, time_ns, type, ...)                                                        \
	subbuf_put(subbuf, id, time_ns, &(struct type){__VA_ARGS__}, sizeof(struct type))

static void put_site(struct subbuf *s, uint32_t site, uint64_t ip)
{
	struct recorder_site record = {
		.site = site, .pid = SHOP, .syscall = FUTEX, .count = 1, .ips = {ip}};
	subbuf_put(s, RECORDER_SITE, SLEEP_NS / 2, &record, offsetof(struct recorder_site, ips[1]));
}

/* The source line that has this text. */
static unsigned line_of(const char *path, const char *text)
{
	char line[512];
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	unsigned number = 0;
	for (bool found = false; !found && fgets(line, sizeof(line), in); number++)
		found = strstr(line, text);
	assert_false(feof(in));
	fclose(in);
	return number;
}

static void say_hex(const uint8_t *bytes, size_t count, const char *meaning)
{
	for (size_t i = 0; i < 8; i++)
		SAY(i < count ? " %02x" : "   ", i < count ? bytes[i] : 0);
	SAY("   %s\n", meaning);
}

static void stop_record(const uint8_t *record)
{
	SAY("2 kernel/recorder.bpf.c    on_switch() writes a record\n");
	say_hex(record, 8, "event word: type 2, 1,000,000 ns");
	say_hex(record + 8, 8, "prev_tid 101, next_tid 0");
	say_hex(record + 16, 4, "prev_state 1, prev_prio 120, next_prio 120");
	say_hex(record + 20, 4, "prev_site 7: where it sleeps");
	say_hex(record + 24, 8, "prev_arg: the lock's address");
	assert_int_equal(sizeof(struct recorder_switch_sleep), 24);
}

static void stop_file(const char *directory, const struct subbuf *sent, size_t at)
{
	char path[256];
	static uint8_t got[RECORDER_SUBBUF_BYTES];
	snprintf(path, sizeof(path), "%s/kernel_0", directory);
	FILE *in = fopen(path, "rb");
	assert_non_null(in);
	size_t bytes = fread(got, 1, sizeof(got), in);
	fclose(in);
	assert_in_range(bytes, sent->used, sent->used + RING_EVENT_ALIGN - 1);
	assert_memory_equal(got + sizeof(sent->packet), sent->bytes + sizeof(sent->packet),
			    sent->used - sizeof(sent->packet));
	SAY("3 kernel/ring.bpf.h        at byte %zu of a sub-buffer, which is a packet\n", at);
	SAY("4 session/session.c        drains it\n");
	SAY("5 ctf/ctf_write.c          kernel_0 has the same bytes at byte %zu\n", at);
}

static void stop_event(const char *directory)
{
	struct source *source;
	struct err e = {0};
	struct event event;
	if (ctf_open(&source, directory, NULL, &e))
		fail_msg("%s", e.text);
	do
		assert_int_equal(source_next(source, &event, &e), 1);
	while (event.type->kind != EVENT_SCHED_SWITCH || event.cpu);
	assert_int_equal(event.time_ns, SLEEP_NS);
	assert_int_equal(event.cpu, 0);
	assert_int_equal(event.tid, WORKER);
	assert_int_equal(event_int(&event, SWITCH_PREV_TID), WORKER);
	assert_int_equal(event_uint(&event, SWITCH_PREV_STATE), TASK_INTERRUPTIBLE);
	assert_int_equal(event_uint(&event, SWITCH_PREV_SITE), SITE_ASKS);
	assert_int_equal(event_uint(&event, SWITCH_PREV_ARG), lock_word);
	SAY("6 ctf/ctf_read.c           a struct event: %s at %llu ns, cpu %d, tid %d\n",
	    event.type->name, (unsigned long long)event.time_ns, event.cpu, event.tid);
	source_close(source);
}

static size_t name_user(void *context, int32_t pid, uint64_t time_ns, uint64_t ip, bool is_return,
			struct view_place *ret, size_t max)
{
	(void)context, (void)pid, (void)time_ns, (void)is_return, (void)max;
	const char *file = "examples/shop/checkout.c";
	*ret = ip == ask_ip ? (struct view_place){"reserve_stock", file,
						  line_of(file, "lock_stock(\"reserve_stock\")")}
			    : (struct view_place){"commit_order", file,
						  line_of(file, "unlock_stock(\"commit_order\")")};
	return 1;
}

static void stop_wait(const struct story *story)
{
	const struct waits *waits = story_state(story, &analysis_waits);
	const struct states *states = story_state(story, &analysis_states);
	assert_int_equal(waits->groups.count, 1);
	const struct sleep *sleep = &waits->groups.items[0].longest;
	const struct activity *activity = states_of(states, sleep->thread);
	assert_int_equal(activity->times.state_ns[THREAD_BLOCKED], WAKE_NS - SLEEP_NS);
	assert_int_equal(activity->times.state_ns[THREAD_QUEUED], RUN_NS - WAKE_NS);
	assert_int_equal(sleep->cause.kind, CAUSE_TASK);
	assert_int_equal(sleep->cause.thread->tid, HOLDER);
	SAY("7 analysis/thread_state.c  thread %d: blocked %u ns, then queued %u ns\n", WORKER,
	    WAKE_NS - SLEEP_NS, RUN_NS - WAKE_NS);
	SAY("8 analysis/waits.c         woken by thread %d at site %u\n", sleep->cause.thread->tid,
	    sleep->cause.site);
}

static void stop_page(const struct story *story)
{
	struct text page = {0};
	struct view_options options = {.path = "shop.cairn", .width = 80};
	options.names.user = name_user;
	view_text.print(story, &options, &page);
	assert_false(page.failed);
	const char *begin = strstr(page.data, "LONGEST WAITS\n");
	assert_non_null(begin);
	begin = strchr(begin, '\n') + 1;
	const char *end = strstr(begin, "\n\n");
	assert_non_null(end);
	SAY("9 view/view_text.c         `cairn report` says\n");
	while (begin < end) {
		size_t bytes = strcspn(begin, "\n");
		SAY("    %.*s\n", (int)bytes, begin);
		begin += bytes + 1;
	}
	text_deinit(&page);
}

static void stop_story(const char *directory)
{
	struct source *source;
	struct story *story;
	struct err e = {0};
	if (ctf_open(&source, directory, NULL, &e) ||
	    analysis_run(source, analysis_all, &story, &e))
		fail_msg("%s", e.text);
	source_close(source);
	stop_wait(story);
	stop_page(story);
	story_destroy(story);
}

/* Two cpus, two threads; returns where the event is in the first cpu's sub-buffer. */
static size_t record(struct subbuf *s, struct subbuf *other, struct subbuf *life,
		     const uint8_t uuid[16])
{
	subbuf_begin(s, RECORDER_STREAM_EVENTS, 0, uuid);
	s->packet.tid = WORKER;
	put_site(s, SITE_ASKS, ask_ip);
	size_t at = PUT(s, RECORDER_SWITCH_SLEEP, SLEEP_NS, recorder_switch_sleep,
			.prev_tid = WORKER, .prev_state = TASK_INTERRUPTIBLE, .prev_prio = 120,
			.next_prio = 120, .prev_site = SITE_ASKS, .prev_arg = lock_word);
	PUT(s, RECORDER_SWITCH, RUN_NS, recorder_switch, .next_tid = WORKER, .prev_prio = 120,
	    .next_prio = 120);
	subbuf_begin(other, RECORDER_STREAM_EVENTS, 1, uuid);
	put_site(other, SITE_GIVES, give_ip);
	PUT(other, RECORDER_SWITCH, SLEEP_NS - 1, recorder_switch, .next_tid = HOLDER,
	    .prev_prio = 120, .next_prio = 120);
	PUT(other, RECORDER_WAKING_SITE, WAKE_NS, recorder_waking_site, .tid = WORKER, .prio = 120,
	    .waker_site = SITE_GIVES);
	subbuf_begin(life, RECORDER_STREAM_LIFE, 0, uuid);
	for (int tid = WORKER; tid <= HOLDER; tid++) {
		struct recorder_fork fork = {.parent_tid = SHOP, .parent_pid = SHOP};
		fork.child_tid = tid;
		fork.child_pid = SHOP;
		snprintf(fork.child_comm, sizeof(fork.child_comm), "worker-%d", tid - SHOP);
		subbuf_put(life, RECORDER_FORK, SLEEP_NS / 2, &fork, sizeof(fork));
	}
	return at;
}

static void write_packet(struct ctf_write *out, const struct subbuf *s)
{
	struct err e = {0};
	assert_int_equal(ctf_write_packet(out, &s->packet, s->bytes + sizeof(s->packet),
					  s->used - sizeof(s->packet), &e),
			 0);
}

static void write_trace(const char *directory, const struct ctf_trace *trace,
			const struct subbuf *const *packets, size_t count)
{
	struct ctf_write *out;
	struct ctf_write_totals totals;
	struct err e = {0};
	if (ctf_write_create(&out, directory, trace, &e) || ctf_write_metadata(out, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < count; i++)
		write_packet(out, packets[i]);
	ctf_write_totals(out, &totals);
	assert_int_equal(totals.packets, count);
	ctf_write_destroy(out);
}

static void remove_trace(const char *directory)
{
	static const char *const names[] = {"metadata", "kernel_0", "kernel_1", "life_0", "."};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(directory), 0);
}

static void one_event_goes_all_the_way(void **state)
{
	(void)state;
	static const struct ctf_stream_class streams[] = {{RECORDER_STREAM_EVENTS, "kernel", true},
							  {RECORDER_STREAM_LIFE, "life", true}};
	static struct subbuf first, second, life;
	static const struct subbuf *const packets[] = {&first, &second, &life};
	char directory[] = "/tmp/cairn-journey-XXXXXX";
	struct ctf_trace trace = {.uuid = "journey", .streams = streams, .stream_count = 2};
	struct schema *schema;
	struct err e = {0};
	trace.clock.name = "monotonic";
	if (schema_create(&schema, &e) || recorder_schema(schema, &e))
		fail_msg("%s", e.text);
	trace.schema = schema;
	assert_non_null(mkdtemp(directory));

	SAY("1 examples/shop/checkout.c:%u  worker-1 sleeps for a lock that worker-2 holds\n",
	    line_of("examples/shop/checkout.c", "pthread_mutex_lock("));
	size_t at = record(&first, &second, &life, trace.uuid);
	stop_record(first.bytes + at);
	write_trace(directory, &trace, packets, 3);
	stop_file(directory, &first, at);
	stop_event(directory);
	stop_story(directory);
	remove_trace(directory);
	schema_destroy(schema);
}

static void the_document_has_this_figure(void **state)
{
	(void)state;
	static char document[1 << 16];
	FILE *in = fopen("docs/ARCHITECTURE.md", "r");
	assert_non_null(in);
	document[fread(document, 1, sizeof(document) - 1, in)] = 0;
	fclose(in);
	if (!strstr(document, figure.data))
		fprintf(stderr, "docs/ARCHITECTURE.md needs this figure:\n%s", figure.data);
	assert_non_null(strstr(document, figure.data));
	text_deinit(&figure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_event_goes_all_the_way),
		cmocka_unit_test(the_document_has_this_figure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
