/* SPDX-License-Identifier: MIT */
#include "cli/cmd_lines.h"
#include "cli/command.h"
#include "lineinfo/line_log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int decode(struct line_log *log)
{
	struct text out = {0};
	char *line = NULL;
	size_t capacity = 0;
	while (!out.failed && getline(&line, &capacity, stdin) > 0) {
		text_clear(&out);
		line_log_decode(log, line, &out);
		fwrite(out.data, 1, out.bytes, stdout);
		if (!strchr(line, '\n'))
			break;
	}
	free(line);
	bool failed = out.failed || fflush(stdout) || ferror(stdout) || ferror(stdin);
	text_deinit(&out);
	return failed ? -EIO : 0;
}

static int decode_by(char **tables, size_t count)
{
	struct err e;
	struct line_log log = {.readers = calloc(count, sizeof(*log.readers))};
	int failed = log.readers ? 0 : err_set(&e, ENOMEM, "no memory for the tables");
	for (size_t i = 0; !failed && i < count; i++) {
		failed = line_reader_open(&log.readers[i], tables[i], &e);
		log.reader_count++;
	}
	if (!failed && decode(&log))
		failed =
			err_set(&e, EIO, "the log could not be read to its end, or not be written");
	for (size_t i = 0; i < log.reader_count; i++)
		line_reader_close(&log.readers[i]);
	free(log.readers);
	return failed ? command_fail("lines decode", &e) : COMMAND_FINE;
}

int lines_decode_run(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
		return lines_usage(c == 'h' ? stdout : stderr);
	if (optind >= argc)
		return lines_usage(stderr);
	return decode_by(argv + optind, (size_t)(argc - optind));
}
