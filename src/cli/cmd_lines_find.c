/* SPDX-License-Identifier: MIT */
/*
 * Addresses come from the arguments or, line by line, from standard input. What has arrived is
 * answered before more is waited for, so a program may ask through a pipe, one by one.
 */
#include "cli/cmd_lines.h"
#include "cli/command.h"
#include "lineinfo/line_log.h"
#include "util/array.h"
#include "util/out.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct option long_options[] = {
	{"functions", no_argument, NULL, 'f'}, {"addresses", no_argument, NULL, 'a'},
	{"inlines", no_argument, NULL, 'i'},   {"return", no_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},      {0},
};

enum { CHUNK_BYTES = 1 << 21, NO_REGION = 0xffffffff };

struct finder {
	struct line_reader reader;
	bool functions, addresses, inlines, returns;
	ARRAY(struct line_question) questions;
	ARRAY(const char *) asked;
	struct out out;
};

/* "text" or "module:text" with an offset: the section's region. */
static bool find_section(struct finder *f, const char *name, uint32_t *region_ret)
{
	const struct lines_table *t = &f->reader.table;
	const char *colon = strchr(name, ':');
	struct lines_object object;
	struct lines_region region;
	for (uint32_t i = 0; lines_region_at(t, i, &region); i++) {
		if (!lines_object_at(t, region.object, &object) ||
		    strcmp(lines_word(t, region.name), colon ? colon + 1 : name))
			continue;
		const char *of = lines_word(t, object.name);
		if (colon && (strncmp(of, name, (size_t)(colon - name)) || of[colon - name]))
			continue;
		*region_ret = i;
		return true;
	}
	return false;
}

static void find_named(struct finder *f, char *text, struct line_question *q)
{
	char *plus = strrchr(text, '+');
	uint64_t offset = plus ? strtoull(plus + 1, NULL, 16) : 0;
	uint32_t function, at = 0;
	struct lines_symbol symbol;
	struct lines_region region;
	if (plus)
		*plus = 0;
	if (line_reader_function(&f->reader, text, &function) &&
	    line_reader_next_symbol(&f->reader, function, &at, &symbol, &q->region))
		offset += symbol.address;
	else if (!find_section(f, text, &q->region))
		q->region = NO_REGION;
	if (plus)
		*plus = '+';
	if (lines_region_at(&f->reader.table, q->region, &region))
		q->address = region.address + offset;
}

static int ask(struct finder *f, char *text)
{
	char *end;
	struct line_question q = {.region = NO_REGION,
				  .asked = f->returns ? LINE_ASKED_RETURN : LINE_ASKED_ANY};
	q.address = strtoull(text, &end, 16);
	if (*text && !*end)
		line_reader_region(&f->reader, q.address - f->returns, &q.region);
	else
		find_named(f, text, &q);
	return array_push(&f->questions, q) || array_push(&f->asked, text) ? -ENOMEM : 0;
}

static void print_function(struct finder *f, const struct line_question *q, struct text *out)
{
	struct lines_region region;
	struct lines_symbol symbol;
	char name[LINES_NAME_ROOM];
	if (lines_region_at(&f->reader.table, q->region, &region) &&
	    lines_symbol_find(&f->reader.table, &region, q->address - f->returns, &symbol) &&
	    lines_function_name(&f->reader.table, symbol.function, name))
		text_print(out, "%s\n", name);
	else
		text_print(out, "??\n");
}

/* The line, and before it its function; then those it was inlined into. */
static void print_places(struct finder *f, const struct line_question *q, struct text *out)
{
	struct lines_region region;
	struct lines_chain chain = {.depth = 0};
	struct lines_walk walk;
	struct line_question place = *q;
	char name[LINES_NAME_ROOM];
	if ((f->inlines || f->functions) && lines_region_at(&f->reader.table, q->region, &region))
		lines_chain_find(&f->reader.table, &region, q->address - f->returns, &walk, &chain);
	while (chain.depth > 0) {
		const struct lines_call *call = &chain.calls[--chain.depth];
		if (f->functions)
			text_print(out, "%s\n",
				   lines_function_name(&f->reader.table, call->function, name)
					   ? name
					   : "??");
		line_log_print_site(&f->reader, &place, out);
		text_append(out, "\n", 1);
		if (!f->inlines)
			return;
		place.site = call->from;
	}
	if (f->functions)
		print_function(f, q, out);
	line_log_print_site(&f->reader, &place, out);
	text_append(out, "\n", 1);
}

static int answer(struct finder *f)
{
	struct text text = {0};
	int failed = line_reader_ask(&f->reader, f->questions.items, f->questions.count);
	for (size_t i = 0; !failed && i < f->questions.count; i++) {
		text_clear(&text);
		if (f->addresses)
			text_print(&text, "%s\n", f->asked.items[i]);
		print_places(f, &f->questions.items[i], &text);
		if (text.failed)
			failed = -ENOMEM;
		else
			out_bytes(&f->out, text.data, text.bytes);
	}
	out_flush(&f->out);
	text_deinit(&text);
	f->questions.count = f->asked.count = 0;
	return failed;
}

/* Whole lines of what has arrived; gives how many bytes they are. */
static int answer_lines(struct finder *f, char *data, size_t bytes, bool is_end, size_t *used_ret)
{
	size_t at = 0;
	for (char *end; at < bytes; at = (size_t)(end - data) + 1) {
		end = memchr(data + at, '\n', bytes - at);
		if (!end && !is_end)
			break;
		end = end ? end : data + bytes;
		*end = 0;
		data[at + strcspn(data + at, " \t\r")] = 0;
		if (ask(f, data + at))
			return -ENOMEM;
	}
	*used_ret = at < bytes ? at : bytes;
	return answer(f);
}

/* What can be had now: the more is asked at once, the fewer blocks are read twice. */
static ssize_t read_ready(char *data, size_t room)
{
	size_t bytes = 0;
	struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
	do {
		ssize_t got = read(STDIN_FILENO, data + bytes, room - bytes);
		if (got < 0 && !bytes)
			return got;
		if (got <= 0)
			break;
		bytes += (size_t)got;
	} while (bytes < room && poll(&ready, 1, 0) == 1);
	return (ssize_t)bytes;
}

static int find_stream(struct finder *f)
{
	char *data = malloc(CHUNK_BYTES + 1);
	size_t kept = 0;
	int failed = data ? 0 : -ENOMEM;
	while (!failed) {
		ssize_t got = read_ready(data + kept, CHUNK_BYTES - kept);
		if (got < 0 || (!got && !kept))
			break;
		size_t bytes = kept + (size_t)got, used = 0;
		bool is_end = !got || (bytes == CHUNK_BYTES && !memchr(data, '\n', bytes));
		failed = answer_lines(f, data, bytes, is_end, &used);
		kept = bytes - used;
		memmove(data, data + used, kept);
		if (!got)
			break;
	}
	free(data);
	return failed;
}

static int find(struct finder *f, const char *table, char **addresses, int count)
{
	struct err e;
	int failed = line_reader_open(&f->reader, table, &e);
	if (!failed && out_init(&f->out, STDOUT_FILENO))
		failed = err_set(&e, ENOMEM, "no memory");
	if (!failed) {
		for (int i = 0; !failed && i < count; i++)
			failed = ask(f, addresses[i]);
		if (!failed)
			failed = count ? answer(f) : find_stream(f);
		if (failed)
			err_set(&e, ENOMEM, "no memory for the addresses");
		else if (f->out.error)
			failed = err_set(&e, f->out.error, "standard output: %s",
					 strerror(f->out.error));
		out_deinit(&f->out);
	}
	array_free(&f->questions);
	array_free(&f->asked);
	line_reader_close(&f->reader);
	return failed ? command_fail("lines find", &e) : COMMAND_FINE;
}

int lines_find_run(int argc, char **argv)
{
	struct finder f = {0};
	for (int c; (c = getopt_long(argc, argv, "fairh", long_options, NULL)) != -1;) {
		if (c == 'h' || c == '?')
			return lines_usage(c == 'h' ? stdout : stderr);
		f.functions |= c == 'f';
		f.addresses |= c == 'a';
		f.inlines |= c == 'i';
		f.returns |= c == 'r';
	}
	if (optind >= argc)
		return lines_usage(stderr);
	return find(&f, argv[optind], argv + optind + 1, argc - optind - 1);
}
