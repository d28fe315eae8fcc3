/* SPDX-License-Identifier: MIT */
#include "util/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *format, ...)
{
	if (e) {
		va_list args;
		va_start(args, format);
		e->code = code;
		vsnprintf(e->text, sizeof(e->text), format, args);
		va_end(args);
	}
	return -code;
}

int err_errno(struct err *e, const char *format, ...)
{
	int code = errno;
	if (e) {
		va_list args;
		va_start(args, format);
		e->code = code;
		int n = vsnprintf(e->text, sizeof(e->text), format, args);
		va_end(args);
		if (n >= 0 && (size_t)n < sizeof(e->text))
			snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", strerror(code));
	}
	return -code;
}

int err_add(struct err *e, const char *format, ...)
{
	if (!e)
		return -EIO;
	char cause[sizeof(e->text)];
	memcpy(cause, e->text, sizeof(cause));
	va_list args;
	va_start(args, format);
	int n = vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %.*s",
			 (int)(sizeof(e->text) - (size_t)n - 3), cause);
	return -e->code;
}
