/* SPDX-License-Identifier: MIT */
#include "cli/cmd_lines.h"
#include "cli/command.h"
#include "lineinfo/line_reader.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static void print_objects(const struct lines_table *t)
{
	struct lines_object object;
	for (uint32_t i = 0; lines_object_at(t, i, &object); i++) {
		printf("object      %s", lines_word(t, object.name));
		for (unsigned at = 0; at < object.build_id_bytes && at < LINES_BUILD_ID_MAX; at++)
			printf(at ? "%02x" : "  build-id %02x", object.build_id[at]);
		printf("  %u sections of code\n", object.region_count);
	}
}

static void print_info(const struct lines_table *t)
{
	static const char *const profiles[] = {"ret", "crash", "byte"};
	static const char *const parts[LINES_PARTS] = {
		[LINES_OBJECTS] = "objects",
		[LINES_REGIONS] = "regions",
		[LINES_WORDS] = "words",
		[LINES_MODEL] = "model",
		[LINES_SUPERS] = "supers",
		[LINES_BLOCKS] = "blocks",
		[LINES_ROWS] = "rows",
		[LINES_FILE_GROUPS] = "file groups",
		[LINES_FILES] = "files",
		[LINES_FUNCTION_GROUPS] = "function groups",
		[LINES_FUNCTIONS] = "functions",
		[LINES_SYMBOLS] = "symbols",
		[LINES_CHAIN_SUPERS] = "chain supers",
		[LINES_CHAIN_BLOCKS] = "chain blocks",
		[LINES_CHAINS] = "chains",
	};
	const struct lines_header *h = &t->header;
	print_objects(t);
	printf("profile     %s\n", profiles[h->profile]);
	printf("rows        %u, %u in a block\n", h->row_count, h->block_rows);
	printf("files       %u\n", h->file_count);
	printf("functions   %u\n\n", h->function_count);
	for (unsigned i = 0; i < LINES_PARTS; i++)
		printf("%-16s %9u bytes\n", parts[i], h->parts[i].bytes);
	printf("%-16s %9u bytes, %.2f bits a row\n", "in all", h->bytes,
	       h->row_count ? h->bytes * 8.0 / h->row_count : 0);
}

int lines_info_run(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	struct line_reader reader;
	struct err e;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
		return lines_usage(c == 'h' ? stdout : stderr);
	if (argc - optind != 1)
		return lines_usage(stderr);
	int failed = line_reader_open(&reader, argv[optind], &e);
	if (!failed)
		print_info(&reader.table);
	line_reader_close(&reader);
	return failed ? command_fail("lines info", &e) : COMMAND_FINE;
}
