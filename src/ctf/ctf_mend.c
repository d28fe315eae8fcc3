/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_mend.h"

#include <string.h>

enum { HEADER_BYTES = sizeof(struct ring_packet), KEY_BYTES = 20 };

struct mender {
	const uint8_t *data;
	size_t bytes;
	const struct ctf_layout *layout;
	uint8_t key[KEY_BYTES];  /* how every header of the trace begins */
	struct ring_packet last; /* the packet before, as it will be; at first, the stream's */
	size_t last_at;
	uint64_t last_event_ns; /* its end may be wrong, its events are known */
	bool started;
	struct ctf_mend *plan;
};

static void make_key(uint8_t key[KEY_BYTES], const uint8_t uuid[16])
{
	const uint32_t magic = RING_CTF_MAGIC;
	memcpy(key, &magic, 4);
	memcpy(key + 4, uuid, 16);
}

/* A header that agrees with itself. */
static bool take_header(const struct mender *m, size_t at, struct ring_packet *ret)
{
	if (m->bytes - at < HEADER_BYTES || memcmp(m->data + at, m->key, KEY_BYTES))
		return false;
	memcpy(ret, m->data + at, sizeof(*ret));
	return ret->content_bits % 8 == 0 && ret->packet_bits % 8 == 0 &&
	       ret->content_bits >= HEADER_BYTES * 8 && ret->packet_bits >= ret->content_bits &&
	       ret->begin_ns <= ret->end_ns;
}

/* …and may stand behind the last packet. */
static bool read_header(const struct mender *m, size_t at, struct ring_packet *ret)
{
	struct ring_packet header;
	if (!take_header(m, at, &header) || header.stream_id != m->last.stream_id ||
	    header.cpu != m->last.cpu || (m->started && header.begin_ns < m->last_event_ns))
		return false;
	*ret = header;
	return true;
}

/* Whether a packet ends where the next one begins, or the file: then what is in it is no header. */
static bool is_linked(const struct mender *m, size_t at, const struct ring_packet *header)
{
	size_t left = m->bytes - at;
	if (header->packet_bits / 8 > left)
		return false;
	left -= header->packet_bits / 8;
	return !left ||
	       (left >= KEY_BYTES && !memcmp(m->data + m->bytes - left, m->key, KEY_BYTES));
}

/* Whose stream this is: what most headers say, should the first one be wrong. */
static void vote(struct mender *m)
{
	size_t lead = 0;
	for (size_t at = 0; at < m->bytes;) {
		struct ring_packet header;
		const uint8_t *found = memmem(m->data + at, m->bytes - at, m->key, KEY_BYTES);
		if (!found)
			break;
		at = (size_t)(found - m->data);
		if (!take_header(m, at, &header)) {
			at++;
			continue;
		}
		if (!lead) {
			m->last.stream_id = header.stream_id;
			m->last.cpu = header.cpu;
		}
		bool same = header.stream_id == m->last.stream_id && header.cpu == m->last.cpu;
		lead += same ? 1 : (size_t)-1;
		at += is_linked(m, at, &header) ? header.packet_bits / 8 : KEY_BYTES;
	}
}

/* The next header from `at` on, and before `end`; `end` when there is none. */
static size_t find_header(const struct mender *m, size_t at, size_t end)
{
	while (at < end && end - at >= KEY_BYTES) {
		struct ring_packet header;
		const uint8_t *found = memmem(m->data + at, end - at, m->key, KEY_BYTES);
		if (!found)
			break;
		at = (size_t)(found - m->data);
		if (read_header(m, at, &header))
			return at;
		at++;
	}
	return end;
}

static int patch(struct mender *m, size_t at, const struct ring_packet *header)
{
	struct ctf_mend *plan = m->plan;
	size_t count = plan->patches.count;
	if (count && plan->patches.items[count - 1].at == at) {
		plan->patches.items[count - 1].header = *header;
		return 0;
	}
	return array_push(&plan->patches, (struct ctf_mend_patch){.at = at, .header = *header});
}

/* The packet at `at` is the last one now; the one before it ends where it begins at the latest. */
static int accept(struct mender *m, size_t at, const struct ring_packet *header,
		  const struct ctf_span *span)
{
	int r = 0;
	if (m->started && m->last.end_ns > header->begin_ns) {
		m->last.end_ns = header->begin_ns;
		r = patch(m, m->last_at, &m->last);
	}
	m->last = *header;
	m->last_at = at;
	m->last_event_ns = span->last_ns;
	m->started = true;
	m->plan->end = at + header->packet_bits / 8;
	return r;
}

/* [at, next) is no packet. */
static int pass_over(struct mender *m, size_t at, size_t next)
{
	m->plan->damaged_bytes += next - at;
	if (next == m->bytes)
		return 0; /* cut off */
	if (!m->started) {
		m->plan->front_bytes = next;
		return 0;
	}
	m->last.packet_bits = (next - m->last_at) * 8;
	m->plan->end = next;
	return patch(m, m->last_at, &m->last);
}

/* What a damaged packet has of whole events; `next`: where the bytes that may be its end. */
static int salvage(struct mender *m, size_t at, size_t next, struct ring_packet *header,
		   const struct ctf_span *span)
{
	if (!span->events)
		return pass_over(m, at, next);
	size_t content_bytes = HEADER_BYTES + span->bytes;
	size_t packet_bytes = next - at;
	if (next == m->bytes && packet_bytes > ((content_bytes + 7) & ~(size_t)7))
		packet_bytes = (content_bytes + 7) & ~(size_t)7;
	m->plan->salvaged++;
	m->plan->salvaged_events += span->events;
	m->plan->damaged_bytes += next - at - content_bytes;
	header->content_bits = content_bytes * 8;
	header->packet_bits = packet_bytes * 8;
	int r = accept(m, at, header, span);
	return r ? r : patch(m, at, header);
}

/* Deals with what is at `*at`, and goes on behind it. */
static int step(struct mender *m, size_t *at)
{
	struct ring_packet header;
	size_t start = *at;
	if (!read_header(m, start, &header)) {
		*at = find_header(m, start + 1, m->bytes);
		return pass_over(m, start, *at);
	}
	size_t left = m->bytes - start;
	bool fits = header.packet_bits / 8 <= left;
	size_t content_bytes = header.content_bits / 8 < left ? header.content_bits / 8 : left;
	const uint8_t *body = m->data + start + HEADER_BYTES;
	struct ctf_span span =
		ctf_layout_walk(m->layout, &header, body, content_bytes - HEADER_BYTES);
	if (fits && span.bytes == content_bytes - HEADER_BYTES) {
		*at = start + header.packet_bits / 8;
		m->plan->packets++;
		return accept(m, start, &header, &span);
	}
	/* Its sizes may be wrong too: whatever looks like the next packet ends it. */
	size_t end = fits ? start + header.packet_bits / 8 : m->bytes;
	*at = find_header(m, start + HEADER_BYTES, end);
	if (span.bytes > *at - start - HEADER_BYTES)
		span = ctf_layout_walk(m->layout, &header, body, *at - start - HEADER_BYTES);
	return salvage(m, start, *at, &header, &span);
}

int ctf_mend_plan(struct ctf_mend *ret, const uint8_t uuid[16], const struct ctf_layout *layout,
		  const void *data, size_t bytes, struct err *e)
{
	struct ctf_mend plan = {0};
	struct mender m = {.data = data, .bytes = bytes, .layout = layout, .plan = &plan};
	make_key(m.key, uuid);
	vote(&m);
	for (size_t at = 0; at < bytes;) {
		if (step(&m, &at)) {
			ctf_mend_deinit(&plan);
			return err_set(e, ENOMEM, "no memory to mend a stream");
		}
	}
	if (!m.started)
		plan.front_bytes = 0;
	*ret = plan;
	return 0;
}

void ctf_mend_deinit(struct ctf_mend *m)
{
	array_free(&m->patches);
}

bool ctf_mend_needed(const struct ctf_mend *m, size_t bytes)
{
	return m->patches.count || m->front_bytes || m->end != bytes;
}

bool ctf_mend_is_beginning(const uint8_t uuid[16], const void *data, size_t bytes)
{
	uint8_t key[KEY_BYTES];
	const uint8_t *p = data;
	if (!bytes)
		return true;
	make_key(key, uuid);
	if (!memcmp(p, key, bytes < KEY_BYTES ? bytes : KEY_BYTES))
		return true;
	for (size_t i = 0; i < bytes; i++) {
		if (p[i])
			return false;
	}
	return true;
}
