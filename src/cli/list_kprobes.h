/* SPDX-License-Identifier: MIT */
#ifndef CAIRN_CLI_LIST_KPROBES_H
#define CAIRN_CLI_LIST_KPROBES_H

#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

#include <stdbool.h>

/* Whether the word asks for functions of the kernel: "kprobe:GLOB", kretprobe, fentry, fexit. */
bool list_kprobes_asked(const char *word);

/* Them, with their parameters as BTF has them; to `json` where it is not NULL, else to `out`. */
int list_kprobes(struct text *out, struct json *json, const char *word, struct err *e);

#endif
