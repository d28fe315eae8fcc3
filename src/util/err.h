/* SPDX-License-Identifier: MIT */
/*
 * An error on its way to the person: a code and a finished sentence in the caller's buffer.
 *
 * err_set() starts the sentence where the failure is known; err_add() puts the circumstance in
 * front of it at the borders of a part ("while reading x: …"). Both return the negative code,
 * so that a function can end in `return err_set(e, EINVAL, …);`. Any of them accepts e == NULL.
 */
#ifndef CAIRN_UTIL_ERR_H
#define CAIRN_UTIL_ERR_H

#include <errno.h>

struct err {
	int code; /* positive errno */
	char text[512];
};

int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set() with the current errno, and its text after a colon. */
int err_errno(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

int err_add(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
