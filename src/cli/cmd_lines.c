/* SPDX-License-Identifier: MIT */
#include "cli/cmd_lines.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

static const struct command actions[] = {
	{"build", lines_build_run, NULL},
	{"find", lines_find_run, NULL},
	{"decode", lines_decode_run, NULL},
	{"embed", lines_embed_run, NULL},
	{"info", lines_info_run, NULL},
	{"load", lines_load_run, NULL},
	{"status", lines_status_run, NULL},
	{"unload", lines_unload_run, NULL},
	{NULL, NULL, NULL},
};

static const char usage[] =
	"usage: cairn lines build [OPTION…] ELF… -o TABLE\n"
	"       cairn lines find [OPTION…] TABLE [ADDRESS…]\n"
	"       cairn lines decode TABLE… <LOG\n"
	"       cairn lines embed PROGRAM\n"
	"       cairn lines info TABLE\n"
	"       cairn lines load [-k TABLE] [-m MODULE=TABLE]… [--all]\n"
	"       cairn lines status\n"
	"       cairn lines unload\n\n"
	"Line tables: every address of a kernel or program to its line of source, without\n"
	"debug information and small enough to be kept resident.\n\n"
	"build makes a table of a kernel (vmlinux), modules (.ko), programs, libraries:\n"
	"  -o, --output FILE   the table\n"
	"  -p, --profile NAME  exact for: byte (every address, the default), crash (what\n"
	"                      calls return to, and instructions that touch memory), ret\n"
	"                      (what calls return to); others get a near line, marked ~\n"
	"  -b, --block ROWS    64, 128 or 256 rows a block: fewer make look-ups faster,\n"
	"                      more make the table smaller (256)\n"
	"  -c, --chains        with the functions that were inlined\n"
	"  -F, --no-functions  without the names of functions\n\n"
	"find prints file:line for every address: hexadecimal as linked, FUNCTION+0x12,\n"
	"SECTION+0x12, MODULE:SECTION+0x12; without any, for those on standard input:\n"
	"  -f, --functions     before each, a line with the function\n"
	"  -i, --inlines       and, line by line, where it was inlined into\n"
	"  -a, --addresses     before each, a line with the address\n"
	"  -r, --return        the addresses are what calls return to\n\n"
	"decode puts the lines into a kernel's oops or warning, or a program's backtrace;\n"
	"embed puts a program's own table into it, for its crashes (cairn/lines.h).\n\n"
	"load gives tables to the running kernel's module cairn_lines, which then puts\n"
	"lines into the kernel's own call traces; status tells what it has and did:\n"
	"  -k, --kernel TABLE  the kernel's\n"
	"  -m, --module M=TABLE\n"
	"                      a module's, loaded already or later\n"
	"  -a, --all           all of /lib/modules/RELEASE/cairn.lines\n\n"
	"  -h, --help          this text\n";

int lines_usage(FILE *out)
{
	fputs(usage, out);
	return out == stdout ? COMMAND_FINE : COMMAND_USAGE;
}

int cmd_lines(int argc, char **argv)
{
	static char name[48];
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return lines_usage(stdout);
	for (const struct command *a = actions; argc > 1 && a->name; a++) {
		if (strcmp(argv[1], a->name))
			continue;
		snprintf(name, sizeof(name), "cairn lines %s", a->name);
		argv[1] = name;
		return a->run(argc - 1, argv + 1);
	}
	if (argc < 2)
		return lines_usage(stderr);
	fprintf(stderr, "cairn lines: there is no action '%s'\n", argv[1]);
	return COMMAND_USAGE;
}
