/* SPDX-License-Identifier: MIT */
/* From the bytes of a packet to the next event. */
#ifndef CAIRN_CTF_CTF_DECODE_H
#define CAIRN_CTF_CTF_DECODE_H

#include "ctf/ctf_stream.h"

/*
 * The event at the stream's position, which moves behind it. 1 and an event; 0 when what is left
 * of the packet cannot be read: that is said in a warning and left out. Negative without memory.
 */
int ctf_decode(struct ctf_stream *s, struct event *ret, struct err *e);

#endif
