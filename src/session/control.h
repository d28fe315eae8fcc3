/* SPDX-License-Identifier: MIT */
/*
 * How `cairn snapshot` reaches a running recorder: a Unix socket named after the recorder's pid,
 * in a directory only its user can enter. One request a connection, one answer.
 */
#ifndef CAIRN_SESSION_CONTROL_H
#define CAIRN_SESSION_CONTROL_H

#include "util/err.h"
#include "util/text.h"

#include <stddef.h>
#include <sys/types.h>

struct control {
	int fd; /* readable when somebody asks; −1 without one */
	char path[108];
};

/* Makes the directory if need be. */
int control_directory(char ret[80], struct err *e);

int control_open(struct control *ret, struct err *e);
void control_close(struct control *c);

/*
 * One waiting request: 1, with its text in `request` (NUL-terminated) and the asker in `*ret`;
 * 0 when nobody waits. Every asker taken must be answered.
 */
int control_next(struct control *c, int *asker_ret, char *request, size_t bytes);

/* `status` 0 or a negative code; `text` the path or the sentence. */
void control_answer(int asker, int status, const char *text);

/* The pid of the one recorder of this user; an error names them when there are more. */
int control_find(pid_t *ret, struct err *e);

/* Asks and waits for the answer; its text is appended to `answer`. */
int control_ask(pid_t recorder, const char *request, struct text *answer, struct err *e);

#endif
