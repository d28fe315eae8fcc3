/* SPDX-License-Identifier: MIT */
/*
 * What it takes to make the bytes of one damaged stream file a valid stream again.
 *
 * Nothing moves and little is written. Bytes that are no packet become the padding of the packet
 * before them, by one field of its header; a packet cut in the middle is made to end with its last
 * whole event; what follows the last packet is cut off. Packets that are whole and in order stay
 * as they are. Planning twice finds nothing to do the second time.
 */
#ifndef CAIRN_CTF_CTF_MEND_H
#define CAIRN_CTF_CTF_MEND_H

#include "ctf/ctf_layout.h"
#include "util/array.h"

struct ctf_mend_patch { /* a header to be written over the one that is at `at` */
	uint64_t at;
	struct ring_packet header;
};

struct ctf_mend {
	ARRAY(struct ctf_mend_patch) patches;
	uint64_t front_bytes; /* in front of the first packet: to be taken away */
	uint64_t end;         /* where the file is to be cut, counted before that */
	uint64_t packets;     /* whole */
	uint64_t salvaged;    /* cut to their whole events … */
	uint64_t salvaged_events;
	uint64_t damaged_bytes; /* no longer part of any content; with the front and the cut */
};

/* Without a single packet, `end` is 0. */
int ctf_mend_plan(struct ctf_mend *ret, const uint8_t uuid[16], const struct ctf_layout *layout,
		  const void *data, size_t bytes, struct err *e);
void ctf_mend_deinit(struct ctf_mend *m);

/* Whether the file needs any of it. */
bool ctf_mend_needed(const struct ctf_mend *m, size_t bytes);

/* A file this short or empty-handed may be the first packet's beginning: nothing speaks against. */
bool ctf_mend_is_beginning(const uint8_t uuid[16], const void *data, size_t bytes);

#endif
