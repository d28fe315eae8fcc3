/* SPDX-License-Identifier: MIT */
/*
 * Paths compared with what is true, for synthetic traces: whole, with events dropped, with a cpu
 * lost for a while, cut. Every thread's whole time counts, piece by piece.
 */
#include "analysis/story_test.h"

#include "analysis/path.h"
#include "synth.h"

#include <string.h>

enum { SEEDS = 3, SHORT_NS = 300 * 1000 * 1000, LONG_NS = 4 * SHORT_NS, CPUS = 4, THREADS = 3 };

/* Time of all threads, by how well it was told. */
struct score {
	uint64_t right_ns, wrong_ns;
	uint64_t unknown_ns;     /* of the wrong: said to be unknown */
	uint64_t wrong_exact_ns; /* of the wrong: said to be exact */
	uint64_t told_exact_ns;
};

static bool is_right(const struct segment *s, struct synth_truth truth)
{
	int32_t tid = s->thread ? s->thread->tid : 0;
	switch (truth.kind) {
	case TRUTH_RUN:
		return s->kind == SEGMENT_RUN && tid == truth.tid;
	case TRUTH_QUEUE:
		return s->kind == SEGMENT_QUEUE && tid == truth.tid;
	case TRUTH_DEVICE:
		return s->kind == SEGMENT_DEVICE && s->cause->request.dev == truth.detail;
	case TRUTH_TIMER:
		return s->kind == SEGMENT_TIMER;
	case TRUTH_WORK_QUEUED:
		return s->kind == SEGMENT_WORK;
	case TRUTH_IRQ: /* or a softirq that nobody in here raised */
		return s->kind == SEGMENT_IRQ ||
		       (s->kind == SEGMENT_SOFTIRQ && s->cause->kind == CAUSE_SOFTIRQ);
	case TRUTH_SOFTIRQ:
		return s->kind == SEGMENT_SOFTIRQ;
	default:
		return s->kind == SEGMENT_UNKNOWN;
	}
}

static void score_leaf(struct score *score, const struct synth *synth, int32_t tid,
		       const struct segment *s, bool verbose)
{
	for (uint64_t at_ns = s->from_ns; at_ns < s->to_ns;) {
		struct synth_truth truth = synth_truth(synth, tid, at_ns);
		uint64_t end_ns = synth_truth_next(synth, tid, at_ns);
		if (end_ns > s->to_ns || end_ns <= at_ns)
			end_ns = s->to_ns;
		bool right = is_right(s, truth), exact = s->certainty == CERTAIN_EXACT;
		bool alive = truth.kind != TRUTH_UNBORN && truth.kind != TRUTH_DEAD;
		if (!alive || truth.kind == TRUTH_OPEN) { /* nothing to be right about */
			at_ns = end_ns;
			continue;
		}
		score->right_ns += right ? end_ns - at_ns : 0;
		score->wrong_ns += right ? 0 : end_ns - at_ns;
		score->unknown_ns += !right && s->kind == SEGMENT_UNKNOWN ? end_ns - at_ns : 0;
		score->wrong_exact_ns += !right && exact ? end_ns - at_ns : 0;
		score->told_exact_ns += exact ? end_ns - at_ns : 0;
		if (verbose && !right)
			print_message(
				"# %d at %llu-%llu: %s of %d (certainty %d), but it was %d of "
				"%d (%llx)\n",
				tid, (unsigned long long)at_ns, (unsigned long long)end_ns,
				segment_kind_name(s->kind), s->thread ? s->thread->tid : 0,
				s->certainty, truth.kind, truth.tid,
				(unsigned long long)truth.detail);
		at_ns = end_ns;
	}
}

static void score_list(struct score *score, const struct synth *synth, int32_t tid,
		       const struct segment *list, bool verbose)
{
	for (; list; list = list->next) {
		if (list->children)
			score_list(score, synth, tid, list->children, verbose);
		else
			score_leaf(score, synth, tid, list, verbose);
	}
}

/* Takes the source; every scenario's threads are scored over the whole story. */
static void score_source(struct score *score, const struct synth *synth, struct source *source)
{
	const char *wish = getenv("CAIRN_TRUTH_VERBOSE");
	struct story *story = NULL;
	struct err e = {0};
	assert_int_equal(analysis_run(source, analysis_all, &story, &e), 0);
	source_close(source);
	const struct history *h = story_state(story, &analysis_history);
	const struct synth_thread *thread;
	for (size_t i = 0; (thread = synth_thread(synth, i)); i++) {
		struct thread *found =
			thread->scenario ? threads_find(h->threads, thread->tid) : NULL;
		struct arena *arena = arena_create();
		struct path path;
		if (found) {
			assert_int_equal(path_explain(h, found, story->begin_ns, story->end_ns,
						      PATH_SEGMENTS_MAX, arena, &path),
					 0);
			score_list(score, synth, thread->tid, path.first, wish != NULL);
		}
		arena_destroy(arena);
	}
	story_destroy(story);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/*
 * Taking a free lock leaves no event: between two holders, and with barging all the time, one may
 * be blamed for the other. And a recording's first events rest on some from before it. That much
 * may be wrong though it is called exact.
 */
enum { UNSURE_PARTS = 500 };

static const struct {
	unsigned scenarios;
	const char *name;
	uint64_t lasts_ns;
} cases[] = {
	{SYNTH_PIPE, "pipe", SHORT_NS},
	{SYNTH_PTY, "pty", SHORT_NS},
	{SYNTH_CONVOY, "convoy", SHORT_NS},
	{SYNTH_BARGING, "barging", SHORT_NS},
	{SYNTH_TCP, "tcp", SHORT_NS},
	{SYNTH_EPOLL, "epoll", SHORT_NS},
	{SYNTH_FSYNC, "fsync", SHORT_NS},
	{SYNTH_TIMER, "timer", SHORT_NS},
	{SYNTH_FORK, "fork", SHORT_NS},
	{SYNTH_WORK, "work", SHORT_NS},
	{SYNTH_SOFTIRQ, "softirq", SHORT_NS},
	{SYNTH_HOGS, "hogs", SHORT_NS},
	{SYNTH_INVERSION, "inversion", SHORT_NS},
	{SYNTH_MIGRATION, "migration", SHORT_NS},
	{SYNTH_OFFLINE, "offline", SHORT_NS},
	{SYNTH_NETWORK, "network", SHORT_NS},
	{SYNTH_ALL & ~SYNTH_BARGING, "all others", LONG_NS},
};

enum damage { WHOLE, DROP_SILENTLY, DROP_DECLARED, LOSE_WINDOW, CUT };

static struct source *damaged(const struct synth *synth, enum damage damage, uint64_t seed)
{
	uint64_t begin_ns = synth_begin_ns(synth), third_ns = (synth_end_ns(synth) - begin_ns) / 3;
	struct source *source = NULL;
	struct err e = {0};
	int rc = synth_source(synth, &source, &e);
	if (!rc && damage == DROP_SILENTLY)
		rc = synth_drop_silently(&source, source, 100, seed, &e);
	else if (!rc && damage == DROP_DECLARED)
		rc = synth_drop_declared(&source, source, 100, seed, &e);
	else if (!rc && damage == LOSE_WINDOW)
		rc = synth_lose_window(&source, source, 1, begin_ns + third_ns,
				       begin_ns + 2 * third_ns, &e);
	else if (!rc && damage == CUT)
		rc = synth_cut(&source, source, begin_ns + third_ns, begin_ns + 2 * third_ns, &e);
	if (rc)
		fail_msg("%s", e.text);
	return source;
}

static void score_case(size_t index, enum damage damage, struct score *ret)
{
	*ret = (struct score){0};
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		const struct synth_options options = {.scenarios = cases[index].scenarios,
						      .seed = seed,
						      .cpus = CPUS,
						      .duration_ns = cases[index].lasts_ns,
						      .threads = THREADS};
		struct synth *synth = NULL;
		struct err e = {0};
		if (synth_create(&synth, &options, &e))
			fail_msg("%s", e.text);
		score_source(ret, synth, damaged(synth, damage, seed));
		synth_destroy(synth);
	}
	uint64_t all_ns = ret->right_ns + ret->wrong_ns;
	print_message("# %-12s right %6.2f %% (of what was told %6.2f %%), exact %6.2f %%, wrong "
		      "though exact %.3f %%\n",
		      cases[index].name, percent(ret->right_ns, all_ns),
		      percent(ret->right_ns, all_ns - ret->unknown_ns),
		      percent(ret->told_exact_ns, all_ns), percent(ret->wrong_exact_ns, all_ns));
}

static void check_cases(enum damage damage, unsigned right_min, unsigned told_right_min)
{
	bool fine = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct score score;
		score_case(i, damage, &score);
		uint64_t all_ns = score.right_ns + score.wrong_ns;
		uint64_t told_ns = all_ns - score.unknown_ns;
		bool sure = damage != CUT && cases[i].scenarios != SYNTH_BARGING &&
			    cases[i].scenarios != SYNTH_CONVOY;
		uint64_t wrong_exact_max_ns = sure ? 0 : all_ns / UNSURE_PARTS;
		if (score.right_ns * 100 < all_ns * right_min ||
		    score.right_ns * 100 < told_ns * told_right_min ||
		    score.wrong_exact_ns > wrong_exact_max_ns) {
			print_message("# %s is not told well enough\n", cases[i].name);
			fine = false;
		}
	}
	assert_true(fine);
}

static void whole_traces_are_explained_rightly(void **state)
{
	(void)state;
	check_cases(WHOLE, 99, 99);
}

static void silent_losses_leave_nothing_exact(void **state)
{
	(void)state;
	check_cases(DROP_SILENTLY, 50, 60);
}

static void declared_losses_leave_nothing_wrong_exact(void **state)
{
	(void)state;
	check_cases(DROP_DECLARED, 40, 70);
}

static void a_lost_window_of_one_cpu_costs_little(void **state)
{
	(void)state;
	check_cases(LOSE_WINDOW, 80, 90);
}

static void a_recording_that_began_late_is_explained(void **state)
{
	(void)state;
	check_cases(CUT, 90, 98);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_traces_are_explained_rightly),
		cmocka_unit_test(silent_losses_leave_nothing_exact),
		cmocka_unit_test(declared_losses_leave_nothing_wrong_exact),
		cmocka_unit_test(a_lost_window_of_one_cpu_costs_little),
		cmocka_unit_test(a_recording_that_began_late_is_explained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
