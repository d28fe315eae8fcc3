/* SPDX-License-Identifier: MIT */
/* The smallest body of a probe, for what tests putting probes in: it counts at an address. */
#ifndef CAIRN_INJECT_COUNT_BODY_TEST_H
#define CAIRN_INJECT_COUNT_BODY_TEST_H

#include "base/emit.h"

/* Changes nothing else; pushfq would keep a debugger's trap flag. `user`: the address. */
static inline int emit_count(void *user, struct emit *out)
{
	uint64_t at = *(uint64_t *)user;
	/* lea -128(%rsp), %rsp; push %rax; lahf; seto %al; push %rax; movabs $at, %rax */
	emit_bytes(out, "\x48\x8d\x64\x24\x80\x50\x9f\x0f\x90\xc0\x50\x48\xb8", 13);
	emit_u64(out, at);
	/* lock incq (%rax); pop %rax; add $127, %al; sahf; pop %rax; lea 128(%rsp), %rsp */
	emit_bytes(out, "\xf0\x48\xff\x00\x58\x04\x7f\x9e\x58\x48\x8d\xa4\x24\x80\0\0\0", 17);
	return 0;
}

#endif
