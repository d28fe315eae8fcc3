/* SPDX-License-Identifier: MIT */
/* Taking probes out: the bytes in one stop, the mappings when nobody can be in them any more. */
#include "inject/inject_apart.h"
#include "inject/inject_own.h"
#include "inject/inject_stack.h"
#include "util/cleanup.h"
#include "util/now.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

enum { TRIES = 20, WAIT_NS = 1000000, RECORD_SITES_MAX = 1 << 20 };

/* What is still pointed into. */
struct pointed {
	const struct inject_left *pieces;
	bool *is;
	size_t count;
	uint64_t low, high; /* of all pieces */
};

static void look_at_word(void *context, uint64_t word)
{
	struct pointed *p = context;
	if (word < p->low || word >= p->high)
		return;
	for (size_t k = 0; k < p->count; k++) {
		if (word >= p->pieces[k].start && word < p->pieces[k].end && p->pieces[k].is_code)
			p->is[k] = true;
	}
}

/* I2: how a site's bytes are. A library that is gone took them along. */
static int look_at_site(const struct inject_removal *r, const struct patch_site *site,
			bool *is_written, struct err *e)
{
	uint8_t there[sizeof(site->original)];
	int status = inject_read(r->i, site->address, there, site->bytes, e);
	*is_written = !status && !memcmp(there, site->written, site->bytes);
	bool is_original = !status && !memcmp(there, site->original, site->bytes);
	r->stats->foreign += !*is_written && !is_original;
	return status == -ESRCH ? status : 0;
}

static int restore_bytes(const struct inject_removal *r, const struct halt *halt, struct err *e)
{
	size_t count = 0, done;
	int status = 0;
	CLEANUP(free) struct inject_change *changes = calloc(r->site_count + 1, sizeof(*changes));
	if (!changes)
		return err_set(e, ENOMEM, "no memory to remove probes");
	r->stats->foreign = 0;
	for (size_t k = 0; k < r->site_count && !status; k++) {
		const struct patch_site *site = &r->sites[k];
		bool is_written;
		status = look_at_site(r, site, &is_written, e);
		changes[count] = (struct inject_change){site->address, site->original, site->bytes};
		count += is_written;
	}
	return status ? status : inject_write_text(r->i, halt, changes, count, &done, e);
}

/* Whoever stands at a copy, and is not within a probe, need not be waited for. */
static int move_back(struct inject_removal *r, struct inject_stacks *stacks, struct pointed *p,
		     struct err *e)
{
	array_each(pc, &stacks->pcs) {
		uint64_t to = pc->pc;
		for (size_t k = 0; k < r->site_count && to == pc->pc; k++) {
			const struct patch_site *site = &r->sites[k];
			if (pc->pc - site->trampoline <= site->trampoline_bytes)
				patch_site_back(site, pc->pc, &to);
		}
		if (to == pc->pc) {
			look_at_word(p, pc->pc);
			continue;
		}
		int status = inject_stacks_move(stacks, pc, to, e);
		if (status)
			return status;
		r->stats->moved++;
	}
	return 0;
}

static int remove_halted(struct inject_removal *r, const struct halt *halt,
			 struct inject_maps *maps, struct pointed *p, struct err *e)
{
	struct inject_stacks stacks = {.pid = r->i->pid,
				       .mem = r->i->mem,
				       .maps = maps,
				       .word = look_at_word,
				       .context = p};
	int status = restore_bytes(r, halt, e);
	if (!status)
		status = inject_stacks_read(&stacks, halt, true, e);
	if (!status)
		status = move_back(r, &stacks, p, e);
	r->stats->threads = halt->threads.count;
	inject_stacks_deinit(&stacks);
	return status;
}

/* One stop; afterwards it is known which pieces are pointed into. */
static int remove_once(struct inject_removal *r, struct halt *held, struct pointed *p,
		       struct err *e)
{
	CLEANUP_MAPS struct inject_maps maps = {0};
	int status = inject_maps_read(r->i->pid, &maps, e);
	if (status)
		return status;
	memset(p->is, 0, p->count * sizeof(*p->is));
	uint64_t from_ns = now_monotonic_ns();
	status = halt_widen(held, inject_wait_ns, e);
	if (!status)
		status = remove_halted(r, held, &maps, p, e);
	halt_narrow(held);
	uint64_t ns = now_monotonic_ns() - from_ns;
	if (ns > r->stats->stopped_ns)
		r->stats->stopped_ns = ns;
	return status;
}

static bool any_pointed(const struct pointed *p)
{
	for (size_t k = 0; k < p->count; k++) {
		if (p->is[k])
			return true;
	}
	return false;
}

/* I4 */
static int unmap_pieces(struct inject_removal *r, struct halt *held, const struct pointed *p,
			struct err *e)
{
	struct inject_call call;
	int status = inject_worker_begin(r->i, held, &call, e);
	if (status)
		return status;
	bool any = any_pointed(p);
	r->i->lingering.count = 0;
	for (size_t k = 0; k < p->count; k++) {
		const struct inject_left *piece = &p->pieces[k];
		bool stays = piece->is_code ? p->is[k] : any;
		if (!stays && inject_call(&call, SYS_munmap, piece->start,
					  piece->end - piece->start, 0, 0, 0, 0) == 0)
			continue;
		if (array_push(&r->i->lingering, *piece))
			break;
	}
	r->stats->lingering = r->i->lingering.count;
	return inject_worker_end(held, &call, e);
}

static int remove_held(struct inject_removal *r, struct halt *held, struct pointed *p,
		       struct err *e)
{
	int status = remove_once(r, held, p, e);
	for (int tries = 1; !status && any_pointed(p) && tries < TRIES; tries++) {
		nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
		status = remove_once(r, held, p, e);
	}
	return status ? status : unmap_pieces(r, held, p, e);
}

static int remove_apart(void *context, struct err *e)
{
	struct inject_removal *r = context;
	struct halt held;
	struct pointed p = {.pieces = r->pieces.items, .count = r->pieces.count, .low = UINT64_MAX};
	CLEANUP(free) bool *is = calloc(p.count + 1, sizeof(*is));
	if (!is)
		return err_set(e, ENOMEM, "no memory to remove probes");
	p.is = is;
	array_each(piece, &r->pieces) {
		p.low = piece->start < p.low ? piece->start : p.low;
		p.high = piece->end > p.high ? piece->end : p.high;
	}
	int status = inject_session_begin(r->i, &held, e);
	if (status)
		return status;
	status = remove_held(r, &held, &p, e);
	inject_session_end(&held);
	return status;
}

int inject_remove(struct inject_removal *r, struct err *e)
{
	array_each(piece, &r->i->lingering) {
		if (array_push(&r->pieces, *piece))
			return err_set(e, ENOMEM, "no memory to remove probes");
	}
	return inject_apart(remove_apart, r, e);
}

struct cleaning {
	struct inject_removal removal;
	ARRAY(struct patch_site) sites;
};

static int check_tool(const struct inject_record *record, struct err *e)
{
	pid_t tool = (pid_t)record->tool;
	uint64_t ticks;
	if (tool != getpid() && inject_started(tool, &ticks) && ticks == record->tool_started)
		return err_set(e, EBUSY, "cairn %d is probing it: end that first", (int)tool);
	return 0;
}

/* I3 */
static int read_record(struct cleaning *c, const struct proc_map *map, struct err *e)
{
	struct inject_record record;
	if (!map->executable ||
	    inject_read(c->removal.i, map->start, &record, sizeof(record), NULL) ||
	    record.magic != INJECT_RECORD_MAGIC || record.version != INJECT_RECORD_VERSION ||
	    record.site_count > RECORD_SITES_MAX)
		return 0;
	int status = check_tool(&record, e);
	for (uint32_t k = 0; k < record.site_count && !status; k++) {
		struct inject_record_site kept;
		status = inject_read(c->removal.i, map->start + sizeof(record) + k * sizeof(kept),
				     &kept, sizeof(kept), e);
		struct patch_site *site = status ? NULL : array_add(&c->sites);
		if (!site || kept.bytes > sizeof(kept.original))
			return status ? status : err_set(e, EINVAL, "its record is damaged");
		site->address = kept.address;
		site->bytes = kept.bytes;
		memcpy(site->original, kept.original, sizeof(kept.original));
		memcpy(site->written, kept.written, sizeof(kept.written));
	}
	return status;
}

static int clean(struct cleaning *c, struct err *e)
{
	CLEANUP_MAPS struct inject_maps maps = {0};
	int status = inject_maps_read(c->removal.i->pid, &maps, e);
	array_each(map, &maps.maps) {
		if (status || !inject_maps_is_ours(map))
			continue;
		status = read_record(c, map, e);
		if (!status &&
		    array_push(&c->removal.pieces,
			       (struct inject_left){map->start, map->end, map->executable}))
			status = err_set(e, ENOMEM, "no memory to remove probes");
	}
	if (status || c->removal.pieces.count == 0)
		return status;
	c->removal.sites = c->sites.items;
	c->removal.site_count = c->sites.count;
	return inject_remove(&c->removal, e);
}

int inject_clean(pid_t pid, struct inject_stats *stats, struct err *e)
{
	struct cleaning c = {.removal = {.stats = stats}};
	*stats = (struct inject_stats){0};
	int status = inject_open(pid, &c.removal.i, e);
	if (status)
		return status;
	status = clean(&c, e);
	array_free(&c.removal.pieces);
	array_free(&c.sites);
	inject_close(c.removal.i);
	return status ? err_add(e, "process %d", (int)pid) : 0;
}
