/* SPDX-License-Identifier: MIT */
#include "session/user_rings.h"

#include "ctf/ctf_layout.h"
#include "kernel/clock.h"
#include "ring/ring_read.h"
#include "session/user_types.h"
#include "util/cleanup.h"
#include "util/now.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { ANCHOR_TRIES = 16, SUBBUF_BYTES = 64 << 10, CHORD_TICKS = 1 << 20 };

/* Where one line ends for this reading. */
struct span {
	uint64_t first, open, open_bytes;
};

struct user_rings {
	char path[USER_PATH_BYTES];
	struct ring_share *share;
	uint64_t bytes;
	struct ring_view view;
	struct user_streams streams;
	struct clock_line clock;
	bool use_ticks;
	struct { /* the clock over the next CHORD_TICKS, so that not every event asks for it */
		uint64_t from, ns, length_ns;
		size_t looks; /* anchors there were */
	} chord;
	struct ctf_layout *layout; /* of the schema's types so far */
	size_t layout_types;
	bool known[RING_KINDS_MAX];
	uint64_t *next;    /* by line: the first sub-buffer not yet given */
	uint64_t *last_ns; /* by line: where its time has come to */
	struct span *spans;
	uint8_t *copy;
	struct user_totals totals;
};

static int rings_directory(char ret[USER_PATH_BYTES], struct err *e)
{
	struct stat st;
	snprintf(ret, USER_PATH_BYTES, "/dev/shm/cairn-%u", (unsigned)getuid());
	if (mkdir(ret, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "cannot make %s", ret);
	if (lstat(ret, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != getuid() ||
	    (st.st_mode & 077))
		return err_set(e, EPERM, "%s must be a directory that only its owner can enter",
			       ret);
	return 0;
}

int user_rings_path(char ret[USER_PATH_BYTES], const char *name, struct err *e)
{
	char directory[USER_PATH_BYTES];
	int status = rings_directory(directory, e);
	if (status == 0 &&
	    snprintf(ret, USER_PATH_BYTES, "%s/%s", directory, name) >= USER_PATH_BYTES)
		status = err_set(e, ENAMETOOLONG, "the name %s is too long for rings", name);
	return status;
}

void user_rings_anchor(struct user_rings *u)
{
	struct clock_anchor anchor;
	clock_anchor_take(&anchor, ANCHOR_TRIES, u->use_ticks);
	clock_line_add(&u->clock, &anchor);
}

static int map_file(struct user_rings *u, int fd, struct err *e)
{
	void *at = mmap(NULL, u->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return err_errno(e, "cannot map %s", u->path);
	u->share = at;
	return 0;
}

static int make_reader(struct user_rings *u, struct err *e)
{
	if (!ring_view_init(&u->view, u->share, u->bytes))
		return err_set(e, EBADMSG, "%s holds no rings of markers", u->path);
	uint32_t lines = u->view.line_count;
	u->next = calloc(lines, sizeof(*u->next));
	u->last_ns = calloc(lines, sizeof(*u->last_ns));
	u->spans = calloc(lines, sizeof(*u->spans));
	u->copy = malloc(u->view.own.subbuf_bytes);
	if (!u->next || !u->last_ns || !u->spans || !u->copy)
		return err_set(e, ENOMEM, "no memory to read the markers' rings");
	u->streams = (struct user_streams){u->view.own.cpu_stream, u->view.own.lane_stream};
	u->use_ticks = u->view.own.flags & RING_TICKS;
	return 0;
}

static int fill(struct user_rings *u, const struct user_options *o, uint32_t cpus, struct err *e)
{
	struct clock_anchor *first;
	if (o->patterns->bytes > RING_PATTERN_BYTES)
		return err_set(e, E2BIG, "the names of markers take more than %d bytes",
			       RING_PATTERN_BYTES);
	u->use_ticks = clock_check(NULL) == 0;
	user_rings_anchor(u);
	first = &u->clock.anchors.items[0];
	*u->share = (struct ring_share){
		.magic = RING_SHARE_MAGIC,
		.version = RING_SHARE_VERSION,
		.flags = (o->overwrite ? RING_OVERWRITE : 0) | (u->use_ticks ? RING_TICKS : 0),
		.cpus = cpus,
		.lanes = USER_LANES,
		.ring_bytes = o->ring_bytes,
		.subbuf_bytes = SUBBUF_BYTES,
		.cpu_stream = o->streams.cpu,
		.lane_stream = o->streams.lane,
		.pattern_bytes = (uint32_t)o->patterns->bytes,
		.anchor_ticks = first->tsc,
		.anchor_ns = first->monotonic_ns,
		.anchor_window_ns = first->window_ns,
	};
	memcpy(u->share->uuid, o->uuid, sizeof(o->uuid));
	memcpy(u->share->patterns, o->patterns->data, o->patterns->bytes);
	ring_share_start(u->share);
	return make_reader(u, e);
}

int user_rings_create(struct user_rings **ret, const struct user_options *options, struct err *e)
{
	struct user_rings *u = calloc(1, sizeof(*u));
	uint32_t cpus = (uint32_t)get_nprocs_conf();
	if (!u)
		return err_set(e, ENOMEM, "no memory for the markers' rings");
	int status = user_rings_path(u->path, options->name, e);
	u->bytes = ring_share_bytes(cpus + USER_LANES, options->ring_bytes);
	unlink(u->path); /* of a killed tool that had this pid */
	CLEANUP(fd)
	int fd = status < 0 ? -1 : open(u->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (status == 0 && (fd < 0 || ftruncate(fd, (off_t)u->bytes) < 0))
		status = err_errno(e, "cannot make %s", u->path);
	if (status == 0)
		status = map_file(u, fd, e);
	if (status == 0)
		status = fill(u, options, cpus, e);
	if (status < 0)
		user_rings_close(u);
	else
		*ret = u;
	return status;
}

int user_rings_open(struct user_rings **ret, const char *name, struct err *e)
{
	struct user_rings *u = calloc(1, sizeof(*u));
	struct stat st;
	if (!u)
		return err_set(e, ENOMEM, "no memory for the markers' rings");
	int status = user_rings_path(u->path, name, e);
	CLEANUP(fd)
	int fd = status < 0 ? -1 : open(u->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (status == 0 && (fd < 0 || fstat(fd, &st) < 0))
		status = err_errno(e, "cannot open %s", u->path);
	if (status < 0) {
		free(u);
		return status;
	}
	u->bytes = (uint64_t)st.st_size;
	status = map_file(u, fd, e);
	if (status == 0)
		status = make_reader(u, e);
	if (status < 0) {
		user_rings_close(u);
		return status;
	}
	struct clock_anchor first = {.tsc = u->view.own.anchor_ticks,
				     .monotonic_ns = u->view.own.anchor_ns,
				     .window_ns = u->view.own.anchor_window_ns};
	clock_line_add(&u->clock, &first);
	*ret = u;
	return 0;
}

void user_rings_close(struct user_rings *u)
{
	if (!u)
		return;
	if (u->share) {
		__atomic_store_n(&u->share->closed, 1, __ATOMIC_RELEASE);
		/* Programs keep the mapping; the memory behind it goes back now. */
		madvise(u->share, u->bytes & ~(uint64_t)4095, MADV_DONTNEED);
		CLEANUP(fd) int fd = open(u->path, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, RING_DATA_AT,
				  (off_t)(u->bytes - RING_DATA_AT));
		munmap(u->share, u->bytes);
	}
	if (*u->path)
		unlink(u->path);
	clock_line_deinit(&u->clock);
	ctf_layout_destroy(u->layout);
	free(u->next);
	free(u->last_ns);
	free(u->spans);
	free(u->copy);
	free(u);
}

bool user_rings_triggered(struct user_rings *u)
{
	return __atomic_exchange_n(&u->share->trigger, 0, __ATOMIC_ACQ_REL);
}

const char *user_rings_file(const struct user_rings *u)
{
	return u->path;
}

struct ring_share *user_rings_share(struct user_rings *u)
{
	return u->share;
}

int user_schema(struct schema *schema, const struct user_streams *streams, struct err *e)
{
	const uint32_t ids[] = {streams->cpu, streams->lane};
	for (size_t i = 0; i < 2; i++) {
		struct event_type *added;
		struct type *payload = type_struct(schema, 2);
		if (!payload)
			return err_set(e, ENOMEM, "no memory for the markers' types");
		type_set_field(payload, 0, "tid", type_integer(schema, 32, true, 10));
		type_set_field(payload, 1, "pid", type_integer(schema, 32, true, 10));
		int status = schema_add(schema, ids[i], RING_ID_THREAD, "cairn_writer", NULL,
					payload, &added, e);
		if (status < 0)
			return status;
	}
	return 0;
}

static int learn_kind(struct user_rings *u, struct schema *schema, uint32_t id, struct err *e)
{
	uint32_t bytes;
	const void *description = ring_view_kind(&u->view, id, &bytes);
	if (!description)
		return 0;
	u->known[id] = true;
	/* The memory may change while it is read; what was copied may not. */
	CLEANUP(free) char *copy = malloc(bytes + 1);
	if (!copy)
		return err_set(e, ENOMEM, "no memory for a marker's description");
	memcpy(copy, description, bytes);
	int status = user_type_add(schema, u->streams.cpu, id, copy, bytes, e);
	if (status == 0)
		status = user_type_add(schema, u->streams.lane, id, copy, bytes, e);
	/* A program that describes nonsense spoils its own events. */
	return status == -EBADMSG ? 0 : status < 0 ? status : 1;
}

int user_rings_learn(struct user_rings *u, struct schema *schema, size_t *added_ret, struct err *e)
{
	*added_ret = 0;
	for (uint32_t id = RING_ID_FIRST; id < RING_KINDS_MAX; id++) {
		int status = u->known[id] ? 0 : learn_kind(u, schema, id, e);
		if (status < 0)
			return status;
		*added_ret += (size_t)status;
	}
	return 0;
}

static int follow_schema(struct user_rings *u, const struct schema *schema, struct err *e)
{
	struct ctf_layout *layout;
	if (u->layout && u->layout_types == schema->type_count)
		return 0;
	int status = ctf_layout_create(&layout, schema, e);
	if (status == 0) {
		ctf_layout_destroy(u->layout);
		u->layout = layout;
		u->layout_types = schema->type_count;
	}
	return status;
}

/* Both ends are on the clock; in so short a time it is as straight as between two anchors. */
static void make_chord(struct user_rings *u, uint64_t ticks)
{
	uint64_t end_ns = 0, error_ns[2] = {0};
	clock_line_find(&u->clock, ticks, &u->chord.ns, &error_ns[0]);
	clock_line_find(&u->clock, ticks + CHORD_TICKS, &end_ns, &error_ns[1]);
	u->chord.from = ticks;
	u->chord.length_ns = end_ns - u->chord.ns;
	u->chord.looks = u->clock.anchors.count;
	/* Of the near end: the far one may lie behind the last anchor, and no event there. */
	if (error_ns[0] > u->totals.clock_error_ns)
		u->totals.clock_error_ns = error_ns[0];
}

/* A time of the writers on the trace's clock, never before the line's last one. */
static uint64_t on_clock(struct user_rings *u, uint32_t line, uint64_t ticks)
{
	uint64_t ns = ticks;
	if (u->use_ticks) {
		if (ticks - u->chord.from >= CHORD_TICKS ||
		    u->chord.looks != u->clock.anchors.count)
			make_chord(u, ticks);
		ns = u->chord.ns + (ticks - u->chord.from) * u->chord.length_ns / CHORD_TICKS;
	}
	if (ns > u->last_ns[line])
		u->last_ns[line] = ns;
	return u->last_ns[line];
}

/* Puts every event's time on the trace's clock; the bytes of whole events. */
static size_t convert(struct user_rings *u, uint32_t line, struct ring_packet *header,
		      uint8_t *body, size_t body_bytes)
{
	uint64_t ticks = header->begin_ns, end_ticks = header->end_ns;
	size_t at = 0, whole = 0;
	header->begin_ns = on_clock(u, line, ticks);
	while (at < body_bytes) {
		uint64_t word;
		if (body_bytes - at < sizeof(word))
			break;
		memcpy(&word, body + at, sizeof(word));
		size_t bytes =
			ctf_layout_event(u->layout, header->stream_id, body + at, body_bytes - at);
		if (!bytes)
			break;
		ticks = RING_EVENT_TIME(word, ticks);
		if (ticks > end_ticks)
			break;
		word = RING_EVENT_WORD((uint16_t)word, on_clock(u, line, ticks));
		memcpy(body + at, &word, sizeof(word));
		whole = at + bytes;
		at = (whole + RING_EVENT_ALIGN - 1) & ~(size_t)(RING_EVENT_ALIGN - 1);
		u->totals.events += (uint16_t)word >= RING_ID_FIRST;
	}
	u->totals.refused += at < body_bytes;
	header->end_ns = end_ticks == UINT64_MAX ? u->last_ns[line] : on_clock(u, line, end_ticks);
	header->content_bits = 8 * (sizeof(*header) + whole);
	header->packet_bits = (header->content_bits + 63) & ~63ull;
	return whole;
}

/* A copied packet of the line, on to the sink. */
static int give(struct user_rings *u, uint32_t line, uint8_t *packet, uint64_t bytes,
		packet_sink sink, void *context, struct err *e)
{
	struct ring_packet *header = (struct ring_packet *)packet;
	size_t whole = convert(u, line, header, (uint8_t *)(header + 1), bytes - sizeof(*header));
	return sink(context, header, header + 1, whole, e);
}

/* 0 when the sub-buffer is gone or says nonsense. */
static uint64_t copy(struct user_rings *u, uint32_t line, uint64_t number, uint8_t *to)
{
	const struct span *s = &u->spans[line];
	bool is_open = number == s->open;
	uint64_t bytes = ring_view_copy(&u->view, line, number, is_open ? s->open_bytes : 0, to);
	if (bytes && is_open)
		((struct ring_packet *)to)->discarded = u->view.lines[line].lost;
	u->totals.refused += !bytes;
	return bytes;
}

void user_rings_look(struct user_rings *u)
{
	for (uint32_t line = 0; line < u->view.line_count; line++)
		ring_view_span(&u->view, line, &u->spans[line].first, &u->spans[line].open,
			       &u->spans[line].open_bytes);
	/* After the ends, so that all up to them lies before this moment. */
	user_rings_anchor(u);
}

static int give_line(struct user_rings *u, uint32_t line, bool open_too, packet_sink sink,
		     void *context, struct err *e)
{
	const struct span *s = &u->spans[line];
	uint64_t end = s->open + (open_too && s->open_bytes);
	int status = 0;
	if (u->next[line] < s->first)
		u->next[line] = s->first;
	for (; u->next[line] < end && status == 0; u->next[line]++) {
		uint64_t bytes = copy(u, line, u->next[line], u->copy);
		if (bytes)
			status = give(u, line, u->copy, bytes, sink, context, e);
	}
	return status;
}

int user_rings_drain(struct user_rings *u, const struct schema *schema, bool all, packet_sink sink,
		     void *context, struct err *e)
{
	int status = follow_schema(u, schema, e);
	for (uint32_t line = 0; line < u->view.line_count && status == 0; line++) {
		status = give_line(u, line, all, sink, context, e);
		ring_view_drained(&u->view, line, u->next[line]);
	}
	return status;
}

/* One packet of a snapshot, copied and not yet looked at. */
struct kept {
	uint32_t line;
	uint64_t bytes;
	uint8_t *packet;
};

struct keep {
	ARRAY(struct kept) packets;
	uint8_t *memory;
};

static uint64_t span_count(const struct span *s)
{
	return s->open - s->first + (s->open_bytes != 0);
}

static int keep_room(const struct user_rings *u, struct keep *k, struct err *e)
{
	uint64_t count = 0;
	for (uint32_t line = 0; line < u->view.line_count; line++)
		count += span_count(&u->spans[line]);
	k->memory = malloc(count * u->view.own.subbuf_bytes + 1);
	if (!k->memory || array_reserve(&k->packets, count + 1))
		return err_set(e, ENOMEM, "no memory for a snapshot of the markers' rings");
	return 0;
}

static void keep_all(struct user_rings *u, struct keep *k)
{
	uint8_t *to = k->memory;
	for (uint32_t line = 0; line < u->view.line_count; line++) {
		const struct span *s = &u->spans[line];
		for (uint64_t i = 0; i < span_count(s); i++) {
			uint64_t bytes = copy(u, line, s->first + i, to);
			if (bytes)
				k->packets.items[k->packets.count++] =
					(struct kept){line, bytes, to};
			to += u->view.own.subbuf_bytes;
		}
	}
}

int user_rings_snapshot(struct user_rings *u, struct schema *schema, packet_sink sink,
			void *context, struct err *e)
{
	struct keep k = {.memory = NULL};
	size_t added;
	u->totals.events = 0;
	memset(u->last_ns, 0, u->view.line_count * sizeof(*u->last_ns));
	uint64_t start_ns = now_monotonic_ns();
	__atomic_store_n(&u->share->frozen, 1, __ATOMIC_RELEASE);
	user_rings_look(u);
	int status = keep_room(u, &k, e);
	if (status == 0)
		keep_all(u, &k);
	__atomic_store_n(&u->share->frozen, 0, __ATOMIC_RELEASE);
	u->totals.frozen_ns = now_monotonic_ns() - start_ns;
	if (status == 0)
		status = user_rings_learn(u, schema, &added, e);
	if (status == 0)
		status = follow_schema(u, schema, e);
	array_each(kept, &k.packets) {
		if (status == 0)
			status = give(u, kept->line, kept->packet, kept->bytes, sink, context, e);
	}
	array_free(&k.packets);
	free(k.memory);
	return status;
}

void user_rings_totals(const struct user_rings *u, struct user_totals *ret)
{
	*ret = u->totals;
	ret->lost = ring_view_lost(&u->view);
}
