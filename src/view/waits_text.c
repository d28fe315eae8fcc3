/* SPDX-License-Identifier: MIT */
/*
 * `cairn waits` for a terminal: one thread's time as a tree that can be read aloud, or a table of
 * whom and what all waits were for.
 */
#include "view/text_tree.h"
#include "view/waits_groups.h"
#include "view/words_tally.h"

#include <limits.h>

enum { TREE_ROWS = 8, TREE_ROWS_BELOW = 4, TREE_SHARE = 100, BLAME_ROWS = 12 };

static void print_certainty(struct page *p, const struct tallies *t)
{
	uint64_t all_ns = t->exact_ns + t->inferred_ns + t->unknown_ns;
	if (!all_ns)
		return;
	text_append(p->out, "\n", 1);
	page_paint(p, t->unknown_ns * 20 > all_ns ? PAINT_WARN : PAINT_NONE);
	page_line(p, "explained %s of %s: exact %s, inferred %s, unknown %s",
		  unit_share(all_ns - t->unknown_ns, all_ns).text, unit_ns(all_ns).text,
		  unit_share(t->exact_ns, all_ns).text, unit_share(t->inferred_ns, all_ns).text,
		  unit_share(t->unknown_ns, all_ns).text);
	page_paint(p, PAINT_NONE);
}

static void print_thread(struct page *p, const struct waits_answer *a,
			 const struct waits_question *q)
{
	const struct tally *root = &a->tallies.root;
	struct text name = {0};
	scene_name(&p->scene, q->thread, &name);
	page_paint(p, PAINT_TITLE);
	page_line(p, "%s (tid %d): %s%s%s", name.data, q->thread->tid, unit_ns(root->total_ns).text,
		  q->interval ? " " : "", q->interval ? q->interval : "");
	page_paint(p, PAINT_NONE);
	text_deinit(&name);
	const struct tree_limits limits = {
		.rows = page_rows(p, TREE_ROWS),
		.rows_below = TREE_ROWS_BELOW,
		.least_ns = root->total_ns / TREE_SHARE,
		.depth = UINT_MAX,
	};
	page_tree(p, root, 0, &limits);
	print_certainty(p, &a->tallies);
}

static void blame_row(struct page *p, struct table *t, const struct blame *b, uint64_t all_ns)
{
	struct text blamed = {0}, deed = {0}, place = {0};
	words_blamed(&p->scene, b, &blamed);
	words_deed(&p->scene, b, &deed);
	words_blame_place(&p->scene, b, &place);
	table_cell(t, "%s", unit_ns(b->total_ns).text);
	table_cell(t, "%s", unit_share(b->total_ns, all_ns).text);
	table_cell(t, "%s", unit_ns(b->longest->longest_ns).text);
	table_cell(t, "%s", blamed.data ? blamed.data : "");
	table_cell(t, "%s", deed.data ? deed.data : "");
	table_cell(t, "%s", place.data ? place.data : "");
	text_deinit(&blamed);
	text_deinit(&deed);
	text_deinit(&place);
}

static void print_blames(struct page *p, const struct waits_answer *a)
{
	static const struct table_column columns[] = {
		{"TIME", true, 0},         {"SHARE", true, 0},  {"LONGEST", true, 0},
		{"WAITED FOR", false, 10}, {"WHICH", false, 8}, {"AT", false, 12},
	};
	uint64_t all_ns = a->tallies.root.total_ns;
	struct blames blames;
	struct table t;
	blames_init(&blames, &a->tallies);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < blames.rows.count && i < page_rows(p, BLAME_ROWS); i++)
		blame_row(p, &t, &blames.rows.items[i], all_ns);
	page_table(p, &t);
	table_deinit(&t);
	p->scene.failed = p->scene.failed || blames.failed;
	blames_deinit(&blames);
}

static void group_row(struct page *p, struct table *t, const struct waits_group *g, uint64_t all_ns)
{
	struct stack stack;
	struct text place = {0};
	stack_init(&stack, &p->scene, g->most->key.site, g->most->sleep.from_ns);
	words_stack(&stack, &place);
	table_cell(t, "%s", unit_ns(g->total_ns).text);
	table_cell(t, "%s", unit_share(g->total_ns, all_ns).text);
	table_cell(t, "%s", unit_count(g->count).text);
	table_cell(t, "%s", unit_ns(g->longest_ns).text);
	table_cell(t, "%s", g->name);
	table_cell(t, "%s", place.data ? place.data : "");
	text_deinit(&place);
}

static void print_groups(struct page *p, const struct waits_answer *a, enum waits_by by)
{
	static const char *const titles[] = {"", "SYSTEM CALL", "LOCK", "FILE", "PEER"};
	const struct table_column columns[] = {
		{"TIME", true, 0},    {"SHARE", true, 0},      {"TIMES", true, 0},
		{"LONGEST", true, 0}, {titles[by], false, 10}, {"MOSTLY AT", false, 12},
	};
	struct waits_groups groups;
	struct table t;
	waits_groups_init(&groups, a, by);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < groups.rows.count && i < page_rows(p, BLAME_ROWS); i++)
		group_row(p, &t, &groups.rows.items[i], a->tallies.root.total_ns);
	page_table(p, &t);
	table_deinit(&t);
	p->scene.failed = p->scene.failed || groups.failed;
	waits_groups_deinit(&groups);
}

static void print_everybody(struct page *p, const struct waits_answer *a,
			    const struct waits_question *q)
{
	page_paint(p, PAINT_TITLE);
	page_line(p, "%s: %zu threads waited %s%s%s%s%s", p->scene.options->path,
		  p->scene.shown.count, unit_ns(a->tallies.root.total_ns).text,
		  q->interval ? " " : "", q->interval ? q->interval : "",
		  a->idle_ns ? ", beside idle waits of " : "",
		  a->idle_ns ? unit_ns(a->idle_ns).text : "");
	page_paint(p, PAINT_NONE);
	if (!a->tallies.root.total_ns)
		return;
	if (q->by == WAITS_BY_BLAME)
		print_blames(p, a);
	else
		print_groups(p, a, q->by);
	print_certainty(p, &a->tallies);
}

static void print_text(const struct story *story, const struct view_options *options,
		       const struct waits_question *q, struct text *out)
{
	struct waits_answer a;
	waits_answer_init(&a, story, options, q);
	struct page p = {.scene = a.scene, .out = out};
	if (!a.scene.states->switches)
		page_line(&p,
			  "%s: no switches of threads were recorded, and without them no wait is "
			  "seen",
			  options->path);
	else if (q->thread)
		print_thread(&p, &a, q);
	else
		print_everybody(&p, &a, q);
	if (a.history->full_ns)
		page_line(&p,
			  "too many events: nothing behind %s is explained; --from and --to "
			  "look at a part",
			  unit_ns(a.history->full_ns - story->begin_ns).text);
	out->failed = out->failed || p.scene.failed || waits_answer_failed(&a);
	waits_answer_deinit(&a);
}

const struct waits_view waits_text = {.name = "text", .print = print_text};
