/* SPDX-License-Identifier: MIT */
/*
 * The packets of a stream file in turn: gaps between them, the end of each, memory behind them.
 */
#include "ctf/ctf_stream.h"
#include "ctf/ctf_decode.h"
#include "event/event.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE_BYTES = 4096, DROP_BYTES = 4 << 20 };

/* Mapped pages count as the reader's memory until it lets them go. */
static void stream_drop(struct ctf_stream *s, size_t before)
{
	before &= ~(size_t)(PAGE_BYTES - 1);
	if (!s->mapped || before < s->dropped_bytes + DROP_BYTES)
		return;
	madvise((void *)(s->data + s->dropped_bytes), before - s->dropped_bytes, MADV_DONTNEED);
	s->dropped_bytes = before;
}

static int stream_lost(struct ctf_stream *s, struct event *ret, uint64_t time_ns, uint64_t count,
		       uint64_t packets)
{
	s->lost[0] = count;
	s->lost[1] = s->before_end_ns;
	s->lost[2] = packets;
	if (time_ns > s->last_ns)
		s->last_ns = time_ns;
	*ret = (struct event){
		.time_ns = s->last_ns,
		.type = s->trace->metadata->lost,
		.payload = (const uint8_t *)s->lost,
		.payload_bytes = sizeof(s->lost),
		.cpu = s->packet->cpu,
		.tid = EVENT_TID_UNKNOWN,
		.stream = s->number,
	};
	return 1;
}

static const struct ctf_plan *stream_plan(const struct ctf_stream *s, const struct ctf_class *class)
{
	const struct ctf_metadata *m = s->trace->metadata;
	for (size_t i = 0; i < m->classes.count; i++) {
		if (m->classes.items[i] == class)
			return s->trace->plans[i];
	}
	return NULL;
}

/*
 * A slice is read with the 8 bytes around it: neither behind the packet's last whole header nor at
 * the very end of the file.
 */
static uint64_t stream_quick_bits(const struct ctf_stream *s)
{
	uint64_t file_bits = 8 * (uint64_t)(s->data + s->bytes - s->base);
	uint64_t header_bits = s->plan->header_bits;
	if (!s->plan->quick || s->end_bits < header_bits || file_bits < header_bits + 64)
		return 0;
	uint64_t in_packet = s->end_bits - header_bits, in_file = file_bits - header_bits - 64;
	return 1 + (in_packet < in_file ? in_packet : in_file);
}

/* Enters the next packet; 1 with a loss in front of it, 0 without. */
static int stream_enter(struct ctf_stream *s, struct event *ret)
{
	const struct ctf_packet *p = &s->index.packets.items[s->next_packet++];
	s->packet = p;
	s->plan = stream_plan(s, p->class);
	s->base = s->data + p->start_bytes;
	s->at_bits = p->body_bits;
	s->end_bits = p->end_bits;
	s->quick_bits = stream_quick_bits(s);
	s->cpu = p->cpu;
	s->fresh = true;
	s->running = p->cpu < 0 ? NULL : map_find(&s->trace->running, (uint32_t)p->cpu);
	if (p->has_begin)
		s->clock = p->begin;
	s->clock_limit = p->end ? p->end : UINT64_MAX;
	uint64_t missing = 0;
	if (s->has_before && p->has_sequence && p->sequence > s->before_sequence)
		missing = p->sequence - s->before_sequence - 1;
	s->before_sequence = p->sequence;
	if (!s->has_before)
		s->before_end_ns = ctf_stream_ns(s, s->clock);
	s->has_before = p->has_sequence;
	return missing ? stream_lost(s, ret, ctf_stream_ns(s, s->clock), 0, missing) : 0;
}

/*
 * Leaves the packet; 1 with the events discarded up to its end, 0 without. What was discarded
 * before the first packet of a flight recorder was so before the trace begins.
 */
static int stream_leave(struct ctf_stream *s, struct event *ret)
{
	const struct ctf_packet *p = s->packet;
	uint64_t end_ns = p->end ? ctf_stream_ns(s, p->end) : s->last_ns;
	uint64_t before = s->has_discarded ? s->before_discarded : p->sequence ? p->discarded : 0;
	uint64_t count = p->has_discarded && p->discarded > before ? p->discarded - before : 0;
	int code = count ? stream_lost(s, ret, end_ns, count, 0) : 0;
	s->has_discarded |= p->has_discarded;
	s->before_discarded = p->discarded;
	s->before_end_ns = end_ns;
	s->packet = NULL;
	stream_drop(s, p->start_bytes);
	return code;
}

/* A packet that ended before the window need not be read, only accounted for. */
static bool stream_passes(struct ctf_stream *s)
{
	const struct ctf_packet *p = s->packet;
	return p->end && p->end >= p->begin && ctf_stream_ns(s, p->end) < s->trace->from_ns;
}

static int stream_end(struct ctf_stream *s)
{
	if (s->misplaced)
		ctf_warn(s->trace->warnings,
			 "%s: %" PRIu64
			 " events had times that go backwards or leave their packet: "
			 "moved to the nearest possible",
			 s->path, s->misplaced);
	s->misplaced = 0;
	return 0;
}

int ctf_stream_next(struct ctf_stream *s, struct event *ret, struct err *e)
{
	for (;;) {
		int code;
		if (s->packet && s->at_bits < s->end_bits) {
			code = ctf_decode(s, ret, e);
		} else if (s->packet) {
			code = stream_leave(s, ret);
		} else {
			if (s->next_packet == s->index.packets.count)
				return stream_end(s);
			code = stream_enter(s, ret);
			if (stream_passes(s))
				s->at_bits = s->end_bits;
			else if (ctf_stream_ns(s, s->clock) > s->trace->to_ns)
				return stream_end(s);
		}
		if (code)
			return code;
	}
}

static int stream_source_next(struct source *source, struct event *ret, struct err *e)
{
	return ctf_stream_next((struct ctf_stream *)source, ret, e);
}

static void stream_source_close(struct source *source)
{
	(void)source;
}

static int stream_init(struct ctf_stream *ret, struct stream_trace *trace, const char *path,
		       const uint8_t *data, size_t bytes, int fd, struct err *e)
{
	struct ctf_stream s = {
		.source = {stream_source_next, stream_source_close},
		.trace = trace,
		.path = path,
		.data = data,
		.bytes = bytes,
		.mapped = data && fd >= 0,
		.freq_hz = trace->metadata->clock.freq_hz,
		.shift_ns = trace->shift_ns,
	};
	int code =
		ctf_index_build(&s.index, trace->metadata, data, bytes, fd, path, trace->warnings);
	for (size_t i = 0; !code && i < s.index.packets.count; i++) {
		int32_t cpu = s.index.packets.items[i].cpu;
		uint64_t *tid = cpu < 0 ? NULL : map_put(&trace->running, (uint32_t)cpu);
		if (tid)
			*tid = (uint64_t)EVENT_TID_UNKNOWN;
		else if (cpu >= 0)
			code = -ENOMEM;
	}
	if (code) {
		ctf_index_deinit(&s.index);
		return err_set(e, ENOMEM, "%s: no memory for its packets", path);
	}
	*ret = s;
	return 0;
}

int ctf_stream_init(struct ctf_stream *ret, struct stream_trace *trace, const char *path,
		    const uint8_t *data, size_t bytes, struct err *e)
{
	return stream_init(ret, trace, path, data, bytes, -1, e);
}

int ctf_stream_open(struct ctf_stream *ret, struct stream_trace *trace, const char *path,
		    struct err *e)
{
	struct stat st;
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return err_errno(e, "%s", path);
	size_t bytes = (size_t)st.st_size;
	void *data = bytes ? mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (data == MAP_FAILED)
		return err_errno(e, "%s: mapping", path);
	int code = stream_init(ret, trace, path, data, bytes, fd, e);
	if (code && data)
		munmap(data, bytes);
	return code;
}

void ctf_stream_close(struct ctf_stream *s)
{
	if (s->mapped)
		munmap((void *)s->data, s->bytes);
	ctf_index_deinit(&s->index);
	free(s->shifted);
	s->mapped = false;
	s->shifted = NULL;
}
