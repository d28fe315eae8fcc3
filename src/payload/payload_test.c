/* SPDX-License-Identifier: MIT */
/* The payload as a target has it: mapped into this process, called by its entries. */
#include "util/test.h"
#include "payload/payload_bed_test.h"
#include "prog/prog_site.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { ID = RING_ID_FIRST + 3, RING_BYTES = 1 << 22, EVENTS = 20000, COPIES = 20000 };

static const struct cell_plan plans[] = {{CELL_COUNT, 16}, {CELL_HIST, 0}, {CELL_TIME, 16}};

struct pair {
	uint64_t value, fault;
};

static void (*write_entry)(const struct payload_context *, const void *, uint64_t, uint64_t);
static struct pair (*read_entry)(const struct payload_context *, uint64_t, uint64_t);
static uint64_t (*text_entry)(const struct payload_context *, void *, uint64_t, uint64_t);
static uint64_t (*bytes_entry)(const struct payload_context *, void *, uint64_t, uint64_t);
static uint64_t (*equal_entry)(const struct payload_context *, const void *, uint64_t, const void *,
			       uint64_t);
static uint64_t (*match_entry)(const struct payload_context *, const void *, uint64_t, const void *,
			       uint64_t);
static uint64_t (*tid_entry)(const struct payload_context *);
static void (*count_entry)(const struct payload_context *, struct cell *, uint64_t);
static void (*hist_entry)(const struct payload_context *, struct cell *, uint64_t);
static void (*enter_entry)(const struct payload_context *, struct cell *, uint64_t);
static struct pair (*leave_entry)(const struct payload_context *, struct cell *, uint64_t);

static struct payload_bed bed;

static int start(void **state)
{
	(void)state;
	if (!bed_start(&bed, RING_BYTES, plans, 3))
		return -1;
#define ENTRY(function, number)                                                                    \
	function = (__typeof__(function))payload_blob_entry(number, (uint64_t)bed.code)
	ENTRY(write_entry, PAYLOAD_WRITE);
	ENTRY(read_entry, PROG_HELP_READ);
	ENTRY(text_entry, PROG_HELP_TEXT);
	ENTRY(bytes_entry, PROG_HELP_BYTES);
	ENTRY(equal_entry, PROG_HELP_EQUAL);
	ENTRY(match_entry, PROG_HELP_MATCH);
	ENTRY(tid_entry, PROG_HELP_TID);
	ENTRY(count_entry, PROG_HELP_COUNT);
	ENTRY(hist_entry, PROG_HELP_HIST);
	ENTRY(enter_entry, PROG_HELP_ENTER);
	ENTRY(leave_entry, PROG_HELP_LEAVE);
	return 0;
}

static int end(void **state)
{
	(void)state;
	bed_end(&bed);
	return 0;
}

static void put(uint64_t a, uint64_t b)
{
	uint64_t record[4] = {a, b, a ^ b};
	write_entry(bed.context, record, 24, ID);
}

/* How many events there are, by whether they are whole and by whom. */
struct tally {
	uint64_t whole, torn, own, last;
};

static void count(void *argument, uint16_t id, const uint64_t *payload, uint64_t owner)
{
	struct tally *t = argument;
	bool whole = id == ID && (payload[0] ^ payload[1]) == payload[2];
	t->whole += whole;
	t->torn += !whole;
	t->own += owner == ((uint64_t)getpid() << 32 | (uint32_t)gettid());
	t->last = payload[0];
}

static struct tally tally(void)
{
	struct tally t = {0};
	assert_true(bed_read(&bed, 24, count, &t));
	return t;
}

static void a_record_comes_back_with_its_writer(void **state)
{
	(void)state;
	put(1, 2);
	put(5, 6);
	struct tally t = tally();
	assert_int_equal(t.whole, 2);
	assert_int_equal(t.own, 2);
	assert_int_equal(t.last, 5);
	assert_int_equal(bed.process->pid, getpid());
}

/* What the kernel wants of a sequence, or it kills. */
static void sequences_lie_in_the_code_and_are_signed(void **state)
{
	(void)state;
	const struct payload_head *head = (const struct payload_head *)(const void *)bed.code;
	uint64_t start = (uint64_t)bed.code, bytes = payload_blob_bytes();
	assert_int_equal(head->magic, PAYLOAD_MAGIC);
	assert_int_equal((head->sequences_end_at - head->sequences_at) % 32, 0);
	assert_true(head->sequences_end_at - head->sequences_at >= 5 * 32);
	for (uint32_t at = head->sequences_at; at < head->sequences_end_at; at += 32) {
		uint64_t sequence[4];
		uint32_t signature;
		memcpy(sequence, bed.code + at, sizeof(sequence));
		assert_true(sequence[1] - start < bytes && sequence[3] - start < bytes);
		memcpy(&signature, (const void *)(sequence[3] - 4), sizeof(signature));
		assert_int_equal(signature, 0x53053053);
	}
}

static void without_sequences_a_lane_takes_it(void **state)
{
	(void)state;
	bed.context->rseq_at = 0;
	bed.context->tid_at = 0;
	put(1, 2);
	uint64_t first, open, open_bytes, lanes = 0;
	for (uint32_t lane = 0; lane < BED_LANES; lane++) {
		ring_view_span(&bed.view, BED_CPUS + lane, &first, &open, &open_bytes);
		lanes += open_bytes > 0;
	}
	assert_int_equal(lanes, 1);
	assert_int_equal(tally().own, 1);
	for (uint32_t lane = 0; lane < BED_LANES; lane++)
		bed.view.lines[BED_CPUS + lane].lock = 1;
	put(3, 4);
	assert_int_equal(tally().whole, 1);
	assert_int_equal(ring_view_lost(&bed.view), 1);
}

static void a_forked_child_is_itself(void **state)
{
	(void)state;
	put(1, 2);
	pid_t child = fork();
	if (child == 0) {
		put(3, 4);
		put(5, 6);
		_exit(tally().own == 2 ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(tally().whole, 3);
	assert_int_equal(tally().own, 1);
}

/* Made without the C library, which has not told it its tid. */
static void a_bare_child_is_itself(void **state)
{
	(void)state;
	put(1, 2);
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		put(3, 4);
		put(5, 6);
		_exit(tally().own == 2 && bed.process->asks_tid ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void where_nobody_may_be_asked_a_childs_events_are_lost(void **state)
{
	(void)state;
	char text[8] = "abc", to[8] = "xxxxxxx";
	bed.context->flags = PAYLOAD_NO_SYSTEM_CALLS;
	put(1, 2);
	assert_int_equal(tally().whole, 0);
	assert_int_equal(ring_view_lost(&bed.view), 1);
	bed.process->pid = (uint32_t)getpid();
	put(1, 2);
	assert_int_equal(tally().own, 1);
	assert_int_equal(text_entry(bed.context, to, (uint64_t)text, 8), 1);
	assert_memory_equal(to, "\0\0\0\0\0\0\0", 8);
}

static volatile uint64_t handled;

static void on_alarm(int signal)
{
	(void)signal;
	handled++;
	put(7, handled);
}

static void *write_many(void *argument)
{
	(void)argument;
	for (uint64_t i = 0; i < EVENTS; i++)
		put(i, i * i);
	return NULL;
}

static void threads_and_handlers_write_whole_records(void **state)
{
	(void)state;
	pthread_t threads[3];
	struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
	handled = 0;
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, write_many, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	struct tally t = tally();
	assert_int_equal(t.torn, 0);
	assert_int_equal(t.whole + ring_view_lost(&bed.view), 3 * EVENTS + handled);
	assert_int_equal(ring_view_lost(&bed.view), 0);
}

/* R9: as the interpreter, over memory of which every second page is mapped. */
static void guarded_copies_are_the_interpreters(void **state)
{
	(void)state;
	enum { PAGE = 4096 };
	uint8_t *memory =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t seed = 1;
	for (int i = 0; i < 3 * PAGE; i++)
		memory[i] = i % 97 < 90 ? 'a' : 0;
	mprotect(memory + PAGE, PAGE, PROT_NONE);
	struct prog_window windows[] = {{(uint64_t)memory, PAGE, memory},
					{(uint64_t)memory + 2 * PAGE, PAGE, memory + 2 * PAGE}};
	for (int i = 0; i < COPIES; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint32_t bytes = 1 + (seed >> 33) % 200;
		uint64_t address = (uint64_t)memory + (i % 2 ? PAGE - 128 : 2 * PAGE - 128) +
				   (seed >> 45) % 256;
		uint8_t expected[200] = {0}, got[200] = {0};
		struct prog_input input = {.windows = windows,
					   .window_count = 2,
					   .output = expected,
					   .output_bytes = 200};
		bool is_text = seed >> 63, fault = false;
		struct prog_insn in = {.op = is_text ? PROG_PUT_TEXT : PROG_PUT_BYTES,
				       .bytes = bytes};
		prog_site_run(&in, address, &input, &fault);
		uint64_t got_fault = is_text ? text_entry(bed.context, got, address, bytes)
					     : bytes_entry(bed.context, got, address, bytes);
		assert_int_equal(got_fault, fault);
		assert_memory_equal(got, expected, 200);
	}
	struct pair p = read_entry(bed.context, (uint64_t)memory, 4);
	assert_true(p.value == 0x61616161 && p.fault == 0);
	p = read_entry(bed.context, (uint64_t)memory + PAGE - 2, 4);
	assert_true(p.value == 0 && p.fault == 1);
	p = read_entry(bed.context, UINT64_MAX - 1, 8);
	assert_true(p.value == 0 && p.fault == 1);
	munmap(memory, 3 * PAGE);
}

static void texts_cells_and_tid_are_asked_by_their_entries(void **state)
{
	(void)state;
	assert_int_equal(equal_entry(bed.context, "redis", 8, "redis", 5), 1);
	assert_int_equal(equal_entry(bed.context, "redis", 4, "redis", 5), 0);
	assert_int_equal(match_entry(bed.context, "redis-1", 8, "r?d*1", 5), 1);
	assert_int_equal(tid_entry(bed.context), gettid());
	struct cell *cells = bed.cells->cells;
	static struct cell_view view;
	struct cell_hist hist;
	struct cell_key_slot slot = {0};
	count_entry(bed.context, &cells[0], 9);
	count_entry(bed.context, &cells[0], 0);
	hist_entry(bed.context, &cells[1], 1000);
	enter_entry(bed.context, &cells[2], 0x7000);
	struct pair p = leave_entry(bed.context, &cells[2], 0x7000);
	assert_true(p.value > 0 && p.fault == 0);
	p = leave_entry(bed.context, &cells[2], 0x7000);
	assert_true(p.value == 0 && p.fault == 1);
	assert_true(cell_view_init(&view, bed.cells, bed.cells_bytes));
	uint32_t next = 0;
	assert_true(cell_view_next(&view, 0, &next, &slot));
	assert_true(slot.key == 9 && slot.count == 1);
	assert_int_equal(cell_view_count(&view, 0), 1);
	cell_view_hist(&view, 1, &hist);
	assert_int_equal(hist.buckets[10], 1);
}

static void rings_without_ticks_are_refused(void **state)
{
	(void)state;
	struct payload_context c;
	bed.rings->flags = 0;
	assert_false(payload_context_init(&c, (uint64_t)bed.rings, bed.rings, 0));
}

int main(void)
{
#define BED(test) cmocka_unit_test_setup_teardown(test, start, end)
	const struct CMUnitTest tests[] = {
		BED(a_record_comes_back_with_its_writer),
		BED(sequences_lie_in_the_code_and_are_signed),
		BED(without_sequences_a_lane_takes_it),
		BED(a_forked_child_is_itself),
		BED(a_bare_child_is_itself),
		BED(where_nobody_may_be_asked_a_childs_events_are_lost),
		BED(threads_and_handlers_write_whole_records),
		BED(guarded_copies_are_the_interpreters),
		BED(texts_cells_and_tid_are_asked_by_their_entries),
		BED(rings_without_ticks_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
