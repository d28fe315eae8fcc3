/* SPDX-License-Identifier: MIT */
/*
 * An expression is read from left to right, and the fetch grows around what it already has: a
 * value stands in a register, or in memory at an offset from an address that was fetched before.
 */
#include "kprobe/kprobe_expr.h"

#include "kprobe/kprobe_types.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FETCH_BYTES = 400, WORD_BYTES = 64, ELEMENTS_MAX = 64 /* of an array, by the kernel */ };

struct reader {
	const struct kprobe_spec *spec;
	const struct kprobe_types_of *types;
	const char *text, *at;
	struct err *e;
	char fetch[FETCH_BYTES]; /* of the value, or of the address it is at an offset from */
	bool in_memory;
	int64_t offset;
	bool is_typed;
	uint32_t type;
	unsigned bit, bits; /* of a bit field, from `offset` */
};

/* Registers as programmers and as fetches call them. */
static const char *const registers[][2] = {
	{"rax", "ax"},  {"rbx", "bx"},  {"rcx", "cx"},  {"rdx", "dx"},  {"rsi", "si"},
	{"rdi", "di"},  {"rbp", "bp"},  {"rsp", "sp"},  {"r8", "r8"},   {"r9", "r9"},
	{"r10", "r10"}, {"r11", "r11"}, {"r12", "r12"}, {"r13", "r13"}, {"r14", "r14"},
	{"r15", "r15"}, {"rip", "ip"},
};

static const char *const arguments[] = {"%di", "%si", "%dx", "%cx", "%r8", "%r9"};

/* What a value can be read as by name. */
static const struct {
	const char *name, *type;
} casts[] = {
	{"char", "s8"},    {"short", "s16"},          {"int", "s32"}, {"long", "s64"},
	{"bool", "u8"},    {"unsigned char", "u8"},   {"s8", "s8"},   {"u8", "u8"},
	{"s16", "s16"},    {"unsigned short", "u16"}, {"u16", "u16"}, {"s32", "s32"},
	{"u32", "u32"},    {"unsigned int", "u32"},   {"s64", "s64"}, {"u64", "u64"},
	{"size_t", "u64"}, {"unsigned long", "u64"},
};

static int fail(struct reader *r, const char *why, const char *what)
{
	return err_set(r->e, EINVAL, "%s: in '%s' %s%s%s", r->spec->called, r->text,
		       *what ? "'" : "", what, why);
}

static void skip_blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

static bool take(struct reader *r, const char *token)
{
	skip_blanks(r);
	size_t bytes = strlen(token);
	if (strncmp(r->at, token, bytes) != 0)
		return false;
	r->at += bytes;
	return true;
}

/* Letters, digits and underscores; "" when there are none. */
static void take_word(struct reader *r, char ret[static WORD_BYTES])
{
	size_t bytes = 0;
	skip_blanks(r);
	while (isalnum((unsigned char)r->at[bytes]) || r->at[bytes] == '_')
		bytes++;
	snprintf(ret, WORD_BYTES, "%.*s", (int)bytes, r->at);
	r->at += bytes;
}

static int load_address(struct reader *r)
{
	char deeper[FETCH_BYTES];
	if (!r->in_memory)
		return 0;
	if (r->bits)
		return fail(r, " a bit field leads nowhere", "");
	int bytes = snprintf(deeper, sizeof(deeper), "%+lld(%s)", (long long)r->offset, r->fetch);
	if (bytes < 0 || (size_t)bytes >= sizeof(deeper))
		return fail(r, "too much is followed", "");
	memcpy(r->fetch, deeper, (size_t)bytes + 1);
	r->in_memory = false;
	r->offset = 0;
	return 0;
}

/* The value is a pointer: what it leads to, `index` elements further. */
static int follow(struct reader *r, int64_t index)
{
	struct kprobe_type type = {.kind = KPROBE_VOID};
	if (r->is_typed)
		type = kprobe_types_describe(r->types->btf, r->type);
	if (type.kind != KPROBE_POINTER && type.kind != KPROBE_ARRAY)
		return fail(r,
			    r->is_typed ? "something is followed that is no pointer"
					: "something without a type is followed",
			    "");
	int64_t offset = type.kind == KPROBE_ARRAY ? r->offset : 0;
	if (type.kind == KPROBE_POINTER) {
		int status = load_address(r);
		if (status < 0)
			return status;
	}
	struct kprobe_type element = kprobe_types_describe(r->types->btf, type.element);
	if (index && !element.bytes)
		return fail(r, "an element has no size", "");
	r->in_memory = true;
	r->offset = offset + index * (int64_t)element.bytes;
	r->type = type.element;
	return 0;
}

static int take_member(struct reader *r)
{
	char name[WORD_BYTES];
	struct kprobe_member member;
	take_word(r, name);
	if (!r->is_typed || kprobe_types_describe(r->types->btf, r->type).kind != KPROBE_STRUCTURE)
		return fail(r, "' is asked of what is no structure", name);
	if (!kprobe_types_member(r->types->btf, r->type, name, &member))
		return fail(r, "' is no member", name);
	if (!r->in_memory && (member.bit_offset || member.bits))
		return fail(r, "' stands in the middle of a register", name);
	r->offset += member.bit_offset / 8;
	r->bit = member.bit_offset % 8;
	r->bits = member.bits;
	r->type = member.type;
	return 0;
}

static int take_index(struct reader *r)
{
	char *end;
	skip_blanks(r);
	long index = strtol(r->at, &end, 0);
	if (end == r->at || index < -(1 << 20) || index > 1 << 20)
		return fail(r, "an index is no number", "");
	r->at = end;
	return take(r, "]") ? follow(r, index) : fail(r, "a ']' is missing", "");
}

static int take_steps(struct reader *r)
{
	int status = 0;
	while (status == 0) {
		if (take(r, "->")) {
			status = follow(r, 0);
			if (status == 0)
				status = take_member(r);
		} else if (take(r, ".")) {
			status = take_member(r);
		} else if (take(r, "[")) {
			status = take_index(r);
		} else {
			break;
		}
	}
	return status;
}

static int set_parameter(struct reader *r, const char *name)
{
	const struct kprobe_types_of *t = r->types;
	char known[256] = "";
	size_t bytes = 0, count = kprobe_types_parameter_count(t->btf, t->function);
	for (size_t i = 0; i < count; i++) {
		struct kprobe_parameter p = kprobe_types_parameter(t->btf, t->function, i);
		if (strcmp(p.name, name) != 0) {
			bytes += (size_t)snprintf(known + bytes, sizeof(known) - bytes, "%s%s",
						  bytes ? ", " : "", p.name);
			bytes = bytes < sizeof(known) ? bytes : sizeof(known) - 1;
			continue;
		}
		if (!p.argument)
			return fail(r, "' is passed by value, in several registers or none", name);
		snprintf(r->fetch, sizeof(r->fetch), "$arg%u", p.argument);
		r->is_typed = true;
		r->type = p.type;
		return 0;
	}
	return err_set(r->e, ENOENT, "%s: the function has no parameter '%s'%s%s", r->spec->called,
		       name, *known ? "; it has " : "", known);
}

static int take_parameter(struct reader *r)
{
	char name[WORD_BYTES];
	take_word(r, name);
	if (!*name)
		return fail(r, "a parameter, $arg1, $ret or %rdi is missing", "");
	if (r->spec->is_user)
		return err_set(r->e, EINVAL,
			       "%s: the kernel knows no '%s' in programs; say $arg1 … $arg6, $ret "
			       "or %%rdi, as (int)$arg1 or str($arg1)",
			       r->spec->called, name);
	if (r->spec->offset)
		return fail(r, "' is known at the function's entry only; say %rdi", name);
	if (!r->types->function)
		return err_set(r->e, ENOENT,
			       "%s: this kernel's type information (BTF) does not tell of its "
			       "parameters; say $arg1 … $arg6 or %%rdi",
			       r->spec->called);
	return set_parameter(r, name);
}

static int take_result(struct reader *r)
{
	if (!r->spec->is_return)
		return fail(r, "the result is known at the return only: kretprobe, uretprobe", "");
	snprintf(r->fetch, sizeof(r->fetch), "$retval");
	if (!r->types->function)
		return 0;
	r->is_typed = true;
	r->type = kprobe_types_result(r->types->btf, r->types->function);
	if (kprobe_types_describe(r->types->btf, r->type).kind == KPROBE_VOID)
		return fail(r, "there is no result: the function returns nothing", "");
	return 0;
}

static int take_variable(struct reader *r)
{
	char name[WORD_BYTES];
	take_word(r, name);
	if (!strcmp(name, "ret") || !strcmp(name, "retval"))
		return take_result(r);
	if (strncmp(name, "arg", 3) != 0 || name[3] < '1' || name[3] > '6' || name[4])
		return fail(r, "' is neither arg1 … arg6 nor ret", name);
	if (r->spec->offset || (r->spec->is_user && r->spec->is_return))
		return fail(r, "' is known at the function's entry only", name);
	snprintf(r->fetch, sizeof(r->fetch), r->spec->is_user ? "%s" : "$%s",
		 r->spec->is_user ? arguments[name[3] - '1'] : name);
	return 0;
}

static int take_register(struct reader *r)
{
	char name[WORD_BYTES];
	take_word(r, name);
	for (size_t i = 0; i < sizeof(registers) / sizeof(*registers); i++) {
		if (!strcmp(registers[i][0], name)) {
			snprintf(r->fetch, sizeof(r->fetch), "%%%s", registers[i][1]);
			return 0;
		}
	}
	return fail(r, "' is no register", name);
}

static int take_base(struct reader *r)
{
	return take(r, "$")   ? take_variable(r)
	       : take(r, "%") ? take_register(r)
			      : take_parameter(r);
}

static int append_text(struct reader *r, struct text *out)
{
	struct kprobe_type type = {.kind = KPROBE_VOID};
	if (r->is_typed)
		type = kprobe_types_describe(r->types->btf, r->type);
	if (type.kind != KPROBE_ARRAY) {
		int status = load_address(r);
		if (status < 0)
			return status;
	}
	text_print(out, "%+lld(%s):string", (long long)r->offset, r->fetch);
	return 0;
}

static void append_place(const struct reader *r, struct text *out)
{
	if (r->in_memory)
		text_print(out, "%+lld(%s)", (long long)r->offset, r->fetch);
	else
		text_print(out, "%s", r->fetch);
}

/* In the smallest word that holds it and begins where a byte does. */
static int append_bits(struct reader *r, const struct kprobe_type *type, struct text *out)
{
	unsigned word = 8;
	while (word < r->bit + r->bits)
		word *= 2;
	if (word > 64 || type->is_signed)
		return fail(r, "a bit field has a sign, or is too wide to be read", "");
	append_place(r, out);
	text_print(out, ":b%u@%u/%u", r->bits, r->bit, word);
	return 0;
}

static bool is_text(const struct reader *r, const struct kprobe_type *type)
{
	return (type->kind == KPROBE_POINTER || type->kind == KPROBE_ARRAY) &&
	       kprobe_types_describe(r->types->btf, type->element).is_char;
}

static int append_array(struct reader *r, const struct kprobe_type *type, struct text *out)
{
	struct kprobe_type element = kprobe_types_describe(r->types->btf, type->element);
	if (element.kind != KPROBE_INTEGER || !type->elements || type->elements > ELEMENTS_MAX)
		return fail(r, "an array is too long or not of numbers; name an element", "");
	append_place(r, out);
	text_print(out, ":%c%u[%u]", element.is_signed ? 's' : 'u', 8 * element.bytes,
		   type->elements);
	return 0;
}

static int append_typed(struct reader *r, struct text *out)
{
	struct kprobe_type type = kprobe_types_describe(r->types->btf, r->type);
	if (is_text(r, &type))
		return append_text(r, out);
	if (type.kind == KPROBE_INTEGER && r->bits)
		return append_bits(r, &type, out);
	if (type.kind == KPROBE_ARRAY)
		return append_array(r, &type, out);
	if (type.kind != KPROBE_INTEGER && type.kind != KPROBE_POINTER)
		return fail(r,
			    type.kind == KPROBE_STRUCTURE
				    ? "a whole structure is asked for; name a member"
				    : "something is asked for that is neither number nor text",
			    "");
	append_place(r, out);
	text_print(out, ":%c%u",
		   type.kind == KPROBE_POINTER ? 'x'
		   : type.is_signed            ? 's'
					       : 'u',
		   8 * type.bytes);
	return 0;
}

/* "(int)" in front, if it is one of the types that can be named; NULL else. */
static const char *take_cast(struct reader *r)
{
	const char *close = strchr(r->at, ')'), *open = r->at + 1;
	if (*r->at != '(' || !close)
		return NULL;
	for (size_t i = 0; i < sizeof(casts) / sizeof(*casts); i++) {
		size_t bytes = strlen(casts[i].name);
		if (bytes == (size_t)(close - open) && !strncmp(open, casts[i].name, bytes)) {
			r->at = close + 1;
			return casts[i].type;
		}
	}
	return NULL;
}

static int append_value(struct reader *r, const char *cast, bool as_text, struct text *out)
{
	if (as_text)
		return append_text(r, out);
	if (!cast && r->is_typed)
		return append_typed(r, out);
	if (cast && r->bits)
		return fail(r, "a bit field cannot be read as another type", "");
	append_place(r, out);
	text_print(out, ":%s", cast ? cast : "x64");
	return 0;
}

int kprobe_expr_fetch(const struct kprobe_spec *spec, const struct kprobe_types_of *types,
		      const char *text, struct text *fetch, struct err *e)
{
	struct reader r = {.spec = spec, .types = types, .text = text, .at = text, .e = e};
	bool as_text = take(&r, "str(");
	skip_blanks(&r);
	const char *cast = take_cast(&r);
	unsigned stars = 0;
	while (take(&r, "*"))
		stars++;
	int status = take_base(&r);
	if (status == 0)
		status = take_steps(&r);
	for (; status == 0 && stars; stars--)
		status = follow(&r, 0);
	if (status == 0 && as_text && !take(&r, ")"))
		status = fail(&r, "a ')' is missing", "");
	skip_blanks(&r);
	if (status == 0 && *r.at)
		status = fail(&r, "' is not understood (members, [N], *, str() and casts are)",
			      r.at);
	return status < 0 ? status : append_value(&r, cast, as_text, fetch);
}
