/* SPDX-License-Identifier: MIT */
#include "cli/page.h"
#include "ctf/ctf_read.h"
#include "symbol/symbol.h"
#include "view/view_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_TERMINAL_MAX = 120, WARNINGS_SHOWN = 3 };

unsigned page_width(void)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < VIEW_WIDTH_MIN)
		return VIEW_WIDTH;
	return size.ws_col < WIDTH_TERMINAL_MAX ? size.ws_col : WIDTH_TERMINAL_MAX;
}

int page_parse_color(const char *when, bool *ret)
{
	if (!strcmp(when, "always"))
		*ret = true;
	else if (!strcmp(when, "never"))
		*ret = false;
	else if (strcmp(when, "auto"))
		return -EINVAL;
	return 0;
}

void page_options_from(struct view_options *o, const struct source *trace)
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

int page_analyse(struct source *source, struct story **ret, struct err *e)
{
	const struct analysis *wanted[STORY_ANALYSES_MAX + 1] = {&analysis_names};
	for (size_t i = 0; analysis_all[i] && i + 2 < STORY_ANALYSES_MAX; i++)
		wanted[i + 1] = analysis_all[i];
	return analysis_run(source, wanted, ret, e);
}

void page_name_addresses(struct view_options *o, const struct source *trace,
			 const struct story *story)
{
	o->names = view_names_of(story);
	if (!ctf_origin_count(trace))
		return;
	const struct ctf_metadata *metadata = ctf_origin_at(trace, 0)->metadata;
	if (metadata->clock.uuid)
		symbol_use_running_kernel(view_names_symbol(story), metadata->clock.uuid, NULL);
}

void page_tell_warnings(const char *command, const struct source *trace)
{
	uint64_t count = ctf_warning_count(trace);
	const char *warning;
	for (size_t i = 0; i < WARNINGS_SHOWN && (warning = ctf_warning_at(trace, i)); i++)
		fprintf(stderr, "cairn %s: warning: %s\n", command, warning);
	if (count > WARNINGS_SHOWN)
		fprintf(stderr, "cairn %s: and %llu warnings more\n", command,
			(unsigned long long)(count - WARNINGS_SHOWN));
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
