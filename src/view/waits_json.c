/* SPDX-License-Identifier: MIT */
/* The answers for programs: a thread's segments as they are and its tree; or the table. */
#include "view/json_parts.h"
#include "view/waits_groups.h"
#include "view/words_tally.h"

static const char *const certainties[] = {"exact", "inferred", "unknown"};

static void write_segments(struct json *j, const struct scene *s, const char *key,
			   const struct segment *list);

static void write_words(struct json *j, const char *key, const struct text *words)
{
	if (words->bytes)
		json_string(j, key, words->data);
}

static void write_blocked(struct json *j, const struct scene *s, const struct segment *segment)
{
	struct stack stack;
	struct text words = {0};
	stack_init(&stack, s, segment->sleep->site, segment->sleep->from_ns);
	words_wait(s, segment->sleep, &stack, &words);
	write_words(j, "for", &words);
	text_deinit(&words);
	json_int(j, "syscall", sleep_syscall(s->sites, segment->sleep));
	json_uint(j, "arg", segment->sleep->arg);
	json_stack(j, s, "stack", segment->sleep->site, segment->sleep->from_ns);
	json_cause(j, s, segment->sleep);
}

static void write_segment(struct json *j, const struct scene *s, const struct segment *segment)
{
	json_string(j, "kind", segment_kind_name(segment->kind));
	json_uint(j, "from_ns", segment->from_ns);
	json_uint(j, "to_ns", segment->to_ns);
	json_string(j, "certainty", certainties[segment->certainty]);
	json_thread(j, "thread", segment->thread);
	switch (segment->kind) {
	case SEGMENT_RUN:
		json_int(j, "cpu", segment->cpu);
		break;
	case SEGMENT_QUEUE:
		json_int(j, "cpu", segment->cpu);
		json_bool(j, "preempted", !segment->woken);
		json_bool(j, "idle", segment->idle);
		json_thread(j, "occupant", segment->tenant);
		break;
	case SEGMENT_BLOCKED:
		write_blocked(j, s, segment);
		break;
	case SEGMENT_DEVICE:
		json_request(j, s, &segment->cause->request);
		break;
	case SEGMENT_IRQ:
	case SEGMENT_SOFTIRQ:
		json_int(j, "number", segment->cause->number);
		break;
	case SEGMENT_WORK:
		json_uint(j, "function", segment->function);
		break;
	default:
		break;
	}
	if (segment->children)
		write_segments(j, s, "children", segment->children);
}

static void write_segments(struct json *j, const struct scene *s, const char *key,
			   const struct segment *list)
{
	json_open(j, key, '[');
	for (; list; list = list->next) {
		json_open(j, NULL, '{');
		write_segment(j, s, list);
		json_close(j);
	}
	json_close(j);
}

static void write_tree(struct json *j, const struct scene *s, const struct tally *parent)
{
	json_open(j, "parts", '[');
	for (const struct tally *line = parent->children; line; line = line->next) {
		struct text words = {0};
		words_tally(s, line, &words);
		json_open(j, NULL, '{');
		write_words(j, "what", &words);
		json_thread(j, "thread", line->key.thread);
		json_uint(j, "total_ns", line->total_ns);
		json_uint(j, "count", line->count);
		json_uint(j, "longest_ns", line->longest_ns);
		if (line->children)
			write_tree(j, s, line);
		json_close(j);
		text_deinit(&words);
	}
	json_close(j);
}

static void write_thread(struct json *j, struct waits_answer *a, const struct waits_question *q)
{
	struct arena *arena = arena_create();
	struct path path = {0};
	if (!arena || path_explain(a->history, q->thread, q->from_ns, q->to_ns, PATH_SEGMENTS_MAX,
				   arena, &path))
		a->scene.failed = true;
	json_thread(j, "thread", q->thread);
	json_uint(j, "from_ns", path.from_ns);
	json_uint(j, "to_ns", path.to_ns);
	json_bool(j, "cut", path.cut);
	write_segments(j, &a->scene, "segments", path.first);
	write_tree(j, &a->scene, &a->tallies.root);
	arena_destroy(arena);
}

static void write_blames(struct json *j, struct waits_answer *a)
{
	struct blames blames;
	blames_init(&blames, &a->tallies);
	json_uint(j, "waited_ns", a->tallies.root.total_ns);
	json_uint(j, "idle_ns", a->idle_ns);
	json_open(j, "blames", '[');
	array_each(b, &blames.rows) {
		struct text blamed = {0}, deed = {0}, place = {0};
		words_blamed(&a->scene, b, &blamed);
		words_deed(&a->scene, b, &deed);
		words_blame_place(&a->scene, b, &place);
		json_open(j, NULL, '{');
		json_uint(j, "total_ns", b->total_ns);
		json_uint(j, "count", b->count);
		json_uint(j, "longest_ns", b->longest->longest_ns);
		write_words(j, "waited_for", &blamed);
		write_words(j, "which", &deed);
		write_words(j, "at", &place);
		json_thread(j, "thread", b->thread);
		json_bool(j, "others", b->others);
		json_close(j);
		text_deinit(&blamed);
		text_deinit(&deed);
		text_deinit(&place);
	}
	json_close(j);
	a->scene.failed = a->scene.failed || blames.failed;
	blames_deinit(&blames);
}

static void write_groups(struct json *j, struct waits_answer *a, enum waits_by by)
{
	struct waits_groups groups;
	waits_groups_init(&groups, a, by);
	json_uint(j, "waited_ns", a->tallies.root.total_ns);
	json_uint(j, "idle_ns", a->idle_ns);
	json_open(j, "groups", '[');
	array_each(g, &groups.rows) {
		json_open(j, NULL, '{');
		json_string(j, "name", g->name);
		json_uint(j, "total_ns", g->total_ns);
		json_uint(j, "count", g->count);
		json_uint(j, "longest_ns", g->longest_ns);
		json_stack(j, &a->scene, "stack", g->most->key.site, g->most->sleep.from_ns);
		json_close(j);
	}
	json_close(j);
	a->scene.failed = a->scene.failed || groups.failed;
	waits_groups_deinit(&groups);
}

static void print_json(const struct story *story, const struct view_options *options,
		       const struct waits_question *q, struct text *out)
{
	struct json j = {.out = out};
	struct waits_answer a;
	waits_answer_init(&a, story, options, q);
	json_open(&j, NULL, '{');
	json_string(&j, "trace", options->path);
	if (q->interval)
		json_string(&j, "interval", q->interval);
	json_uint(&j, "exact_ns", a.tallies.exact_ns);
	json_uint(&j, "inferred_ns", a.tallies.inferred_ns);
	json_uint(&j, "unknown_ns", a.tallies.unknown_ns);
	json_uint(&j, "lost_events", a.scene.losses->events);
	if (a.history->full_ns)
		json_uint(&j, "kept_until_ns", a.history->full_ns);
	if (q->thread)
		write_thread(&j, &a, q);
	else if (q->by == WAITS_BY_BLAME)
		write_blames(&j, &a);
	else
		write_groups(&j, &a, q->by);
	json_close(&j);
	text_append(out, "\n", 1);
	out->failed = out->failed || waits_answer_failed(&a);
	waits_answer_deinit(&a);
}

const struct waits_view waits_json = {.name = "json", .print = print_json};
