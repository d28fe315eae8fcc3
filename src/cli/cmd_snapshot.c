/* SPDX-License-Identifier: MIT */
#include "cli/command.h"
#include "session/control.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: cairn snapshot [PID] [-o DIR]\n"
	"\n"
	"Has a running flight recorder (cairn record --flight) write what it holds now\n"
	"into a new trace. PID is the recorder's; without it, the only one you run.\n"
	"\n"
	"  -o, --output DIR   where the trace goes (the recorder's own choice)\n";

/* The recorder may stand in another directory. */
static int absolute(const char *path, char ret[PATH_MAX], struct err *e)
{
	char here[PATH_MAX];
	if (*path == '/')
		here[0] = 0;
	else if (!getcwd(here, sizeof(here)))
		return err_errno(e, "cannot tell the current directory");
	int n = snprintf(ret, PATH_MAX, "%s%s%s", here, *here ? "/" : "", path);
	return n < PATH_MAX ? 0 : err_set(e, ENAMETOOLONG, "the path %s is too long", path);
}

int cmd_snapshot(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
	const char *output = NULL;
	for (int c; (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
		switch (c) {
		case 'o':
			output = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return COMMAND_FINE;
		default:
			fputs(usage, stderr);
			return COMMAND_USAGE;
		}
	}
	struct err e;
	int64_t number = 0;
	if (optind + 1 < argc ||
	    (optind < argc && text_parse_number(argv[optind], 1, INT32_MAX, &number) < 0)) {
		fputs(usage, stderr);
		return COMMAND_USAGE;
	}
	pid_t recorder = (pid_t)number;
	if (!recorder && control_find(&recorder, &e) < 0)
		return command_fail("snapshot", &e);
	char path[PATH_MAX] = "", request[PATH_MAX + 16];
	if (output && absolute(output, path, &e) < 0)
		return command_fail("snapshot", &e);
	snprintf(request, sizeof(request), "snapshot %s", path);
	CLEANUP_TEXT struct text answer = {0};
	if (control_ask(recorder, request, &answer, &e) < 0)
		return command_fail("snapshot", &e);
	printf("%s\n", answer.data);
	return COMMAND_FINE;
}
