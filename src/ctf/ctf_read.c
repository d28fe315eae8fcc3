/* SPDX-License-Identifier: MIT */
/*
 * A trace directory: its metadata, its streams, all of them as one source.
 */
#include "ctf/ctf_read.h"
#include "ctf/ctf_stream.h"
#include "event/merge.h"
#include "util/cleanup.h"

#include <fts.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { METADATA_BYTES_MAX = 256 << 20 };

/* A directory with metadata, and what its streams share. */
struct ctf_directory {
	struct ctf_origin origin; /* what the outside sees */
	struct ctf_metadata *metadata;
	struct stream_trace shared;
};

struct ctf_source {
	struct source source;
	struct source *merge;
	ARRAY(struct ctf_directory *) directories;
	ARRAY(struct ctf_stream *) streams;
	struct ctf_warnings warnings;
	uint64_t from_ns, to_ns;
};

/* Who ran: known from a packet's start, a switch, and not after events were lost. */
static void follow_thread(struct ctf_stream *s, struct event *e)
{
	uint64_t *running = s->running;
	if (s->fresh) {
		int32_t tid = s->packet->tid;
		bool unknown = (int32_t)*running == EVENT_TID_UNKNOWN;
		if (tid != EVENT_TID_UNKNOWN && (s->plan->has_switch || unknown))
			*running = (uint64_t)tid;
		s->fresh = false;
	}
	if (e->type->kind == EVENT_SCHED_SWITCH) {
		e->tid = (int32_t)event_int(e, SWITCH_PREV_TID);
		*running = event_uint(e, SWITCH_NEXT_TID);
	} else if (e->tid == EVENT_TID_UNKNOWN) {
		e->tid = (int32_t)*running;
	}
}

/* A stream that says itself who wrote what in it needs no scheduler for that. */
static void follow_writer(struct ctf_stream *s, struct event *e)
{
	if (s->fresh)
		s->writer = s->packet->tid;
	s->fresh = false;
	if (e->type->kind == EVENT_WRITER)
		s->writer = (int32_t)event_int(e, WRITER_TID);
	e->tid = s->writer;
}

static void follow(struct ctf_source *c, struct event *e)
{
	struct ctf_stream *s = c->streams.items[e->stream];
	if (e->type->kind != EVENT_LOST && s->plan->has_writer) {
		follow_writer(s, e);
		return;
	}
	if (!s->running)
		return;
	if (e->type->kind != EVENT_LOST)
		follow_thread(s, e);
	else if (s->plan && s->plan->has_switch)
		*s->running = (uint64_t)EVENT_TID_UNKNOWN;
}

static int ctf_next(struct source *source, struct event *ret, struct err *e)
{
	struct ctf_source *c = (struct ctf_source *)source;
	int code;
	while ((code = source_next(c->merge, ret, e)) > 0) {
		if (ret->time_ns > c->to_ns)
			return 0;
		follow(c, ret);
		if (ret->time_ns >= c->from_ns)
			break;
	}
	return code;
}

static void directory_destroy(struct ctf_directory *d)
{
	for (size_t i = 0; d->shared.plans && i < d->metadata->classes.count; i++)
		ctf_plan_destroy(d->shared.plans[i]);
	free(d->shared.plans);
	map_deinit(&d->shared.running);
	ctf_metadata_destroy(d->metadata);
	free((void *)d->origin.path);
	free(d);
}

static void ctf_close(struct source *source)
{
	struct ctf_source *c = (struct ctf_source *)source;
	source_close(c->merge);
	array_each(stream, &c->streams) {
		ctf_stream_close(*stream);
		free((void *)(*stream)->path);
		free(*stream);
	}
	array_each(directory, &c->directories)
		directory_destroy(*directory);
	array_free(&c->streams);
	array_free(&c->directories);
	ctf_warnings_deinit(&c->warnings);
	free(c);
}

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "no memory to open the trace");
}

static int metadata_read(struct ctf_metadata **ret, const char *path, struct err *e)
{
	struct stat st;
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return err_errno(e, "%s", path);
	if (!st.st_size)
		return err_set(e, EINVAL, "%s is empty", path);
	if (st.st_size > METADATA_BYTES_MAX)
		return err_set(e, E2BIG, "%s is too large for metadata", path);
	size_t bytes = (size_t)st.st_size;
	void *data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_errno(e, "%s: mapping", path);
	int code = ctf_parse(ret, data, bytes, e);
	munmap(data, bytes);
	return code ? err_add(e, "%s", path) : 0;
}

/* Clocks with the same name or UUID count the same time; others meet at the Epoch. */
static int64_t clock_shift(const struct ctf_metadata *first, const struct ctf_metadata *m)
{
	const struct ctf_clock *a = &first->clock, *b = &m->clock;
	bool same = a->uuid && b->uuid ? !strcmp(a->uuid, b->uuid)
				       : a->name && b->name && !strcmp(a->name, b->name);
	return same ? 0 : ctf_clock_epoch_ns(b) - ctf_clock_epoch_ns(a);
}

static int directory_open(struct ctf_source *c, const char *path, struct err *e)
{
	struct ctf_directory *d = calloc(1, sizeof(*d));
	char *metadata_path = NULL;
	if (!d || array_push(&c->directories, d)) {
		free(d);
		return no_memory(e);
	}
	d->origin.path = strdup(path);
	if (!d->origin.path || asprintf(&metadata_path, "%s/metadata", path) < 0)
		return no_memory(e);
	int code = metadata_read(&d->metadata, metadata_path, e);
	free(metadata_path);
	if (code)
		return code;
	struct ctf_metadata *m = d->metadata;
	if (m->warning)
		ctf_warn(&c->warnings, "%s: %s", path, m->warning);
	const struct ctf_metadata *first = c->directories.items[0]->metadata;
	d->shared = (struct stream_trace){
		.metadata = m,
		.plans = calloc(m->classes.count + 1, sizeof(struct ctf_plan *)),
		.warnings = &c->warnings,
		.from_ns = c->from_ns,
		.to_ns = c->to_ns,
		.shift_ns = clock_shift(first, m),
	};
	d->origin.metadata = m;
	d->origin.epoch_ns = ctf_clock_epoch_ns(&first->clock);
	if (!d->shared.plans)
		return no_memory(e);
	for (size_t i = 0; !code && i < m->classes.count; i++)
		code = ctf_plan_create(&d->shared.plans[i], m->classes.items[i], e);
	return code;
}

/* Counts the stream in what the trace tells of itself. */
static void origin_add(struct ctf_origin *t, const struct ctf_stream *s)
{
	t->file_count++;
	t->bytes += s->bytes;
	t->packet_count += s->index.packets.count;
	for (size_t i = 0; i < s->index.packets.count; i++) {
		const struct ctf_packet *p = &s->index.packets.items[i];
		if (p->has_begin) {
			uint64_t begin_ns = ctf_stream_ns(s, p->begin);
			if (!t->begin_ns || begin_ns < t->begin_ns)
				t->begin_ns = begin_ns;
		}
		if (p->end && ctf_stream_ns(s, p->end) > t->end_ns)
			t->end_ns = ctf_stream_ns(s, p->end);
	}
}

static int stream_add(struct ctf_source *c, struct ctf_directory *d, const char *path,
		      struct err *e)
{
	struct ctf_stream *s = calloc(1, sizeof(*s));
	char *copy = strdup(path);
	int code = s && copy ? ctf_stream_open(s, &d->shared, copy, e) : no_memory(e);
	if (!code && array_push(&c->streams, s)) {
		ctf_stream_close(s);
		code = no_memory(e);
	}
	if (code) {
		free(copy);
		free(s);
		return code;
	}
	s->number = (uint32_t)c->streams.count - 1;
	origin_add(&d->origin, s);
	return 0;
}

static bool has_metadata(const char *directory)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/metadata", directory);
	return n > 0 && (size_t)n < sizeof(path) && !stat(path, &st) && S_ISREG(st.st_mode);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static struct ctf_directory *directory_find(struct ctf_source *c, const char *path, size_t bytes)
{
	array_each(d, &c->directories) {
		const char *known = (*d)->origin.path;
		if (!strncmp(known, path, bytes) && !known[bytes])
			return *d;
	}
	return NULL;
}

/* A directory with metadata is opened on the way in, so that its files find it. */
static int visit(struct ctf_source *c, const FTSENT *f, struct err *e)
{
	if (f->fts_info == FTS_D)
		return has_metadata(f->fts_path) ? directory_open(c, f->fts_path, e) : 0;
	if (f->fts_info != FTS_F || f->fts_name[0] == '.' || !strcmp(f->fts_name, "metadata"))
		return 0;
	size_t parent_bytes = (size_t)f->fts_pathlen - f->fts_namelen;
	while (parent_bytes > 1 && f->fts_path[parent_bytes - 1] == '/')
		parent_bytes--;
	struct ctf_directory *d = directory_find(c, f->fts_path, parent_bytes);
	return d ? stream_add(c, d, f->fts_path, e) : 0;
}

static int visit_all(struct ctf_source *c, char *directory, struct err *e)
{
	char *roots[] = {directory, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	if (!fts)
		return err_errno(e, "%s", directory);
	int code = 0;
	for (FTSENT *f; !code && (f = fts_read(fts));) {
		if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR || f->fts_info == FTS_NS) {
			errno = f->fts_errno;
			code = err_errno(e, "%s", f->fts_path);
		} else {
			code = visit(c, f, e);
		}
	}
	fts_close(fts);
	return code;
}

static int sources_merge(struct ctf_source *c, struct err *e)
{
	ARRAY(struct source *) sources = {0};
	int code = 0;
	array_each(stream, &c->streams) {
		if (array_push(&sources, &(*stream)->source))
			code = no_memory(e);
	}
	if (!code)
		code = merge_open(&c->merge, sources.items, sources.count, e);
	array_free(&sources);
	return code;
}

int ctf_open(struct source **ret, const char *directory, const struct ctf_options *options,
	     struct err *e)
{
	struct ctf_source *c = calloc(1, sizeof(*c));
	if (!c)
		return no_memory(e);
	c->source = (struct source){ctf_next, ctf_close};
	c->from_ns = options ? options->from_ns : 0;
	c->to_ns = options && options->to_ns ? options->to_ns : UINT64_MAX;
	char path[PATH_MAX];
	size_t bytes = strlen(directory);
	while (bytes > 1 && directory[bytes - 1] == '/')
		bytes--;
	int code = bytes < sizeof(path) ? 0 : err_set(e, ENAMETOOLONG, "%s", directory);
	if (!code) {
		snprintf(path, sizeof(path), "%.*s", (int)bytes, directory);
		code = visit_all(c, path, e);
	}
	if (!code && !c->directories.count)
		code = err_set(e, ENOENT, "%s is no trace: no file named metadata in it or below",
			       directory);
	if (!code)
		code = sources_merge(c, e);
	if (code)
		ctf_close(&c->source);
	else
		*ret = &c->source;
	return code;
}

size_t ctf_origin_count(const struct source *s)
{
	return ((const struct ctf_source *)s)->directories.count;
}

const struct ctf_origin *ctf_origin_at(const struct source *s, size_t index)
{
	return &((const struct ctf_source *)s)->directories.items[index]->origin;
}

uint64_t ctf_warning_count(const struct source *s)
{
	return ((const struct ctf_source *)s)->warnings.count;
}

const char *ctf_warning_at(const struct source *s, size_t index)
{
	const struct ctf_source *c = (const struct ctf_source *)s;
	return index < c->warnings.kept ? c->warnings.text[index] : NULL;
}
