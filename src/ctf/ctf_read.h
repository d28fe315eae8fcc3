/* SPDX-License-Identifier: MIT */
/*
 * A trace directory as a source of events.
 *
 * The directory, or any below it, holds a file `metadata` and stream files beside it; several such
 * directories (a kernel's and a user's trace) are merged onto the first one's clock. Files are
 * mapped and let go behind the reader: memory does not grow with the trace, but by 80 bytes a
 * packet. Damage costs what is damaged, and a warning.
 *
 *  - event.time_ns is the clock's value in ns, never less than the one before.
 *  - event.tid is who ran on the event's cpu, followed from sched_switch and from the packets' own
 *    `tid`; a context field `vtid` or `tid` goes before it.
 *  - Losses are events of kind EVENT_LOST: packets that are missing, in front of the packet after
 *    them (`count` is 0: nobody knows); discarded events, behind the packet that tells of them.
 */
#ifndef CAIRN_CTF_CTF_READ_H
#define CAIRN_CTF_CTF_READ_H

#include "ctf/ctf_types.h"
#include "event/source.h"

struct ctf_options {
	uint64_t from_ns, to_ns; /* the clock's; what is outside is not read; to_ns 0: to the end */
};

/* One directory with metadata. */
struct ctf_origin {
	const char *path;
	const struct ctf_metadata *metadata;
	int64_t epoch_ns;          /* what turns event.time_ns into ns since the Epoch */
	uint64_t begin_ns, end_ns; /* of the packets that tell; 0 when none does */
	uint64_t file_count, packet_count, bytes;
};

/* `options` may be NULL: everything. */
int ctf_open(struct source **ret, const char *directory, const struct ctf_options *options,
	     struct err *e);

/* Of a source that ctf_open() gave; what they return lives as long as the source. */
size_t ctf_origin_count(const struct source *s);
const struct ctf_origin *ctf_origin_at(const struct source *s, size_t index);

/* What was damaged so far: known at once are packets, on the way come events. */
uint64_t ctf_warning_count(const struct source *s);
const char *ctf_warning_at(const struct source *s, size_t index); /* NULL behind the last kept */

#endif
