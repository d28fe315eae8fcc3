/* SPDX-License-Identifier: MIT */
#include "cli/cmd_lines.h"
#include "cli/command.h"
#include "lineinfo/line_build.h"
#include "lineinfo/line_embed.h"
#include "util/cleanup.h"

#include <getopt.h>
#include <stdio.h>

static int embed(const char *program)
{
	const struct line_options options = {
		.profile = LINES_BYTE, .block_rows = 64, .with_chains = true};
	struct line_counts counts;
	CLEANUP(free) void *data = NULL;
	size_t bytes;
	struct err e;
	if (line_build(&program, 1, &options, &data, &bytes, &counts, &e) ||
	    line_embed(program, data, bytes, &e))
		return command_fail("lines embed", &e);
	printf("%s: carries its lines now, %zu bytes\n", program, bytes);
	return COMMAND_FINE;
}

int lines_embed_run(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
		return lines_usage(c == 'h' ? stdout : stderr);
	if (argc - optind != 1)
		return lines_usage(stderr);
	return embed(argv[optind]);
}
