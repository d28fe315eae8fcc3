/* SPDX-License-Identifier: MIT */
/* `cairn dump`: the events of a trace as text or JSON. */
#include "cli/command.h"
#include "cli/moment.h"
#include "ctf/ctf_read.h"
#include "event/filter.h"
#include "event/print.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DUMP_GLOBS_MAX = 64, DUMP_FLUSH_BYTES = 192 << 10 };

struct dump {
	const char *directory;
	bool json;
	const char *from, *to;
	uint64_t head;
	const char *globs[DUMP_GLOBS_MAX];
	struct filter filter;
	struct out out;
	struct text text; /* JSON on its way to `out` */
};

static void dump_help(FILE *out)
{
	fputs("usage: cairn dump [OPTION…] DIR\n\n"
	      "Prints the events of a trace in time order.\n\n"
	      "  -e, --event GLOB   only events with such names; may be repeated\n"
	      "      --from TIME    from this time on: 12.345 as printed, +1.5s from the start\n"
	      "      --to TIME      up to this time\n"
	      "      --cpu N        only this cpu\n"
	      "      --tid N        only while this thread ran\n"
	      "      --head N       the first N events of those\n"
	      "      --json         one JSON object a line\n\n"
	      "Reads any CTF 1.8 trace, LTTng's too.\n",
	      out);
}

static int dump_wrong(const char *what, const char *value)
{
	fprintf(stderr, "cairn dump: %s '%s'; `cairn dump --help` says more\n", what, value);
	return COMMAND_USAGE;
}

/* Times may count from the trace's start, which is known once it is open. */
static int dump_time(const char *text, uint64_t begin_ns, uint64_t *ret)
{
	if (text && moment_parse(text, begin_ns, ret))
		return dump_wrong("no time:", text);
	return COMMAND_FINE;
}

static int dump_option(struct dump *d, int option, const char *value)
{
	int64_t number = 0;
	switch (option) {
	case 'e':
		if (d->filter.glob_count == DUMP_GLOBS_MAX)
			return dump_wrong("too many names:", value);
		d->globs[d->filter.glob_count++] = value;
		return COMMAND_FINE;
	case 'c':
		if (text_parse_number(value, 0, INT32_MAX, &number))
			return dump_wrong("no cpu:", value);
		d->filter.cpu = (int32_t)number;
		return COMMAND_FINE;
	case 't':
		if (text_parse_number(value, 0, INT32_MAX, &number))
			return dump_wrong("no thread:", value);
		d->filter.tid = (int32_t)number;
		return COMMAND_FINE;
	case 'n':
		if (text_parse_number(value, 0, INT64_MAX, &number))
			return dump_wrong("no number:", value);
		d->head = (uint64_t)number;
		return COMMAND_FINE;
	case 'j':
		d->json = true;
		return COMMAND_FINE;
	case 'F':
		d->from = value;
		return COMMAND_FINE;
	default:
		d->to = value;
		return COMMAND_FINE;
	}
}

/* −1 to go on, else the exit status. */
static int dump_parse(struct dump *d, int argc, char **argv)
{
	static const struct option options[] = {
		{"event", required_argument, NULL, 'e'},
		{"from", required_argument, NULL, 'F'},
		{"to", required_argument, NULL, 'T'},
		{"cpu", required_argument, NULL, 'c'},
		{"tid", required_argument, NULL, 't'},
		{"head", required_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "e:h", options, NULL)) != -1) {
		if (option == '?')
			return COMMAND_USAGE;
		if (option == 'h') {
			dump_help(stdout);
			return COMMAND_FINE;
		}
		int status = dump_option(d, option, optarg);
		if (status)
			return status;
	}
	if (optind + 1 != argc) {
		dump_help(stderr);
		return COMMAND_USAGE;
	}
	d->directory = argv[optind];
	return -1;
}

static void dump_print(struct dump *d, struct print *print, const struct event *e)
{
	if (!d->json) {
		print_text(print, &d->out, e);
		return;
	}
	print_json(&d->text, e);
	if (d->text.bytes < DUMP_FLUSH_BYTES)
		return;
	out_bytes(&d->out, d->text.data, d->text.bytes);
	text_clear(&d->text);
}

static int dump_events(struct dump *d, struct source *source, struct err *e)
{
	struct print *print = NULL;
	struct event event;
	int code = print_create(&print, e);
	for (uint64_t n = 0; !code && n < d->head && !d->out.error; n++) {
		code = source_next(source, &event, e);
		if (code <= 0)
			break;
		code = 0;
		dump_print(d, print, &event);
	}
	if (d->text.bytes)
		out_bytes(&d->out, d->text.data, d->text.bytes);
	out_flush(&d->out);
	print_destroy(print);
	if (d->text.failed && !code)
		return err_set(e, ENOMEM, "no memory for the output");
	/* Whoever reads has seen enough: `cairn dump … | head`. */
	if (d->out.error && d->out.error != EPIPE && !code)
		return err_set(e, d->out.error, "writing: %s", strerror(d->out.error));
	return code;
}

static void dump_warnings(const struct source *trace)
{
	const char *warning;
	size_t i = 0;
	for (; (warning = ctf_warning_at(trace, i)); i++)
		fprintf(stderr, "cairn dump: %s\n", warning);
	if (ctf_warning_count(trace) > i)
		fprintf(stderr, "cairn dump: and %" PRIu64 " more of this kind\n",
			ctf_warning_count(trace) - i);
}

/*
 * The window is known to the reader, which skips whole packets, but a time may count from the
 * start of the trace, which only the open trace tells.
 */
static int dump_window(struct dump *d, struct err *e)
{
	struct source *trace;
	uint64_t begin_ns = 0;
	if (moment_is_relative(d->from) || moment_is_relative(d->to)) {
		int code = ctf_open(&trace, d->directory, NULL, e);
		if (code)
			return command_fail("dump", e);
		begin_ns = moment_trace_begin(trace);
		source_close(trace);
	}
	int status = dump_time(d->from, begin_ns, &d->filter.from_ns);
	return status ? status : dump_time(d->to, begin_ns, &d->filter.to_ns);
}

static int dump_trace(struct dump *d)
{
	struct err e = {0};
	struct source *trace, *filtered;
	int status = dump_window(d, &e);
	if (status)
		return status;
	struct ctf_options options = {d->filter.from_ns, d->filter.to_ns};
	if (ctf_open(&trace, d->directory, &options, &e))
		return command_fail("dump", &e);
	if (filter_open(&filtered, trace, &d->filter, &e))
		return command_fail("dump", &e);
	int code = dump_events(d, filtered, &e);
	dump_warnings(trace);
	source_close(filtered);
	return code ? command_fail("dump", &e) : COMMAND_FINE;
}

int cmd_dump(int argc, char **argv)
{
	struct dump d = {
		.head = UINT64_MAX,
		.filter = {.to_ns = UINT64_MAX, .cpu = FILTER_ANY, .tid = FILTER_ANY},
	};
	d.filter.globs = d.globs;
	int status = dump_parse(&d, argc, argv);
	if (status >= 0)
		return status;
	if (out_init(&d.out, STDOUT_FILENO)) {
		fputs("cairn dump: no memory\n", stderr);
		return COMMAND_FAILED;
	}
	signal(SIGPIPE, SIG_IGN);
	status = dump_trace(&d);
	out_deinit(&d.out);
	text_deinit(&d.text);
	return status;
}
