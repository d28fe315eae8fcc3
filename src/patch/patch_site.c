/* SPDX-License-Identifier: MIT */
#include "patch/patch_site.h"
#include "insn/insn_emit.h"

#include <string.h>

static int emit_bodies(unsigned index, const struct patch_body **next, const struct patch_body *end,
		       struct emit *out)
{
	for (; *next < end && (*next)->index == index; (*next)++) {
		int status = (*next)->emit((*next)->user, out);
		if (status)
			return status;
	}
	return 0;
}

static int emit_trampoline(struct patch_site *site, const uint8_t *code,
			   const struct patch_body *bodies, size_t body_count, struct emit *out)
{
	const struct patch_body *next = bodies;
	const struct insn_run *run = &site->run;
	size_t start = out->bytes;
	for (unsigned i = 0; i < run->count; i++) {
		site->body_at[i] = (uint16_t)(out->bytes - start);
		int status = emit_bodies(i, &next, bodies + body_count, out);
		if (status)
			return status;
		site->copy_at[i] = (uint16_t)(out->bytes - start);
		insn_run_move_one(run, i, code, out);
	}
	site->body_at[run->count] = site->copy_at[run->count] = (uint16_t)(out->bytes - start);
	insn_run_move_end(run, out);
	if (!emit_ok(out) || out->bytes - start > UINT16_MAX)
		return -ERANGE;
	site->trampoline_bytes = (uint16_t)(out->bytes - start);
	return 0;
}

/* P3: of a punned jump, only the bytes that the run has are written. */
static bool emit_jump(struct patch_site *site, const uint8_t *code)
{
	uint8_t jump[INSN_JUMP_BYTES];
	struct emit out = emit_into(jump, sizeof(jump), site->address);
	insn_emit_jump(&out, site->trampoline);
	site->bytes = site->run.bytes < INSN_JUMP_BYTES ? site->run.bytes : INSN_JUMP_BYTES;
	memcpy(site->original, code, site->bytes);
	memcpy(site->written, jump, site->bytes);
	return emit_ok(&out) &&
	       !memcmp(jump + site->bytes, code + site->bytes, INSN_JUMP_BYTES - site->bytes);
}

int patch_site_build(const struct patch_plan *plan, uint64_t bias, const uint8_t *code,
		     const struct patch_body *bodies, size_t body_count, struct emit *out,
		     struct patch_site *ret, struct err *e)
{
	struct patch_site site = {.run = plan->run, .trampoline = emit_here(out)};
	insn_run_rebase(&site.run, bias);
	site.address = site.run.insns[0].address;
	int status = emit_jump(&site, code) ? 0 : -ERANGE;
	if (!status)
		status = emit_trampoline(&site, code, bodies, body_count, out);
	if (status)
		return err_set(e, -status, "a probe's code for %#llx does not fit at %#llx",
			       (unsigned long long)site.address,
			       (unsigned long long)site.trampoline);
	*ret = site;
	return 0;
}

uint64_t patch_site_forward(const struct patch_site *site, uint64_t pc)
{
	const struct insn_run *run = &site->run;
	for (unsigned i = 1; i < run->count; i++) {
		if (pc == run->insns[i].address)
			return site->trampoline + site->body_at[i];
	}
	/* The kernel starts an interrupted call again by going two bytes back. */
	if (run->insns[run->count - 1].class == INSN_SYSCALL && pc == site->address + run->bytes)
		return site->trampoline + site->copy_at[run->count];
	return pc;
}

bool patch_site_back(const struct patch_site *site, uint64_t pc, uint64_t *ret)
{
	for (unsigned i = 0; i < site->run.count; i++) {
		if (pc == site->trampoline + site->copy_at[i]) {
			*ret = site->run.insns[i].address;
			return true;
		}
	}
	if (pc != site->trampoline + site->copy_at[site->run.count])
		return false;
	*ret = site->address + site->run.bytes;
	return true;
}
