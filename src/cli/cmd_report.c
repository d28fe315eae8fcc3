/* SPDX-License-Identifier: MIT */
#include "cli/command.h"
#include "cli/page.h"
#include "ctf/ctf_read.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		rc = text_parse_number(argument, VIEW_WIDTH_MIN, PAGE_WIDTH_MAX, &value);
		r->options.width = (unsigned)value;
		return rc;
	case 'C':
		return page_parse_color(argument, &r->options.color);
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

static int print_story(struct report *r, const struct story *story, struct err *e)
{
	struct text page = {0};
	r->view->print(story, &r->options, &page);
	int rc = page_write(&page, e);
	text_deinit(&page);
	return rc;
}

static int report(struct report *r, struct err *e)
{
	struct source *source = NULL;
	struct story *story = NULL;
	struct err late = {0};
	int rc = ctf_open(&source, r->directory, NULL, e);
	if (rc < 0)
		return rc;
	page_options_from(&r->options, source);
	rc = page_analyse(source, &story, e);
	r->options.damaged = rc || ctf_warning_count(source);
	if (story)
		page_name_addresses(&r->options, source, story);
	/* What could be read before the damage is still worth telling. */
	int printed = story ? print_story(r, story, rc ? &late : e) : 0;
	page_tell_warnings("report", source);
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
