/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "analysis/analysis.h"
#include "analysis/thread_state.h"
#include "synth.h"
#include "synth_check.h"

static const char *const scenario_names[] = {
	"pipe", "pty",  "convoy",  "barging", "tcp",       "epoll",     "fsync",   "timer",
	"fork", "work", "softirq", "hogs",    "inversion", "migration", "offline", "network",
};
enum { SCENARIOS = sizeof(scenario_names) / sizeof(scenario_names[0]) };
enum { BEGIN_NS = 1000000000, TEST_NS = 200000000 };

static struct synth *synth_of(unsigned scenarios, unsigned cpus, uint64_t seed)
{
	struct synth_options options = {
		.scenarios = scenarios, .cpus = cpus, .seed = seed, .duration_ns = TEST_NS};
	struct synth *s = NULL;
	struct err e = {0};
	if (synth_create(&s, &options, &e))
		fail_msg("%s", e.text);
	return s;
}

static struct source *source_of(const struct synth *s)
{
	struct source *source = NULL;
	struct err e = {0};
	if (synth_source(s, &source, &e))
		fail_msg("%s", e.text);
	return source;
}

static void check_all(const struct synth *s)
{
	struct check c = {0};
	struct event event;
	struct err e = {0};
	struct source *source = source_of(s);
	while (source_next(source, &event, &e) > 0)
		check_event(&c, &event);
	assert_int_equal(c.events, synth_event_count(s));
	assert_true(c.switches > 20 && c.wakings > 10);
	/* Only one that was preempted while it fell asleep. */
	assert_true(c.strays * 20 <= c.wakings);
	source_close(source);
	check_deinit(&c);
}

/* Each alone on few cpus, all on many. */
static void streams_are_what_a_kernel_writes(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= SCENARIOS; i++) {
		for (uint64_t seed = 1; seed <= 3; seed++) {
			unsigned scenarios = i < SCENARIOS ? 1u << i : SYNTH_ALL;
			struct synth *s = synth_of(scenarios, i < SCENARIOS ? 2 : 16, seed);
			check_all(s);
			synth_destroy(s);
		}
	}
}

static uint64_t hash_of(struct source *source)
{
	struct event event;
	struct err e = {0};
	uint64_t hash = 0;
	while (source_next(source, &event, &e) > 0) {
		hash = (hash ^ event.time_ns ^ (uint64_t)event.cpu << 48) * 0x9e3779b97f4a7c15u;
		for (uint32_t i = 0; i < event.payload_bytes; i++)
			hash = (hash ^ event.payload[i]) * 0x100000001b3u;
	}
	source_close(source);
	return hash;
}

static void the_seed_is_all_the_chance_there_is(void **state)
{
	(void)state;
	struct synth *a = synth_of(SYNTH_ALL, 4, 7), *b = synth_of(SYNTH_ALL, 4, 7);
	struct synth *other = synth_of(SYNTH_ALL, 4, 8);
	uint64_t hash = hash_of(source_of(a));
	assert_true(hash == hash_of(source_of(a)));
	assert_true(hash == hash_of(source_of(b)));
	assert_false(hash == hash_of(source_of(other)));
	synth_destroy(a);
	synth_destroy(b);
	synth_destroy(other);
}

/* T2: one piece after the other from begin to end, each with one truth all through. */
static void truths_tile_the_time(void **state)
{
	(void)state;
	struct synth *s = synth_of(SYNTH_ALL, 4, 3);
	const struct synth_thread *thread;
	uint64_t kinds[TRUTH_KINDS] = {0};
	for (size_t i = 0; (thread = synth_thread(s, i)); i++) {
		uint64_t at_ns = synth_begin_ns(s);
		while (at_ns < synth_end_ns(s)) {
			uint64_t next_ns = synth_truth_next(s, thread->tid, at_ns);
			struct synth_truth first = synth_truth(s, thread->tid, at_ns);
			assert_true(next_ns > at_ns && next_ns <= synth_end_ns(s));
			struct synth_truth last = synth_truth(s, thread->tid, next_ns - 1);
			assert_int_equal(first.kind, last.kind);
			assert_int_equal(first.tid, last.tid);
			assert_int_equal(first.detail, last.detail);
			kinds[first.kind] += next_ns - at_ns;
			at_ns = next_ns;
		}
	}
	for (unsigned kind = 0; kind < TRUTH_KINDS; kind++)
		assert_true(kinds[kind] > 0);
	synth_destroy(s);
}

/* What the stream shows directly agrees with the truth: who runs. */
static void who_runs_is_who_the_truth_says_runs(void **state)
{
	(void)state;
	struct synth *s = synth_of(SYNTH_ALL, 8, 5);
	struct source *source = source_of(s);
	struct event event;
	struct err e = {0};
	while (source_next(source, &event, &e) > 0) {
		if (event.cpu < 0 || event.type->kind != EVENT_SCHED_SWITCH)
			continue;
		int32_t next = (int32_t)event_int(&event, SWITCH_NEXT_TID);
		struct synth_truth truth = synth_truth(s, next ? next : event.tid, event.time_ns);
		assert_int_equal(truth.kind == TRUTH_RUN && truth.tid == next, next != 0);
	}
	source_close(source);
	synth_destroy(s);
}

static void analyses_find_no_contradiction(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= SCENARIOS; i++) {
		struct synth *s = synth_of(i < SCENARIOS ? 1u << i : SYNTH_ALL, 4, 11);
		struct source *source = source_of(s);
		struct story *story = NULL;
		struct err e = {0};
		if (analysis_run(source, analysis_all, &story, &e))
			fail_msg("%s", e.text);
		const struct states *states = story_state(story, &analysis_states);
		if (states->contradictions)
			fail_msg("%s: %u contradictions", i < SCENARIOS ? scenario_names[i] : "all",
				 (unsigned)states->contradictions);
		story_destroy(story);
		source_close(source);
		synth_destroy(s);
	}
}

static void a_cpu_that_went_away_is_silent(void **state)
{
	(void)state;
	struct synth *s = synth_of(SYNTH_OFFLINE | SYNTH_MIGRATION | SYNTH_WORK, 4, 2);
	struct source *source = source_of(s);
	struct event event;
	struct err e = {0};
	uint64_t last_ns = 0, last_is_idle = 0;
	while (source_next(source, &event, &e) > 0) {
		if (event.cpu != 3)
			continue;
		last_ns = event.time_ns;
		last_is_idle = event.type->kind == EVENT_SCHED_SWITCH &&
			       !event_uint(&event, SWITCH_NEXT_TID);
	}
	assert_true(last_is_idle);
	assert_true(last_ns > BEGIN_NS + TEST_NS / 3 - 1);
	assert_true(last_ns < BEGIN_NS + TEST_NS / 2);
	source_close(source);
	synth_destroy(s);
}

/* What a source gives, and what it says it lost. */
struct tally {
	uint64_t events, lost, windows, first_ns, last_ns;
	uint64_t of_cpu[SYNTH_CPUS_MAX];
	uint64_t kept_ns[SYNTH_CPUS_MAX];
	int32_t told; /* the cpu whose loss was told just now, −1 none */
};

static void tally_lost(struct tally *t, const struct event *e)
{
	assert_int_equal(event_uint(e, LOST_BEGIN),
			 t->kept_ns[e->cpu] ? t->kept_ns[e->cpu] : t->first_ns);
	assert_true(event_uint(e, LOST_COUNT) > 0);
	t->lost += event_uint(e, LOST_COUNT);
	t->windows++;
	t->told = e->cpu;
}

static struct tally tally_of(struct source *source)
{
	struct tally t = {.told = -1, .first_ns = BEGIN_NS};
	struct event event;
	struct err e = {0};
	uint64_t time_ns = 0;
	while (source_next(source, &event, &e) > 0) {
		assert_true(event.time_ns >= time_ns);
		time_ns = event.time_ns;
		if (event.cpu < 0)
			continue;
		if (event.type->kind == EVENT_LOST) {
			tally_lost(&t, &event);
			continue;
		}
		if (!t.events++)
			t.first_ns = time_ns;
		if (t.told >= 0 && t.told != event.cpu)
			fail_msg("a loss is told at another cpu's event");
		t.told = -1;
		t.last_ns = t.kept_ns[event.cpu] = time_ns;
		t.of_cpu[event.cpu]++;
	}
	source_close(source);
	return t;
}

static void silent_drops_are_not_told(void **state)
{
	(void)state;
	struct synth *s = synth_of(SYNTH_ALL, 4, 1);
	struct source *source = NULL;
	struct err e = {0};
	assert_int_equal(synth_drop_silently(&source, source_of(s), 100, 5, &e), 0);
	struct tally t = tally_of(source);
	assert_true(t.events > synth_event_count(s) * 88 / 100);
	assert_true(t.events < synth_event_count(s) * 92 / 100);
	assert_int_equal(t.lost, 0);
	synth_destroy(s);
}

static void declared_drops_are_told_to_the_last(void **state)
{
	(void)state;
	struct synth *s = synth_of(SYNTH_ALL, 4, 1);
	struct source *source = NULL;
	struct err e = {0};
	for (unsigned per_mille = 100; per_mille <= 900; per_mille += 400) {
		assert_int_equal(synth_drop_declared(&source, source_of(s), per_mille, 5, &e), 0);
		struct tally t = tally_of(source);
		uint64_t expected = synth_event_count(s) * per_mille / 1000;
		assert_true(t.lost > expected - expected / 10);
		assert_true(t.lost < expected + expected / 10);
		assert_int_equal(t.events + t.lost, synth_event_count(s));
	}
	synth_destroy(s);
}

static void a_lost_window_is_one_cpus(void **state)
{
	(void)state;
	struct synth *s = synth_of(SYNTH_ALL, 4, 1);
	struct source *source = NULL;
	struct err e = {0};
	uint64_t from_ns = BEGIN_NS + TEST_NS / 4, to_ns = BEGIN_NS + TEST_NS / 2;
	struct tally whole = tally_of(source_of(s));
	assert_int_equal(synth_lose_window(&source, source_of(s), 1, from_ns, to_ns, &e), 0);
	struct tally t = tally_of(source);
	assert_int_equal(t.windows, 1);
	assert_true(t.lost > whole.of_cpu[1] / 8);
	assert_int_equal(t.of_cpu[1] + t.lost, whole.of_cpu[1]);
	assert_int_equal(t.of_cpu[0], whole.of_cpu[0]);
	assert_int_equal(t.of_cpu[2], whole.of_cpu[2]);
	synth_destroy(s);
}

static void a_cut_keeps_what_is_between(void **state)
{
	(void)state;
	struct synth *s = synth_of(SYNTH_ALL, 4, 1);
	struct source *source = NULL;
	struct err e = {0};
	uint64_t from_ns = BEGIN_NS + TEST_NS / 4, to_ns = BEGIN_NS + TEST_NS / 2;
	assert_int_equal(synth_cut(&source, source_of(s), from_ns, to_ns, &e), 0);
	struct tally t = tally_of(source);
	assert_true(t.first_ns >= from_ns && t.last_ns < to_ns);
	assert_true(t.events > synth_event_count(s) / 8);
	assert_int_equal(t.lost, 0);
	synth_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_what_a_kernel_writes),
		cmocka_unit_test(the_seed_is_all_the_chance_there_is),
		cmocka_unit_test(truths_tile_the_time),
		cmocka_unit_test(who_runs_is_who_the_truth_says_runs),
		cmocka_unit_test(analyses_find_no_contradiction),
		cmocka_unit_test(a_cpu_that_went_away_is_silent),
		cmocka_unit_test(silent_drops_are_not_told),
		cmocka_unit_test(declared_drops_are_told_to_the_last),
		cmocka_unit_test(a_lost_window_is_one_cpus),
		cmocka_unit_test(a_cut_keeps_what_is_between),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
