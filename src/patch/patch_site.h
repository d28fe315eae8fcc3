/* SPDX-License-Identifier: MIT */
/*
 * A place as it will run: its jump, and the trampoline that the jump leads to.
 *
 *	address:     jmp trampoline            `written` over `original`
 *	trampoline:  body, copy of the first instruction, [body,] copy of the second, …
 *	             jmp to behind the run     unless the last one goes on elsewhere by itself
 *
 * P5  Whoever stands before an instruction that the jump overwrites, but the first, is moved to
 *     before its copy's body. Whoever stands in a trampoline leaves it by himself: it stays valid
 *     after the original bytes are back.
 */
#ifndef CAIRN_PATCH_PATCH_SITE_H
#define CAIRN_PATCH_PATCH_SITE_H

#include "patch/patch_plan.h"

/* Code to run before an instruction of the run; it changes no register, flag or red zone. */
struct patch_body {
	unsigned index;
	int (*emit)(void *user, struct emit *out); /* 0 or a negative errno */
	void *user;
};

struct patch_site {
	uint64_t address, trampoline;
	struct insn_run run;                                           /* as it runs */
	uint16_t body_at[INSN_RUN_MAX + 1], copy_at[INSN_RUN_MAX + 1]; /* in the trampoline */
	uint16_t trampoline_bytes;
	uint8_t bytes; /* written: a jump's five, or as many as a punned one may */
	uint8_t original[INSN_BYTES_MAX + 1], written[INSN_BYTES_MAX + 1];
};

/*
 * Appends the trampoline to `out`. The plan, made of a file, runs `bias` further up; `code` is what
 * stands there; `bodies` are sorted by index. -ERANGE: `out` is too far away, or not in the window
 * of a punned jump.
 */
int patch_site_build(const struct patch_plan *plan, uint64_t bias, const uint8_t *code,
		     const struct patch_body *bodies, size_t body_count, struct emit *out,
		     struct patch_site *ret, struct err *e);

/* P5: where a thread goes on that stands at `pc` when the jump is written. */
uint64_t patch_site_forward(const struct patch_site *site, uint64_t pc);

/* Where the original of the copy at `pc` is; false within a body, or between two copies. */
bool patch_site_back(const struct patch_site *site, uint64_t pc, uint64_t *ret);

#endif
