/* SPDX-License-Identifier: MIT */
/* A story from events typed by hand (event/script.h), for the tests of analyses. */
#ifndef CAIRN_ANALYSIS_STORY_TEST_H
#define CAIRN_ANALYSIS_STORY_TEST_H

#include "util/test.h"

#include "analysis/analysis.h"
#include "event/script.h"

static inline struct story *story_of(const char *script)
{
	struct source *source = NULL;
	struct story *story = NULL;
	struct err e = {0};
	if (script_open(&source, script, &e))
		fail_msg("%s", e.text);
	if (analysis_run(source, analysis_all, &story, &e))
		fail_msg("%s", e.text);
	source_close(source);
	return story;
}

#endif
