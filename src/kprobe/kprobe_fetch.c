/* SPDX-License-Identifier: MIT */
/* The list of values: which, under what names. One value is kprobe_expr.c's. */
#include "kprobe/kprobe_fetch.h"

#include "kprobe/kprobe_expr.h"
#include "kprobe/kprobe_types.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 32 }; /* as the kernel has it, with its NUL */

struct names {
	char items[KPROBE_VALUES_MAX][NAME_BYTES];
	size_t count;
};

static bool is_taken(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++) {
		if (!strcmp(n->items[i], name))
			return true;
	}
	return false;
}

/* The last name in the expression: "i_ino" of file->f_inode->i_ino, "arg1" of str($arg1). */
static void suggest(const char *text, char ret[static NAME_BYTES])
{
	const char *found = "value";
	size_t bytes = 5;
	for (const char *c = text; *c;) {
		const char *end = c;
		while (isalnum((unsigned char)*end) || *end == '_')
			end++;
		bool is_function = *end == '(' || (c > text && c[-1] == '(' && *end == ')');
		if (end > c && !isdigit((unsigned char)*c) && !is_function) {
			found = c;
			bytes = (size_t)(end - c);
		}
		c = end > c ? end : c + 1;
	}
	snprintf(ret, NAME_BYTES, "%.*s", (int)bytes, found);
}

static const char *add_name(struct names *n, const char *stem)
{
	char *name = n->items[n->count];
	snprintf(name, NAME_BYTES, "%s", stem);
	for (unsigned i = 2; is_taken(n, name); i++)
		snprintf(name, NAME_BYTES, "%.*s_%u", NAME_BYTES - 5, stem, i % 100);
	n->count++;
	return name;
}

static int fetch_named(const struct kprobe_spec *spec, const struct kprobe_types_of *types,
		       struct text *fetch, struct err *e)
{
	struct names names = {.count = 0};
	for (size_t i = 0; i < spec->value_count; i++) {
		const struct kprobe_value *value = &spec->values[i];
		char suggested[NAME_BYTES];
		suggest(value->text, suggested);
		if (value->name &&
		    (strlen(value->name) >= NAME_BYTES || is_taken(&names, value->name)))
			return err_set(e, EINVAL,
				       "%s: '%s' is no name for a value: one of at most %d "
				       "characters, different from the others' is",
				       spec->called, value->name, NAME_BYTES - 1);
		const char *name = add_name(&names, value->name ? value->name : suggested);
		text_print(fetch, "%s%s=", fetch->bytes ? " " : "", name);
		int status = kprobe_expr_fetch(spec, types, value->text, fetch, e);
		if (status < 0)
			return status;
	}
	return 0;
}

static void fetch_known(const struct kprobe_spec *spec, const struct kprobe_types_of *types,
			struct text *fetch)
{
	struct names names = {.count = 0};
	size_t count = kprobe_types_parameter_count(types->btf, types->function);
	for (size_t i = 0; i < count && names.count < KPROBE_VALUES_MAX; i++) {
		struct kprobe_parameter p = kprobe_types_parameter(types->btf, types->function, i);
		CLEANUP_TEXT struct text one = {0};
		if (!*p.name || strlen(p.name) >= NAME_BYTES ||
		    kprobe_expr_fetch(spec, types, p.name, &one, NULL) < 0)
			continue;
		text_print(fetch, "%s%s=%s", fetch->bytes ? " " : "", add_name(&names, p.name),
			   one.data);
	}
}

int kprobe_fetch(const struct kprobe_spec *spec, const struct kprobe_types_of *types,
		 struct text *fetch, struct err *e)
{
	int status = 0;
	if (spec->value_count) {
		status = fetch_named(spec, types, fetch, e);
	} else if (types->function && spec->is_return) {
		CLEANUP_TEXT struct text one = {0};
		if (kprobe_expr_fetch(spec, types, "$ret", &one, NULL) == 0)
			text_print(fetch, "ret=%s", one.data);
	} else if (types->function && !spec->offset) {
		fetch_known(spec, types, fetch);
	}
	text_append(fetch, "", 0);
	return status == 0 && fetch->failed
		       ? err_set(e, ENOMEM, "no memory for the values of %s", spec->called)
		       : status;
}
