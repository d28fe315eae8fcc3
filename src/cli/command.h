/* SPDX-License-Identifier: MIT */
/*
 * One subcommand, one file: cmd_NAME.c, and NAME_options.c where there are many. A command gets
 * argv[0] = its own name and returns the exit status. Only commands print; what they call returns
 * sentences.
 */
#ifndef CAIRN_CLI_COMMAND_H
#define CAIRN_CLI_COMMAND_H

#include "util/err.h"

enum command_status {
	COMMAND_FINE = 0,
	COMMAND_FAILED = 1,
	COMMAND_USAGE = 2,
};

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

/* "cairn NAME: sentence" on stderr; returns COMMAND_FAILED. */
int command_fail(const char *name, const struct err *e);

/* One line on stderr: what a killed recording had left in the kernel, and where it is now. */
struct rescue;
void command_tell_rescue(void *context, const struct rescue *rescued);

int cmd_dump(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_lines(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_waits(int argc, char **argv);

#endif
