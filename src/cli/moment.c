/* SPDX-License-Identifier: MIT */
#include "cli/moment.h"

#include "ctf/ctf_read.h"
#include "util/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "12.345678901" without rounding. */
static bool parse_seconds(const char *text, uint64_t *ret)
{
	char *end;
	unsigned long long seconds = strtoull(text, &end, 10);
	if (end == text || *text == '-' || *end != '.' || seconds >= UINT64_MAX / 1000000000 - 1)
		return false;
	if (strspn(end + 1, "0123456789") != strlen(end + 1) || strlen(end + 1) > 9)
		return false;
	char digits[] = "000000000";
	memcpy(digits, end + 1, strlen(end + 1));
	*ret = seconds * 1000000000 + strtoull(digits, NULL, 10);
	return true;
}

int moment_parse(const char *text, uint64_t begin_ns, uint64_t *ret)
{
	bool relative = moment_is_relative(text);
	unsigned long long ns;
	uint64_t value;
	if (parse_seconds(text + relative, &value))
		ns = value;
	else if (text_parse_duration(text + relative, &ns))
		return -EINVAL;
	*ret = relative ? begin_ns + ns : ns;
	return 0;
}

uint64_t moment_trace_begin(const struct source *trace)
{
	uint64_t begin_ns = UINT64_MAX;
	for (size_t i = 0; i < ctf_origin_count(trace); i++) {
		const struct ctf_origin *origin = ctf_origin_at(trace, i);
		if (origin->begin_ns && origin->begin_ns < begin_ns)
			begin_ns = origin->begin_ns;
	}
	return begin_ns == UINT64_MAX ? 0 : begin_ns;
}
