/* SPDX-License-Identifier: MIT */
#include "cli/cmd_lines.h"
#include "cli/command.h"
#include "lineinfo/line_build.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct option long_options[] = {
	{"output", required_argument, NULL, 'o'},
	{"profile", required_argument, NULL, 'p'},
	{"block", required_argument, NULL, 'b'},
	{"no-functions", no_argument, NULL, 'F'},
	{"chains", no_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int write_table(const char *path, const void *data, size_t bytes, struct err *e)
{
	CLEANUP(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_errno(e, "%s", path);
	for (size_t done = 0; done < bytes;) {
		ssize_t wrote = write(fd, (const char *)data + done, bytes - done);
		if (wrote < 0)
			return err_errno(e, "%s", path);
		done += (size_t)wrote;
	}
	return 0;
}

static int build(char **paths, int count, const struct line_options *options, const char *output)
{
	struct err e;
	struct line_counts counts;
	CLEANUP(free) void *data = NULL;
	size_t bytes;
	if (line_build((const char *const *)paths, (size_t)count, options, &data, &bytes, &counts,
		       &e) ||
	    write_table(output, data, bytes, &e))
		return command_fail("lines build", &e);
	printf("%s: %zu bytes for %" PRIu64 " rows, %.2f bits a row\n", output, bytes, counts.rows,
	       counts.rows ? (double)bytes * 8 / (double)counts.rows : 0);
	return COMMAND_FINE;
}

static bool parse_profile(const char *name, enum lines_profile *ret)
{
	static const char *const names[] = {
		[LINES_RETURN] = "ret", [LINES_CRASH] = "crash", [LINES_BYTE] = "byte"};
	for (unsigned i = 0; i <= LINES_BYTE; i++) {
		if (strcmp(names[i], name))
			continue;
		*ret = (enum lines_profile)i;
		return true;
	}
	fprintf(stderr, "cairn lines build: there is no profile '%s', only byte, crash and ret\n",
		name);
	return false;
}

static bool parse_block(const char *text, unsigned *ret)
{
	if (strcmp(text, "64") && strcmp(text, "128") && strcmp(text, "256")) {
		fprintf(stderr, "cairn lines build: a block has 64, 128 or 256 rows, not '%s'\n",
			text);
		return false;
	}
	*ret = (unsigned)atoi(text);
	return true;
}

int lines_build_run(int argc, char **argv)
{
	struct line_options options = {.profile = LINES_BYTE, .block_rows = 256};
	const char *output = NULL;
	for (int c; (c = getopt_long(argc, argv, "o:p:b:Fch", long_options, NULL)) != -1;) {
		bool fine = c != '?';
		if (c == 'h')
			return lines_usage(stdout);
		if (c == 'p')
			fine = parse_profile(optarg, &options.profile);
		else if (c == 'b')
			fine = parse_block(optarg, &options.block_rows);
		options.without_functions |= c == 'F';
		options.with_chains |= c == 'c';
		output = c == 'o' ? optarg : output;
		if (!fine)
			return COMMAND_USAGE;
	}
	if (optind >= argc || !output)
		return lines_usage(stderr);
	return build(argv + optind, argc - optind, &options, output);
}
