/* SPDX-License-Identifier: MIT */
#include "cli/command.h"
#include "cli/page.h"
#include "ctf/ctf_read.h"

#include <getopt.h>
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
	const struct view *view;
	struct view_options options;
};

static int take(void *context, int option, const char *argument)
{
	struct report *r = context;
	if (option != 'j')
		return page_option(&r->options, option, argument);
	r->view = &view_json;
	return 0;
}

static const struct option options[] = {
	{"pid", required_argument, NULL, 'p'},   {"comm", required_argument, NULL, 'c'},
	{"top", required_argument, NULL, 'n'},   {"json", no_argument, NULL, 'j'},
	{"width", required_argument, NULL, 'w'}, {"color", required_argument, NULL, 'C'},
	{"help", no_argument, NULL, 'h'},        {0}};

static const struct page_syntax syntax = {
	"report", usage, "p:c:n:jw:h", options, take, 1, 1,
};

static int print_story(void *context, const struct story *story, struct err *e)
{
	struct report *r = context;
	struct text page = {0};
	r->view->print(story, &r->options, &page);
	int rc = page_write(&page, e);
	text_deinit(&page);
	return rc;
}

int cmd_report(int argc, char **argv)
{
	struct err e = {0};
	struct source *trace = NULL;
	struct report r = {
		.view = &view_text,
		.options = {.width = page_width(), .color = isatty(STDOUT_FILENO)},
	};
	int parsed = page_parse(&syntax, argc, argv, &r);
	if (parsed)
		return parsed < 0 ? COMMAND_FINE : parsed;
	r.options.path = argv[optind];
	int rc = ctf_open(&trace, r.options.path, NULL, &e);
	if (!rc)
		rc = page_tell("report", trace, trace, &r.options, print_story, &r, &e);
	return rc ? command_fail("report", &e) : COMMAND_FINE;
}
