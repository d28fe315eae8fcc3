/* SPDX-License-Identifier: MIT */
/* A BPF object that is part of this program: opening it, and its global variables by name. */
#ifndef CAIRN_BPF_BPF_EMBED_H
#define CAIRN_BPF_BPF_EMBED_H

#include "util/err.h"

#include <bpf/libbpf.h>
#include <stddef.h>

/* libbpf's own words of the last failure are kept for the sentence. */
int bpf_embed_open(struct bpf_object **ret, const void *bytes, size_t size, const char *name,
		   struct err *e);
int bpf_embed_load(struct bpf_object *object, struct err *e);

/*
 * The variable's bytes, shared with the loaded programs. A `const volatile` one must be written
 * before loading. NULL when there is no variable of that name with at least `bytes` bytes.
 */
void *bpf_embed_variable(struct bpf_object *object, const char *name, size_t bytes);

#endif
