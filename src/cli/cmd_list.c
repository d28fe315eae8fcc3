/* SPDX-License-Identifier: MIT */
/* `cairn list`: what can be recorded: sets, tracepoints, markers, with their fields. */
#include "cli/command.h"
#include "cli/list_kprobes.h"
#include "cli/list_markers.h"
#include "event/schema.h"
#include "kernel/format.h"
#include "kernel/rung.h"
#include "kernel/tracefs.h"
#include "util/cleanup.h"
#include "util/json.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: cairn list [sets | events] [GLOB] [OPTION…]\n"
	"       cairn list kprobe:GLOB\n"
	"       cairn list markers FILE | -p PID\n"
	"\n"
	"Lists what `cairn record -e` takes: the sets, the kernel's tracepoints, its\n"
	"functions with their parameters, the markers of a program, a library or a\n"
	"running process.\n"
	"\n"
	"  GLOB           tracepoints by name, with * and ?: 'sched:*', '*fork*'\n"
	"  -v, --verbose  also the fields, as conditions and traces know them\n"
	"  -p, --pid PID  the markers of this process and its libraries, on or off\n"
	"      --json     for programs\n";

struct list {
	bool verbose;
	bool json;
	pid_t pid; /* 0 without one */
	struct text text;
	struct json writer;
};

static const struct set {
	const char *name;
	const char *about;
	bool is_default;
} sets[] = {
	{"waits", "who ran, who waited for whom, through what; births, deaths", true},
	{"syscalls", "every system call's entry and exit; each call then takes longer", false},
	{"locks", "waits for locks inside the kernel", false},
};

static const struct set *set_of(const struct event_type *type)
{
	switch (type->id) {
	case RECORDER_SYSCALL_ENTRY:
	case RECORDER_SYSCALL_EXIT:
		return &sets[1];
	case RECORDER_CONTENTION_BEGIN:
	case RECORDER_CONTENTION_END:
		return &sets[2];
	default:
		return type->stream_id == RECORDER_STREAM_STATE ? NULL : &sets[0];
	}
}

/* An event has several types when some of its fields are not always there. */
static bool met_before(const struct schema *s, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (!strcmp(s->types[i]->name, s->types[index]->name))
			return true;
	}
	return false;
}

static void print_names(struct list *l, const struct schema *s, const struct set *set)
{
	size_t column = 80;
	for (size_t i = 0; i < s->type_count; i++) {
		const char *name = s->types[i]->name;
		if (set_of(s->types[i]) != set || met_before(s, i))
			continue;
		bool fits = column + strlen(name) + 1 < 80;
		text_print(&l->text, "%s%s", fits ? " " : column == 80 ? "    " : "\n    ", name);
		column = (fits ? column + 1 : 4) + strlen(name);
	}
	text_print(&l->text, "\n");
}

static void print_set(struct list *l, const struct schema *s, const struct set *set)
{
	if (!l->json) {
		text_print(&l->text, "%-9s %s%s\n", set->name, set->about,
			   set->is_default ? "  [default]" : "");
		if (l->verbose)
			print_names(l, s, set);
		return;
	}
	json_open(&l->writer, NULL, '{');
	json_string(&l->writer, "name", set->name);
	json_string(&l->writer, "about", set->about);
	json_bool(&l->writer, "default", set->is_default);
	json_open(&l->writer, "events", '[');
	for (size_t i = 0; i < s->type_count; i++) {
		if (set_of(s->types[i]) == set && !met_before(s, i))
			json_string(&l->writer, NULL, s->types[i]->name);
	}
	json_close(&l->writer);
	json_close(&l->writer);
}

static int list_sets(struct list *l, struct err *e)
{
	struct schema *s;
	int status = schema_create(&s, e);
	if (status == 0)
		status = recorder_schema(s, e);
	if (status < 0)
		return status;
	if (l->json)
		json_open(&l->writer, "sets", '[');
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		print_set(l, s, &sets[i]);
	if (l->json)
		json_close(&l->writer);
	schema_destroy(s);
	return 0;
}

/* What a condition compares it as. */
static const char *compared_as(const struct format_field *field)
{
	switch (field->kind) {
	case FORMAT_INTEGER:
	case FORMAT_POINTER:
		return "number";
	case FORMAT_TEXT:
	case FORMAT_DYNAMIC_TEXT:
		return "text";
	default:
		return "";
	}
}

static void print_type(const struct format_field *field, char *ret, size_t bytes)
{
	const char *type = field->type;
	if (format_is_dynamic(field) && !strncmp(type, "__data_loc ", 11))
		type += 11;
	if (format_is_dynamic(field) && !strncmp(type, "__rel_loc ", 10))
		type += 10;
	if (format_is_dynamic(field))
		snprintf(ret, bytes, "%s[]", type);
	else if (field->kind == FORMAT_TEXT || field->kind == FORMAT_ARRAY)
		snprintf(ret, bytes, "%s[%u]", type,
			 field->size / (field->element_bytes ? field->element_bytes : 1));
	else
		snprintf(ret, bytes, "%s", type);
}

static void print_fields(struct list *l, const struct format *f)
{
	int name_width = 0;
	for (size_t i = 0; i < f->field_count; i++) {
		int width = (int)strlen(f->fields[i].name);
		name_width = width > name_width ? width : name_width;
	}
	for (size_t i = 0; i < f->field_count; i++) {
		const struct format_field *field = &f->fields[i];
		char type[128];
		print_type(field, type, sizeof(type));
		if (!l->json) {
			const char *as = compared_as(field);
			text_print(&l->text, "    %-*s  %-6s  %s\n", name_width, field->name,
				   *as ? as : "-", type);
			continue;
		}
		json_open(&l->writer, NULL, '{');
		json_string(&l->writer, "name", field->name);
		json_string(&l->writer, "type", type);
		json_string(&l->writer, "compares_as",
			    *compared_as(field) ? compared_as(field) : NULL);
		json_uint(&l->writer, "bytes", field->size);
		json_bool(&l->writer, "signed", field->is_signed);
		json_close(&l->writer);
	}
}

static int print_event(struct list *l, const char *tracefs, char *event, struct err *e)
{
	struct format f;
	char *colon = strchr(event, ':');
	if (l->json) {
		json_open(&l->writer, NULL, '{');
		json_string(&l->writer, "name", event);
	} else {
		text_print(&l->text, "%s\n", event);
	}
	if (l->verbose) {
		*colon = 0;
		int status = format_read(&f, tracefs, event, colon + 1, e);
		if (status < 0)
			return status;
		if (l->json)
			json_open(&l->writer, "fields", '[');
		print_fields(l, &f);
		if (l->json)
			json_close(&l->writer);
		format_deinit(&f);
	}
	if (l->json)
		json_close(&l->writer);
	return 0;
}

static int list_events(struct list *l, const char *glob, struct err *e)
{
	const char *tracefs;
	struct tracefs_names names = {0};
	int status = tracefs_find(&tracefs, e);
	if (status == 0)
		status = tracefs_events(tracefs, glob, &names, e);
	if (status == 0 && !names.count)
		status = err_set(e, ENOENT,
				 "this kernel has no tracepoint '%s'; `cairn list events` shows "
				 "all there are",
				 glob);
	if (status == 0 && l->json)
		json_open(&l->writer, "events", '[');
	for (size_t i = 0; i < names.count && status == 0; i++)
		status = print_event(l, tracefs, names.items[i], e);
	if (status == 0 && l->json)
		json_close(&l->writer);
	tracefs_names_free(&names);
	return status;
}

/* The sets alone are the overview; they need no right at all. */
static int list(struct list *l, const char *kind, const char *glob, struct err *e)
{
	int status = 0;
	if (l->json)
		json_open(&l->writer, NULL, '{');
	if (!strcmp(kind, "markers"))
		status = list_markers(&l->text, l->json ? &l->writer : NULL, glob, l->pid, e);
	else if (!strcmp(kind, "functions"))
		status = list_kprobes(&l->text, l->json ? &l->writer : NULL, glob, e);
	else if (!strcmp(kind, "events"))
		status = list_events(l, glob ? glob : "*", e);
	else
		status = list_sets(l, e);
	if (l->json)
		json_close(&l->writer);
	else if (!*kind)
		text_print(&l->text,
			   "\n`cairn list events` names the kernel's tracepoints; -v says "
			   "more of either.\n`cairn list 'kprobe:vfs_*'` names functions of the "
			   "kernel that can be probed.\n");
	if (status == 0 && l->text.failed)
		status = err_set(e, ENOMEM, "no memory for the list");
	return status;
}

/*
 * "sets", "events" or "" and the glob: [KIND] [GLOB]; any other word is a glob of events, or of
 * "functions". Of "markers" the word is a file, and a process takes its place.
 */
static bool parse_words(int count, char **words, bool has_pid, const char **kind, const char **glob)
{
	*kind = "";
	*glob = NULL;
	if (has_pid || (count && !strcmp(words[0], "markers"))) {
		*kind = "markers";
		*glob = count > 1 ? words[1] : NULL;
		return count == 2 - has_pid && !strcmp(words[0], "markers");
	}
	if (count && (!strcmp(words[0], "sets") || !strcmp(words[0], "events"))) {
		*kind = words[0];
		words++;
		count--;
	}
	if (count == 0)
		return true;
	if (count > 1 || !strcmp(*kind, "sets"))
		return false;
	*kind = list_kprobes_asked(words[0]) ? "functions" : "events";
	*glob = words[0];
	return true;
}

static bool parse_pid(const char *text, pid_t *ret)
{
	int64_t pid;
	if (text_parse_number(text, 1, 1 << 22, &pid) < 0)
		return false;
	*ret = (pid_t)pid;
	return true;
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {{"verbose", no_argument, NULL, 'v'},
						{"json", no_argument, NULL, 'j'},
						{"pid", required_argument, NULL, 'p'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct list l = {.writer = {.out = NULL}};
	const char *kind, *glob;
	for (int c; (c = getopt_long(argc, argv, "vp:h", options, NULL)) != -1;) {
		if (c == 'h') {
			fputs(usage, stdout);
			return COMMAND_FINE;
		}
		if (c == '?' || (c == 'p' && !parse_pid(optarg, &l.pid))) {
			fputs(usage, stderr);
			return COMMAND_USAGE;
		}
		l.verbose |= c == 'v';
		l.json |= c == 'j';
	}
	if (!parse_words(argc - optind, argv + optind, l.pid != 0, &kind, &glob)) {
		fputs(usage, stderr);
		return COMMAND_USAGE;
	}
	struct err e;
	l.writer.out = &l.text;
	int status = list(&l, kind, glob, &e);
	if (status == 0) {
		fwrite(l.text.data, 1, l.text.bytes, stdout);
	}
	text_deinit(&l.text);
	return status < 0 ? command_fail("list", &e) : COMMAND_FINE;
}
