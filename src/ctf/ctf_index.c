/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_index.h"
#include "event/walk.h"
#include "ring/ring_abi.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Enough for the header of any packet but the strangest, which are read from the mapping. */
enum { HEAD_BYTES = 512 };

/* A packet header and context as they were read. */
struct packet_header {
	struct ctf_packet packet;
	uint64_t magic, stream_id, content_bits, packet_bits;
	bool has_magic, has_stream, has_content, has_packet;
	const uint8_t *uuid; /* in the bytes that were read */
};

/* One file on its way to an index. */
struct indexer {
	const struct ctf_metadata *metadata;
	const uint8_t *data;
	size_t bytes;
	int fd;
	const char *path;
	struct ctf_warnings *warnings;
	struct ctf_index index;
};

void ctf_warn(struct ctf_warnings *w, const char *format, ...)
{
	w->count++;
	if (w->kept == CTF_WARNINGS_MAX)
		return;
	va_list args;
	va_start(args, format);
	if (vasprintf(&w->text[w->kept], format, args) >= 0)
		w->kept++;
	va_end(args);
}

void ctf_warnings_deinit(struct ctf_warnings *w)
{
	for (size_t i = 0; i < w->kept; i++)
		free(w->text[i]);
	*w = (struct ctf_warnings){0};
}

static void header_keep(struct packet_header *h, const char *name, uint64_t value)
{
	const struct {
		const char *name;
		uint64_t *place;
		bool *has;
	} known[] = {
		{"magic", &h->magic, &h->has_magic},
		{"stream_id", &h->stream_id, &h->has_stream},
		{"timestamp_begin", &h->packet.begin, &h->packet.has_begin},
		{"timestamp_end", &h->packet.end, NULL},
		{"content_size", &h->content_bits, &h->has_content},
		{"packet_size", &h->packet_bits, &h->has_packet},
		{"packet_seq_num", &h->packet.sequence, &h->packet.has_sequence},
		{"events_discarded", &h->packet.discarded, &h->packet.has_discarded},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name))
			continue;
		*known[i].place = value;
		if (known[i].has)
			*known[i].has = true;
		return;
	}
	if (!strcmp(name, "cpu_id"))
		h->packet.cpu = (int32_t)value;
	else if (!strcmp(name, "tid"))
		h->packet.tid = (int32_t)value;
}

static void header_read(struct packet_header *h, struct walk *w, const struct type *structure)
{
	if (!structure)
		return;
	walk_align(w, structure->align_bits);
	for (uint32_t i = 0; i < structure->structure.field_count && !w->failed; i++) {
		const struct field *f = &structure->structure.fields[i];
		if (f->type->kind == TYPE_INTEGER) {
			uint64_t value = walk_integer(w, f);
			if (!w->failed)
				header_keep(h, f->name, value);
			continue;
		}
		if (f->type->kind == TYPE_STRUCT) {
			header_read(h, w, f->type);
			continue;
		}
		walk_skip(w, f);
		if (!w->failed && !strcmp(f->name, "uuid") && f->type->size_bits == 128 &&
		    w->at_bits % 8 == 0)
			h->uuid = w->data + w->at_bits / 8 - 16;
	}
}

static const struct ctf_class *header_class(const struct indexer *x, const struct packet_header *h)
{
	const struct ctf_metadata *m = x->metadata;
	if (h->has_stream)
		return ctf_class_find(m, h->stream_id);
	return m->classes.count ? m->classes.items[0] : NULL;
}

/* What is wrong with a header and context at the start of `data`; NULL for nothing. */
static const char *packet_parse(const struct indexer *x, struct packet_header *h, struct walk *w)
{
	header_read(h, w, x->metadata->packet_header);
	if (w->failed)
		return "too short for a packet";
	if (h->has_magic && h->magic != RING_CTF_MAGIC)
		return "no packet";
	if (h->uuid && x->metadata->has_uuid && memcmp(h->uuid, x->metadata->uuid, 16))
		return "a packet of another trace";
	h->packet.class = header_class(x, h);
	if (!h->packet.class)
		return "a packet of a stream the metadata does not describe";
	header_read(h, w, h->packet.class->packet_context);
	return w->failed ? "too short for a packet" : NULL;
}

/* The packet's sizes, as far as it tells them, against what the file has. */
static const char *packet_sizes(struct packet_header *h, uint64_t body_bits, uint64_t left_bits)
{
	if (!h->has_packet)
		h->packet_bits = h->has_content ? h->content_bits : left_bits;
	if (!h->has_content)
		h->content_bits = h->packet_bits;
	h->packet.body_bits = body_bits;
	h->packet.end_bits = h->content_bits < left_bits ? h->content_bits : left_bits;
	if (h->content_bits >= body_bits && h->packet_bits >= h->content_bits)
		return NULL;
	return h->content_bits ? "a packet with impossible sizes"
			       : "a packet that was never sealed";
}

static const struct packet_header header_none = {
	.packet = {.cpu = EVENT_CPU_NONE, .tid = EVENT_TID_UNKNOWN},
};

/* Whether the bytes at `start` begin a packet; what is wrong in `why_ret` if not. */
static bool packet_read(const struct indexer *x, size_t start, struct packet_header *h,
			const char **why_ret)
{
	struct walk w;
	uint8_t head[HEAD_BYTES];
	size_t left = x->bytes - start;
	bool in_head = x->fd >= 0 && left > HEAD_BYTES &&
		       pread(x->fd, head, HEAD_BYTES, (off_t)start) == HEAD_BYTES;
	*h = header_none;
	walk_init(&w, in_head ? head : x->data + start, in_head ? HEAD_BYTES : left);
	*why_ret = packet_parse(x, h, &w);
	if (w.failed && in_head) {
		*h = header_none;
		walk_init(&w, x->data + start, left);
		*why_ret = packet_parse(x, h, &w);
	}
	h->packet.start_bytes = start;
	h->uuid = NULL;
	if (!*why_ret)
		*why_ret = packet_sizes(h, w.at_bits, 8 * (uint64_t)left);
	return !*why_ret;
}

/* The next place after `start` where a packet begins, or the file's end. */
static size_t packet_search(struct indexer *x, size_t start)
{
	const struct type *header = x->metadata->packet_header;
	const struct field *magic = type_field(header, "magic");
	if (!magic || magic->fast_bytes + magic->type->integer.big_endian == 0 ||
	    magic->type->integer.bits != 32 || magic->offset_bits % 8)
		return x->bytes;
	uint32_t value = magic->type->integer.big_endian ? __builtin_bswap32(RING_CTF_MAGIC)
							 : RING_CTF_MAGIC;
	size_t place = (size_t)magic->offset_bits / 8;
	for (size_t at = start + 1; at < x->bytes && place < x->bytes - at; at++) {
		struct packet_header h;
		const char *why;
		const uint8_t *from = x->data + at + place;
		const uint8_t *found = memmem(from, x->bytes - at - place, &value, sizeof(value));
		if (!found)
			break;
		at = (size_t)(found - x->data) - place;
		if (packet_read(x, at, &h, &why))
			return at;
	}
	return x->bytes;
}

static bool all_zero(const uint8_t *data, size_t bytes)
{
	return !bytes || (!data[0] && !memcmp(data, data + 1, bytes - 1));
}

/* Over bytes that are no packet; returns where to go on. */
static size_t packet_lost(struct indexer *x, size_t start, const struct packet_header *h,
			  const char *why)
{
	size_t next = 0;
	uint64_t size = h->packet_bits / 8;
	/* A header that tells its size is believed when a packet or the end follows. */
	if (h->packet.class && h->has_packet && size && size <= x->bytes - start) {
		struct packet_header after;
		const char *ignored;
		next = start + (size_t)size;
		if (next != x->bytes && !packet_read(x, next, &after, &ignored))
			next = 0;
	}
	if (!next)
		next = packet_search(x, start);
	if (all_zero(x->data + start, next - start))
		why = "only zeros";
	ctf_warn(x->warnings, "%s: %zu bytes at %zu are %s and left out", x->path, next - start,
		 start, why);
	return next;
}

static int packet_order(const void *a, const void *b)
{
	const struct ctf_packet *p = a, *q = b;
	if (p->begin != q->begin)
		return p->begin < q->begin ? -1 : 1;
	return p->start_bytes < q->start_bytes ? -1 : 1;
}

static void index_sort(struct indexer *x)
{
	struct ctf_packet *packets = x->index.packets.items;
	size_t count = x->index.packets.count, unordered = 0;
	for (size_t i = 1; i < count; i++) {
		if (!packets[i].has_begin || !packets[i - 1].has_begin)
			return;
		unordered += packets[i].begin < packets[i - 1].begin;
	}
	if (!unordered)
		return;
	ctf_warn(x->warnings, "%s: %zu packets begin before the one in front of them: sorted",
		 x->path, unordered);
	qsort(packets, count, sizeof(*packets), packet_order);
}

int ctf_index_build(struct ctf_index *ret, const struct ctf_metadata *m, const uint8_t *data,
		    size_t bytes, int fd, const char *path, struct ctf_warnings *warnings)
{
	struct indexer x = {m, data, bytes, fd, path, warnings, {{0}}};
	for (size_t start = 0; start < bytes;) {
		struct packet_header h;
		const char *why;
		if (!packet_read(&x, start, &h, &why)) {
			start = packet_lost(&x, start, &h, why);
			continue;
		}
		uint64_t size = (h.packet_bits + 7) / 8;
		if (size > bytes - start) {
			ctf_warn(warnings,
				 "%s: the packet at %zu ends %" PRIu64
				 " bytes behind the file: read "
				 "as far as it goes",
				 path, start, size - (bytes - start));
			size = bytes - start;
		}
		if (array_push(&x.index.packets, h.packet)) {
			ctf_index_deinit(&x.index);
			return -ENOMEM;
		}
		/* Without a header and sizes, a packet of no bits would never end. */
		start += size ? (size_t)size : bytes - start;
	}
	index_sort(&x);
	*ret = x.index;
	return 0;
}

void ctf_index_deinit(struct ctf_index *index)
{
	array_free(&index->packets);
}
