/* SPDX-License-Identifier: MIT */
/*
 * A trace directory being written, one whole packet at a time.
 *
 * The trace is valid at every moment (ctf/ctf_append.h). A packet that a full disk does not take
 * leaves no trace; its events count as lost and writing goes on with the next one, whose header
 * tells of the loss. When none comes any more, the last one that was written tells of it; a stream
 * of which nothing was written has only the totals.
 *
 * What readers insist on is made true here, whoever made the packet: content ends with the last
 * whole event; within a stream, packets do not overlap in time, their numbers and losses grow.
 * The numbers are the recorder's own: a gap is packets lost. A snapshot's first packet may have
 * any number; nobody takes the packets before it, which the ring overwrote, for lost.
 *
 * A process under a file size limit ignores SIGXFSZ before it writes.
 */
#ifndef CAIRN_CTF_CTF_WRITE_H
#define CAIRN_CTF_CTF_WRITE_H

#include "ctf/ctf_trace.h"
#include "ring/ring_abi.h"
#include "util/err.h"
#include "util/text.h"

#include <stddef.h>
#include <stdint.h>

struct ctf_write;

struct ctf_write_totals {
	uint64_t packets; /* written */
	uint64_t events;
	uint64_t bytes;
	uint64_t lost_packets; /* the disk did not take them */
	uint64_t lost_events;
	uint64_t refused_packets; /* they contradict themselves or the stream's last packet */
	struct err trouble;       /* why the first of these was not written; code 0 without any */
};

/*
 * Makes the directory (mode 0700), or takes an empty one; -EEXIST when there is anything in it.
 */
int ctf_write_create(struct ctf_write **ret, const char *path, const struct ctf_trace *trace,
		     struct err *e);

/* As ctf_write_create(), but of PATH, PATH-2, PATH-3 … the first that does not exist. */
int ctf_write_create_fresh(struct ctf_write **ret, const char *path, const struct ctf_trace *trace,
			   struct err *e);

/*
 * Goes on with a trace that is on disk and whole (ctf/ctf_recover.h): its metadata stays, each
 * stream continues behind its last packet. Packets the trace has already are passed over.
 */
int ctf_write_resume(struct ctf_write **ret, const char *path,
		     const struct ctf_stream_class *streams, size_t stream_count, struct err *e);

const struct schema *ctf_write_schema(const struct ctf_write *w);
const char *ctf_write_path(const struct ctf_write *w);

/* Closes the files; the trace stays. */
void ctf_write_destroy(struct ctf_write *w);

/*
 * Writes the trace's description, in place of any before it; the file is never seen half written.
 * Call it before the first packet, and again when facts have changed. Event types added to the
 * schema are described before the next packet.
 */
int ctf_write_metadata(struct ctf_write *w, struct err *e);

/*
 * Appends a sealed packet to the stream its header names, trimmed to its events; `writer` is a
 * struct ctf_write, so that this is a recorder's sink. Always 0: a packet that cannot be written
 * is counted and recording goes on. One with bytes that are no event is written up to them, and
 * counts as refused too.
 */
int ctf_write_packet(void *writer, const struct ring_packet *header, const void *body,
		     size_t body_bytes, struct err *e);

void ctf_write_totals(const struct ctf_write *w, struct ctf_write_totals *ret);

#endif
