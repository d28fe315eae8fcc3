/* SPDX-License-Identifier: MIT */
#include "cli/command.h"
#include "ctf/ctf_read.h"
#include "symbol/symbol.h"
#include "view/view_names.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_MAX = 1000, WIDTH_TERMINAL_MAX = 120, WARNINGS_SHOWN = 3 };

static const char usage[] =
	"usage: cairn report [OPTION…] DIR\n"
	"\n"
	"One page on a recording: what was recorded and lost, where each thread's time\n"
	"went, the longest waits with what they were for and what ended them,\n"
	"latencies, disks, interrupts.\n"
	"\n"
	"  -p, --pid PID       only the threads of this process\n"
	"  -c, --comm NAME     only threads of this name; * and ? match as in a shell\n"
	"  -n, --top N         rows of each table\n"
	"  -j, --json          everything, for programs; times in ns\n"
	"  -w, --width N       columns of the page (the terminal's, else 80)\n"
	"      --color WHEN    auto, always or never\n"
	"\n"
	"Without --pid and --comm: the command or process that was recorded, else all\n"
	"threads.\n";

struct report {
	const char *directory;
	const struct view *view;
	struct view_options options;
};

static int parse_color(const char *when, bool *ret)
{
	if (!strcmp(when, "always"))
		*ret = true;
	else if (!strcmp(when, "never"))
		*ret = false;
	else if (strcmp(when, "auto"))
		return -1;
	return 0;
}

static unsigned page_width(void)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < VIEW_WIDTH_MIN)
		return VIEW_WIDTH;
	return size.ws_col < WIDTH_TERMINAL_MAX ? size.ws_col : WIDTH_TERMINAL_MAX;
}

static int parse_option(struct report *r, int option, const char *argument)
{
	int64_t value = 0;
	int rc = 0;
	switch (option) {
	case 'p':
		rc = text_parse_number(argument, 1, INT32_MAX, &value);
		r->options.pid = (int32_t)value;
		return rc;
	case 'c':
		r->options.comm = argument;
		return 0;
	case 'n':
		rc = text_parse_number(argument, 1, 100000, &value);
		r->options.top = (unsigned)value;
		return rc;
	case 'j':
		r->view = &view_json;
		return 0;
	case 'w':
		rc = text_parse_number(argument, VIEW_WIDTH_MIN, WIDTH_MAX, &value);
		r->options.width = (unsigned)value;
		return rc;
	case 'C':
		return parse_color(argument, &r->options.color);
	default:
		return -1;
	}
}

/* COMMAND_FINE with everything in `*r`, −1 after --help, else COMMAND_USAGE. */
static int parse(int argc, char **argv, struct report *r)
{
	static const struct option options[] = {
		{"pid", required_argument, NULL, 'p'},   {"comm", required_argument, NULL, 'c'},
		{"top", required_argument, NULL, 'n'},   {"json", no_argument, NULL, 'j'},
		{"width", required_argument, NULL, 'w'}, {"color", required_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},        {0}};
	for (int c; (c = getopt_long(argc, argv, "p:c:n:jw:h", options, NULL)) != -1;) {
		if (c == 'h') {
			fputs(usage, stdout);
			return -1;
		}
		if (c == '?') {
			fputs(usage, stderr);
			return COMMAND_USAGE;
		}
		if (parse_option(r, c, optarg)) {
			const struct option *o = options;
			while (o->val != c)
				o++;
			fprintf(stderr,
				"cairn report: --%s cannot be '%s'; `cairn report --help` says "
				"more\n",
				o->name, optarg);
			return COMMAND_USAGE;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return COMMAND_USAGE;
	}
	r->directory = r->options.path = argv[optind];
	return COMMAND_FINE;
}

static void options_from_trace(struct view_options *o, const struct source *source)
{
	if (!ctf_origin_count(source))
		return;
	const struct ctf_metadata *metadata = ctf_origin_at(source, 0)->metadata;
	const char *reason = ctf_env_find(metadata, "rung_reason");
	o->recorder = ctf_env_find(metadata, "rung");
	if (!o->recorder)
		o->recorder = ctf_env_find(metadata, "tracer_name");
	if (reason && strcmp(reason, "highest"))
		o->reason = reason;
	const char *only = ctf_env_find(metadata, "only_targets");
	o->only_targets = only && strcmp(only, "0");
}

static void tell_warnings(const struct source *source)
{
	uint64_t count = ctf_warning_count(source);
	const char *warning;
	for (size_t i = 0; i < WARNINGS_SHOWN && (warning = ctf_warning_at(source, i)); i++)
		fprintf(stderr, "cairn report: warning: %s\n", warning);
	if (count > WARNINGS_SHOWN)
		fprintf(stderr, "cairn report: and %llu warnings more\n",
			(unsigned long long)(count - WARNINGS_SHOWN));
}

static int print_story(const struct report *r, const struct story *story, struct err *e)
{
	struct text page = {0};
	int rc = 0;
	r->view->print(story, &r->options, &page);
	if (page.failed)
		rc = err_set(e, ENOMEM, "no memory for the report");
	else if (fwrite(page.data ? page.data : "", 1, page.bytes, stdout) != page.bytes ||
		 fflush(stdout))
		rc = err_errno(e, "cannot write the report");
	text_deinit(&page);
	return rc;
}

/* All analyses, and the names of addresses. */
static int analyse(struct source *source, struct story **ret, struct err *e)
{
	const struct analysis *wanted[STORY_ANALYSES_MAX + 1] = {&analysis_names};
	for (size_t i = 0; analysis_all[i] && i + 2 < STORY_ANALYSES_MAX; i++)
		wanted[i + 1] = analysis_all[i];
	return analysis_run(source, wanted, ret, e);
}

/* The kernel's own functions: from /proc/kallsyms where it still is the boot that was recorded. */
static void name_addresses(struct report *r, const struct source *source, const struct story *story)
{
	r->options.names = view_names_of(story);
	if (!ctf_origin_count(source))
		return;
	const struct ctf_metadata *metadata = ctf_origin_at(source, 0)->metadata;
	if (metadata->clock.uuid)
		symbol_use_running_kernel(view_names_symbol(story), metadata->clock.uuid, NULL);
}

static int report(struct report *r, struct err *e)
{
	struct source *source = NULL;
	struct story *story = NULL;
	struct err late = {0};
	int rc = ctf_open(&source, r->directory, NULL, e);
	if (rc < 0)
		return rc;
	options_from_trace(&r->options, source);
	rc = analyse(source, &story, e);
	r->options.damaged = rc || ctf_warning_count(source);
	if (story)
		name_addresses(r, source, story);
	/* What could be read before the damage is still worth telling. */
	int printed = story ? print_story(r, story, rc ? &late : e) : 0;
	tell_warnings(source);
	story_destroy(story);
	source_close(source);
	return rc ? rc : printed;
}

int cmd_report(int argc, char **argv)
{
	struct err e = {0};
	struct report r = {
		.view = &view_text,
		.options = {.width = page_width(), .color = isatty(STDOUT_FILENO)},
	};
	int parsed = parse(argc, argv, &r);
	if (parsed)
		return parsed < 0 ? COMMAND_FINE : parsed;
	return report(&r, &e) ? command_fail("report", &e) : COMMAND_FINE;
}
