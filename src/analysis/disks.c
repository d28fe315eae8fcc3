/* SPDX-License-Identifier: MIT */
#include "analysis/disks.h"

#include <errno.h>
#include <stdlib.h>

enum { SECTOR_BYTES = 512, DISKS_MAX = 1024 };

const char *disk_op_name(enum disk_op op)
{
	static const char *const names[DISK_OPS] = {"read", "write", "flush", "discard", "other"};
	return names[op];
}

static enum disk_op op_of_text(const char *text, size_t bytes)
{
	/* A leading F is a flush before the data; alone (or doubled) it is all there is. */
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == 'R')
			return DISK_READ;
		if (text[i] == 'W')
			return DISK_WRITE;
		if (text[i] == 'D')
			return DISK_DISCARD;
	}
	return bytes && text[0] == 'F' ? DISK_FLUSH : DISK_OTHER;
}

static enum disk_op op_of_lttng(uint64_t bits)
{
	enum { WRITE = 1, DISCARD = 2, READ = 4, FLUSH = 256 };
	if (bits & WRITE)
		return DISK_WRITE;
	if (bits & READ)
		return DISK_READ;
	if (bits & DISCARD)
		return DISK_DISCARD;
	return bits & FLUSH ? DISK_FLUSH : DISK_OTHER;
}

static enum disk_op op_of_kernel(uint64_t flags)
{
	static const enum disk_op ops[] = {DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD};
	unsigned op = flags & 0xff;
	return op < sizeof(ops) / sizeof(ops[0]) ? ops[op] : DISK_OTHER;
}

enum disk_op disk_op_of(const struct event *e, unsigned slot)
{
	const struct field *field = e->type->slots[slot];
	if (!field)
		return DISK_OTHER;
	if (field->type->kind != TYPE_INTEGER) {
		size_t bytes;
		const char *text = field_text(e, field, &bytes);
		return op_of_text(text, bytes);
	}
	/* LTTng's block events carry the thread's name and translate the flags. */
	if (type_field(e->type->payload, "comm"))
		return op_of_lttng(field_uint(e, field));
	return op_of_kernel(field_uint(e, field));
}

static uint64_t pending_key(const struct disk_request *r)
{
	/* A flush has no place: it is issued as sector 0 or ~0 and completed as the other. */
	uint64_t sector = r->op == DISK_FLUSH ? ~(uint64_t)0 : r->sector;
	return sector ^ (uint64_t)r->dev << 40;
}

static void pending_forget(struct disks *d)
{
	map_each(slot, &d->pending)
		free((void *)(uintptr_t)slot->value);
	map_deinit(&d->pending);
}

/* The request's place, the one that had it before replaced; NULL without memory. */
static struct disk_request *pending_add(struct disks *d, const struct disk_request *r)
{
	if (d->pending.count >= DISK_OUTSTANDING_MAX) /* their completions are not recorded */
		pending_forget(d);
	uint64_t *place = map_put(&d->pending, pending_key(r));
	if (!place)
		return NULL;
	struct disk_request *pending = (void *)(uintptr_t)*place;
	bool first = !pending;
	if (first)
		pending = malloc(sizeof(*pending));
	*place = (uintptr_t)pending;
	if (!pending)
		return NULL;
	*pending = *r;
	/* Two at one place: flushes by two queues, or a completion was missed. Whose comes next? */
	pending->shared = !first;
	return pending;
}

static struct disk *disk_of(struct disks *d, uint32_t dev)
{
	array_each(disk, &d->all) {
		if ((*disk)->dev == dev)
			return *disk;
	}
	struct disk *disk = d->all.count < DISKS_MAX ? calloc(1, sizeof(*disk)) : NULL;
	if (!disk || array_push(&d->all, disk)) {
		free(disk);
		return NULL;
	}
	disk->dev = dev;
	return disk;
}

static int seen_issue(struct disks *d, const struct event *e)
{
	struct cause cause;
	causes_of(d->causes, e, &cause);
	struct disk_request r = {
		.dev = (uint32_t)event_uint(e, BLOCK_ISSUE_DEV),
		.sector = event_uint(e, BLOCK_ISSUE_SECTOR),
		.op = disk_op_of(e, BLOCK_ISSUE_RWBS),
		.bytes = (uint32_t)event_uint(e, BLOCK_ISSUE_BYTES),
		.issue_ns = e->time_ns,
		.why = causes_keep(d->causes, e),
	};
	if (!r.bytes && r.op != DISK_FLUSH)
		r.bytes = (uint32_t)event_uint(e, BLOCK_ISSUE_SECTORS) * SECTOR_BYTES;
	/*
	 * A request issued when another ended (a flush after data) is that one's issuer's too. A
	 * worker's is its own: whoever had it run need not be who had put the request there.
	 */
	r.issuer = cause.kind == CAUSE_DISK ? cause.request.issuer : cause.thread;
	return pending_add(d, &r) ? 0 : -ENOMEM;
}

static void disk_count(struct disk *disk, const struct disk_request *r)
{
	uint64_t took_ns = r->done_ns - r->issue_ns;
	if (took_ns >= disk->ops[r->op].latency_ns.max)
		disk->ops[r->op].longest = *r;
	disk->ops[r->op].bytes += r->bytes;
	histogram_add(&disk->ops[r->op].latency_ns, took_ns);
}

static int seen_done(struct disks *d, const struct event *e)
{
	struct disk_request done = {
		.dev = (uint32_t)event_uint(e, BLOCK_DONE_DEV),
		.sector = event_uint(e, BLOCK_DONE_SECTOR),
		.op = disk_op_of(e, BLOCK_DONE_RWBS),
	};
	struct disk_request *pending = map_find_pointer(&d->pending, pending_key(&done));
	if (!pending) {
		/* The empty write around a flush completes after it: no request of its own. */
		if (!event_has(e, BLOCK_DONE_SECTORS) || event_uint(e, BLOCK_DONE_SECTORS)) {
			d->unmatched++;
			causes_blame_disk(d->causes, e, &done);
		}
		return 0;
	}
	map_remove(&d->pending, pending_key(&done));
	pending->done_ns = e->time_ns;
	causes_blame_disk(d->causes, e, pending);
	struct disk *disk = pending->shared ? NULL : disk_of(d, pending->dev);
	if (disk)
		disk_count(disk, pending);
	else
		d->unmatched++;
	free(pending);
	return 0;
}

static int disks_event(void *state, const struct event *e)
{
	struct disks *d = state;
	if (e->type->kind == EVENT_BLOCK_ISSUE)
		return seen_issue(d, e);
	if (e->type->kind == EVENT_BLOCK_DONE)
		return seen_done(d, e);
	/* Events were lost: what completes next may be another request at the same place. */
	map_each(slot, &d->pending)
		((struct disk_request *)(uintptr_t)slot->value)->shared = true;
	return 0;
}

static int disks_start(void *state, struct story *story)
{
	struct disks *d = state;
	d->causes = story_state(story, &analysis_causes);
	return 0;
}

static void disks_release(void *state)
{
	struct disks *d = state;
	pending_forget(d);
	array_each(disk, &d->all)
		free(*disk);
	array_free(&d->all);
}

const struct analysis analysis_disks = {
	.name = "disks",
	.kinds = KIND(BLOCK_ISSUE) | KIND(BLOCK_DONE) | KIND(LOST),
	.state_bytes = sizeof(struct disks),
	.needs = (const struct analysis *const[]){&analysis_causes, NULL},
	.start = disks_start,
	.event = disks_event,
	.release = disks_release,
};
