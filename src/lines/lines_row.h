/* SPDX-License-Identifier: MIT */
/*
 * The row model: how a row of a block follows from the rows before it.
 *
 * One source for both directions. A builder that includes this has defined LINES_CODER, `struct
 * lines_coder` with an array `contexts`, and
 *
 *	uint32_t lines_bit(struct lines_coder *c, uint32_t node, unsigned contexts, uint32_t bit);
 *
 * which writes the bit, predicted by so many of the contexts, and returns it. The decoder's own
 * ignores the bit it is given and returns the one it reads. So every function below takes what is
 * to be written and gives what was read.
 */
#ifndef CAIRN_LINES_LINES_ROW_H
#define CAIRN_LINES_LINES_ROW_H

#include "lines/lines_model.h"
#ifndef LINES_CODER
#include "lines/lines_decoder.h"
#endif

enum {
	LINES_SITES_KEPT = 24,
	LINES_FILES_KEPT = 16,
	LINES_CLASS_MAX = 24,
};

struct lines_site {
	uint32_t file; /* LINES_NO_FILE: code of no line */
	uint32_t line;
};

enum lines_kind {
	LINES_RECENT, /* back at a site seen before in this block */
	LINES_LINE,   /* another line of the same file */
	LINES_FILE,   /* a line of another file seen before in this block */
	LINES_NEW,    /* a line of a file not seen in this block */
	LINES_GAP,    /* code of no line */
};

/* How a row is told. */
struct lines_step {
	uint32_t kind;
	uint32_t rank;  /* in the list of recent sites, or of files */
	uint32_t file;  /* of LINES_NEW */
	int32_t line;   /* difference to the file's last line; the line itself with LINES_NEW */
	uint32_t bytes; /* of the row before this one; 0: not told, this is the first */
};

/* What the rows of a block so far are good for. */
struct lines_rows {
	struct lines_site now;
	struct lines_site before;
	struct lines_site sites[LINES_SITES_KEPT]; /* most recent first */
	struct lines_site files[LINES_FILES_KEPT]; /* with the last line in each */
	uint32_t site_count, file_count;
	uint32_t kinds;     /* of the last rows, four bits each */
	uint32_t bytes;     /* of the row before the last */
	uint32_t hot_files; /* files below this number are used by many, the hottest first */
};

static inline uint32_t lines_class(uint32_t value)
{
	return 31 - (uint32_t)__builtin_clz(value | 1);
}

/* A number from 1: the place of its highest bit, then the bits below. */
static inline uint32_t lines_number(struct lines_coder *c, uint32_t node, uint32_t value)
{
	uint32_t highest = 0, got = 1;
	uint32_t last = lines_class(value);
	while (highest < LINES_CLASS_MAX &&
	       lines_bit(c, node + highest, LINES_CONTEXTS, highest < last))
		highest++;
	for (unsigned i = highest; i-- > 0;) {
		uint32_t bit = value >> i & 1, at = node + 64 + highest * 64;
		bit = highest - i <= 4 ? lines_bit(c, at + got, LINES_FEW_CONTEXTS, bit)
				       : lines_bit(c, at + 32 + i, 1, bit);
		got = got * 2 + bit;
	}
	return got;
}

static inline uint32_t lines_size(int32_t value)
{
	return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

static inline int32_t lines_difference(struct lines_coder *c, uint32_t node, int32_t value)
{
	uint32_t minus = lines_bit(c, node, LINES_CONTEXTS, value < 0);
	uint32_t size = lines_number(c, node + 1 + minus * 4096, lines_size(value) + 1) - 1;
	return (int32_t)(minus ? 0u - size : size);
}

/* A site of a file that is met everywhere, as one number; other sites are all the same. */
static inline uint32_t lines_known(const struct lines_rows *r, struct lines_site site)
{
	if (site.file == LINES_NO_FILE)
		return 1;
	return site.file < r->hot_files ? lines_mix(site.file + 2, site.line) : 0;
}

static inline uint32_t lines_known_file(const struct lines_rows *r, uint32_t file)
{
	return file == LINES_NO_FILE ? 1 : file < r->hot_files ? file + 2 : 0;
}

/* How far a site is from the present one, in few steps; 0: in another file. */
static inline uint32_t lines_distance(const struct lines_rows *r, struct lines_site site)
{
	if (site.file != r->now.file)
		return 0;
	int32_t lines = (int32_t)(site.line - r->now.line);
	return (lines < 0 ? 32 : 1) + lines_class(lines_size(lines)) * 2 + (lines_size(lines) == 1);
}

/* The first of the recent sites that is not the present one. */
static inline uint32_t lines_first_site(const struct lines_rows *r)
{
	return r->site_count && r->now.file != LINES_NO_FILE;
}

static inline void lines_contexts(struct lines_coder *c, uint32_t what, uint32_t a, uint32_t b,
				  uint32_t d, uint32_t e, uint32_t f)
{
	c->contexts[0] = lines_mix(what, a);
	c->contexts[1] = lines_mix(what + 1, b);
	c->contexts[2] = lines_mix(what + 2, d);
	c->contexts[3] = lines_mix(what + 3, e);
	c->contexts[4] = lines_mix(what + 4, f);
}

static inline uint32_t lines_code_kind(struct lines_rows *r, struct lines_coder *c, uint32_t kind)
{
	uint32_t first = lines_first_site(r);
	struct lines_site none = {LINES_NO_FILE, 0};
	struct lines_site last = first < r->site_count ? r->sites[first] : none;
	struct lines_site next = first + 1 < r->site_count ? r->sites[first + 1] : none;
	lines_contexts(c, 100, r->kinds & 0xfff, lines_known(r, r->now),
		       lines_distance(r, last) + 64 * lines_distance(r, next),
		       lines_mix(lines_known(r, r->now), lines_known(r, last)),
		       lines_class(r->bytes) + 32 * (r->site_count < 7 ? r->site_count : 7) +
			       256 * (r->kinds & 15));
	uint32_t node = 0;
	while (node < LINES_GAP && !lines_bit(c, node, LINES_CONTEXTS, kind == node))
		node++;
	return node;
}

static inline uint32_t lines_code_rank(struct lines_rows *r, struct lines_coder *c, uint32_t rank)
{
	uint32_t first = lines_first_site(r), i = 0;
	for (; first + i + 1 < r->site_count; i++) {
		struct lines_site site = r->sites[first + i];
		lines_contexts(c, 200, i + 32 * (r->kinds & 0xff), lines_distance(r, site),
			       lines_known(r, site),
			       lines_mix(lines_known(r, site), lines_known(r, r->now)),
			       (i < 3 ? i : 3) + 4 * lines_known_file(r, site.file));
		if (lines_bit(c, 0, LINES_CONTEXTS, i == rank))
			break;
	}
	return i;
}

static inline void lines_code_site(struct lines_rows *r, struct lines_coder *c,
				   struct lines_step *s)
{
	uint32_t file = r->file_count ? r->files[0].file : LINES_NO_FILE;
	if (s->kind == LINES_RECENT) {
		s->rank = lines_code_rank(r, c, s->rank);
	} else if (s->kind == LINES_LINE) {
		lines_contexts(c, 300, 0, lines_known(r, r->now), lines_known_file(r, file),
			       r->kinds & 0xff, lines_distance(r, r->sites[1]));
		s->line = lines_difference(c, 0, s->line);
	} else if (s->kind == LINES_FILE) {
		uint32_t i = 1;
		for (; i + 1 < r->file_count; i++) {
			lines_contexts(c, 400, i, lines_known_file(r, r->files[i].file),
				       lines_known(r, r->now), r->kinds & 0xff,
				       lines_known(r, r->files[i]));
			if (lines_bit(c, 0, LINES_CONTEXTS, i == s->rank))
				break;
		}
		s->rank = i;
		lines_contexts(c, 500, 0, lines_known(r, r->files[i < LINES_FILES_KEPT ? i : 0]),
			       lines_known_file(r, r->files[i < LINES_FILES_KEPT ? i : 0].file),
			       lines_known(r, r->now), r->kinds & 0xff);
		s->line = lines_difference(c, 0, s->line);
	} else if (s->kind == LINES_NEW) {
		lines_contexts(c, 600, 0, lines_known(r, r->now), lines_known_file(r, file),
			       r->kinds & 0xff, r->file_count);
		s->file = lines_number(c, 0, s->file + 1) - 1;
		lines_contexts(c, 700, 0, lines_known_file(r, s->file), r->file_count == 0,
			       lines_known(r, r->now), 0);
		s->line = (int32_t)(lines_number(c, 0, (uint32_t)s->line + 1) - 1);
	}
}

static inline void lines_code_bytes(struct lines_rows *r, struct lines_coder *c,
				    struct lines_step *s)
{
	struct lines_site next = r->now;
	uint32_t here = lines_known(r, r->before);
	uint32_t to = s->kind == LINES_RECENT ? (s->rank < 3 ? s->rank : 3)
		      : s->kind == LINES_LINE ? 4 + (s->line < 0)
					      : 6 + s->kind;
	lines_contexts(c, 800, to + 16 * (r->kinds & 0xf), here, lines_known(r, next),
		       lines_mix(lines_class(r->bytes), to), lines_mix(r->kinds & 0xfff, to));
	s->bytes = lines_number(c, 0, s->bytes);
}

/* Moves the site to the front of the list; what falls out is the oldest. */
static inline void lines_to_front(struct lines_site *list, uint32_t *count, uint32_t max,
				  uint32_t at, struct lines_site site)
{
	if (at >= *count) {
		at = *count < max ? *count : max - 1;
		*count = at + 1;
	}
	for (; at > 0; at--)
		list[at] = list[at - 1];
	list[0] = site;
}

/* The site a step leads to; the lists follow. */
static inline void lines_take(struct lines_rows *r, const struct lines_step *s)
{
	struct lines_site site = {LINES_NO_FILE, 0};
	uint32_t at = LINES_SITES_KEPT, file_at = LINES_FILES_KEPT;
	r->before = r->now;
	if (s->kind == LINES_RECENT) {
		at = lines_first_site(r) + s->rank;
		if (at < r->site_count)
			site = r->sites[at];
	} else if (s->kind == LINES_NEW) {
		site = (struct lines_site){s->file, (uint32_t)s->line};
	} else if (s->kind != LINES_GAP) {
		file_at = s->kind == LINES_FILE ? s->rank : 0;
		if (file_at < r->file_count)
			site = (struct lines_site){r->files[file_at].file,
						   r->files[file_at].line + (uint32_t)s->line};
	}
	r->now = site;
	r->kinds = r->kinds << 4 | s->kind;
	if (site.file == LINES_NO_FILE)
		return;
	for (file_at = 0; file_at < r->file_count && r->files[file_at].file != site.file;)
		file_at++;
	lines_to_front(r->sites, &r->site_count, LINES_SITES_KEPT, at, site);
	lines_to_front(r->files, &r->file_count, LINES_FILES_KEPT, file_at, site);
}

static inline void lines_rows_init(struct lines_rows *r, uint32_t hot_files)
{
	*r = (struct lines_rows){
		.now = {LINES_NO_FILE, 0}, .before = {LINES_NO_FILE, 0}, .hot_files = hot_files};
}

/* The number of rows in a block: nearly always the most there can be. */
static inline uint32_t lines_code_count(struct lines_coder *c, uint32_t most, uint32_t count)
{
	lines_contexts(c, 10, 0, 0, 0, 0, 0);
	if (lines_bit(c, 0, 1, count == most))
		return most;
	count = lines_number(c, 1, count);
	return count < most ? count : most;
}

/* The next row: where it leads is in `r->now`, and how long the one before was in `s->bytes`. */
static inline void lines_row(struct lines_rows *r, struct lines_coder *c, struct lines_step *s,
			     bool is_first)
{
	s->kind = lines_code_kind(r, c, s->kind);
	lines_code_site(r, c, s);
	lines_take(r, s);
	if (!is_first) {
		lines_code_bytes(r, c, s);
		r->bytes = s->bytes;
	}
}

#endif
