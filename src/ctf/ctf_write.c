/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_write.h"

#include "ctf/ctf_append.h"
#include "ctf/ctf_describe.h"
#include "ctf/ctf_layout.h"
#include "ctf/ctf_types.h"
#include "util/cleanup.h"
#include "util/map.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { FRESH_NAMES_MAX = 1000 };

struct stream {
	struct ctf_append file;
	bool started;
	bool resumed;         /* `last` was written before this writer was */
	uint64_t lost_events; /* of packets that were not written */
	struct ring_packet last;
	struct ring_packet
		unwritten; /* the last one the disk did not take, told by none after it */
	char name[64];
};

struct ctf_write {
	char *path;
	int directory;
	struct ctf_trace trace;
	struct ctf_metadata *metadata; /* of a resumed trace: holds its schema */
	struct ctf_layout *layout;
	size_t described;   /* event types in the metadata on disk; `layout` may know more */
	struct map streams; /* by class and cpu */
	struct ctf_write_totals totals;
};

static int directory_is_empty(const char *path)
{
	DIR *directory = opendir(path);
	if (!directory)
		return -1;
	bool empty = true;
	for (struct dirent *entry; empty && (entry = readdir(directory));)
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(directory);
	return empty;
}

static int make_directory(const char *path, bool fresh, struct err *e)
{
	if (!mkdir(path, 0700))
		return 0;
	if (errno != EEXIST)
		return err_errno(e, "cannot make the trace directory %s", path);
	if (!fresh && directory_is_empty(path) > 0)
		return 0;
	return err_set(e, EEXIST,
		       "%s exists and is not an empty directory; name another place for the trace",
		       path);
}

static int open_directory(struct ctf_write **ret, const char *path, const struct ctf_trace *trace,
			  struct err *e)
{
	struct ctf_write *w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ENOMEM, "no memory to write a trace");
	w->trace = *trace;
	w->path = strdup(path);
	w->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->directory < 0 || !w->path) {
		int r = err_errno(e, "cannot open the trace directory %s", path);
		ctf_write_destroy(w);
		return r;
	}
	/* Says to a recovery that somebody is at work here; goes with the process. */
	flock(w->directory, LOCK_EX | LOCK_NB);
	*ret = w;
	return 0;
}

static int create(struct ctf_write **ret, const char *path, const struct ctf_trace *trace,
		  bool fresh, struct err *e)
{
	int r = make_directory(path, fresh, e);
	return r ? r : open_directory(ret, path, trace, e);
}

int ctf_write_create(struct ctf_write **ret, const char *path, const struct ctf_trace *trace,
		     struct err *e)
{
	return create(ret, path, trace, false, e);
}

int ctf_write_create_fresh(struct ctf_write **ret, const char *path, const struct ctf_trace *trace,
			   struct err *e)
{
	int r = create(ret, path, trace, true, e);
	for (unsigned i = 2; r == -EEXIST && i < FRESH_NAMES_MAX; i++) {
		char name[4096];
		snprintf(name, sizeof(name), "%s-%u", path, i);
		r = create(ret, name, trace, true, e);
	}
	return r;
}

const struct schema *ctf_write_schema(const struct ctf_write *w)
{
	return w->trace.schema;
}

const char *ctf_write_path(const struct ctf_write *w)
{
	return w->path;
}

/*
 * No packet comes any more to tell of the last losses: the last one that was written does, and
 * lasts until the end of what was lost. Its header is on the disk already, full or not.
 */
static void close_stream(struct stream *stream)
{
	if (stream->started && stream->unwritten.end_ns > stream->last.end_ns) {
		stream->last.end_ns = stream->unwritten.end_ns;
		stream->last.discarded = stream->unwritten.discarded;
		(void)ctf_append_amend(&stream->file, &stream->last);
	}
	ctf_append_deinit(&stream->file);
}

void ctf_write_destroy(struct ctf_write *w)
{
	if (!w)
		return;
	map_each(slot, &w->streams) {
		struct stream *stream = (struct stream *)(uintptr_t)slot->value;
		if (stream)
			close_stream(stream);
		free(stream);
	}
	map_deinit(&w->streams);
	ctf_layout_destroy(w->layout);
	ctf_metadata_destroy(w->metadata);
	if (w->directory >= 0)
		close(w->directory);
	free(w->path);
	free(w);
}

/* All of it, or a negative errno. */
static int write_fully(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t n = write(fd, data, bytes);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			bytes -= (size_t)n;
		}
	}
	return 0;
}

static int replace_metadata(struct ctf_write *w, const struct text *text)
{
	static const char hidden[] = ".metadata.new";
	CLEANUP(fd)
	int fd = openat(w->directory, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_fully(fd, text->data, text->bytes);
	if (!r && renameat(w->directory, hidden, w->directory, "metadata"))
		r = -errno;
	if (r)
		unlinkat(w->directory, hidden, 0);
	return r;
}

int ctf_write_metadata(struct ctf_write *w, struct err *e)
{
	struct text text = {0};
	struct ctf_layout *layout = NULL;
	size_t types = w->trace.schema->type_count;
	int r = ctf_describe(&text, &w->trace, e);
	if (!r)
		r = ctf_layout_create(&layout, w->trace.schema, e);
	if (!r) {
		ctf_layout_destroy(w->layout);
		w->layout = layout;
		r = replace_metadata(w, &text);
		if (r) {
			errno = -r;
			err_errno(e, "cannot write %s/metadata", w->path);
		} else {
			w->described = types;
		}
	}
	text_deinit(&text);
	return r;
}

static const struct ctf_stream_class *find_class(const struct ctf_write *w, uint32_t id)
{
	for (size_t i = 0; i < w->trace.stream_count; i++) {
		if (w->trace.streams[i].id == id)
			return &w->trace.streams[i];
	}
	return NULL;
}

static void note_trouble(struct ctf_write *w, const struct err *trouble)
{
	if (!w->totals.trouble.code)
		w->totals.trouble = *trouble;
}

/* To the last packet of the file, from header to header. */
static int find_last(struct stream *stream, int fd, uint64_t size)
{
	struct ctf_append *file = &stream->file;
	uint64_t at = 0;
	for (; at < size; at += stream->last.packet_bits / 8) {
		ssize_t n = pread(fd, &stream->last, sizeof(stream->last), (off_t)at);
		if (n != sizeof(stream->last) ||
		    stream->last.packet_bits / 8 < sizeof(stream->last))
			return -EBADMSG;
		file->start = at;
	}
	if (at != size)
		return -EBADMSG;
	file->fd = fd;
	file->size = size;
	file->end = file->start + ((stream->last.content_bits / 8 + 7) & ~7ull);
	stream->started = stream->resumed = true;
	return 0;
}

static int resume_stream(struct ctf_write *w, struct stream *stream)
{
	struct stat status;
	CLEANUP(fd) int fd = openat(w->directory, stream->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return 0;
	int r = fd < 0 || fstat(fd, &status) ? -errno : 0;
	if (!r && status.st_size)
		r = find_last(stream, fd, (uint64_t)status.st_size);
	if (!r && status.st_size)
		fd = -1; /* the stream's now */
	if (r) {
		struct err why = {0};
		errno = -r;
		err_errno(&why, "cannot go on with %s/%s", w->path, stream->name);
		note_trouble(w, &why);
	}
	return r;
}

static struct stream *find_stream(struct ctf_write *w, const struct ctf_stream_class *class,
				  uint32_t cpu)
{
	uint64_t *place =
		map_put(&w->streams, (uint64_t) class->id << 32 | (class->per_cpu ? cpu : 0));
	if (!place || *place)
		return place ? (struct stream *)(uintptr_t)*place : NULL;
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	ctf_append_init(&stream->file);
	if (class->per_cpu)
		snprintf(stream->name, sizeof(stream->name), "%s_%" PRIu32, class->name, cpu);
	else
		snprintf(stream->name, sizeof(stream->name), "%s", class->name);
	if (w->metadata && resume_stream(w, stream)) {
		free(stream);
		return NULL;
	}
	*place = (uint64_t)(uintptr_t)stream;
	return stream;
}

static int read_metadata(struct ctf_write *w, struct err *e)
{
	struct stat status;
	CLEANUP(fd) int fd = openat(w->directory, "metadata", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		return err_errno(e, "cannot read %s/metadata", w->path);
	size_t bytes = (size_t)status.st_size;
	CLEANUP(free) char *data = malloc(bytes + 1);
	if (!data || read(fd, data, bytes) != (ssize_t)bytes)
		return err_set(e, EIO, "cannot read %s/metadata whole", w->path);
	int r = ctf_parse(&w->metadata, data, bytes, e);
	if (!r)
		r = ctf_layout_create(&w->layout, w->metadata->schema, e);
	if (r)
		return err_add(e, "%s/metadata", w->path);
	memcpy(w->trace.uuid, w->metadata->uuid, sizeof(w->trace.uuid));
	w->trace.schema = w->metadata->schema;
	w->described = w->trace.schema->type_count;
	return 0;
}

int ctf_write_resume(struct ctf_write **ret, const char *path,
		     const struct ctf_stream_class *streams, size_t stream_count, struct err *e)
{
	struct ctf_trace trace = {.streams = streams, .stream_count = stream_count};
	struct ctf_write *w;
	int r = open_directory(&w, path, &trace, e);
	if (r)
		return r;
	r = read_metadata(w, e);
	if (r)
		ctf_write_destroy(w);
	else
		*ret = w;
	return r;
}

static int check_header(const struct ctf_write *w, const struct ring_packet *header,
			size_t body_bytes, struct err *e)
{
	if (header->magic != RING_CTF_MAGIC || memcmp(header->uuid, w->trace.uuid, 16))
		return err_set(e, EINVAL, "a packet of another trace");
	if (!find_class(w, header->stream_id))
		return err_set(e, EINVAL,
			       "a packet of stream class %" PRIu32 ", which the trace has not",
			       header->stream_id);
	if (header->content_bits % 8 || header->content_bits / 8 < sizeof(*header) ||
	    header->content_bits / 8 - sizeof(*header) > body_bytes)
		return err_set(e, EINVAL, "a packet with %" PRIu64 " bits of content in %zu bytes",
			       header->content_bits, body_bytes + sizeof(*header));
	if (header->begin_ns > header->end_ns)
		return err_set(e, EINVAL, "a packet that ends before it begins");
	return 0;
}

/* Makes the header agree with the packet before it, as long as no event contradicts. */
static int follow(const struct stream *stream, struct ring_packet *header,
		  const struct ctf_span *span, struct err *e)
{
	const struct ring_packet *last = &stream->last;
	header->discarded += stream->lost_events;
	if (!stream->started)
		return 0;
	uint64_t first_ns = span->events ? span->first_ns : header->end_ns;
	if (first_ns < last->end_ns)
		return err_set(e, EINVAL,
			       "%s: a packet that begins %" PRIu64 " ns before the last one ended",
			       stream->name, last->end_ns - first_ns);
	if (header->sequence <= last->sequence || header->discarded < last->discarded)
		return err_set(e, EINVAL,
			       "%s: packet %" PRIu64 " (%" PRIu64 " lost) after packet %" PRIu64
			       " (%" PRIu64 " lost)",
			       stream->name, header->sequence, header->discarded, last->sequence,
			       last->discarded);
	if (header->begin_ns < last->end_ns)
		header->begin_ns = last->end_ns;
	return 0;
}

static int write_packet(struct ctf_write *w, struct stream *stream,
			const struct ring_packet *header, const void *body)
{
	int r = ctf_append_packet(&stream->file, w->directory, stream->name, header, body);
	if (r)
		return r;
	stream->last = *header;
	stream->unwritten.end_ns = 0;
	stream->started = true;
	stream->resumed = false;
	w->totals.bytes += header->packet_bits / 8;
	w->totals.packets++;
	return 0;
}

static void refuse(struct ctf_write *w, const struct err *why)
{
	w->totals.refused_packets++;
	note_trouble(w, why);
}

static void lose(struct ctf_write *w, struct stream *stream, const struct ring_packet *header,
		 uint64_t events, int code)
{
	struct err why = {0};
	errno = -code;
	err_errno(&why, "cannot write %s/%s", w->path, stream ? stream->name : "");
	note_trouble(w, &why);
	w->totals.lost_packets++;
	w->totals.lost_events += events;
	if (!stream)
		return;
	stream->lost_events += events;
	stream->unwritten = *header;
	stream->unwritten.discarded += events;
}

/* Whole events only, and as many bytes as they have. */
static struct ctf_span trim(struct ctf_write *w, struct ring_packet *header, const void *body)
{
	size_t bytes = header->content_bits / 8 - sizeof(*header);
	struct ctf_span span = ctf_layout_walk(w->layout, header, body, bytes);
	struct err why = {0};
	if (!span.complete) {
		err_set(&why, EINVAL,
			"packet %" PRIu64 " of cpu %" PRIu32 ": no event begins at byte %zu of %zu",
			header->sequence, header->cpu, span.bytes, bytes);
		refuse(w, &why);
	}
	header->content_bits = (sizeof(*header) + span.bytes) * 8;
	header->packet_bits = (header->content_bits + 63) & ~63ull;
	return span;
}

/* Types that packets may have by now are described before them. */
static int follow_schema(struct ctf_write *w)
{
	if (w->layout && w->described == w->trace.schema->type_count)
		return 0;
	return ctf_write_metadata(w, NULL);
}

/* The last packet in the file also says what its writer had lost besides. */
static bool is_there(struct stream *stream, const struct ring_packet *header)
{
	if (!stream->resumed || header->sequence > stream->last.sequence)
		return false;
	if (header->sequence == stream->last.sequence && header->discarded < stream->last.discarded)
		stream->lost_events = stream->last.discarded - header->discarded;
	return true;
}

int ctf_write_packet(void *writer, const struct ring_packet *header, const void *body,
		     size_t body_bytes, struct err *e)
{
	struct ctf_write *w = writer;
	struct ring_packet own = *header;
	struct err why = {0};
	(void)e;
	if (check_header(w, header, body_bytes, &why)) {
		refuse(w, &why);
		return 0;
	}
	struct stream *stream = find_stream(w, find_class(w, header->stream_id), header->cpu);
	int undescribed = stream ? follow_schema(w) : -ENOMEM;
	if (!stream || !w->layout) {
		lose(w, stream, header, 0, undescribed);
		return 0;
	}
	if (is_there(stream, header))
		return 0;
	struct ctf_span span = trim(w, &own, body);
	if (!span.complete && !span.events)
		return 0;
	if (follow(stream, &own, &span, &why)) {
		refuse(w, &why);
		stream->lost_events += span.events;
		w->totals.lost_events += span.events;
		return 0;
	}
	int r = undescribed ? undescribed : write_packet(w, stream, &own, body);
	if (r)
		lose(w, stream, &own, span.events, r);
	else
		w->totals.events += span.events;
	return 0;
}

void ctf_write_totals(const struct ctf_write *w, struct ctf_write_totals *ret)
{
	*ret = w->totals;
}
