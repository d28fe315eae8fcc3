/* SPDX-License-Identifier: MIT */
/*
 * Any text as a condition: it is refused with a sentence, or gives a program that the checker
 * accepts and that runs, and a kernel filter that means the same when it is parsed again.
 */
#include "filter/condition.h"

#include <stdlib.h>
#include <string.h>

static const struct condition_field fields[] = {
	{"comm", 8, 16, false, CONDITION_TEXT},     {"pid", 24, 4, true, CONDITION_NUMBER},
	{"name", 28, 4, false, CONDITION_TEXT_LOC}, {"len", 32, 8, false, CONDITION_NUMBER},
	{"rel", 40, 4, false, CONDITION_TEXT_REL},  {"b", 44, 1, true, CONDITION_NUMBER},
	{"blob", 45, 3, false, CONDITION_OTHER},
};
enum { FIELDS = sizeof(fields) / sizeof(*fields) };

static const uint8_t record[64] = {
	[8] = 'a', [24] = 1, [28] = 48, [30] = 4, [32] = 200, [44] = 255};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool holds(const struct condition *c)
{
	struct prog_input input = {record, sizeof(record), 1};
	uint64_t values[PROG_INSNS_MAX];
	return prog_run(condition_prog(c), &input, values) != 0;
}

static void run_again(const struct condition *c)
{
	struct text kernel = {0};
	struct condition *again = NULL;
	/* The kernel escapes what cairn does not, and nests a parenthesis deeper: may be refused.
	 */
	if (condition_print_kernel(c, &kernel, NULL) == 0 &&
	    !memchr(kernel.data, '\\', kernel.bytes) &&
	    condition_create(&again, kernel.data, "event", fields, FIELDS, NULL) == 0 &&
	    holds(again) != holds(c))
		abort();
	condition_destroy(again);
	text_deinit(&kernel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1);
	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = 0;
	struct condition *c = NULL;
	struct err e = {0};
	int code = condition_create(&c, text, "event", fields, FIELDS, &e);
	if (code == 0) {
		if (!prog_check(condition_prog(c), NULL))
			abort();
		run_again(c);
	} else if (!e.text[0]) {
		abort();
	}
	condition_destroy(c);
	free(text);
	return 0;
}
