/* SPDX-License-Identifier: MIT */
#include "view/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Two digits at least, and no digit that is only noise. */
static struct unit scaled(double value, const char *unit)
{
	struct unit u;
	snprintf(u.text, sizeof(u.text), "%.*f %s", value < 9.95 ? 1 : 0, value, unit);
	return u;
}

struct unit unit_ns(uint64_t ns)
{
	struct unit u;
	double value = (double)ns;
	if (ns == 0)
		return (struct unit){"0"};
	if (value < 999.5)
		snprintf(u.text, sizeof(u.text), "%" PRIu64 " ns", ns);
	else if (value < 999.5e3)
		return scaled(value / 1e3, "µs");
	else if (value < 999.5e6)
		return scaled(value / 1e6, "ms");
	else
		snprintf(u.text, sizeof(u.text), "%.*f s", value < 99.995e9 ? 2 : 0, value / 1e9);
	return u;
}

struct unit unit_count(uint64_t count)
{
	struct unit u;
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *to = u.text;
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return u;
}

struct unit unit_bytes(uint64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	struct unit u;
	if (bytes < 1024) {
		snprintf(u.text, sizeof(u.text), "%" PRIu64 " B", bytes);
		return u;
	}
	double value = (double)bytes / 1024;
	unsigned unit = 0;
	for (; value >= 1023.5; unit++)
		value /= 1024;
	return scaled(value, units[unit]);
}

struct unit unit_share(uint64_t part, uint64_t whole)
{
	struct unit u = {""};
	if (!whole)
		return u;
	double percent = 100.0 * (double)part / (double)whole;
	if (part && percent < 0.05)
		strcpy(u.text, "<0.1 %");
	else if (part == 0)
		strcpy(u.text, "0 %");
	else if (part < whole && percent > 99.5)
		strcpy(u.text, "99 %"); /* all is only said of all */
	else
		snprintf(u.text, sizeof(u.text), "%.*f %%", percent < 9.95 ? 1 : 0, percent);
	return u;
}
