/* SPDX-License-Identifier: MIT */
/* The table of threads: where each one's time went, and what it mostly waited for. */
#include "view/text_page.h"
#include "view/words.h"

#include <string.h>

/* A thread's waits at one place with one kind of end. */
struct blame {
	const struct wait_group *group; /* the largest of them */
	uint64_t total_ns;
};

static uint64_t blame_key(const struct wait_group *g)
{
	return ((uint64_t)g->site << 32 | (uint32_t)(g->syscall + 1)) * 8 + g->cause;
}

/* What a thread waited for most; no group when it never waited. */
static struct blame most_blamed(struct scene *s, const struct thread *thread)
{
	ARRAY(struct blame) blames = {0};
	struct map by_key = {0};
	struct blame most = {0};
	array_each(g, &s->waits->groups) {
		if (g->thread != thread)
			continue;
		uint64_t *index = map_put(&by_key, blame_key(g));
		if (!index || (!*index && array_push(&blames, (struct blame){.group = g}))) {
			s->failed = true;
			break;
		}
		if (!*index)
			*index = blames.count;
		struct blame *blame = &blames.items[*index - 1];
		blame->total_ns += g->total_ns;
		if (g->total_ns > blame->group->total_ns)
			blame->group = g;
		if (!most.group || blame->total_ns > most.total_ns)
			most = *blame;
	}
	array_free(&blames);
	map_deinit(&by_key);
	return most;
}

static void blame_cells(struct page *p, struct table *t, const struct thread *thread)
{
	struct blame blame = most_blamed(&p->scene, thread);
	struct text what = {0}, place = {0};
	if (blame.group && blame.total_ns) {
		const struct sleep *sleep = &blame.group->longest;
		struct stack stack;
		stack_init(&stack, &p->scene, sleep->site, sleep->from_ns);
		bool others = blame.group->total_ns * 2 < blame.total_ns;
		words_wait_short(&p->scene, sleep, &stack, others, &what);
		words_line(&stack, &place);
	}
	table_cell(t, "%s", what.data ? what.data : "");
	table_cell(t, "%s", place.data ? place.data : "");
	text_deinit(&what);
	text_deinit(&place);
}

/* A column of unknown time is worth its place only where there is much of it. */
static bool much_unknown(const struct page *p)
{
	uint64_t exact_ns, inferred_ns, unknown_ns;
	scene_certainty(&p->scene, &exact_ns, &inferred_ns, &unknown_ns);
	return unknown_ns * 20 > exact_ns + inferred_ns + unknown_ns;
}

static void thread_row(struct page *p, struct table *t, const struct thread *thread)
{
	const struct activity *a = states_of(p->scene.states, thread);
	const uint64_t *ns = a->times.state_ns;
	uint64_t window_ns = p->scene.story->end_ns - p->scene.story->begin_ns;
	struct text name = {0};
	scene_name(&p->scene, thread, &name);
	table_cell(t, "%s", name.data ? name.data : "");
	table_cell(t, "%s", unit_ns(ns[THREAD_RUNNING]).text);
	table_cell(t, "%.1f",
		   window_ns ? 100.0 * (double)ns[THREAD_RUNNING] / (double)window_ns : 0);
	table_cell(t, "%s", unit_ns(ns[THREAD_QUEUED]).text);
	table_cell(t, "%s", unit_ns(ns[THREAD_BLOCKED]).text);
	table_cell(t, "%s", much_unknown(p) ? unit_ns(ns[THREAD_UNKNOWN]).text : "");
	blame_cells(p, t, thread);
	text_deinit(&name);
}

static void print_more(struct page *p, size_t shown)
{
	uint64_t run_ns = 0;
	for (size_t i = shown; i < p->scene.shown.count; i++)
		run_ns += scene_ns(&p->scene, p->scene.shown.items[i], THREAD_RUNNING);
	if (shown < p->scene.shown.count)
		page_line(p, "and %zu more, which ran %s in all", p->scene.shown.count - shown,
			  unit_ns(run_ns).text);
}

/* The threads not asked for, in one line: how much cpu they took, and who of them most. */
static void print_others(struct page *p)
{
	const struct thread *most[PAGE_OTHERS] = {0};
	uint64_t run_ns = 0;
	if (!p->scene.narrowed || p->scene.options->only_targets)
		return;
	array_each(each, &p->scene.threads->all) {
		const struct thread *thread = *each;
		uint64_t its_ns = scene_ns(&p->scene, thread, THREAD_RUNNING);
		if (scene_shows(&p->scene, thread) || !its_ns)
			continue;
		run_ns += its_ns;
		for (size_t i = 0; i < PAGE_OTHERS; i++) {
			const struct thread *other = most[i];
			if (other && scene_ns(&p->scene, other, THREAD_RUNNING) >=
					     scene_ns(&p->scene, thread, THREAD_RUNNING))
				continue;
			most[i] = thread;
			thread = other;
			if (!thread)
				break;
		}
	}
	struct text line = {0};
	text_print(&line, "others ran %s in all", unit_ns(run_ns).text);
	for (size_t i = 0; i < PAGE_OTHERS && most[i]; i++) {
		text_print(&line, "%s", i ? ", " : ": ");
		scene_name(&p->scene, most[i], &line);
		text_print(&line, " %s",
			   unit_ns(scene_ns(&p->scene, most[i], THREAD_RUNNING)).text);
	}
	if (run_ns)
		page_line(p, "%s", line.data);
	text_deinit(&line);
}

/* An empty page would leave open whether there was nothing or the name was wrong. */
static void print_nobody(struct page *p)
{
	const struct view_options *o = p->scene.options;
	if (p->scene.shown.count || !(o->pid || o->comm))
		return;
	text_append(p->out, "\n", 1);
	if (o->pid)
		page_line(p, "no thread of process %d did anything in the recording", o->pid);
	else
		page_line(p, "no thread called '%s' did anything in the recording", o->comm);
}

void page_threads(struct page *p)
{
	static const struct table_column columns[] = {
		{"THREAD", false, 13},     {"RUN", true, 0},  {"CPU %", true, 0},
		{"QUEUE", true, 0},        {"WAIT", true, 0}, {"UNKNOWN", true, 0},
		{"WAITED FOR", false, 12}, {"AT", false, 12},
	};
	struct table t;
	size_t rows = page_rows(p, PAGE_THREADS);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	if (rows > p->scene.shown.count)
		rows = p->scene.shown.count;
	for (size_t i = 0; i < rows; i++)
		thread_row(p, &t, p->scene.shown.items[i]);
	page_table(p, &t);
	table_deinit(&t);
	print_nobody(p);
	print_more(p, rows);
	print_others(p);
}
