/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_type.h"

#include <string.h>

enum { CHAIN_MAX = 64 }; /* of typedefs, of nested anonymous members */

static bool is_transparent(int tag)
{
	return tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
	       tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type ||
	       tag == DW_TAG_immutable_type;
}

static bool next_type(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;
	return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	       dwarf_formref_die(&attribute, ret);
}

static void set_base(struct dwarf_type *t)
{
	uint64_t encoding = 0;
	dwarf_die_number(&t->die, DW_AT_encoding, &encoding);
	t->kind = DWARF_INTEGER;
	switch (encoding) {
	case DW_ATE_boolean:
		t->kind = DWARF_BOOL;
		break;
	case DW_ATE_float:
		t->kind = t->bytes == 4 || t->bytes == 8 ? DWARF_REAL : DWARF_OTHER;
		break;
	case DW_ATE_signed_char:
		t->kind = t->bytes == 1 ? DWARF_CHARACTER : DWARF_INTEGER;
		t->is_signed = true;
		break;
	case DW_ATE_unsigned_char:
		t->kind = t->bytes == 1 ? DWARF_CHARACTER : DWARF_INTEGER;
		break;
	case DW_ATE_signed:
		t->is_signed = true;
		break;
	case DW_ATE_unsigned:
	case DW_ATE_UTF:
	case DW_ATE_address:
		break;
	default:
		t->kind = DWARF_OTHER;
	}
	if (t->kind != DWARF_OTHER && t->bytes > 8)
		t->kind = DWARF_OTHER;
}

/* Without a type of its own, C's: unsigned unless a label is negative. */
static void set_enum(struct dwarf_file *f, struct dwarf_type *t)
{
	struct dwarf_type base;
	Dwarf_Die cursor = {0}, underlying;
	const char *name;
	int64_t value;
	t->kind = DWARF_ENUM;
	if (next_type(&t->die, &underlying)) {
		dwarf_type_of(f, &t->die, &base);
		t->is_signed = base.is_signed;
		t->bytes = t->bytes ? t->bytes : base.bytes;
		return;
	}
	while (dwarf_type_label_next(t, &cursor, &name, &value))
		t->is_signed |= value < 0;
}

/* The number of elements in the dimension the type is at; `*last_ret`: it is the innermost one. */
static uint64_t dimension_count(const struct dwarf_type *t, bool *last_ret)
{
	Dwarf_Die array = t->die, child;
	uint64_t count = 0, upper;
	unsigned dimension = 0;
	*last_ret = true;
	for (bool more = dwarf_die_first(&array, &child); more; more = dwarf_die_next(&child)) {
		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (dimension == t->dimension && !dwarf_die_number(&child, DW_AT_count, &count))
			count = dwarf_die_number(&child, DW_AT_upper_bound, &upper) &&
						upper < UINT32_MAX
					? upper + 1
					: 0;
		if (dimension > t->dimension)
			*last_ret = false;
		dimension++;
	}
	return count;
}

static void set_array(struct dwarf_file *f, struct dwarf_type *t)
{
	struct dwarf_type element;
	bool is_last;
	t->kind = DWARF_ARRAY;
	t->count = dimension_count(t, &is_last);
	t->bytes = 0;
	if (dwarf_type_target(f, t, &element) && element.bytes < UINT32_MAX)
		t->bytes = element.bytes * t->count;
}

/* A declaration stands for the definition elsewhere, if there is one. */
static void set_structure(struct dwarf_file *f, struct dwarf_type *t)
{
	const char *name = dwarf_die_string(&t->die, DW_AT_name);
	t->kind = DWARF_STRUCT;
	if (!dwarf_die_flag(&t->die, DW_AT_declaration))
		return;
	if (name && dwarf_file_structure(f, name, &t->die))
		dwarf_die_number(&t->die, DW_AT_byte_size, &t->bytes);
}

static void set_kind(struct dwarf_file *f, struct dwarf_type *t)
{
	dwarf_die_number(&t->die, DW_AT_byte_size, &t->bytes);
	switch (dwarf_tag(&t->die)) {
	case DW_TAG_base_type:
		set_base(t);
		break;
	case DW_TAG_enumeration_type:
		set_enum(f, t);
		break;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		t->kind = DWARF_POINTER;
		t->bytes = 8;
		break;
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_class_type:
		set_structure(f, t);
		break;
	case DW_TAG_array_type:
		set_array(f, t);
		break;
	case DW_TAG_subroutine_type:
		t->kind = DWARF_FUNCTION;
		break;
	default:
		t->kind = DWARF_OTHER;
	}
}

void dwarf_type_of(struct dwarf_file *f, Dwarf_Die *die, struct dwarf_type *ret)
{
	*ret = (struct dwarf_type){.kind = DWARF_VOID};
	if (!next_type(die, &ret->die))
		return;
	ret->spelled = ret->die;
	for (unsigned i = 0; i < CHAIN_MAX && is_transparent(dwarf_tag(&ret->die)); i++) {
		Dwarf_Die inner;
		if (!next_type(&ret->die, &inner))
			return; /* const void */
		ret->die = inner;
	}
	set_kind(f, ret);
}

bool dwarf_type_target(struct dwarf_file *f, const struct dwarf_type *t, struct dwarf_type *ret)
{
	Dwarf_Die die = t->die;
	bool is_last;
	if (t->kind != DWARF_POINTER && t->kind != DWARF_ARRAY)
		return false;
	if (t->kind == DWARF_ARRAY && (dimension_count(t, &is_last), !is_last)) {
		*ret = *t;
		ret->dimension++;
		set_array(f, ret);
		return true;
	}
	dwarf_type_of(f, &die, ret);
	return true;
}

/* Where a member's bits are: as a whole byte offset and bits behind it. */
static void set_bits(Dwarf_Die *die, struct dwarf_member *m)
{
	uint64_t bits = 0, at = 0, storage = m->type.bytes;
	if (!dwarf_die_number(die, DW_AT_bit_size, &bits) || bits == 0 || bits > 64)
		return;
	if (dwarf_die_number(die, DW_AT_data_bit_offset, &at)) {
		m->offset = at / 8;
		m->bit_at = at % 8;
	} else if (dwarf_die_number(die, DW_AT_bit_offset, &at)) {
		/* Counted from the highest bit of the storage down, as on big-endian machines. */
		dwarf_die_number(die, DW_AT_byte_size, &storage);
		uint64_t low = m->offset * 8 + storage * 8 - at - bits;
		m->offset = low / 8;
		m->bit_at = low % 8;
	}
	m->bits = (uint32_t)bits;
}

static bool member_read(struct dwarf_file *f, Dwarf_Die *die, struct dwarf_member *ret)
{
	int tag = dwarf_tag(die);
	if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
	    dwarf_die_flag(die, DW_AT_external))
		return false;
	*ret = (struct dwarf_member){.offset = 0};
	/* A virtual base's place is computed at run time. */
	if (!dwarf_die_number(die, DW_AT_data_member_location, &ret->offset) &&
	    dwarf_hasattr(die, DW_AT_data_member_location))
		return false;
	dwarf_type_of(f, die, &ret->type);
	set_bits(die, ret);
	return true;
}

static bool member_find(struct dwarf_file *f, const struct dwarf_type *t, const char *name,
			unsigned depth, struct dwarf_member *ret)
{
	struct dwarf_member_cursor cursor = {.has_begun = false};
	struct dwarf_member m, inner;
	const char *found;
	while (depth < CHAIN_MAX && dwarf_type_member_next(f, t, &cursor, &found, &m)) {
		if (*found && !strcmp(found, name)) {
			*ret = m;
			return true;
		}
		if (!*found && m.type.kind == DWARF_STRUCT &&
		    member_find(f, &m.type, name, depth + 1, &inner)) {
			*ret = inner;
			ret->offset += m.offset;
			return true;
		}
	}
	return false;
}

bool dwarf_type_member(struct dwarf_file *f, const struct dwarf_type *t, const char *name,
		       struct dwarf_member *ret)
{
	return t->kind == DWARF_STRUCT && member_find(f, t, name, 0, ret);
}

bool dwarf_type_member_next(struct dwarf_file *f, const struct dwarf_type *t,
			    struct dwarf_member_cursor *cursor, const char **name_ret,
			    struct dwarf_member *ret)
{
	Dwarf_Die structure = t->die;
	bool more;
	if (t->kind != DWARF_STRUCT)
		return false;
	do {
		more = cursor->has_begun ? dwarf_die_next(&cursor->die)
					 : dwarf_die_first(&structure, &cursor->die);
		cursor->has_begun = true;
	} while (more && !member_read(f, &cursor->die, ret));
	if (!more)
		return false;
	bool is_base = dwarf_tag(&cursor->die) == DW_TAG_inheritance;
	const char *name = is_base ? NULL : dwarf_die_string(&cursor->die, DW_AT_name);
	*name_ret = name ? name : "";
	return true;
}

bool dwarf_type_label_next(const struct dwarf_type *t, Dwarf_Die *cursor, const char **name_ret,
			   int64_t *value_ret)
{
	Dwarf_Die die = t->die;
	Dwarf_Attribute attribute;
	Dwarf_Sword value;
	bool more = cursor->addr ? dwarf_die_next(cursor) : dwarf_die_first(&die, cursor);
	for (; more; more = dwarf_die_next(cursor)) {
		const char *name = dwarf_die_string(cursor, DW_AT_name);
		if (dwarf_tag(cursor) != DW_TAG_enumerator || !name ||
		    !dwarf_attr(cursor, DW_AT_const_value, &attribute) ||
		    dwarf_formsdata(&attribute, &value))
			continue;
		*name_ret = name;
		*value_ret = value;
		return true;
	}
	return false;
}

bool dwarf_type_label(const struct dwarf_type *t, const char *name, int64_t *ret)
{
	Dwarf_Die cursor = {0};
	const char *label;
	while (t->kind == DWARF_ENUM && dwarf_type_label_next(t, &cursor, &label, ret))
		if (!strcmp(label, name))
			return true;
	return false;
}
