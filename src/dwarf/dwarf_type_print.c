/* SPDX-License-Identifier: MIT */
/* A type as C writes it. Deep ones end in "…": nobody reads further. */
#include "dwarf/dwarf_type.h"

#include <inttypes.h>

enum { PRINT_DEPTH_MAX = 12 };

static void print_die(struct dwarf_file *f, Dwarf_Die *die, unsigned depth, struct text *out);

static void print_inner(struct dwarf_file *f, Dwarf_Die *die, unsigned depth, struct text *out)
{
	Dwarf_Attribute attribute;
	Dwarf_Die inner;
	if (dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	    dwarf_formref_die(&attribute, &inner))
		print_die(f, &inner, depth + 1, out);
	else
		text_print(out, "void");
}

/* "char *" and "char **": one blank before the first star. */
static void print_star(struct text *out, const char *star)
{
	char last = out->bytes ? out->data[out->bytes - 1] : ' ';
	text_print(out, "%s%s", last == '*' || last == '&' ? "" : " ", star);
}

static void print_array(struct dwarf_file *f, Dwarf_Die *die, unsigned depth, struct text *out)
{
	Dwarf_Die child;
	print_inner(f, die, depth, out);
	for (bool more = dwarf_die_first(die, &child); more; more = dwarf_die_next(&child)) {
		uint64_t count;
		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (dwarf_die_number(&child, DW_AT_count, &count))
			text_print(out, "[%" PRIu64 "]", count);
		else if (dwarf_die_number(&child, DW_AT_upper_bound, &count))
			text_print(out, "[%" PRIu64 "]", count + 1);
		else
			text_print(out, "[]");
	}
}

static void print_named(Dwarf_Die *die, const char *keyword, struct text *out)
{
	Dwarf_Die unit;
	const char *name = dwarf_die_string(die, DW_AT_name);
	int language = dwarf_diecu(die, &unit, NULL, NULL) ? dwarf_srclang(&unit) : 0;
	bool is_c = language == DW_LANG_C89 || language == DW_LANG_C99 || language == DW_LANG_C11 ||
		    language == DW_LANG_C;
	text_print(out, "%s%s", is_c || !name ? keyword : "", name ? name : "{…}");
}

static void print_qualified(struct dwarf_file *f, Dwarf_Die *die, const char *word, unsigned depth,
			    struct text *out)
{
	text_print(out, "%s ", word);
	print_inner(f, die, depth, out);
}

static void print_die(struct dwarf_file *f, Dwarf_Die *die, unsigned depth, struct text *out)
{
	const char *name = dwarf_die_string(die, DW_AT_name);
	if (depth == PRINT_DEPTH_MAX) {
		text_print(out, "…");
		return;
	}
	switch (dwarf_tag(die)) {
	case DW_TAG_pointer_type:
		print_inner(f, die, depth, out);
		print_star(out, "*");
		break;
	case DW_TAG_reference_type:
		print_inner(f, die, depth, out);
		print_star(out, "&");
		break;
	case DW_TAG_rvalue_reference_type:
		print_inner(f, die, depth, out);
		print_star(out, "&&");
		break;
	case DW_TAG_const_type:
		print_qualified(f, die, "const", depth, out);
		break;
	case DW_TAG_volatile_type:
		print_qualified(f, die, "volatile", depth, out);
		break;
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		print_inner(f, die, depth, out);
		break;
	case DW_TAG_array_type:
		print_array(f, die, depth, out);
		break;
	case DW_TAG_structure_type:
		print_named(die, "struct ", out);
		break;
	case DW_TAG_union_type:
		print_named(die, "union ", out);
		break;
	case DW_TAG_enumeration_type:
		print_named(die, "enum ", out);
		break;
	case DW_TAG_subroutine_type:
		print_inner(f, die, depth, out);
		text_print(out, " (…)");
		break;
	default:
		text_print(out, "%s", name ? name : "?");
	}
}

void dwarf_type_print(struct dwarf_file *f, const struct dwarf_type *t, struct text *out)
{
	Dwarf_Die die = t->spelled;
	if (!die.addr) {
		text_print(out, "void");
		return;
	}
	if (t->kind == DWARF_ARRAY && t->dimension)
		die = t->die;
	print_die(f, &die, 0, out);
}
