/* SPDX-License-Identifier: MIT */
/* What `cairn record` is asked to do, and what it does unless asked. */
#ifndef CAIRN_CLI_RECORD_OPTIONS_H
#define CAIRN_CLI_RECORD_OPTIONS_H

#include "session/selection.h"
#include "session/session.h"
#include "util/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { RECORD_PIDS_MAX = 64 };

struct record_options {
	struct session_options session;
	struct selection selection;
	pid_t pids[RECORD_PIDS_MAX];
	int pidfds[RECORD_PIDS_MAX]; /* of -p; the command is waited for */
	size_t pid_count;
	char **command; /* NULL without one */
	struct text command_text;
	unsigned long long duration_ns; /* 0: no end */
	bool only_crash;
	bool only_triggers; /* --on marker:…: snapshots at these, none at the end */
	bool quiet;
	char default_path[300];
};

/*
 * 0, or a command_status that ends the command here (as 1 + status); what there is to say is said.
 * The options point into `argv` and themselves: they are not copied. Deinit after either.
 */
int record_options_parse(struct record_options *o, int argc, char **argv);
void record_options_deinit(struct record_options *o);

#endif
