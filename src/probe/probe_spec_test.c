/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "probe/probe_spec.h"

#include <string.h>

static struct probe_spec *parsed(const char *text)
{
	struct probe_spec *s;
	struct err e;
	if (probe_spec_parse(text, &s, &e))
		fail_msg("%s", e.text);
	return s;
}

static void places_have_their_parts(void **state)
{
	(void)state;
	static const struct {
		const char *text, *module, *function, *file;
		enum probe_kind kind;
		uint64_t number;
	} cases[] = {
		{"f", NULL, "f", NULL, PROBE_ENTRY, 0},
		{"libc.so.6:f%return", "libc.so.6", "f", NULL, PROBE_RETURN, 0},
		{"/a/b.so:f%epilogue", "/a/b.so", "f", NULL, PROBE_EPILOGUE, 0},
		{"f+0x1f", NULL, "f", NULL, PROBE_OFFSET, 31},
		{"shop.c:31", NULL, NULL, "shop.c", PROBE_LINE, 31},
		{"x.so:a/shop.c:31", "x.so", NULL, "a/shop.c", PROBE_LINE, 31},
		{"shop::cart::add+4", NULL, "shop::cart::add", NULL, PROBE_OFFSET, 4},
		{"x.so:shop::add", "x.so", "shop::add", NULL, PROBE_ENTRY, 0},
		{"sqlite3_*", NULL, "sqlite3_*", NULL, PROBE_ENTRY, 0},
		{"v<int, a>::push", NULL, "v<int, a>::push", NULL, PROBE_ENTRY, 0},
		{"operator<< : $arg1", NULL, "operator<<", NULL, PROBE_ENTRY, 0},
		{"f: a", NULL, "f", NULL, PROBE_ENTRY, 0},
		{"f if a", NULL, "f", NULL, PROBE_ENTRY, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct probe_spec *s = parsed(cases[i].text);
		uint64_t number = s->kind == PROBE_LINE ? s->line : s->offset;
		const char *const got[] = {s->module, s->function, s->file};
		const char *const wanted[] = {cases[i].module, cases[i].function, cases[i].file};
		assert_int_equal(s->kind, cases[i].kind);
		assert_int_equal(number, cases[i].number);
		for (size_t k = 0; k < 3; k++) {
			if (!got[k] != !wanted[k] || (got[k] && strcmp(got[k], wanted[k]) != 0))
				fail_msg("%s: part %zu is '%s'", cases[i].text, k, got[k]);
		}
		probe_spec_destroy(s);
	}
}

static const char *const signs[] = {
	[PROBE_DEREF] = "*",
	[PROBE_ADDRESS] = "&",
	[PROBE_NEGATE] = "-",
	[PROBE_INVERT] = "~",
	[PROBE_NOT] = "!",
	[PROBE_MULTIPLY] = "*",
	[PROBE_DIVIDE] = "/",
	[PROBE_MODULO] = "%",
	[PROBE_ADD] = "+",
	[PROBE_SUBTRACT] = "-",
	[PROBE_SHIFT_LEFT] = "<<",
	[PROBE_SHIFT_RIGHT] = ">>",
	[PROBE_LT] = "<",
	[PROBE_LE] = "<=",
	[PROBE_GT] = ">",
	[PROBE_GE] = ">=",
	[PROBE_EQ] = "==",
	[PROBE_NE] = "!=",
	[PROBE_MATCH] = "~",
	[PROBE_BIT_AND] = "&",
	[PROBE_BIT_XOR] = "^",
	[PROBE_BIT_OR] = "|",
	[PROBE_AND] = "&&",
	[PROBE_OR] = "||",
	[PROBE_AT_ENTRY] = "@entry",
};

/* With all its parentheses. */
static void show(const struct probe_spec *s, uint32_t node, char *out)
{
	const struct probe_node *n = &s->nodes[node];
	char left[256] = "", right[256] = "";
	if (n->op > PROBE_REGISTER)
		show(s, n->left, left);
	if (n->op >= PROBE_MULTIPLY || n->op == PROBE_INDEX)
		show(s, n->right, right);
	switch (n->op) {
	case PROBE_NUMBER:
		sprintf(out, "%d", (int)n->value);
		break;
	case PROBE_TEXT:
		sprintf(out, "\"%s\"", n->name);
		break;
	case PROBE_NAME:
		sprintf(out, "%s", n->name);
		break;
	case PROBE_ARGUMENT:
		sprintf(out, "$%d", (int)n->value);
		break;
	case PROBE_RESULT:
		sprintf(out, "$ret");
		break;
	case PROBE_REGISTER:
		sprintf(out, "%%%d", (int)n->value);
		break;
	case PROBE_STRING:
		sprintf(out, "str(%.99s)", left);
		break;
	case PROBE_MEMBER:
	case PROBE_ARROW:
		sprintf(out, "%.99s%s%s", left, n->op == PROBE_ARROW ? "->" : ".", n->name);
		break;
	case PROBE_INDEX:
		sprintf(out, "%.99s[%.99s]", left, right);
		break;
	case PROBE_AT_ENTRY:
		sprintf(out, "%.99s@entry", left);
		break;
	default:
		if (n->op < PROBE_MULTIPLY)
			sprintf(out, "%s%.99s", signs[n->op], left);
		else
			sprintf(out, "(%.99s %s %.99s)", left, signs[n->op], right);
	}
}

static void operators_bind_as_in_c(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{"a + b * c", "(a + (b * c))"},
		{"a - b - c", "((a - b) - c)"},
		{"a || b && c == 1", "(a || (b && (c == 1)))"},
		{"a & b == c", "(a & (b == c))"},
		{"a << 1 < b", "((a << 1) < b)"},
		{"!a && -b < ~c", "(!a && (-b < ~c))"},
		{"*p->a.b[2]", "*p->a.b[2]"},
		{"(*p).x", "*p.x"},
		{"&x->y", "&x->y"},
		{"a % %rdi", "(a % %5)"},
		{"$arg3 + $ret + $rax", "(($3 + $ret) + %0)"},
		{"name ~ \"l*\" && str(p) == \"x\"", "((name ~ \"l*\") && (str(p) == \"x\"))"},
		{"x@entry - x", "(x@entry - x)"},
		{"0x10 + 'a' + %xmm3", "((16 + 97) + %20)"},
		{"a^b|c&d", "((a ^ b) | (c & d))"},
		{"shop::total + 1", "(shop::total + 1)"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[128], shown[512];
		snprintf(text, sizeof(text), "f if %s", cases[i].typed);
		struct probe_spec *s = parsed(text);
		show(s, s->condition, shown);
		assert_string_equal(shown, cases[i].meant);
		probe_spec_destroy(s);
	}
}

static void values_have_names_of_their_own(void **state)
{
	(void)state;
	struct probe_spec *s = parsed("f if n > 1: req->conn->fd, first = a[0], $arg1, *fd, 1 + 2");
	static const char *const names[] = {"fd", "first", "arg1", "fd_2", "value"};
	assert_int_equal(s->item_count, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(s->items[i].name, names[i]);
	assert_string_equal(s->items[0].text, "req->conn->fd");
	assert_string_equal(s->items[1].text, "a[0]");
	probe_spec_destroy(s);
}

static void what_is_wrong_is_said_with_its_column(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int column;
		const char *part;
	} cases[] = {
		{"", 1, "a place"},
		{"f%retrun", 2, "%return or %epilogue"},
		{"f+9%return", 2, "do not go together"},
		{"f+1x", 3, "an offset is a number"},
		{"x.c:0", 5, "a line's number"},
		{":f", 1, "a module"},
		{"f whatever", 3, "'if' or ':'"},
		{"f if", 5, "a name, a number"},
		{"f if a == ", 11, "a name, a number"},
		{"f if (a", 6, "is not closed"},
		{"f if a[1", 7, "is not closed"},
		{"f if a == \"x", 11, "is not closed"},
		{"f if a.1", 8, "a member's name"},
		{"f if 12x", 8, "does not belong"},
		{"f: a b", 6, "a comma or the end"},
		{"f: a,", 6, "a name, a number"},
		{"f: $arg7", 4, "none of $arg1"},
		{"f: %eax", 4, "none of $arg1"},
		{"f: x = a, x = b", 11, "two values named x"},
		{"f: 'ab'", 4, "one character"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct probe_spec *s;
		struct err e;
		char column[32];
		assert_int_equal(probe_spec_parse(cases[i].text, &s, &e), -EINVAL);
		snprintf(column, sizeof(column), "column %d: ", cases[i].column);
		if (!strstr(e.text, column) || !strstr(e.text, cases[i].part))
			fail_msg("%s", e.text);
	}
}

static void what_is_too_deep_is_refused(void **state)
{
	(void)state;
	char text[512] = "f if ";
	struct probe_spec *s;
	struct err e;
	memset(text + 5, '(', 100);
	assert_int_equal(probe_spec_parse(text, &s, &e), -EINVAL);
	assert_non_null(strstr(e.text, "nested too deeply"));
	memset(text + 5, '-', 100);
	assert_int_equal(probe_spec_parse(text, &s, &e), -EINVAL);
	assert_non_null(strstr(e.text, "nested too deeply"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_have_their_parts),
		cmocka_unit_test(operators_bind_as_in_c),
		cmocka_unit_test(values_have_names_of_their_own),
		cmocka_unit_test(what_is_wrong_is_said_with_its_column),
		cmocka_unit_test(what_is_too_deep_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
