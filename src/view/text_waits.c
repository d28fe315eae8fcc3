/* SPDX-License-Identifier: MIT */
/* The longest waits: for what, where, what ended each, and what that one did meanwhile. */
#include "util/utf8.h"
#include "view/text_tree.h"
#include "view/words.h"

#include <string.h>

enum { DURATION_COLUMNS = 7, JOINS_SOUGHT = 64 };

/* Of what a waker did meanwhile: a line for a tenth of the wait. */
enum { MEANWHILE_ROWS = 3, MEANWHILE_DEPTH = 3, MEANWHILE_SHARE = 10, SEGMENTS_MAX = 1 << 14 };

/* A line below a wait's first. */
static void print_below(struct page *p, const char *before, const struct text *text)
{
	if (text->bytes)
		page_line(p, "%*s  %s%s", DURATION_COLUMNS, "", before, text->data);
}

static void words_after(const struct wait_line *line, struct text *out)
{
	const struct sleep *sleep = &line->group->longest;
	uint64_t queue_ns = sleep->run_ns - sleep->woken_ns;
	const char *gap = "";
	if (queue_ns) {
		text_print(out, "then queued %s", unit_ns(queue_ns).text);
		gap = "; ";
	}
	if (line->count > 1) {
		text_print(out, "%s%s waits like it", gap, unit_count(line->count).text);
		if (line->threads > 1)
			text_print(out, " in %zu threads", line->threads);
		text_print(out, ", %s in all", unit_ns(line->total_ns).text);
	}
	if (sleep->certainty == CERTAIN_INFERRED)
		text_print(out, "%sinferred: events around it were lost or never recorded",
			   out->bytes ? "; " : "");
}

/* The line for the waker tells no more than who it was: what it did stands below. */
static const struct tally *meanwhile_of(const struct tally *wait, const struct sleep *sleep)
{
	const struct tally *only = wait->children;
	if (only && !only->next && only->key.kind == TALLY_FOR &&
	    only->key.thread == sleep->cause.thread)
		return only;
	return wait;
}

/* More than who ended the wait, and that it ran or that a disk did what is said of it already. */
static bool tells_more(const struct tally *parent, const struct sleep *sleep, uint64_t least_ns)
{
	for (const struct tally *line = parent->children; line; line = line->next) {
		bool device = line->key.kind == SEGMENT_DEVICE && sleep->cause.kind != CAUSE_DISK;
		bool more = device || line->key.kind == TALLY_FOR ||
			    line->key.kind == SEGMENT_BLOCKED || line->key.kind == SEGMENT_QUEUE ||
			    line->key.kind == SEGMENT_WORK;
		if (more && line->total_ns >= least_ns)
			return true;
	}
	return false;
}

static void print_meanwhile(struct page *p, const struct sleep *sleep)
{
	const struct history *h = story_state(p->scene.story, &analysis_history);
	const struct tally_options o = {
		.from_ns = sleep->from_ns, .to_ns = sleep->woken_ns, .segments_max = SEGMENTS_MAX};
	const struct tree_limits limits = {
		.rows = MEANWHILE_ROWS,
		.rows_below = MEANWHILE_ROWS,
		.least_ns = sleep_ns(sleep) / MEANWHILE_SHARE,
		.depth = MEANWHILE_DEPTH,
	};
	struct tallies t;
	if (tallies_init(&t)) {
		p->scene.failed = true;
		return;
	}
	tallies_add_thread(&t, h, sleep->thread, &o);
	tallies_sort(&t);
	p->scene.failed = p->scene.failed || t.failed;
	if (t.root.children && t.root.children->children) {
		const struct tally *parent = meanwhile_of(t.root.children, sleep);
		if (tells_more(parent, sleep, limits.least_ns))
			page_tree(p, parent, DURATION_COLUMNS + 2, &limits);
	}
	tallies_deinit(&t);
}

static void print_wait(struct page *p, const struct wait_line *line)
{
	const struct sleep *sleep = &line->group->longest;
	struct unit took = unit_ns(sleep_ns(sleep));
	int padding = DURATION_COLUMNS - (int)utf8_width(took.text, strlen(took.text));
	struct text head = {0}, place = {0}, cause = {0}, after = {0};
	struct stack stack;
	stack_init(&stack, &p->scene, sleep->site, sleep->from_ns);
	scene_name(&p->scene, sleep->thread, &head);
	text_print(&head, ": ");
	words_wait(&p->scene, sleep, &stack, &head);
	words_stack(&stack, &place);
	words_cause(&p->scene, sleep, &cause);
	words_after(line, &after);
	page_line(p, "%*s%s  %s", padding > 0 ? padding : 0, "", took.text, head.data);
	print_below(p, "at ", &place);
	print_below(p, "", &cause);
	print_meanwhile(p, sleep);
	print_below(p, "", &after);
	text_deinit(&head);
	text_deinit(&place);
	text_deinit(&cause);
	text_deinit(&after);
}

/* Only the names in its stack tell a wait for a thread's end from one for a lock. */
static bool is_join(struct page *p, const struct wait_line *line)
{
	const struct sleep *sleep = &line->group->longest;
	struct stack stack;
	stack_init(&stack, &p->scene, sleep->site, sleep->from_ns);
	return words_is_join(&p->scene, sleep, &stack);
}

/* Up to `rows` of the late or the other lines, of joins or of other waits. */
static size_t print_waits(struct page *p, const struct wait_lines *lines, bool late, bool joins,
			  size_t rows)
{
	size_t told = 0, sought = 0;
	array_each(line, &lines->list) {
		if (told == rows || (joins && sought == JOINS_SOUGHT))
			break;
		if (line->late != late || !sleep_ns(&line->group->longest))
			continue;
		sought++;
		if (is_join(p, line) != joins)
			continue;
		print_wait(p, line);
		told++;
	}
	return told;
}

void page_waits(struct page *p)
{
	struct wait_lines lines;
	size_t rows = page_rows(p, PAGE_WAITS);
	wait_lines_init(&lines, &p->scene);
	if (lines.list.count) {
		text_append(p->out, "\n", 1);
		page_paint(p, PAINT_TITLE);
		page_line(p, "LONGEST WAITS");
		page_paint(p, PAINT_NONE);
	}
	rows -= print_waits(p, &lines, false, false, rows);
	rows -= print_waits(p, &lines, false, true, rows);
	print_waits(p, &lines, true, false, rows);
	wait_lines_deinit(&lines);
}
