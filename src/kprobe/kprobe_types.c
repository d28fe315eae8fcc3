/* SPDX-License-Identifier: MIT */
#include "kprobe/kprobe_types.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

enum {
	REGISTERS = 6,    /* that hold arguments */
	NESTING_MAX = 32, /* of types in types, whatever the information says */
};

uint32_t kprobe_types_function(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	return id > 0 ? btf__type_by_id(btf, (uint32_t)id)->type : 0;
}

uint32_t kprobe_types_strip(const struct btf *btf, uint32_t type)
{
	for (int i = 0; i < NESTING_MAX; i++) {
		const struct btf_type *t = btf__type_by_id(btf, type);
		if (!t || !(btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)))
			break;
		type = t->type;
	}
	return type;
}

static bool is_floating(const struct btf *btf, uint32_t type)
{
	const struct btf_type *t = btf__type_by_id(btf, kprobe_types_strip(btf, type));
	return t && btf_is_float(t);
}

size_t kprobe_types_parameter_count(const struct btf *btf, uint32_t function)
{
	const struct btf_type *t = btf__type_by_id(btf, function);
	size_t count = t && btf_is_func_proto(t) ? btf_vlen(t) : 0;
	/* The last of a variable number has neither name nor type. */
	if (count && !btf_params(t)[count - 1].type && !btf_params(t)[count - 1].name_off)
		count--;
	return count;
}

/*
 * By the calling convention: a value of up to two words stands in registers as long as it fits
 * there whole, a larger one on the stack; what does not fit leaves the registers to later ones.
 */
struct kprobe_parameter kprobe_types_parameter(const struct btf *btf, uint32_t function,
					       size_t index)
{
	const struct btf_param *params = btf_params(btf__type_by_id(btf, function));
	unsigned used = 0, stacked = 0, argument = 0;
	for (size_t i = 0; i <= index; i++) {
		int64_t bytes = btf__resolve_size(btf, params[i].type);
		unsigned words = bytes > 0 ? (unsigned)(bytes + 7) / 8 : 1;
		bool in_registers = words <= 2 && used + words <= REGISTERS;
		argument = words != 1 ? 0 : in_registers ? used + 1 : REGISTERS + 1 + stacked;
		if (is_floating(btf, params[i].type))
			argument = 0;
		else if (in_registers)
			used += words;
		else
			stacked += words;
	}
	return (struct kprobe_parameter){.name = btf__name_by_offset(btf, params[index].name_off),
					 .type = params[index].type,
					 .argument = argument};
}

uint32_t kprobe_types_result(const struct btf *btf, uint32_t function)
{
	return btf__type_by_id(btf, function)->type;
}

static bool find_member(const struct btf *btf, uint32_t structure, const char *name, int depth,
			struct kprobe_member *ret)
{
	const struct btf_type *t = btf__type_by_id(btf, kprobe_types_strip(btf, structure));
	if (!t || !btf_is_composite(t) || depth == NESTING_MAX)
		return false;
	const struct btf_member *members = btf_members(t);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *here = btf__name_by_offset(btf, members[i].name_off);
		uint32_t bit = btf_member_bit_offset(t, i);
		if (*here && !strcmp(here, name)) {
			*ret = (struct kprobe_member){members[i].type, bit,
						      (uint8_t)btf_member_bitfield_size(t, i)};
			return true;
		}
		if (!*here && find_member(btf, members[i].type, name, depth + 1, ret)) {
			ret->bit_offset += bit;
			return true;
		}
	}
	return false;
}

bool kprobe_types_member(const struct btf *btf, uint32_t structure, const char *name,
			 struct kprobe_member *ret)
{
	return find_member(btf, structure, name, 0, ret);
}

static bool is_scalar_size(uint32_t bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

static struct kprobe_type describe_integer(const struct btf *btf, const struct btf_type *t)
{
	int encoding = btf_is_int(t) ? btf_int_encoding(t) : btf_kflag(t) ? BTF_INT_SIGNED : 0;
	const char *name = btf__name_by_offset(btf, t->name_off);
	return (struct kprobe_type){.kind = is_scalar_size(t->size) ? KPROBE_INTEGER : KPROBE_OTHER,
				    .bytes = t->size,
				    .is_signed = encoding & BTF_INT_SIGNED,
				    .is_char =
					    btf_is_int(t) && t->size == 1 && !strcmp(name, "char")};
}

struct kprobe_type kprobe_types_describe(const struct btf *btf, uint32_t type)
{
	uint32_t id = kprobe_types_strip(btf, type);
	const struct btf_type *t = btf__type_by_id(btf, id);
	if (!t || id == 0)
		return (struct kprobe_type){.kind = KPROBE_VOID};
	if (btf_is_int(t) || btf_is_any_enum(t))
		return describe_integer(btf, t);
	if (btf_is_ptr(t))
		return (struct kprobe_type){.kind = KPROBE_POINTER, .bytes = 8, .element = t->type};
	if (btf_is_array(t))
		return (struct kprobe_type){.kind = KPROBE_ARRAY,
					    .bytes = (uint32_t)btf__resolve_size(btf, id),
					    .element = btf_array(t)->type,
					    .elements = btf_array(t)->nelems};
	if (btf_is_composite(t))
		return (struct kprobe_type){.kind = KPROBE_STRUCTURE, .bytes = t->size};
	return (struct kprobe_type){.kind = KPROBE_OTHER};
}

static const char *word_before(const struct btf_type *t)
{
	return btf_is_struct(t)     ? "struct "
	       : btf_is_union(t)    ? "union "
	       : btf_is_any_enum(t) ? "enum "
	       : btf_is_fwd(t)      ? (btf_kflag(t) ? "union " : "struct ")
				    : "";
}

/* From the outside in: `declarator` is what stands where the name belongs. */
static void print_type(const struct btf *btf, uint32_t type, const char *declarator, int depth,
		       struct text *out)
{
	char more[256];
	const struct btf_type *t = btf__type_by_id(btf, type);
	const char *space = *declarator && *declarator != '[' ? " " : "";
	if (!t || type == 0 || depth == NESTING_MAX) {
		text_print(out, "void%s%s", space, declarator);
	} else if (btf_is_ptr(t)) {
		const struct btf_type *to = btf__type_by_id(btf, t->type);
		bool binds = to && (btf_is_func_proto(to) || btf_is_array(to));
		snprintf(more, sizeof(more), binds ? "(*%s)" : "*%s", declarator);
		print_type(btf, t->type, more, depth + 1, out);
	} else if (btf_is_array(t)) {
		snprintf(more, sizeof(more), "%s[%u]", declarator, btf_array(t)->nelems);
		print_type(btf, btf_array(t)->type, more, depth + 1, out);
	} else if (btf_is_func_proto(t)) {
		snprintf(more, sizeof(more), "%s()", declarator);
		print_type(btf, t->type, more, depth + 1, out);
	} else if (btf_is_const(t)) {
		const struct btf_type *of = btf__type_by_id(btf, t->type);
		text_print(out, "%s", of && btf_is_ptr(of) ? "" : "const ");
		print_type(btf, t->type, declarator, depth + 1, out);
	} else if (btf_is_mod(t) || btf_is_type_tag(t)) {
		print_type(btf, t->type, declarator, depth + 1, out);
	} else {
		const char *name = btf__name_by_offset(btf, t->name_off);
		text_print(out, "%s%s%s%s", word_before(t), *name ? name : "{…}", space,
			   declarator);
	}
}

void kprobe_types_print(const struct btf *btf, uint32_t type, const char *name, struct text *out)
{
	print_type(btf, type, name, 0, out);
}

void kprobe_types_print_function(const struct btf *btf, uint32_t function, const char *name,
				 struct text *out)
{
	size_t count = kprobe_types_parameter_count(btf, function);
	kprobe_types_print(btf, kprobe_types_result(btf, function), "", out);
	bool is_pointer = out->bytes && out->data[out->bytes - 1] == '*';
	text_print(out, "%s%s(", is_pointer ? "" : " ", name);
	for (size_t i = 0; i < count; i++) {
		struct kprobe_parameter p = kprobe_types_parameter(btf, function, i);
		text_print(out, "%s", i ? ", " : "");
		kprobe_types_print(btf, p.type, p.name, out);
	}
	text_print(out, "%s)", count ? "" : "void");
}
