/* SPDX-License-Identifier: MIT */
#include "kprobe/kprobe_spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct kind {
	const char *prefix;
	bool is_user, is_return, is_trampoline;
} kinds[] = {
	{"kprobe:", false, false, false}, {"kretprobe:", false, true, false},
	{"fentry:", false, false, true},  {"fexit:", false, true, true},
	{"uprobe:", true, false, false},  {"uretprobe:", true, true, false},
};

static const struct kind *kind_of(const char *text)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)))
			return &kinds[i];
	}
	return NULL;
}

bool kprobe_spec_is(const char *text)
{
	return kind_of(text) != NULL;
}

static char *trim(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	for (char *end = s + strlen(s); end > s && isspace((unsigned char)end[-1]); end--)
		end[-1] = 0;
	return s;
}

/* The first place outside of quotes and parentheses where one of `stops` stands; else the end. */
static char *find_outside(char *s, bool (*stops)(const char *at))
{
	int depth = 0;
	bool quoted = false;
	for (; *s; s++) {
		quoted ^= *s == '"';
		if (quoted)
			continue;
		if (depth == 0 && stops(s))
			return s;
		depth += (*s == '(' || *s == '[') - (*s == ')' || *s == ']');
	}
	return s;
}

static bool is_colon(const char *at)
{
	return *at == ':' && (isspace((unsigned char)at[1]) || !at[1]);
}

static bool is_comma(const char *at)
{
	return *at == ',';
}

static bool is_if(const char *at)
{
	return isspace((unsigned char)at[0]) && at[1] == 'i' && at[2] == 'f' &&
	       isspace((unsigned char)at[3]);
}

static bool ends_place(const char *at)
{
	return isspace((unsigned char)*at) || is_colon(at);
}

/* "NAME = EXPRESSION", where "==" is none. */
static void split_name(struct kprobe_value *v, char *text)
{
	char *end = text;
	while (isalnum((unsigned char)*end) || *end == '_')
		end++;
	char *sign = end + strspn(end, " \t");
	v->text = text;
	if (end == text || isdigit((unsigned char)*text) || *sign != '=' || sign[1] == '=')
		return;
	*end = 0;
	v->name = text;
	v->text = trim(sign + 1);
}

static int parse_values(struct kprobe_spec *s, char *text, struct err *e)
{
	for (char *next = text; next;) {
		char *item = next, *end = find_outside(item, is_comma);
		next = *end ? end + 1 : NULL;
		*end = 0;
		item = trim(item);
		if (!*item)
			return err_set(e, EINVAL,
				       "%s: a value is missing; after the colon they stand as "
				       "'EXPRESSION, NAME = EXPRESSION'",
				       s->called);
		if (s->value_count == KPROBE_VALUES_MAX)
			return err_set(e, E2BIG, "%s: more than %d values", s->called,
				       KPROBE_VALUES_MAX);
		split_name(&s->values[s->value_count++], item);
	}
	return 0;
}

static int parse_offset(struct kprobe_spec *s, char *function, struct err *e)
{
	char *plus = strchr(function, '+'), *end;
	if (!plus)
		return 0;
	*plus++ = 0;
	errno = 0;
	s->offset = strtoull(plus, &end, 0);
	if (!isdigit((unsigned char)*plus) || *end || errno)
		return err_set(e, EINVAL, "%s: '%s' is no number of bytes", s->called, plus);
	if (s->is_return && s->offset)
		return err_set(e, EINVAL, "%s: a return is of a whole function, without +%s",
			       s->called, plus);
	return 0;
}

static int parse_place(struct kprobe_spec *s, char *place, struct err *e)
{
	if (s->is_user) {
		char *colon = strrchr(place, ':');
		if (!colon || colon == place)
			return err_set(e, EINVAL,
				       "%s: which file? 'uprobe:FILE:FUNC', as in "
				       "'uprobe:/usr/bin/redis-server:lookupKey'",
				       s->called);
		*colon = 0;
		s->file = place;
		place = colon + 1;
	}
	s->function = place;
	int status = parse_offset(s, place, e);
	if (status == 0 && !*place)
		status = err_set(e, EINVAL, "%s: which function?", s->called);
	if (status == 0 && strpbrk(place, "*?"))
		status = err_set(e, EINVAL,
				 "%s: the kernel's probes are placed one by one; `cairn list "
				 "'kprobe:%s'` shows what matches",
				 s->called, place);
	return status;
}

/* What follows the place: a condition, values, or values and then a condition. */
static int parse_rest(struct kprobe_spec *s, char *rest, struct err *e)
{
	char *colon = find_outside(rest, is_colon), *condition = NULL, *values = NULL;
	if (*colon) {
		*colon = 0;
		values = colon + 1;
		char *word = find_outside(values, is_if);
		if (*word) {
			*word = 0;
			condition = trim(word + 4);
		}
	}
	char *before = find_outside(rest, is_if);
	if (trim(rest)[0] && *before == 0)
		return err_set(e, EINVAL,
			       "%s: '%s' is not understood (… [if CONDITION] [: EXPRESSION, …])",
			       s->called, trim(rest));
	if (*before && condition)
		return err_set(e, EINVAL, "%s: two conditions; join them with &&", s->called);
	if (*before)
		condition = trim(before + 4);
	if (condition && !*condition)
		return err_set(e, EINVAL, "%s: the condition is missing behind 'if'", s->called);
	s->condition = condition;
	return values ? parse_values(s, values, e) : 0;
}

int kprobe_spec_parse(struct kprobe_spec *ret, const char *text, struct err *e)
{
	const struct kind *kind = kind_of(text);
	if (!kind)
		return err_set(e, EINVAL, "'%s' is no probe of the kernel's", text);
	const char *place = text + strlen(kind->prefix), *end = place;
	while (*end && !ends_place(end))
		end++;
	struct kprobe_spec s = {.is_user = kind->is_user,
				.is_return = kind->is_return,
				.is_trampoline = kind->is_trampoline,
				.title = strndup(text, (size_t)(end - text)),
				.place = strndup(place, (size_t)(end - place)),
				.rest = strdup(end)};
	s.called = s.title;
	int status = 0;
	if (!s.title || !s.place || !s.rest)
		status = err_set(e, ENOMEM, "no memory for the probe '%s'", text);
	if (status == 0)
		status = parse_place(&s, s.place, e);
	if (status == 0)
		status = parse_rest(&s, s.rest, e);
	if (status < 0)
		kprobe_spec_deinit(&s);
	else
		*ret = s;
	return status;
}

void kprobe_spec_deinit(struct kprobe_spec *s)
{
	free(s->title);
	free(s->place);
	free(s->rest);
	*s = (struct kprobe_spec){0};
}
