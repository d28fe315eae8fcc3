/* SPDX-License-Identifier: MIT */
/*
 * A trace's metadata: CTF 1.8's own language (TSDL) as text.
 *
 * Headers and contexts are those of ring/ring_abi.h under LTTng's names. Fields of events carry a
 * leading underscore, as LTTng writes them: readers take one away, and no field name can clash
 * with a word of the language.
 */
#ifndef CAIRN_CTF_CTF_DESCRIBE_H
#define CAIRN_CTF_CTF_DESCRIBE_H

#include "ctf/ctf_trace.h"
#include "util/text.h"

/* The last line: without it, the text is not all there. */
#define CTF_DESCRIBE_END "/* end of the description */\n"

/*
 * Appends the metadata. -EINVAL for what the language cannot say: an event type of a stream class
 * that does not exist, an id beyond 16 bits, a field name that is no identifier.
 */
int ctf_describe(struct text *out, const struct ctf_trace *trace, struct err *e);

#endif
