/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_location.h"
#include "dwarf/dwarf_frame.h"

#include <string.h>

enum { DEPTH_MAX = 4, REGISTER_BP = 6, REGISTER_SP = 7 };

/* The translation of one variable's expression. */
struct translation {
	struct dwarf_file *file;
	const struct dwarf_variable *variable;
	uint64_t address;
	struct dwarf_location *to;
	Dwarf_Attribute *attribute; /* the one whose operations are translated */
	unsigned depth;
};

static bool translate(struct translation *t, Dwarf_Attribute *attribute, const Dwarf_Op *ops,
		      size_t count);

static bool lose(struct translation *t, const char *why)
{
	if (!t->to->why)
		t->to->why = why;
	return false;
}

static bool step(struct translation *t, enum dwarf_do op, unsigned bytes, int64_t value)
{
	if (t->to->step_count == DWARF_STEPS_MAX)
		return lose(t, "its location is too long to compute");
	t->to->steps[t->to->step_count++] = (struct dwarf_step){op, (uint8_t)bytes, value};
	return true;
}

static bool step_add(struct translation *t, int64_t offset)
{
	return !offset || (step(t, DWARF_DO_CONST, 0, offset) && step(t, DWARF_DO_ADD, 0, 0));
}

static bool step_register(struct translation *t, uint64_t number, int64_t offset)
{
	if (number >= DWARF_REGISTERS)
		return lose(t, "it is in a register that a probe does not see");
	return step(t, DWARF_DO_REGISTER, 0, (int64_t)number) && step_add(t, offset);
}

static bool step_cfa(struct translation *t)
{
	struct dwarf_frame frame;
	if (!dwarf_frame_find(t->file, t->address, &frame))
		return lose(t, "nothing tells where its frame is here");
	return step_register(t, frame.number, frame.offset);
}

/* The frame's base; one that is a register must have been set already, and not been restored. */
static bool step_frame_base(struct translation *t, int64_t offset)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *ops;
	size_t count;
	Dwarf_Die function = t->variable->function;
	if (!function.addr || !dwarf_attr_integrate(&function, DW_AT_frame_base, &attribute) ||
	    dwarf_getlocation_addr(&attribute, t->address, &ops, &count, 1) != 1 || count != 1)
		return lose(t, "nothing tells where its frame is here");
	t->to->is_own = true;
	if (ops[0].atom == DW_OP_call_frame_cfa) {
		t->to->is_own = offset < 0;
		return step_cfa(t) && step_add(t, offset);
	}
	if (ops[0].atom == DW_OP_reg0 + REGISTER_BP || ops[0].atom == DW_OP_reg0 + REGISTER_SP) {
		unsigned number = ops[0].atom - DW_OP_reg0;
		if (t->to->is_everywhere &&
		    !dwarf_frame_is_set(t->file, &function, t->address, number))
			return lose(t, "its frame is not set up here");
		return step_register(t, number, offset);
	}
	return lose(t, "its frame has a base that is not understood");
}

static bool step_entry_value(struct translation *t, const Dwarf_Op *op)
{
	Dwarf_Attribute inner;
	Dwarf_Op *ops;
	size_t count;
	if (dwarf_getlocation_attr(t->attribute, op, &inner) ||
	    dwarf_getlocation(&inner, &ops, &count) || count != 1 || ops[0].atom < DW_OP_reg0 ||
	    ops[0].atom > DW_OP_reg31)
		return lose(t, "it is computed from a value the caller had");
	return step(t, DWARF_DO_ENTRY, 0, ops[0].atom - DW_OP_reg0);
}

static bool step_address(struct translation *t, const Dwarf_Op *op)
{
	Dwarf_Attribute inner;
	Dwarf_Addr address = op->number;
	if (op->atom != DW_OP_addr &&
	    (dwarf_getlocation_attr(t->attribute, op, &inner) || dwarf_formaddr(&inner, &address)))
		return lose(t, "its address is missing in the debug information");
	return step(t, DWARF_DO_ADDRESS, 0, (int64_t)address);
}

/* Operations with a type: integers of up to 8 bytes. 0 bytes is the plain 64-bit number. */
static bool typed_integer(struct translation *t, const Dwarf_Op *op, unsigned *bytes_ret,
			  bool *is_signed_ret)
{
	Dwarf_Die type;
	uint64_t encoding = 0, bytes = 0;
	*bytes_ret = 8;
	*is_signed_ret = false;
	if ((op->atom == DW_OP_convert || op->atom == DW_OP_reinterpret ||
	     op->atom == DW_OP_GNU_convert || op->atom == DW_OP_GNU_reinterpret) &&
	    op->number == 0)
		return true;
	if (dwarf_getlocation_die(t->attribute, op, &type) ||
	    !dwarf_die_number(&type, DW_AT_encoding, &encoding) ||
	    !dwarf_die_number(&type, DW_AT_byte_size, &bytes) || encoding == DW_ATE_float ||
	    (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8))
		return lose(t, "it is computed with other than integers");
	*bytes_ret = (unsigned)bytes;
	*is_signed_ret = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
	return true;
}

static bool step_typed(struct translation *t, const Dwarf_Op *op)
{
	unsigned bytes;
	bool is_signed, is_fine = typed_integer(t, op, &bytes, &is_signed);
	if (is_fine && (op->atom == DW_OP_regval_type || op->atom == DW_OP_GNU_regval_type))
		is_fine = step_register(t, op->number, 0);
	if (is_fine && (op->atom == DW_OP_deref_type || op->atom == DW_OP_GNU_deref_type))
		is_fine = step(t, DWARF_DO_LOAD, bytes, 0);
	return is_fine && (bytes == 8 || step(t, DWARF_DO_EXTEND, bytes, is_signed));
}

/* Operations without operands of their own. */
static bool step_plain(struct translation *t, const Dwarf_Op *op)
{
	static const struct {
		uint8_t atom;
		enum dwarf_do op;
		uint8_t value;
	} plain[] = {
		{DW_OP_dup, DWARF_DO_PICK, 0},        {DW_OP_over, DWARF_DO_PICK, 1},
		{DW_OP_drop, DWARF_DO_DROP, 0},       {DW_OP_swap, DWARF_DO_SWAP, 0},
		{DW_OP_rot, DWARF_DO_ROTATE, 0},      {DW_OP_neg, DWARF_DO_NEGATE, 0},
		{DW_OP_not, DWARF_DO_INVERT, 0},      {DW_OP_plus, DWARF_DO_ADD, 0},
		{DW_OP_minus, DWARF_DO_SUBTRACT, 0},  {DW_OP_mul, DWARF_DO_MULTIPLY, 0},
		{DW_OP_div, DWARF_DO_DIVIDE, 0},      {DW_OP_mod, DWARF_DO_MODULO, 0},
		{DW_OP_and, DWARF_DO_AND, 0},         {DW_OP_or, DWARF_DO_OR, 0},
		{DW_OP_xor, DWARF_DO_XOR, 0},         {DW_OP_shl, DWARF_DO_SHIFT_LEFT, 0},
		{DW_OP_shr, DWARF_DO_SHIFT_RIGHT, 0}, {DW_OP_shra, DWARF_DO_SHIFT_RIGHT_SIGNED, 0},
		{DW_OP_eq, DWARF_DO_EQ, 0},           {DW_OP_ne, DWARF_DO_NE, 0},
		{DW_OP_lt, DWARF_DO_LT, 0},           {DW_OP_le, DWARF_DO_LE, 0},
		{DW_OP_gt, DWARF_DO_GT, 0},           {DW_OP_ge, DWARF_DO_GE, 0},
	};
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		if (plain[i].atom == op->atom)
			return step(t, plain[i].op, 0, plain[i].value);
	}
	if (op->atom == DW_OP_form_tls_address || op->atom == DW_OP_GNU_push_tls_address)
		return lose(t, "it is a thread's own, which probes do not find yet");
	if (op->atom == DW_OP_implicit_pointer || op->atom == DW_OP_GNU_implicit_pointer)
		return lose(t, "it points to what was optimised out");
	return lose(t, "its location is computed in a way that is not understood");
}

static bool translate_op(struct translation *t, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return step(t, DWARF_DO_CONST, 0, op->atom - DW_OP_lit0);
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return step_register(t, op->atom - DW_OP_breg0, (int64_t)op->number);
	switch (op->atom) {
	case DW_OP_bregx:
		return step_register(t, op->number, (int64_t)op->number2);
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return step(t, DWARF_DO_CONST, 0, (int64_t)op->number);
	case DW_OP_addr:
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		return step_address(t, op);
	case DW_OP_fbreg:
		return step_frame_base(t, (int64_t)op->number);
	case DW_OP_call_frame_cfa:
		return step_cfa(t);
	case DW_OP_plus_uconst:
		return step_add(t, (int64_t)op->number);
	case DW_OP_pick:
		return step(t, DWARF_DO_PICK, 0, (int64_t)op->number);
	case DW_OP_deref:
		return step(t, DWARF_DO_LOAD, 8, 0);
	case DW_OP_deref_size:
		return step(t, DWARF_DO_LOAD, (unsigned)op->number, 0);
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		return step_entry_value(t, op);
	case DW_OP_convert:
	case DW_OP_GNU_convert:
	case DW_OP_reinterpret:
	case DW_OP_GNU_reinterpret:
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		return step_typed(t, op);
	case DW_OP_nop:
		return true;
	default:
		return step_plain(t, op);
	}
}

/* What ends a piece, or is all of it. */
static bool is_register_op(const Dwarf_Op *op, unsigned *ret)
{
	bool is_short = op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31;
	*ret = is_short ? (unsigned)(op->atom - DW_OP_reg0) : (unsigned)op->number;
	return is_short || op->atom == DW_OP_regx;
}

static bool translate_into(struct translation *t, const Dwarf_Op *op, struct dwarf_piece *piece)
{
	Dwarf_Block block;
	if (is_register_op(op, &piece->number)) {
		piece->where = DWARF_IN_REGISTER;
		if (piece->number < DWARF_REGISTERS)
			return true;
		return lose(t, "it is in a register that a probe does not see");
	}
	if (op->atom == DW_OP_implicit_value) {
		piece->where = DWARF_IS_BYTES;
		if (dwarf_getlocation_implicit_value(t->attribute, op, &block))
			return lose(t, "its value is missing in the debug information");
		piece->data = block.data;
		piece->data_bytes = block.length;
		return true;
	}
	if (op->atom == DW_OP_stack_value) {
		piece->where = DWARF_IS_VALUE;
		return true;
	}
	if (piece->where == DWARF_NOWHERE) /* an operation: of an address, unless told otherwise */
		piece->where = DWARF_IN_MEMORY;
	return translate_op(t, op);
}

static bool end_piece(struct translation *t, struct dwarf_piece *piece, uint64_t bytes)
{
	piece->bytes = (uint32_t)bytes;
	piece->count = (uint16_t)(t->to->step_count - piece->first);
	if (t->to->piece_count == DWARF_PIECES_MAX)
		return lose(t, "it is scattered over too many pieces");
	t->to->pieces[t->to->piece_count++] = *piece;
	*piece = (struct dwarf_piece){.first = (uint16_t)t->to->step_count};
	return true;
}

static bool translate(struct translation *t, Dwarf_Attribute *attribute, const Dwarf_Op *ops,
		      size_t count)
{
	struct dwarf_piece piece = {.first = 0};
	t->attribute = attribute;
	for (size_t i = 0; i < count; i++) {
		if (ops[i].atom == DW_OP_bit_piece)
			return lose(t, "it is scattered over pieces of bytes");
		bool is_fine = ops[i].atom == DW_OP_piece ? end_piece(t, &piece, ops[i].number)
							  : translate_into(t, &ops[i], &piece);
		if (!is_fine)
			return false;
	}
	if (!t->to->piece_count && piece.where == DWARF_NOWHERE)
		return lose(t, "optimised out");
	return t->to->piece_count || end_piece(t, &piece, 0);
}

/* The own frame and the file's own data are mapped; what a pointer says may not be. */
static bool is_mapped(const struct dwarf_location *l)
{
	for (unsigned i = 0; i < l->step_count; i++) {
		const struct dwarf_step *s = &l->steps[i];
		bool is_frame = s->op == DWARF_DO_REGISTER &&
				(s->value == REGISTER_BP || s->value == REGISTER_SP);
		if (!is_frame && s->op != DWARF_DO_ADDRESS && s->op != DWARF_DO_CONST &&
		    s->op != DWARF_DO_ADD)
			return false;
	}
	return true;
}

static bool find_constant(Dwarf_Die *die, struct dwarf_location *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Block block;
	Dwarf_Sword number;
	struct dwarf_piece *piece = &ret->pieces[0];
	if (!dwarf_attr_integrate(die, DW_AT_const_value, &attribute))
		return false;
	if (dwarf_formblock(&attribute, &block) == 0) {
		*piece = (struct dwarf_piece){
			.where = DWARF_IS_BYTES, .data = block.data, .data_bytes = block.length};
	} else if (dwarf_formsdata(&attribute, &number) == 0) {
		ret->steps[ret->step_count++] = (struct dwarf_step){.value = number};
		*piece = (struct dwarf_piece){.where = DWARF_IS_VALUE, .count = 1};
	} else {
		return false;
	}
	ret->piece_count = 1;
	return true;
}

static bool is_list(Dwarf_Attribute *attribute)
{
	unsigned form = dwarf_whatform(attribute);
	return form != DW_FORM_exprloc && form != DW_FORM_block && form != DW_FORM_block1 &&
	       form != DW_FORM_block2 && form != DW_FORM_block4;
}

void dwarf_location_find(struct dwarf_file *f, const struct dwarf_variable *v, uint64_t address,
			 struct dwarf_location *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *ops;
	size_t count;
	Dwarf_Die die = v->die;
	struct translation t = {.file = f, .variable = v, .address = address, .to = ret};
	*ret = (struct dwarf_location){.why = NULL};
	bool is_found = false;
	if (v->is_lost) {
		lose(&t, "optimised out");
	} else if (dwarf_attr_integrate(&die, DW_AT_location, &attribute)) {
		ret->is_everywhere = !is_list(&attribute);
		if (dwarf_getlocation_addr(&attribute, address, &ops, &count, 1) == 1)
			is_found = translate(&t, &attribute, ops, count);
		else
			lose(&t, "not kept here");
	} else {
		is_found = find_constant(&die, ret) || lose(&t, "optimised out");
	}
	if (!is_found) {
		ret->pieces[0] = (struct dwarf_piece){.where = DWARF_NOWHERE};
		ret->piece_count = 1;
	}
	ret->is_mapped = is_found && is_mapped(ret);
}
