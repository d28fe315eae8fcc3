/* SPDX-License-Identifier: MIT */
#include "kprobe/uprobe_risk.h"

#include "insn/insn.h"

#include <stdio.h>

enum { NOP_BYTES = 5, RBP = 5 };

/* The call came with 6.18; no release is known to be free of it again. */
bool uprobe_risk_of_kernel(const char *release)
{
	unsigned major, minor;
	return sscanf(release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 18));
}

/*
 * "-8(%rbp)": of a frame that a function without calls need not have made room for. -8(%r13) is
 * taken for it too: better a warning too many.
 */
static bool is_below_frame(const struct insn *in, const uint8_t *code)
{
	uint8_t modrm = in->modrm_at ? code[in->modrm_at] : 0;
	return in->displacement < 0 && (modrm >> 6 == 1 || modrm >> 6 == 2) && (modrm & 7) == RBP;
}

bool uprobe_risk_at(const uint8_t *code, size_t bytes, size_t site)
{
	struct insn in;
	bool keeps_below = false;
	if (site >= bytes || !insn_decode(code + site, bytes - site, site, &in) ||
	    in.class != INSN_NOP || in.bytes != NOP_BYTES)
		return false;
	/* On entry nothing stands there yet. */
	if (!site)
		return false;
	for (size_t at = 0; at < bytes; at += in.bytes) {
		if (!insn_decode(code + at, bytes - at, at, &in))
			return true; /* who knows */
		if (in.class == INSN_CALL || in.class == INSN_CALL_ANY)
			return false;
		keeps_below |= in.in_red_zone || is_below_frame(&in, code + at);
	}
	return keeps_below;
}
