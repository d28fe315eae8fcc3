/* SPDX-License-Identifier: MIT */
#include "view/waits_groups.h"
#include "analysis/syscalls.h"
#include "view/words_tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct waits_group *group_of(struct waits_groups *g, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	for (;; hash++) {
		uint64_t *index = map_find(&g->by_name, hash);
		if (index && !strcmp(g->rows.items[*index - 1].name, name))
			return &g->rows.items[*index - 1];
		if (index)
			continue;
		char *copy = strdup(name);
		index = copy ? map_put(&g->by_name, hash) : NULL;
		if (!index || array_push(&g->rows, (struct waits_group){.name = copy})) {
			free(copy);
			g->failed = true;
			return NULL;
		}
		*index = g->rows.count;
		return &g->rows.items[g->rows.count - 1];
	}
}

/* `part` is the wait itself or a line below it. */
static void count(struct waits_groups *g, const char *name, const struct tally *wait,
		  const struct tally *part)
{
	struct waits_group *group = name ? group_of(g, name) : NULL;
	if (!group)
		return;
	g->total_ns += part->total_ns;
	group->total_ns += part->total_ns;
	group->count += part->count;
	if (part->longest_ns > group->longest_ns)
		group->longest_ns = part->longest_ns;
	if (part->total_ns > group->most_ns) {
		group->most_ns = part->total_ns;
		group->most = wait;
	}
}

/* An address names a lock only within its process. */
static void name_lock(const struct scene *s, const struct tally *wait, struct text *out)
{
	const struct thread *thread = wait->key.thread;
	const struct site *site = sites_find(s->sites, wait->key.site);
	int32_t syscall = sleep_syscall(s->sites, &wait->sleep);
	if (syscall_kind(syscall) != SYSCALL_FUTEX || !site)
		return;
	text_print(out, "0x%" PRIx64 " in pid %d", wait->sleep.arg,
		   thread->process ? thread_pid(thread) : site->pid);
}

static void name_file(const struct scene *s, const struct tally *wait, struct text *out)
{
	const struct site *site = sites_find(s->sites, wait->key.site);
	int32_t syscall = sleep_syscall(s->sites, &wait->sleep);
	if (syscall_kind(syscall) != SYSCALL_FILE || !site)
		return;
	const char *file = inventory_file(s->inventory, site->pid, (int32_t)wait->sleep.arg);
	if (file)
		text_print(out, "%s", file);
	else
		text_print(out, "fd %d of pid %d", (int32_t)wait->sleep.arg, site->pid);
}

static void name_call(const struct scene *s, const struct tally *wait, struct text *out)
{
	int32_t syscall = sleep_syscall(s->sites, &wait->sleep);
	const char *name = syscall_name(syscall);
	if (name)
		text_print(out, "%s", name);
	else if (syscall >= 0)
		text_print(out, "system call %d", syscall);
	else
		text_print(out, "no system call known");
}

/* Who or what ended the wait, and what came before in it. */
static void name_peer(const struct scene *s, const struct tally *part, struct text *out)
{
	if (part->key.kind == TALLY_FOR)
		scene_name(s, part->key.thread, out);
	else
		words_tally(s, part, out);
}

static void count_wait(struct waits_groups *g, const struct scene *s, const struct tally *wait,
		       enum waits_by by)
{
	struct text name = {0};
	const struct tally *part = by == WAITS_BY_PEER ? wait->children : wait;
	for (; part; part = by == WAITS_BY_PEER ? part->next : NULL) {
		text_clear(&name);
		if (by == WAITS_BY_LOCK)
			name_lock(s, wait, &name);
		else if (by == WAITS_BY_FILE)
			name_file(s, wait, &name);
		else if (by == WAITS_BY_SYSCALL)
			name_call(s, wait, &name);
		else
			name_peer(s, part, &name);
		if (name.bytes)
			count(g, name.data, wait, part);
	}
	g->failed = g->failed || name.failed;
	text_deinit(&name);
}

static int compare_groups(const void *a, const void *b)
{
	const struct waits_group *x = a, *y = b;
	if (x->total_ns != y->total_ns)
		return x->total_ns < y->total_ns ? 1 : -1;
	return strcmp(x->name, y->name);
}

void waits_groups_init(struct waits_groups *g, const struct waits_answer *a, enum waits_by by)
{
	*g = (struct waits_groups){0};
	for (const struct tally *line = a->tallies.root.children; line; line = line->next) {
		if (line->key.kind == SEGMENT_BLOCKED)
			count_wait(g, &a->scene, line, by);
	}
	if (g->rows.count)
		qsort(g->rows.items, g->rows.count, sizeof(*g->rows.items), compare_groups);
}

void waits_groups_deinit(struct waits_groups *g)
{
	array_each(row, &g->rows)
		free(row->name);
	array_free(&g->rows);
	map_deinit(&g->by_name);
}
