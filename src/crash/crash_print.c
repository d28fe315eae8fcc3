/* SPDX-License-Identifier: MIT */
#include "crash/crash_print.h"

#include <stddef.h>
#include <unistd.h>

/* One thread at a time prints: the handler sees to that. */
static char buffer[1024];
static size_t used;

void crash_flush(void)
{
	size_t done = 0;
	while (done < used) {
		ssize_t wrote = write(STDERR_FILENO, buffer + done, used - done);
		if (wrote <= 0)
			break;
		done += (size_t)wrote;
	}
	used = 0;
}

static void put_byte(char c)
{
	if (used == sizeof(buffer))
		crash_flush();
	buffer[used++] = c;
}

void crash_put_text(const char *text)
{
	while (*text)
		put_byte(*text++);
}

static void put_digits(uint64_t value, unsigned base)
{
	char digits[20];
	unsigned count = 0;
	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		put_byte(digits[--count]);
}

void crash_put_number(uint64_t value)
{
	put_digits(value, 10);
}

void crash_put_hex(uint64_t value)
{
	crash_put_text("0x");
	put_digits(value, 16);
}
