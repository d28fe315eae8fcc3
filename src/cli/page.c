/* SPDX-License-Identifier: MIT */
#include "cli/page.h"
#include "cli/command.h"
#include "ctf/ctf_read.h"
#include "symbol/symbol.h"
#include "view/view_names.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TOP_MAX = 100000, WIDTH_MAX = 1000, WIDTH_TERMINAL_MAX = 120, WARNINGS_SHOWN = 3 };

unsigned page_width(void)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < VIEW_WIDTH_MIN)
		return VIEW_WIDTH;
	return size.ws_col < WIDTH_TERMINAL_MAX ? size.ws_col : WIDTH_TERMINAL_MAX;
}

static int parse_color(const char *when, bool *ret)
{
	if (!strcmp(when, "always"))
		*ret = true;
	else if (!strcmp(when, "never"))
		*ret = false;
	else if (strcmp(when, "auto"))
		return -EINVAL;
	return 0;
}

int page_option(struct view_options *o, int option, const char *argument)
{
	int64_t value = 0;
	int rc = 0;
	switch (option) {
	case 'p':
		rc = text_parse_number(argument, 1, INT32_MAX, &value);
		o->pid = (int32_t)value;
		return rc;
	case 'c':
		o->comm = argument;
		return 0;
	case 'n':
		rc = text_parse_number(argument, 1, TOP_MAX, &value);
		o->top = (unsigned)value;
		return rc;
	case 'w':
		rc = text_parse_number(argument, VIEW_WIDTH_MIN, WIDTH_MAX, &value);
		o->width = (unsigned)value;
		return rc;
	case 'C':
		return parse_color(argument, &o->color);
	default:
		return -EINVAL;
	}
}

static int refuse(const struct page_syntax *syntax, int option, const char *argument)
{
	const struct option *o = syntax->options;
	while (o->val != option)
		o++;
	fprintf(stderr, "cairn %s: --%s cannot be '%s'; `cairn %s --help` says more\n",
		syntax->command, o->name, argument, syntax->command);
	return COMMAND_USAGE;
}

int page_parse(const struct page_syntax *syntax, int argc, char **argv, void *context)
{
	for (int c; (c = getopt_long(argc, argv, syntax->letters, syntax->options, NULL)) != -1;) {
		if (c == 'h') {
			fputs(syntax->usage, stdout);
			return -1;
		}
		if (c == '?') {
			fputs(syntax->usage, stderr);
			return COMMAND_USAGE;
		}
		if (syntax->take(context, c, optarg))
			return refuse(syntax, c, optarg);
	}
	if (argc - optind < syntax->words_min || argc - optind > syntax->words_max) {
		fputs(syntax->usage, stderr);
		return COMMAND_USAGE;
	}
	return COMMAND_FINE;
}

static void options_from(struct view_options *o, const struct source *trace)
{
	if (!ctf_origin_count(trace))
		return;
	const struct ctf_metadata *metadata = ctf_origin_at(trace, 0)->metadata;
	const char *reason = ctf_env_find(metadata, "rung_reason");
	o->recorder = ctf_env_find(metadata, "rung");
	if (!o->recorder)
		o->recorder = ctf_env_find(metadata, "tracer_name");
	if (reason && strcmp(reason, "highest"))
		o->reason = reason;
	const char *only = ctf_env_find(metadata, "only_targets");
	o->only_targets = only && strcmp(only, "0");
}

static int analyse(struct source *source, struct story **ret, struct err *e)
{
	const struct analysis *wanted[STORY_ANALYSES_MAX + 1] = {&analysis_names};
	for (size_t i = 0; analysis_all[i] && i + 2 < STORY_ANALYSES_MAX; i++)
		wanted[i + 1] = analysis_all[i];
	return analysis_run(source, wanted, ret, e);
}

static void name_addresses(struct view_options *o, const struct source *trace,
			   const struct story *story)
{
	o->names = view_names_of(story);
	if (!ctf_origin_count(trace))
		return;
	const struct ctf_metadata *metadata = ctf_origin_at(trace, 0)->metadata;
	if (metadata->clock.uuid)
		symbol_use_running_kernel(view_names_symbol(story), metadata->clock.uuid, NULL);
}

static void tell_warnings(const char *command, const struct source *trace)
{
	uint64_t count = ctf_warning_count(trace);
	const char *warning;
	for (size_t i = 0; i < WARNINGS_SHOWN && (warning = ctf_warning_at(trace, i)); i++)
		fprintf(stderr, "cairn %s: warning: %s\n", command, warning);
	if (count > WARNINGS_SHOWN)
		fprintf(stderr, "cairn %s: and %llu warnings more\n", command,
			(unsigned long long)(count - WARNINGS_SHOWN));
}

int page_tell(const char *command, const struct source *trace, struct source *source,
	      struct view_options *o,
	      int (*print)(void *context, const struct story *story, struct err *e), void *context,
	      struct err *e)
{
	struct story *story = NULL;
	struct err late = {0};
	options_from(o, trace);
	int rc = analyse(source, &story, e), printed = 0;
	o->damaged = rc || ctf_warning_count(trace);
	if (story) {
		name_addresses(o, trace, story);
		printed = print(context, story, rc ? &late : e);
	}
	tell_warnings(command, trace);
	story_destroy(story);
	source_close(source);
	return rc ? rc : printed;
}

int page_write(const struct text *page, struct err *e)
{
	if (page->failed)
		return err_set(e, ENOMEM, "no memory for the page");
	if (fwrite(page->data ? page->data : "", 1, page->bytes, stdout) != page->bytes ||
	    fflush(stdout))
		return err_errno(e, "cannot write the page");
	return 0;
}
