/* SPDX-License-Identifier: MIT */
/*
 * The packets of one stream file: where each begins and ends, what its header says.
 *
 * What is damaged is left out or cut, and said: a packet cut by the file's end keeps what is
 * there, bytes that are no packet are stepped over to the next one that is.
 */
#ifndef CAIRN_CTF_CTF_INDEX_H
#define CAIRN_CTF_CTF_INDEX_H

#include "ctf/ctf_types.h"

/* Sentences about damage: the first CTF_WARNINGS_MAX are kept, all are counted. */
enum { CTF_WARNINGS_MAX = 64 };

struct ctf_warnings {
	char *text[CTF_WARNINGS_MAX];
	size_t kept;
	uint64_t count;
};

void ctf_warn(struct ctf_warnings *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void ctf_warnings_deinit(struct ctf_warnings *w);

struct ctf_packet {
	const struct ctf_class *class;
	uint64_t start_bytes; /* in the file */
	uint64_t body_bits;   /* from the packet's start to its first event */
	uint64_t end_bits;    /* from the packet's start to behind its last event */
	uint64_t begin, end;  /* clock values; `end` is 0 when not told */
	uint64_t sequence, discarded;
	bool has_begin, has_sequence, has_discarded;
	int32_t cpu, tid; /* EVENT_CPU_NONE, EVENT_TID_UNKNOWN when not told */
};

struct ctf_index {
	ARRAY(struct ctf_packet) packets;
};

/*
 * `path` is for the warnings. Headers are read from `fd`, the file that `data` is a mapping of, so
 * that pages are not mapped for a few bytes of each; without one (−1), from `data`. Negative only
 * without memory.
 */
int ctf_index_build(struct ctf_index *ret, const struct ctf_metadata *m, const uint8_t *data,
		    size_t bytes, int fd, const char *path, struct ctf_warnings *w);
void ctf_index_deinit(struct ctf_index *index);

#endif
