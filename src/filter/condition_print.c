/* SPDX-License-Identifier: MIT */
/*
 * A condition in the syntax of tracefs' `filter` files (kernel/trace/trace_events_filter.c). Texts
 * have no escapes there; patterns have one, and a leading '!' or digit of a pattern means something
 * else unless it is escaped.
 */
#include "filter/condition_tree.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static int print_text(const struct condition *c, const struct condition_node *n, struct text *out,
		      struct err *e)
{
	const uint8_t *bytes = c->pool + n->pool_at;
	const char *quote = memchr(bytes, '"', n->pool_bytes) ? "'" : "\"";
	if (memchr(bytes, quote[0], n->pool_bytes))
		return err_set(e, EOPNOTSUPP,
			       "the kernel's filters cannot hold a text with both kinds of quotes");
	text_print(out, "%s %s %s", n->name, condition_signs[n->op], quote);
	for (uint32_t i = 0; i < n->pool_bytes; i++) {
		bool special = bytes[i] == '[' || bytes[i] == '\\' ||
			       (i == 0 && (bytes[i] == '!' || isdigit(bytes[i])));
		if (n->op == CONDITION_MATCH && special)
			text_append(out, "\\", 1);
		text_append(out, &bytes[i], 1);
	}
	text_append(out, quote, 1);
	return 0;
}

static void print_number(const struct condition_node *n, struct text *out)
{
	text_print(out, "%s %s ", n->name, condition_signs[n->op]);
	if (n->field.is_signed)
		text_print(out, "%" PRId64, n->value);
	else
		text_print(out, "%" PRIu64, (uint64_t)n->value);
}

static int print_node(const struct condition *c, const struct condition_node *n, struct text *out,
		      struct err *e)
{
	if (n->op > CONDITION_NOT && n->field.kind == CONDITION_NUMBER) {
		print_number(n, out);
		return 0;
	}
	if (n->op > CONDITION_NOT)
		return print_text(c, n, out, e);
	text_print(out, n->op == CONDITION_NOT ? "!(" : "(");
	int code = print_node(c, &c->nodes[n->left], out, e);
	if (!code && n->op != CONDITION_NOT) {
		text_print(out, n->op == CONDITION_AND ? " && " : " || ");
		code = print_node(c, &c->nodes[n->right], out, e);
	}
	text_append(out, ")", 1);
	return code;
}

int condition_print_kernel(const struct condition *c, struct text *out, struct err *e)
{
	int code = print_node(c, &c->nodes[c->node_count - 1], out, e);
	if (!code && out->failed)
		code = err_set(e, ENOMEM, "no memory for a filter");
	return code;
}
