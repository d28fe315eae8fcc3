/* SPDX-License-Identifier: MIT */
/*
 * One stream file, which is a valid stream at every moment, whoever kills the writer.
 *
 * The last packet's padding reaches to the end of the file. The next packet is written into that
 * padding, where no reader looks; then one aligned write of 8 bytes shortens the last packet and
 * shows the new one. A write that stops half way, by a kill or a full disk, shows nothing. The
 * first packet comes with its file, by rename. Only where the file grows, and at its end, lies a
 * moment of one system call in which its size and the last packet's disagree; ctf/ctf_recover.h
 * mends that too. A file grows to twice its size, so that such moments are few.
 */
#ifndef CAIRN_CTF_CTF_APPEND_H
#define CAIRN_CTF_CTF_APPEND_H

#include "ring/ring_abi.h"

/* By how much at least and at most. */
enum { CTF_APPEND_GROWTH_BYTES = 4 << 20, CTF_APPEND_GROWTH_BYTES_MAX = 256 << 20 };

struct ctf_append {
	int fd;         /* −1 before the first packet */
	uint64_t start; /* of the last packet */
	uint64_t end;   /* of the last packet, without the padding up to `size` */
	uint64_t size;  /* of the file */
};

static inline void ctf_append_init(struct ctf_append *a)
{
	*a = (struct ctf_append){.fd = -1};
}

/* Takes the padding at the end away and closes. */
void ctf_append_deinit(struct ctf_append *a);

/*
 * `packet_bits` is the content rounded up to bytes of 8. 0 or a negative errno: then the file has
 * the packets it had.
 */
int ctf_append_packet(struct ctf_append *a, int directory, const char *name,
		      const struct ring_packet *header, const void *body);

/*
 * Gives the last packet, in its place, another `end_ns` and `discarded`, neither smaller than
 * before: valid between the two writes too, and takes no room on the disk.
 */
int ctf_append_amend(const struct ctf_append *a, const struct ring_packet *last);

#endif
