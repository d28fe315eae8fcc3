/* SPDX-License-Identifier: MIT */
/* A batch before it is attached: its places planned, its trampolines made where they will run. */
#include "inject/inject_own.h"
#include "patch/patch_place.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum {
	SITE_BYTES_MAX = 16384, /* of a trampoline: address space, of which little is used */
	PIECE_BYTES_MAX = 256 << 20,
	PUNNED_BYTES = 4 * INJECT_PAGE_BYTES,
	PUNNED_PIECES_MAX = 512,
	BODIES_MAX = 64, /* of one jump */
	ALIGNMENT = 16,
};

struct build {
	const struct inject *i;
	struct inject_site **sites; /* sorted by where they run */
	struct patch_place *places; /* beside them */
	struct inject_maps maps;
	struct inject_batch *batch;
	struct err *e;
};

void inject_batch_destroy(struct inject_batch *b)
{
	if (!b)
		return;
	array_each(piece, &b->pieces)
		free(piece->content);
	array_free(&b->pieces);
	array_free(&b->sites);
	free(b);
}

static uint64_t runs_at(const struct inject_site *site)
{
	return site->address + site->module->bias;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = runs_at(*(struct inject_site *const *)a);
	uint64_t y = runs_at(*(struct inject_site *const *)b);
	return (x > y) - (x < y);
}

static const uint8_t *code_at(const struct inject_site *site)
{
	const struct patch_bytes *text = &site->module->code->image.text;
	return text->data + (site->address - text->address);
}

/* The place, and those that share its jump. */
static void give_up(struct build *b, size_t k, size_t end, enum patch_way way,
		    enum patch_reason reason)
{
	size_t host = b->places[k].plan.way == PATCH_SHARED ? b->places[k].host : k;
	for (size_t j = host; j < end; j++) {
		if (j == host ||
		    (b->places[j].plan.way == PATCH_SHARED && b->places[j].host == host))
			b->places[j].plan = (struct patch_plan){.way = way, .reason = reason};
	}
}

/* I2: what is patched already, here or by others, is no place for another jump. */
static void mind_the_present(struct build *b, size_t k, size_t end)
{
	uint8_t there[INSN_BYTES_MAX + INSN_BYTES_MAX];
	uint64_t at = runs_at(b->sites[k]);
	size_t bytes = patch_place_bytes(&b->places[k]);
	if (!bytes)
		return;
	array_each(batch, &b->i->batches) {
		array_each(site, &(*batch)->sites) {
			if (site->address < at + bytes && at < site->address + site->run.bytes) {
				bool within = at >= site->address;
				give_up(b, k, end, within ? PATCH_NOWHERE : PATCH_UPROBE,
					PATCH_NEIGHBOUR);
				return;
			}
		}
	}
	if (inject_read(b->i, at, there, bytes, NULL) || memcmp(there, code_at(b->sites[k]), bytes))
		give_up(b, k, end, PATCH_NOWHERE, PATCH_FOREIGN);
}

/* A host's own body, and those of the places that share its jump. */
static int build_site(struct build *b, size_t k, size_t end, struct inject_piece *piece,
		      uint64_t offset)
{
	struct patch_body bodies[BODIES_MAX];
	size_t count = 0;
	struct patch_site *site = array_add(&b->batch->sites);
	if (!site)
		return -ENOMEM;
	for (size_t j = k; j < end && count < BODIES_MAX; j++) {
		const struct patch_place *place = &b->places[j];
		if (j == k || (place->plan.way == PATCH_SHARED && place->host == k))
			bodies[count++] = (struct patch_body){place->index, b->sites[j]->emit,
							      b->sites[j]->user};
		else if (place->plan.way != PATCH_NOWHERE)
			break;
	}
	struct emit out =
		emit_into(piece->content + offset, piece->bytes - offset, piece->remote + offset);
	int status = patch_site_build(&b->places[k].plan, b->sites[k]->module->bias,
				      code_at(b->sites[k]), bodies, count, &out, site, NULL);
	if (status)
		b->batch->sites.count--;
	else
		piece->used = (offset + out.bytes + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	return status;
}

static struct inject_piece *add_piece(struct build *b, uint64_t remote, uint64_t bytes)
{
	struct inject_piece *piece = array_add(&b->batch->pieces);
	uint8_t *content = piece ? calloc(1, bytes) : NULL;
	if (!content)
		return NULL;
	*piece = (struct inject_piece){remote, bytes, content, 0};
	return piece;
}

/* Pages that hold the start of a window, or, of a large one, any of its pages. */
static struct inject_piece *add_punned_piece(struct build *b, struct patch_range window)
{
	struct patch_range pages;
	uint64_t bytes = window.end - window.start;
	if (b->batch->pieces.count >= PUNNED_PIECES_MAX)
		return NULL;
	if (bytes >= 2 * PUNNED_BYTES) {
		if (inject_maps_take(&b->maps, window, PUNNED_BYTES, &pages.start))
			return NULL;
		return add_piece(b, pages.start, PUNNED_BYTES);
	}
	if (inject_maps_take_at(&b->maps, window.start, INJECT_PAGE_BYTES, &pages))
		return NULL;
	return add_piece(b, pages.start, pages.end - pages.start);
}

/* P3: where the bytes behind it lead a punned jump. */
static int build_punned(struct build *b, size_t k, size_t end)
{
	struct patch_range window = b->places[k].plan.window;
	uint64_t bias = b->sites[k]->module->bias;
	window.start += bias;
	window.end += bias;
	for (size_t tries = b->batch->pieces.count + 1, p = 1; p <= tries; p++) {
		struct inject_piece *piece =
			p < tries ? &b->batch->pieces.items[p - 1] : add_punned_piece(b, window);
		if (!piece)
			return -ENOSPC;
		uint64_t from = piece->remote + piece->used;
		from = from < window.start ? window.start : from;
		if (from >= window.end || from >= piece->remote + piece->bytes)
			continue;
		if (!build_site(b, k, end, piece, from - piece->remote))
			return 0;
	}
	return -ENOSPC;
}

static struct patch_range span_of(const struct inject_module *module)
{
	const struct patch_image *image = &module->code->image;
	struct patch_range span = {image->text.address, image->text.address + image->text.bytes};
	for (size_t k = 0; k < image->data_count; k++) {
		const struct patch_bytes *data = &image->data[k];
		span.start = data->address < span.start ? data->address : span.start;
		if (data->address + data->bytes > span.end)
			span.end = data->address + data->bytes;
	}
	return (struct patch_range){span.start + module->bias, span.end + module->bias};
}

/* I3 */
static void write_record(const struct build *b, size_t first, uint8_t *content)
{
	struct inject_record record = inject_record_begin(b->batch->sites.count - first);
	memcpy(content, &record, sizeof(record));
	content += sizeof(record);
	for (size_t k = first; k < b->batch->sites.count; k++) {
		const struct patch_site *site = &b->batch->sites.items[k];
		struct inject_record_site kept = {.address = site->address, .bytes = site->bytes};
		memcpy(kept.original, site->original, sizeof(kept.original));
		memcpy(kept.written, site->written, sizeof(kept.written));
		memcpy(content, &kept, sizeof(kept));
		content += sizeof(kept);
	}
}

/* The places [first, end) of one module: a piece for its jumps, others for its punned ones. */
static int build_module(struct build *b, size_t first, size_t end)
{
	uint64_t remote, head = sizeof(struct inject_record) +
				(end - first) * sizeof(struct inject_record_site);
	uint64_t bytes = (end - first) * (uint64_t)SITE_BYTES_MAX;
	bytes = bytes > PIECE_BYTES_MAX ? PIECE_BYTES_MAX : bytes;
	bytes += (head + INJECT_PAGE_BYTES) / INJECT_PAGE_BYTES * INJECT_PAGE_BYTES;
	struct patch_range window = inject_window(span_of(b->sites[first]->module));
	if (inject_maps_take(&b->maps, window, bytes, &remote))
		return err_set(b->e, ENOSPC, "process %d has no room near %#llx", (int)b->i->pid,
			       (unsigned long long)runs_at(b->sites[first]));
	size_t main = b->batch->pieces.count, first_site = b->batch->sites.count;
	struct inject_piece *piece = add_piece(b, remote, bytes);
	if (!piece)
		return err_set(b->e, ENOMEM, "no memory for probes");
	piece->used = (head + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	for (size_t k = first; k < end; k++) {
		enum patch_way way = b->places[k].plan.way;
		int status = 0;
		if (way == PATCH_JUMP) {
			piece = &b->batch->pieces.items[main];
			status = build_site(b, k, end, piece, piece->used);
		} else if (way == PATCH_PUNNED) {
			status = build_punned(b, k, end);
		}
		if (status)
			give_up(b, k, end, PATCH_UPROBE, PATCH_NOT_MOVABLE);
	}
	write_record(b, first_site, b->batch->pieces.items[main].content);
	return 0;
}

static int plan_module(struct build *b, size_t first, size_t end)
{
	const struct inject_module *module = b->sites[first]->module;
	for (size_t k = first; k < end; k++)
		b->places[k] = (struct patch_place){.address = b->sites[k]->address};
	patch_place_plan(module->code->code, b->i->has_shadow_stack, b->places + first,
			 end - first);
	size_t jumps = 0;
	for (size_t k = first; k < end; k++)
		b->places[k].host += first;
	for (size_t k = first; k < end; k++) {
		mind_the_present(b, k, end);
		jumps += patch_place_bytes(&b->places[k]) > 0;
	}
	return jumps ? build_module(b, first, end) : 0;
}

/* Pieces shrink to the pages that are used. */
static void trim(struct inject_batch *batch)
{
	array_each(piece, &batch->pieces) {
		uint64_t pages = (piece->used + INJECT_PAGE_BYTES - 1) / INJECT_PAGE_BYTES;
		piece->bytes = pages * INJECT_PAGE_BYTES;
	}
}

static int by_site(const void *a, const void *b)
{
	uint64_t x = ((const struct patch_site *)a)->address;
	uint64_t y = ((const struct patch_site *)b)->address;
	return (x > y) - (x < y);
}

static int build_all(struct build *b, size_t count)
{
	uint8_t there; /* of the program that was opened, not of one that replaced it */
	int status = inject_read(b->i, b->i->syscall_at, &there, 1, b->e);
	if (!status)
		status = inject_maps_read(b->i->pid, &b->maps, b->e);
	qsort(b->sites, count, sizeof(*b->sites), by_address);
	for (size_t first = 0, end; first < count && !status; first = end) {
		for (end = first + 1; end < count; end++) {
			if (b->sites[end]->module->code != b->sites[first]->module->code)
				break;
		}
		status = plan_module(b, first, end);
	}
	for (size_t k = 0; k < count && !status; k++) {
		b->sites[k]->way = b->places[k].plan.way;
		b->sites[k]->reason = b->places[k].plan.reason;
	}
	if (!status && b->batch->sites.count)
		qsort(b->batch->sites.items, b->batch->sites.count, sizeof(struct patch_site),
		      by_site);
	trim(b->batch);
	return status;
}

int inject_build(const struct inject *i, struct inject_site *sites, size_t count,
		 struct inject_batch *ret, struct err *e)
{
	CLEANUP(free) struct inject_site **sorted = calloc(count, sizeof(*sorted));
	CLEANUP(free) struct patch_place *places = calloc(count, sizeof(*places));
	if (!sorted || !places)
		return err_set(e, ENOMEM, "no memory for %zu probes", count);
	for (size_t k = 0; k < count; k++)
		sorted[k] = &sites[k];
	struct build b = {.i = i, .sites = sorted, .places = places, .batch = ret, .e = e};
	int status = build_all(&b, count);
	inject_maps_deinit(&b.maps);
	return status;
}
