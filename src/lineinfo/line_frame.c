/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_frame.h"

#include <ctype.h>
#include <string.h>

static bool is_symbol(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$' || c == '@';
}

static bool is_path(char c)
{
	return c && !isspace((unsigned char)c) && c != '(' && c != ')' && c != '[' && c != ']';
}

/* Up to 16 hexadecimal digits; where they end, or NULL. */
static const char *parse_hex(const char *at, uint64_t *ret)
{
	uint64_t value = 0;
	const char *start = at;
	for (; isxdigit((unsigned char)*at) && at - start < 16; at++) {
		int c = tolower((unsigned char)*at);
		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = value;
	return at > start && !isxdigit((unsigned char)*at) ? at : NULL;
}

static struct line_word word_before(const char *line, const char *end, bool (*is_part)(char))
{
	const char *start = end;
	while (start > line && is_part(start[-1]))
		start--;
	return (struct line_word){start, (size_t)(end - start)};
}

/* " [name]" or " [name build-id]" behind a kernel's frame. */
static void take_module(struct line_frame *f)
{
	if (strncmp(f->end, " [", 2))
		return;
	const char *name = f->end + 2, *close = strchr(name, ']');
	size_t bytes = strcspn(name, " ]");
	if (!close || !bytes)
		return;
	for (size_t i = 0; i < bytes; i++)
		if (!is_symbol(name[i]) && name[i] != '-')
			return;
	f->object = (struct line_word){name, bytes};
	f->end = close + 1;
}

static bool ends_with(const char *line, const char *at, const char *text)
{
	size_t bytes = strlen(text);
	return (size_t)(at - line) >= bytes && !memcmp(at - bytes, text, bytes);
}

/* Where the processor stands, and not whereto it returns. */
static bool is_pointer(const char *line, const char *name)
{
	return ends_with(line, name, "RIP: 0010:") || ends_with(line, name, "pc : ") ||
	       ends_with(line, name, "EIP: ");
}

/* "WARNING: CPU: 0 PID: 1 at file.c:12 function+0x1/0x2" stands on the trap itself. */
static bool is_warning(const char *line, const char *name)
{
	const char *warning = strstr(line, "WARNING: ");
	return warning && warning < name && strstr(warning, " at ");
}

/* function+0x12/0x34, perhaps of a module. */
static bool kernel_frame(const char *line, enum line_mood mood, const char *behind,
			 struct line_frame *f)
{
	const char *end = strncmp(behind, "/0x", 3) ? NULL : parse_hex(behind + 3, &f->size);
	if (!end || !f->function.bytes || is_symbol(*end))
		return false;
	f->end = end;
	take_module(f);
	f->asked = LINE_ASKED_RETURN;
	if (is_warning(line, f->function.text))
		f->asked = LINE_ASKED_FAULT;
	else if (is_pointer(line, f->function.text))
		f->asked = mood == LINE_MOOD_FAULT ? LINE_ASKED_FAULT : LINE_ASKED_ANY;
	return true;
}

/* path(function+0x12) [0x55…] or path(+0x1234) [0x55…] */
static bool glibc_frame(const char *line, const char *behind, struct line_frame *f)
{
	const char *open = f->function.text - 1;
	const char *close = strchr(behind, ']');
	if (open <= line || *open != '(' || strncmp(behind, ") [0x", 5) || !close)
		return false;
	f->object = word_before(line, open, is_path);
	f->asked = LINE_ASKED_RETURN;
	f->end = close + 1;
	return f->object.bytes > 0;
}

/* (/path/program+0x1234): sanitizers have gone back into the call already. */
static bool sanitizer_frame(const char *line, const char *plus, const char *behind,
			    struct line_frame *f)
{
	struct line_word path = word_before(line, plus, is_path);
	if (*behind != ')' || !path.bytes || path.text == line || path.text[-1] != '(' ||
	    path.text[0] != '/')
		return false;
	f->object = path;
	f->function.bytes = 0;
	f->offset++;
	f->asked = LINE_ASKED_RETURN;
	f->end = behind + 1;
	return true;
}

bool line_frame_next(const char *line, const char *at, enum line_mood mood, struct line_frame *ret)
{
	for (; (at = strstr(at, "+0x")); at += 3) {
		struct line_frame f = {.function = word_before(line, at, is_symbol)};
		const char *behind = parse_hex(at + 3, &f.offset);
		if (!behind ||
		    !(kernel_frame(line, mood, behind, &f) || glibc_frame(line, behind, &f) ||
		      sanitizer_frame(line, at, behind, &f)))
			continue;
		*ret = f;
		return true;
	}
	return false;
}

enum line_mood line_mood_after(enum line_mood mood, const char *line)
{
	static const char *const faults[] = {"BUG: unable to handle",    "BUG: kernel NULL pointer",
					     "general protection fault", "kernel BUG at",
					     "invalid opcode:",          "Oops:",
					     "Unable to handle kernel"};
	static const char *const samples[] = {"soft lockup",         "hard LOCKUP", "NMI backtrace",
					      "self-detected stall", "Sending NMI", "sysrq:"};
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (strstr(line, samples[i]))
			return LINE_MOOD_SAMPLE;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strstr(line, faults[i]))
			return LINE_MOOD_FAULT;
	return mood;
}
