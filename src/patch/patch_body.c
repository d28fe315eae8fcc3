/* SPDX-License-Identifier: MIT */
#include "patch/patch_body.h"

enum {
	RED_ZONE_BYTES = 128,
	FLAGS_AT = 0,
	FAULT_AT = 4,
	SAVED_AT = 8,
};

struct layout {
	struct prog_frame frame;
	uint32_t frame_bytes; /* without the red zone */
};

static uint32_t round_up(uint32_t bytes, uint32_t step)
{
	return (bytes + step - 1) / step * step;
}

/* All that may ever be saved has its place; who records needs them all. */
static void lay_out(const struct patch_body *b, const struct prog_native *n, struct layout *ret)
{
	uint32_t saved = n->changes | (b->record_bytes ? X86_CALLER_SAVED : 0);
	uint32_t output = prog_output_bytes(b->prog);
	if (output < b->record_bytes)
		output = b->record_bytes;
	uint32_t at = SAVED_AT;
	*ret = (struct layout){.frame = {.pc = b->site,
					 .saved = n->changes,
					 .fault_at = FAULT_AT,
					 .output_bytes = round_up(output, 8)}};
	for (int reg = 0; reg < X86_REGS; reg++) {
		if (saved & 1u << reg) {
			ret->frame.saved_at[reg] = (int32_t)at;
			at += 8;
		}
	}
	ret->frame.slots_at = (int32_t)at;
	at += 8 * n->slot_count;
	ret->frame.output_at = (int32_t)at;
	ret->frame_bytes = at + round_up(output, RING_COPY_BYTES);
	ret->frame.rsp_at = (int32_t)(ret->frame_bytes + RED_ZONE_BYTES);
}

static void save(const struct layout *l, uint32_t regs, struct emit *out)
{
	for (int reg = 0; reg < X86_REGS; reg++) {
		if (regs & 1u << reg)
			x86_store(out, reg, X86_RSP, l->frame.saved_at[reg], 8);
	}
}

static void restore(const struct layout *l, uint32_t regs, struct emit *out)
{
	for (int reg = 0; reg < X86_REGS; reg++) {
		if (regs & 1u << reg)
			x86_load(out, reg, X86_RSP, l->frame.saved_at[reg], 8, false);
	}
}

/* lahf takes five of the six status flags; the sixth, overflow, goes into al. */
static void emit_enter(const struct prog_native *n, const struct layout *l, struct emit *out)
{
	static const uint8_t flags_to_ax[] = {0x9f, 0x0f, 0x90, 0xc0}; /* lahf; seto al */
	x86_lea(out, X86_RSP, X86_RSP, -l->frame.rsp_at);
	save(l, 1u << X86_RAX, out);
	emit_bytes(out, flags_to_ax, sizeof(flags_to_ax));
	x86_store(out, X86_RAX, X86_RSP, FLAGS_AT, 2);
	save(l, n->changes & ~(1u << X86_RAX), out);
}

/* 1 + 127 overflows as a signed byte, 0 + 127 does not. */
static void emit_leave(const struct prog_native *n, const struct layout *l, struct emit *out)
{
	static const uint8_t flags_from_ax[] = {0x04, 0x7f, 0x9e}; /* add al, 127; sahf */
	restore(l, n->changes & ~(1u << X86_RAX), out);
	x86_load(out, X86_RAX, X86_RSP, FLAGS_AT, 2, false);
	emit_bytes(out, flags_from_ax, sizeof(flags_from_ax));
	restore(l, 1u << X86_RAX, out);
	x86_lea(out, X86_RSP, X86_RSP, l->frame.rsp_at);
}

static void emit_record(const struct patch_body *b, const struct prog_native *n,
			const struct layout *l, struct emit *out)
{
	uint32_t others = X86_CALLER_SAVED & ~n->changes;
	save(l, others, out);
	x86_const(out, X86_RDI, b->target.context);
	x86_lea(out, X86_RSI, X86_RSP, l->frame.output_at);
	x86_const(out, X86_RDX, b->record_bytes);
	x86_const(out, X86_RCX, b->event_id);
	x86_call(out, b->write);
	restore(l, others, out);
}

int patch_body_emit(const struct patch_body *b, struct emit *out, struct patch_body_size *size_ret,
		    struct err *e)
{
	struct prog_native n;
	struct layout l;
	uint32_t bad;
	if (prog_native_plan(&n, b->prog, &b->target, &bad))
		return err_set(e, ENOTSUP, "a probe in a process cannot do %s",
			       prog_shapes[b->prog->insns[bad].op].name);
	if (b->record_bytes && b->record_bytes < prog_output_bytes(b->prog))
		return err_set(e, EINVAL, "the probe's values take %u bytes, its record %u",
			       prog_output_bytes(b->prog), b->record_bytes);
	lay_out(b, &n, &l);
	if (l.frame.output_bytes > PATCH_BODY_RECORD_MAX)
		return err_set(e, E2BIG,
			       "the probe's values take more than the %d bytes that fit "
			       "on the stack of a thread: ask for fewer, or shorter texts",
			       PATCH_BODY_RECORD_MAX);
	size_t start = out->bytes;
	emit_enter(&n, &l, out);
	prog_native_emit(&n, &l.frame, out);
	if (b->record_bytes)
		emit_record(b, &n, &l, out);
	prog_native_land(&n, out);
	emit_leave(&n, &l, out);
	if (!emit_ok(out))
		return err_set(e, ENOSPC, "the probe's code takes more room than there is");
	bool calls = n.calls || b->record_bytes;
	if (size_ret)
		*size_ret =
			(struct patch_body_size){.code_bytes = (uint32_t)(out->bytes - start),
						 .stack_bytes = (uint32_t)l.frame.rsp_at +
								(calls ? PAYLOAD_STACK_BYTES : 0)};
	return 0;
}
