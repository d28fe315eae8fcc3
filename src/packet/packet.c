/* SPDX-License-Identifier: MIT */
#include "packet/packet.h"

#include <stdlib.h>
#include <string.h>

enum {
	BODY_BYTES_MAX = PACKET_BYTES_MAX - sizeof(struct ring_packet),
	/* Two packets' worth: an event that does not fit behind others is put there all the same.
	 */
	BUFFER_BYTES = 2 * BODY_BYTES_MAX,
	TIME_BITS = 48,
};

static size_t round_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) & ~(to - 1);
}

int packet_init(struct packet *p, const uint8_t uuid[16], uint32_t stream_id, uint32_t cpu,
		packet_sink sink, void *context, struct err *e)
{
	memset(p, 0, sizeof(*p));
	p->body = malloc(BUFFER_BYTES);
	if (!p->body)
		return err_set(e, ENOMEM, "no memory for a packet");
	p->header.magic = RING_CTF_MAGIC;
	memcpy(p->header.uuid, uuid, sizeof(p->header.uuid));
	p->header.stream_id = stream_id;
	p->header.cpu = cpu;
	p->sink = sink;
	p->context = context;
	return 0;
}

void packet_deinit(struct packet *p)
{
	free(p->body);
	p->body = NULL;
}

static size_t event_bytes(const struct packet *p)
{
	return p->bytes - p->start;
}

void packet_begin(struct packet *p, uint16_t id, uint64_t time_ns)
{
	p->start = p->bytes = round_up(p->body_bytes, RING_EVENT_ALIGN);
	memset(p->body + p->body_bytes, 0, p->start - p->body_bytes);
	p->time_ns = time_ns < p->last_ns ? p->last_ns : time_ns;
	p->overflow = false;
	packet_put_u64(p, RING_EVENT_WORD(id, p->time_ns));
}

void packet_put(struct packet *p, const void *data, size_t bytes)
{
	if (p->overflow || bytes > BODY_BYTES_MAX - event_bytes(p)) {
		p->overflow = true;
		return;
	}
	memcpy(p->body + p->bytes, data, bytes);
	p->bytes += bytes;
}

void packet_align(struct packet *p, unsigned bytes)
{
	static const uint8_t zeros[8];
	packet_put(p, zeros, round_up(p->bytes, bytes) - p->bytes);
}

static size_t string_room(const struct packet *p)
{
	size_t used = event_bytes(p) + PACKET_RESERVE_BYTES + 1;
	return used < BODY_BYTES_MAX ? BODY_BYTES_MAX - used : 0;
}

void packet_put_text(struct packet *p, const char *text, size_t bytes)
{
	static const char mark[] = PACKET_CUT;
	size_t kept = strnlen(text, bytes);
	size_t room = string_room(p);
	if (kept > room) {
		kept = room > sizeof(mark) ? room - sizeof(mark) : 0;
		/* Not through a character of several bytes. */
		while (kept && ((uint8_t)text[kept] & 0xc0) == 0x80)
			kept--;
		packet_put(p, text, kept);
		packet_put(p, mark, sizeof(mark));
		return;
	}
	packet_put(p, text, kept);
	packet_put_u8(p, 0);
}

void packet_put_string(struct packet *p, const char *string)
{
	packet_put_text(p, string, strlen(string));
}

void packet_lose(struct packet *p, uint64_t events)
{
	p->header.discarded += events;
}

/* `begin_ns` and `tid` of the header are there. */
static int give(struct packet *p, struct err *e)
{
	size_t content_bytes = sizeof(p->header) + p->body_bytes;
	p->header.end_ns = p->last_ns;
	p->header.content_bits = content_bytes * 8;
	p->header.packet_bits = round_up(content_bytes, RING_EVENT_ALIGN) * 8;
	int r = p->sink(p->context, &p->header, p->body, p->body_bytes, e);
	p->told = p->header.discarded;
	p->header.sequence++;
	p->body_bytes = p->bytes = p->start = 0;
	return r;
}

int packet_seal(struct packet *p, struct err *e)
{
	if (!p->body_bytes) {
		if (p->header.discarded == p->told)
			return 0;
		p->header.begin_ns = p->last_ns;
	}
	return give(p, e);
}

int packet_gap(struct packet *p, uint64_t events, uint64_t until_ns, struct err *e)
{
	int r = events ? packet_seal(p, e) : 0;
	if (r < 0 || !events)
		return r;
	p->header.begin_ns = p->last_ns ? p->last_ns : until_ns;
	p->header.tid = RING_TID_UNKNOWN;
	p->header.discarded += events;
	if (until_ns > p->last_ns)
		p->last_ns = until_ns;
	return give(p, e);
}

void packet_restart(struct packet *p)
{
	p->body_bytes = p->bytes = p->start = 0;
	p->last_ns = p->told = 0;
	p->header.sequence = p->header.discarded = 0;
}

/* An event's 48 bits of time say only how far it is from the one before it in its packet. */
static bool fits_behind(const struct packet *p)
{
	return p->bytes <= BODY_BYTES_MAX && (p->time_ns - p->last_ns) >> TIME_BITS == 0;
}

int packet_commit(struct packet *p, struct err *e)
{
	if (p->overflow) {
		p->header.discarded++;
		p->bytes = p->body_bytes;
		return 0;
	}
	int r = 0;
	if (p->body_bytes && !fits_behind(p)) {
		size_t start = p->start;
		size_t bytes = event_bytes(p);
		r = packet_seal(p, e);
		memmove(p->body, p->body + start, bytes);
		p->bytes = bytes;
	}
	if (!p->body_bytes) {
		p->header.begin_ns = p->time_ns;
		p->header.tid = p->tid;
	}
	p->body_bytes = p->bytes;
	p->last_ns = p->time_ns;
	p->events++;
	return r;
}

int packet_add(struct packet *p, uint16_t id, uint64_t time_ns, uint32_t tid, const void *payload,
	       size_t bytes, struct err *e)
{
	p->tid = tid;
	packet_begin(p, id, time_ns);
	packet_put(p, payload, bytes);
	return packet_commit(p, e);
}
