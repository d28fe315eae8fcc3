/* SPDX-License-Identifier: MIT */
#include "analysis/inventory.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t file_key(int32_t pid, int32_t fd)
{
	return (uint64_t)(uint32_t)pid << 32 | (uint32_t)fd;
}

const char *inventory_file(const struct inventory *i, int32_t pid, int32_t fd)
{
	return map_find_pointer(&i->files, file_key(pid, fd));
}

const char *inventory_irq(const struct inventory *i, int32_t irq)
{
	return map_find_pointer(&i->irqs, (uint32_t)irq);
}

const char *inventory_disk(const struct inventory *i, uint32_t dev)
{
	return map_find_pointer(&i->disks, dev);
}

static uint64_t string_hash(const char *string, size_t bytes)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)string[i]) * 0x100000001b3u;
	return hash;
}

/* The inventory's one copy of a string; NULL without memory. */
static const char *string_keep(struct inventory *i, const char *string, size_t bytes)
{
	uint64_t key = string_hash(string, bytes);
	for (;; key++) {
		uint64_t *place = map_put(&i->strings, key);
		if (!place)
			return NULL;
		char *kept = (char *)(uintptr_t)*place;
		if (kept && !strncmp(kept, string, bytes) && !kept[bytes])
			return kept;
		if (kept)
			continue;
		kept = strndup(string, bytes);
		*place = (uintptr_t)kept;
		return kept;
	}
}

static int name_put(struct inventory *i, struct map *names, uint64_t key, const struct event *e,
		    unsigned slot)
{
	size_t bytes;
	const char *name = event_text(e, slot, &bytes);
	if (!bytes)
		return 0;
	const char *kept = string_keep(i, name, bytes);
	uint64_t *place = kept ? map_put(names, key) : NULL;
	if (!place)
		return -ENOMEM;
	*place = (uintptr_t)kept;
	return 0;
}

/* Only its standard files surely outlive an exec. */
static void forget_files(struct inventory *i, int32_t pid)
{
	for (int32_t fd = 3; fd <= i->fd_last; fd++)
		map_remove(&i->files, file_key(pid, fd));
}

static int inventory_event(void *state, const struct event *e)
{
	struct inventory *i = state;
	switch (e->type->kind) {
	case EVENT_SCHED_EXEC:
		forget_files(i, event_has(e, EXEC_TID) ? (int32_t)event_int(e, EXEC_TID) : e->tid);
		return 0;
	case EVENT_STATE_FD:
		if (event_int(e, STATE_FD_FD) > i->fd_last)
			i->fd_last = (int32_t)event_int(e, STATE_FD_FD);
		return name_put(i, &i->files,
				file_key((int32_t)event_int(e, STATE_FD_PID),
					 (int32_t)event_int(e, STATE_FD_FD)),
				e, STATE_FD_PATH);
	case EVENT_STATE_IRQ:
		return name_put(i, &i->irqs, (uint32_t)event_uint(e, STATE_IRQ_IRQ), e,
				event_has(e, STATE_IRQ_ACTION) ? STATE_IRQ_ACTION : STATE_IRQ_NAME);
	case EVENT_IRQ_ENTRY:
		if (!event_has(e, IRQ_ENTRY_NAME) ||
		    inventory_irq(i, (int32_t)event_int(e, IRQ_ENTRY_IRQ)))
			return 0;
		return name_put(i, &i->irqs, (uint32_t)event_uint(e, IRQ_ENTRY_IRQ), e,
				IRQ_ENTRY_NAME);
	default:
		return name_put(i, &i->disks, (uint32_t)event_uint(e, STATE_DISK_DEV), e,
				STATE_DISK_NAME);
	}
}

static void inventory_release(void *state)
{
	struct inventory *i = state;
	map_each(slot, &i->strings)
		free((void *)(uintptr_t)slot->value);
	map_deinit(&i->files);
	map_deinit(&i->irqs);
	map_deinit(&i->disks);
	map_deinit(&i->strings);
}

const struct analysis analysis_inventory = {
	.name = "inventory",
	.kinds = KIND(STATE_FD) | KIND(STATE_IRQ) | KIND(IRQ_ENTRY) | KIND(STATE_DISK) |
		 KIND(SCHED_EXEC),
	.state_bytes = sizeof(struct inventory),
	.event = inventory_event,
	.release = inventory_release,
};
