/* SPDX-License-Identifier: MIT */
#include "cli/command.h"
#include "ctf/ctf_recover.h"
#include "session/rescue.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: cairn recover [-n] DIR\n\n"
	"Makes a damaged trace readable again: every whole packet stays, of a packet\n"
	"that is cut its whole events; what else is in the files goes.\n\n"
	"  -n, --dry-run  only say what would be done; exit status 1 if anything\n"
	"  -h, --help     this text\n";

struct outcome {
	bool dry_run;
	unsigned files, mended, foreign;
};

static void print_stream(const struct outcome *o, const struct ctf_recovered *file)
{
	const struct ctf_mend *mend = file->mend;
	printf("%-12s %" PRIu64 " packet%s", file->name, mend->packets,
	       mend->packets == 1 ? "" : "s");
	if (file->kind == CTF_RECOVERED_INTACT) {
		puts(", nothing damaged");
		return;
	}
	if (mend->salvaged)
		printf(", %" PRIu64 " more cut to %s whole events (%" PRIu64 ")", mend->salvaged,
		       mend->salvaged == 1 ? "its" : "their", mend->salvaged_events);
	printf("; %" PRIu64 " of %" PRIu64 " bytes %s\n", mend->damaged_bytes, file->bytes,
	       o->dry_run ? "would go" : "gone");
}

static void print_file(void *context, const struct ctf_recovered *file)
{
	struct outcome *o = context;
	o->files++;
	o->mended += file->kind == CTF_RECOVERED_MENDED;
	o->foreign += file->kind == CTF_RECOVERED_FOREIGN;
	if (file->kind == CTF_RECOVERED_FOREIGN)
		printf("%-12s is no part of this trace: left alone, move it away\n", file->name);
	else
		print_stream(o, file);
}

static int recover_directory(const char *path, bool dry_run)
{
	struct outcome o = {.dry_run = dry_run};
	struct err e;
	if (!dry_run)
		rescue_dead(path, command_tell_rescue, NULL, NULL);
	if (ctf_recover(path, dry_run, print_file, &o, &e))
		return command_fail("recover", &e);
	if (o.mended)
		printf("%s: %u of %u files %s\n", path, o.mended, o.files,
		       dry_run ? "would be mended" : "mended");
	else
		printf("%s: nothing to mend\n", path);
	if (o.foreign)
		printf("babeltrace2 refuses the whole trace while it holds files of others (%u)\n",
		       o.foreign);
	return o.foreign || (dry_run && o.mended) ? COMMAND_FAILED : COMMAND_FINE;
}

int cmd_recover(int argc, char **argv)
{
	static const struct option options[] = {
		{"dry-run", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool dry_run = false;
	for (int c; (c = getopt_long(argc, argv, "nh", options, NULL)) != -1;) {
		if (c == 'h') {
			fputs(usage, stdout);
			return COMMAND_FINE;
		}
		if (c != 'n') {
			fputs(usage, stderr);
			return COMMAND_USAGE;
		}
		dry_run = true;
	}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		return COMMAND_USAGE;
	}
	return recover_directory(argv[optind], dry_run);
}
