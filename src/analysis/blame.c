/* SPDX-License-Identifier: MIT */
#include "analysis/blame.h"

/* What is known on the way down to a leaf. */
struct above {
	const struct tally *actor; /* the nearest FOR line */
	const struct tally *wait;  /* the nearest BLOCKED line */
};

static bool key_equals(const struct blame_key *a, const struct blame_key *b)
{
	return a->kind == b->kind && a->thread == b->thread && a->site == b->site &&
	       a->object == b->object && a->idle == b->idle;
}

static uint64_t key_hash(const struct blame_key *k)
{
	const uint64_t parts[] = {k->kind, (uintptr_t)k->thread, k->site, k->object, k->idle};
	return map_key(parts, sizeof(parts) / sizeof(parts[0]));
}

static struct blame *row_of(struct blames *b, const struct blame_key *wanted)
{
	for (uint64_t hash = key_hash(wanted);; hash++) {
		uint64_t *index = map_find(&b->by_key, hash);
		if (index && key_equals(&b->rows.items[*index - 1].key, wanted))
			return &b->rows.items[*index - 1];
		if (index)
			continue;
		index = map_put(&b->by_key, hash);
		if (!index || array_push(&b->rows, (struct blame){.key = *wanted})) {
			b->failed = true;
			return NULL;
		}
		*index = b->rows.count;
		return &b->rows.items[b->rows.count - 1];
	}
}

/* Whose doing it was; NULL for a device's. */
static const struct thread *doer_of(const struct tally *leaf, const struct above *above)
{
	switch (leaf->key.kind) {
	case SEGMENT_TIMER:
	case SEGMENT_BLOCKED:
		return above->wait ? above->wait->key.thread : leaf->key.thread;
	default:
		return leaf->key.thread;
	}
}

static struct blame_key key_of(const struct tally *leaf, const struct above *above)
{
	struct blame_key key = {
		.kind = leaf->key.kind, .object = leaf->key.object, .idle = leaf->key.idle};
	switch (leaf->key.kind) {
	case SEGMENT_RUN:
		key.site = above->actor ? above->actor->cause.site : 0;
		key.thread = key.site ? NULL : leaf->key.thread;
		break;
	case TALLY_BEHIND:
	case SEGMENT_UNKNOWN:
		key.thread = leaf->key.thread;
		break;
	case SEGMENT_TIMER:
	case SEGMENT_BLOCKED:
		key.site = above->wait ? above->wait->key.site : leaf->key.site;
		key.thread = key.site ? NULL : doer_of(leaf, above);
		break;
	default:
		key.site = above->wait ? above->wait->key.site : 0;
	}
	return key;
}

static void add_leaf(struct blames *b, const struct tally *leaf, uint64_t ns,
		     const struct above *above)
{
	const struct blame_key key = key_of(leaf, above);
	struct blame *row = row_of(b, &key);
	if (!row)
		return;
	row->total_ns += ns;
	row->count += leaf->count;
	const struct thread *thread = doer_of(leaf, above);
	row->others = row->others || (row->longest && thread != row->thread);
	if (row->longest && leaf->longest_ns <= row->longest->longest_ns)
		return;
	row->longest = leaf;
	row->thread = thread;
}

/* A line's own time is what its children do not have: all of it in a leaf. */
static void add_line(struct blames *b, const struct tally *line, struct above above)
{
	uint64_t own_ns = line->total_ns;
	if (line->key.kind == TALLY_FOR)
		above.actor = line;
	if (line->key.kind == SEGMENT_BLOCKED && (line->children || !above.wait))
		above.wait = line;
	for (const struct tally *child = line->children; child; child = child->next) {
		own_ns -= child->total_ns < own_ns ? child->total_ns : own_ns;
		add_line(b, child, above);
	}
	if (own_ns)
		add_leaf(b, line, own_ns, &above);
}

static int compare_rows(const void *a, const void *b)
{
	const struct blame *x = a, *y = b;
	if (x->total_ns != y->total_ns)
		return x->total_ns < y->total_ns ? 1 : -1;
	return x->longest < y->longest ? -1 : x->longest > y->longest;
}

void blames_init(struct blames *b, const struct tallies *t)
{
	*b = (struct blames){.failed = t->failed};
	for (const struct tally *line = t->root.children; line; line = line->next)
		add_line(b, line, (struct above){0});
	if (b->rows.count)
		qsort(b->rows.items, b->rows.count, sizeof(*b->rows.items), compare_rows);
}

void blames_deinit(struct blames *b)
{
	array_free(&b->rows);
	map_deinit(&b->by_key);
}
