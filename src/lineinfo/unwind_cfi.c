/* SPDX-License-Identifier: MIT */
#include "lineinfo/unwind_cfi.h"

#include "base/leb128.h"

#include <dwarf.h>

enum {
	DWARF_BP = 6,
	DWARF_IP = 16,
	STATES_MAX = 16,
	COMMON_BYTES_MAX = 1024, /* each of its entries runs through it */
};

uint64_t cfi_take_encoded(struct cursor *c, uint8_t encoding, uint64_t address)
{
	uint64_t from = (encoding & 0x70) == DW_EH_PE_pcrel ? address : 0;

	if ((encoding & 0x70) > DW_EH_PE_pcrel)
		c->failed = true;
	switch (encoding & 15) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return from + cursor_u64(c);
	case DW_EH_PE_udata4:
		return from + cursor_u32(c);
	case DW_EH_PE_sdata4:
		return from + (uint64_t)(int32_t)cursor_u32(c);
	case DW_EH_PE_uleb128:
		return from + cursor_uleb(c);
	case DW_EH_PE_sleb128:
		return from + (uint64_t)cursor_sleb(c);
	}
	c->failed = true;
	return 0;
}

/* The encoding of entries' addresses and the signal mark; false when not understood. */
static bool read_augmentation(struct cfi_common *common, const char *letters, struct cursor *c)
{
	common->encoding = DW_EH_PE_absptr;
	common->pads_encoding = DW_EH_PE_omit;
	common->signal = common->sized = false;
	if (!letters || (*letters && *letters != 'z'))
		return false;
	if (!*letters)
		return true;
	common->sized = true;
	size_t bytes = cursor_uleb(c);
	const uint8_t *data = cursor_take(c, bytes);
	struct cursor a = cursor_over(data, data ? bytes : 0);
	while (*++letters) {
		if (*letters == 'R')
			common->encoding = cursor_u8(&a);
		else if (*letters == 'L')
			common->pads_encoding = cursor_u8(&a);
		else if (*letters == 'P')
			cfi_take_encoded(&a, cursor_u8(&a) & 15, 0);
		else if (*letters == 'S')
			common->signal = true;
		else
			return false;
	}
	return cursor_ok(&a);
}

/* The entry at `at`, behind its length; false at the end. 64-bit entries are nobody's. */
static bool take_entry(const struct cfi *c, size_t at, struct cursor *ret)
{
	struct cursor rest = cursor_over(c->data + at, at < c->bytes ? c->bytes - at : 0);
	uint32_t bytes = cursor_u32(&rest);
	const uint8_t *data = cursor_take(&rest, bytes);

	*ret = cursor_over(data, data ? bytes : 0);
	return cursor_ok(&rest);
}

static bool read_common(struct cfi *c, size_t at)
{
	struct cfi_common *common = &c->common;
	struct cursor entry;

	if (common->read && common->at == at)
		return common->known;
	*common = (struct cfi_common){.at = at, .read = true};
	if (!take_entry(c, at, &entry) || cursor_left(&entry) > COMMON_BYTES_MAX ||
	    cursor_u32(&entry) != 0)
		return false;
	uint8_t version = cursor_u8(&entry);
	const char *letters = cursor_string(&entry);
	if (version == 4)
		cursor_u16(&entry); /* sizes of addresses and segments */
	common->code_factor = cursor_uleb(&entry);
	common->data_factor = cursor_sleb(&entry);
	uint64_t ip = version == 1 ? cursor_u8(&entry) : cursor_uleb(&entry);
	common->known =
		read_augmentation(common, letters, &entry) && cursor_ok(&entry) && ip == DWARF_IP;
	common->instructions = entry;
	return common->known;
}

/* Of the data with which an entry's augmentation begins. */
static uint64_t take_pads(const struct cfi *c, struct cursor *rest)
{
	size_t bytes = cursor_uleb(rest);
	const uint8_t *data = cursor_take(rest, bytes);
	struct cursor a = cursor_over(data, data ? bytes : 0), plain = a;
	uint8_t encoding = c->common.pads_encoding;

	if (!data || encoding == DW_EH_PE_omit || !cfi_take_encoded(&plain, encoding & 15, 0))
		return 0;
	return cfi_take_encoded(&a, encoding, c->address + (uint64_t)(data - c->data));
}

/* The head of the FDE at `at`; `*rest` gets its instructions. False for a CIE, or a bad one. */
static bool read_entry(struct cfi *c, size_t at, struct cfi_entry *ret, struct cursor *rest)
{
	if (!take_entry(c, at, rest))
		return false;
	size_t pointer_at = at + 4;
	uint32_t back = cursor_u32(rest);
	if (back == 0 || back > pointer_at || !read_common(c, pointer_at - back))
		return false;
	uint64_t address = c->address + (uint64_t)(rest->at - c->data);
	uint64_t start = cfi_take_encoded(rest, c->common.encoding, address);
	uint64_t bytes = cfi_take_encoded(rest, c->common.encoding & 15, 0);
	uint64_t pads = c->common.sized ? take_pads(c, rest) : 0;
	*ret = (struct cfi_entry){start, start + bytes, at, pads};
	return cursor_ok(rest) && bytes && start + bytes > start;
}

bool cfi_next(struct cfi *c, size_t *at, struct cfi_entry *ret)
{
	struct cursor entry;

	while (take_entry(c, *at, &entry)) {
		size_t here = *at;
		*at += 4 + cursor_left(&entry);
		if (cursor_left(&entry) && read_entry(c, here, ret, &entry))
			return true;
	}
	return false;
}

/* The run through one entry's instructions. */
struct run {
	const struct cfi_common *common;
	uint64_t address, end, from;
	struct cfi_state now, first; /* `first`: what the CIE says */
	struct cfi_state saved[STATES_MAX];
	unsigned depth;
	cfi_row row;
	void *context;
	int status;
	bool over; /* the rest is behind the entry's text, or nobody wants it */
};

static void emit(struct run *r, uint64_t next)
{
	if (next > r->from && !r->status)
		r->status = r->row(r->context, r->address > r->from ? r->address : r->from,
				   cfi_table_rule(&r->now, r->common->signal));
}

static bool advance(struct run *r, uint64_t delta)
{
	uint64_t next = r->address + delta * r->common->code_factor;

	r->over = next < r->address || next >= r->end;
	if (r->over)
		return true;
	if (next > r->address)
		emit(r, next);
	r->address = next;
	r->over = r->status != 0;
	return true;
}

static void set_rule(struct run *r, uint64_t reg, struct cfi_rule rule)
{
	if (reg == DWARF_BP)
		r->now.bp = rule;
	else if (reg == DWARF_IP)
		r->now.ip = rule;
}

static void set(struct run *r, uint64_t reg, enum cfi_kind kind, int64_t offset)
{
	set_rule(r, reg, (struct cfi_rule){.kind = kind, .offset = offset});
}

static struct cfi_rule take_expression(struct cursor *c)
{
	size_t bytes = cursor_uleb(c);
	const uint8_t *data = cursor_take(c, bytes);

	return (struct cfi_rule){.kind = CFI_EXPRESSION,
				 .expression = cursor_over(data, data ? bytes : 0)};
}

static void restore(struct run *r, uint64_t reg)
{
	if (reg == DWARF_BP)
		r->now.bp = r->first.bp;
	else if (reg == DWARF_IP)
		r->now.ip = r->first.ip;
}

/* Those that say where the frame's end is. */
static bool define_cfa(struct run *r, uint8_t op, struct cursor *c)
{
	struct cfi_rule *cfa = &r->now.cfa;
	uint64_t reg = cfa->reg;
	int64_t factor = r->common->data_factor;

	if (op == DW_CFA_def_cfa_expression) {
		*cfa = take_expression(c);
		return true;
	}
	if (op != DW_CFA_def_cfa && op != DW_CFA_def_cfa_sf && cfa->kind != CFI_REGISTER)
		return false;
	if (op == DW_CFA_def_cfa || op == DW_CFA_def_cfa_sf || op == DW_CFA_def_cfa_register)
		reg = cursor_uleb(c);
	if (op == DW_CFA_def_cfa || op == DW_CFA_def_cfa_offset)
		cfa->offset = (int64_t)cursor_uleb(c);
	else if (op == DW_CFA_def_cfa_sf || op == DW_CFA_def_cfa_offset_sf)
		cfa->offset = (int64_t)((uint64_t)cursor_sleb(c) * (uint64_t)factor);
	cfa->kind = CFI_REGISTER;
	cfa->reg = reg < UINT32_MAX ? (unsigned)reg : UINT32_MAX;
	return true;
}

/* Those that say where a register was saved. */
static bool define_register(struct run *r, uint8_t op, struct cursor *c)
{
	uint64_t reg = cursor_uleb(c), factor = (uint64_t)r->common->data_factor;

	switch (op) {
	case DW_CFA_offset_extended:
		set(r, reg, CFI_AT_CFA, (int64_t)(cursor_uleb(c) * factor));
		return true;
	case DW_CFA_offset_extended_sf:
		set(r, reg, CFI_AT_CFA, (int64_t)((uint64_t)cursor_sleb(c) * factor));
		return true;
	case DW_CFA_GNU_negative_offset_extended:
		set(r, reg, CFI_AT_CFA, (int64_t)(0 - cursor_uleb(c) * factor));
		return true;
	case DW_CFA_restore_extended:
		restore(r, reg);
		return true;
	case DW_CFA_undefined:
		set(r, reg, CFI_UNDEFINED, 0);
		return true;
	case DW_CFA_same_value:
		set(r, reg, CFI_SAME, 0);
		return true;
	case DW_CFA_register:
	case DW_CFA_val_offset:
		cursor_uleb(c);
		set(r, reg, CFI_OTHER, 0);
		return true;
	case DW_CFA_val_offset_sf:
		cursor_sleb(c);
		set(r, reg, CFI_OTHER, 0);
		return true;
	case DW_CFA_expression:
		set_rule(r, reg, take_expression(c));
		return true;
	case DW_CFA_val_expression:
		cursor_take(c, cursor_uleb(c));
		set(r, reg, CFI_OTHER, 0);
		return true;
	}
	return false;
}

/* False for an instruction that is not understood. */
static bool step(struct run *r, struct cursor *c)
{
	uint8_t op = cursor_u8(c);

	switch (op >> 6) {
	case DW_CFA_advance_loc >> 6:
		return advance(r, op & 63);
	case DW_CFA_offset >> 6:
		set(r, op & 63, CFI_AT_CFA,
		    (int64_t)(cursor_uleb(c) * (uint64_t)r->common->data_factor));
		return true;
	case DW_CFA_restore >> 6:
		restore(r, op & 63);
		return true;
	}
	switch (op) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_advance_loc1:
		return advance(r, cursor_u8(c));
	case DW_CFA_advance_loc2:
		return advance(r, cursor_u16(c));
	case DW_CFA_advance_loc4:
		return advance(r, cursor_u32(c));
	case DW_CFA_remember_state:
		if (r->depth == STATES_MAX)
			return false;
		r->saved[r->depth++] = r->now;
		return true;
	case DW_CFA_restore_state:
		if (r->depth == 0)
			return false;
		r->now = r->saved[--r->depth];
		return true;
	case DW_CFA_GNU_args_size:
		cursor_uleb(c);
		return true;
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_def_cfa_expression:
		return define_cfa(r, op, c);
	}
	return define_register(r, op, c);
}

static bool run(struct run *r, struct cursor instructions)
{
	while (cursor_left(&instructions) && !r->over)
		if (!step(r, &instructions) || !cursor_ok(&instructions))
			return false;
	return true;
}

int cfi_rows(struct cfi *c, const struct cfi_entry *entry, uint64_t from, cfi_row row,
	     void *context)
{
	struct cursor instructions;
	struct cfi_entry head;
	struct run r = {.common = &c->common,
			.address = entry->start,
			.end = entry->end,
			.from = from,
			.row = row,
			.context = context};
	bool fine =
		read_entry(c, entry->at, &head, &instructions) && run(&r, c->common.instructions);

	r.first = r.now;
	if (!fine || !run(&r, instructions))
		r.now = (struct cfi_state){0};
	emit(&r, r.end);
	return r.status;
}
