/* SPDX-License-Identifier: MIT */
/* Batches put into a process, and taken out again. */
#include "inject/inject.h"
#include "inject/inject_apart.h"
#include "inject/inject_own.h"
#include "inject/inject_stack.h"
#include "util/cleanup.h"
#include "util/now.h"

#include <stdlib.h>
#include <string.h>

struct attaching {
	struct inject *i;
	struct inject_batch *batch;
	struct inject_stats *stats;
};

static int map_pieces(struct attaching *a, struct inject_call *call, struct err *e)
{
	size_t count = a->batch->pieces.count;
	CLEANUP(free) struct inject_region *regions = calloc(count, sizeof(*regions));
	if (!regions)
		return err_set(e, ENOMEM, "no memory for probes");
	for (size_t k = 0; k < count; k++) {
		const struct inject_piece *piece = &a->batch->pieces.items[k];
		regions[k] = (struct inject_region){.kind = INJECT_CODE,
						    .bytes = piece->bytes,
						    .remote = piece->remote,
						    .data = piece->content};
	}
	return inject_map_regions(a->i, call, regions, count, e);
}

static int map_batch(struct attaching *a, struct halt *held, struct err *e)
{
	struct inject_call call;
	int status = inject_worker_begin(a->i, held, &call, e);
	if (status)
		return status;
	status = map_pieces(a, &call, e);
	int end = inject_worker_end(held, &call, status ? NULL : e);
	return status ? status : end;
}

/* Each page becomes the process's own before anybody has to wait for that. */
static void own_pages(const struct attaching *a)
{
	uint64_t last = 0;
	array_each(site, &a->batch->sites) {
		if (site->address / INJECT_PAGE_BYTES != last)
			(void)inject_write(a->i, site->address, site->original, 1, NULL);
		last = site->address / INJECT_PAGE_BYTES;
	}
}

/* The one whose bytes, or whose end, `pc` stands at. */
static const struct patch_site *site_of(const struct inject_batch *batch, uint64_t pc)
{
	size_t low = array_count_below(&batch->sites, address, pc);
	const struct patch_site *site = low ? &batch->sites.items[low - 1] : NULL;
	return site && pc - site->address <= site->run.bytes ? site : NULL;
}

/* I1 */
static int move_threads(struct attaching *a, struct inject_stacks *stacks, struct err *e)
{
	array_each(pc, &stacks->pcs) {
		const struct patch_site *site = site_of(a->batch, pc->pc);
		if (site && pc->pc - site->address < site->bytes &&
		    patch_site_forward(site, pc->pc) == pc->pc)
			return err_set(e, EBUSY,
				       "thread %d stands between two instructions at %#llx",
				       (int)pc->tid, (unsigned long long)pc->pc);
	}
	array_each(pc, &stacks->pcs) {
		const struct patch_site *site = site_of(a->batch, pc->pc);
		uint64_t to = site ? patch_site_forward(site, pc->pc) : pc->pc;
		if (to == pc->pc)
			continue;
		int status = inject_stacks_move(stacks, pc, to, e);
		if (status)
			return status;
		a->stats->moved++;
	}
	return 0;
}

/* I2: all of them are as planned, or none is written. */
static int check_bytes(const struct attaching *a, struct err *e)
{
	array_each(site, &a->batch->sites) {
		uint8_t there[sizeof(site->original)];
		int status = inject_read(a->i, site->address, there, site->bytes, e);
		if (status)
			return status;
		if (memcmp(there, site->original, site->bytes))
			return err_set(e, EAGAIN, "the code at %#llx changes",
				       (unsigned long long)site->address);
	}
	return 0;
}

static int write_jumps(const struct attaching *a, const struct halt *halt, struct err *e)
{
	size_t done, count = a->batch->sites.count;
	CLEANUP(free) struct inject_change *changes = calloc(count, sizeof(*changes));
	if (!changes)
		return err_set(e, ENOMEM, "no memory for probes");
	for (size_t k = 0; k < count; k++) {
		const struct patch_site *site = &a->batch->sites.items[k];
		changes[k] = (struct inject_change){site->address, site->written, site->bytes};
	}
	int status = inject_write_text(a->i, halt, changes, count, &done, e);
	for (size_t k = 0; status && k < done; k++)
		changes[k].data = a->batch->sites.items[k].original;
	if (status)
		(void)inject_write_text(a->i, halt, changes, done, &done, NULL);
	return status;
}

static int patch_halted(struct attaching *a, const struct halt *halt, struct inject_maps *maps,
			struct err *e)
{
	struct inject_stacks stacks = {.pid = a->i->pid, .mem = a->i->mem, .maps = maps};
	int status = check_bytes(a, e);
	if (!status)
		status = inject_stacks_read(&stacks, halt, a->i->has_handlers, e);
	if (!status)
		status = move_threads(a, &stacks, e);
	if (!status)
		status = write_jumps(a, halt, e);
	a->stats->threads = halt->threads.count;
	inject_stacks_deinit(&stacks);
	return status;
}

static int attach_held(struct attaching *a, struct halt *held, struct err *e)
{
	CLEANUP_MAPS struct inject_maps maps = {0};
	int status = map_batch(a, held, e);
	if (!status)
		status = inject_maps_read(a->i->pid, &maps, e);
	if (status)
		return status;
	own_pages(a);
	uint64_t from_ns = now_monotonic_ns();
	status = halt_widen(held, inject_wait_ns, e);
	if (!status)
		status = patch_halted(a, held, &maps, e);
	halt_narrow(held);
	a->stats->stopped_ns = now_monotonic_ns() - from_ns;
	return status;
}

static int attach_apart(void *context, struct err *e)
{
	struct attaching *a = context;
	struct halt held;
	int status = inject_session_begin(a->i, &held, e);
	if (status)
		return status;
	status = attach_held(a, &held, e);
	inject_session_end(&held);
	return status;
}

static struct inject_left piece_left(const struct inject_piece *piece)
{
	return (struct inject_left){piece->remote, piece->remote + piece->bytes, true};
}

/* Mappings whose jumps were not written, or not all. */
static void abandon(struct inject *i, struct inject_batch *batch)
{
	struct inject_stats unused = {0};
	struct inject_removal r = {.i = i,
				   .sites = batch->sites.items,
				   .site_count = batch->sites.count,
				   .stats = &unused};
	array_each(piece, &batch->pieces)
		(void)array_push(&r.pieces, piece_left(piece));
	(void)inject_remove(&r, NULL);
	array_free(&r.pieces);
}

static int attach_once(struct inject *i, struct inject_site *sites, size_t count,
		       struct inject_batch *batch, struct inject_stats *stats, struct err *e)
{
	struct attaching a = {i, batch, stats};
	*stats = (struct inject_stats){0};
	i->has_handlers = inject_status(i->pid, i->pid, "SigCgt:", 16) != 0;
	int status = inject_build(i, sites, count, batch, e);
	if (status || batch->sites.count == 0)
		return status;
	status = inject_apart(attach_apart, &a, e);
	if (status && status != -EEXIST && status != -ESRCH)
		abandon(i, batch);
	return status;
}

/* Somebody took the place, changed the code, or slept too deeply to be stopped. */
static bool may_try_again(int status)
{
	return status == -EEXIST || status == -EAGAIN || status == -EBUSY || status == -ETIMEDOUT;
}

int inject_attach(struct inject *i, struct inject_site *sites, size_t count,
		  struct inject_batch **ret, struct inject_stats *stats, struct err *e)
{
	int status = -EEXIST;
	struct inject_batch *batch = NULL;
	if (array_reserve(&i->batches, i->batches.count + 1))
		return err_set(e, ENOMEM, "no memory for probes");
	for (int tries = 0; tries < INJECT_TRIES && may_try_again(status); tries++) {
		inject_batch_destroy(batch);
		batch = calloc(1, sizeof(*batch));
		if (!batch)
			return err_set(e, ENOMEM, "no memory for probes");
		status = attach_once(i, sites, count, batch, stats, e);
	}
	if (status || batch->sites.count == 0) {
		inject_batch_destroy(batch);
		batch = NULL;
	} else {
		i->batches.items[i->batches.count++] = batch;
	}
	if (!status)
		*ret = batch;
	return status;
}

static void forget_batch(struct inject *i, struct inject_batch *b)
{
	for (size_t k = 0; k < i->batches.count; k++) {
		if (i->batches.items[k] == b)
			i->batches.items[k] = i->batches.items[--i->batches.count];
	}
	inject_batch_destroy(b);
}

int inject_detach(struct inject *i, struct inject_batch *b, struct inject_stats *stats,
		  struct err *e)
{
	int status = 0;
	*stats = (struct inject_stats){0};
	if (!b)
		return 0;
	struct inject_removal r = {
		.i = i, .sites = b->sites.items, .site_count = b->sites.count, .stats = stats};
	array_each(piece, &b->pieces)
		status |= array_push(&r.pieces, piece_left(piece));
	status = status ? err_set(e, ENOMEM, "no memory to remove probes") : inject_remove(&r, e);
	array_free(&r.pieces);
	forget_batch(i, b);
	return status;
}
