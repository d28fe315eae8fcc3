/* SPDX-License-Identifier: MIT */
#include "cli/command.h"
#include "session/rescue.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef CAIRN_VERSION
#define CAIRN_VERSION "unknown"
#endif

static const struct command commands[] = {
	{"record", cmd_record, "record what the system does into a trace"},
	{"snapshot", cmd_snapshot, "keep what a flight recorder holds now"},
	{"recover", cmd_recover, "make a damaged trace readable again"},
	{"report", cmd_report, "the story of a trace on one page"},
	{"waits", cmd_waits, "who waited for whom, through what"},
	{"dump", cmd_dump, "print a trace's events as text or JSON"},
	{"list", cmd_list, "what can be recorded: sets, tracepoints, their fields"},
	{"lines", cmd_lines, "tables from addresses to lines of source"},
	{"doctor", cmd_doctor, "what this machine permits, and what would help"},
	{NULL, NULL, NULL},
};

int command_fail(const char *name, const struct err *e)
{
	fprintf(stderr, "cairn %s: %s\n", name, e->text);
	return COMMAND_FAILED;
}

/* getopt() begins its complaints with argv[0]. */
static int run(const struct command *c, int argc, char **argv)
{
	static char name[32];
	snprintf(name, sizeof(name), "cairn %s", c->name);
	argv[0] = name;
	return c->run(argc, argv);
}

void command_tell_rescue(void *context, const struct rescue *rescued)
{
	(void)context;
	fprintf(stderr, "rescued %" PRIu64 " events of a killed recording into %s%s%s\n",
		rescued->events, rescued->trace, rescued->trouble.code ? ", not all: " : "",
		rescued->trouble.code ? rescued->trouble.text : "");
}

static void usage(FILE *out)
{
	fputs("usage: cairn COMMAND [OPTION…]\n\n", out);
	for (const struct command *c = commands; c->name; c++)
		fprintf(out, "  %-10s %s\n", c->name, c->summary);
	fputs("\n`cairn COMMAND --help` says more; so does `man cairn`.\n", out);
}

/* Traces are mapped; bytes that are cut off a file meanwhile cannot be read any more. */
static void file_shrank(int number)
{
	static const char text[] = "cairn: a file became shorter while it was read\n";
	(void)number;
	ssize_t told = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)told;
	_exit(COMMAND_FAILED);
}

int main(int argc, char **argv)
{
	signal(SIGBUS, file_shrank);
	if (argc < 2) {
		usage(stderr);
		return COMMAND_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return COMMAND_FINE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("cairn " CAIRN_VERSION);
		return COMMAND_FINE;
	}
	for (const struct command *c = commands; c->name; c++) {
		if (!strcmp(argv[1], c->name))
			return run(c, argc - 1, argv + 1);
	}
	fprintf(stderr, "cairn: there is no command '%s'; `cairn --help` lists them\n", argv[1]);
	return COMMAND_USAGE;
}
