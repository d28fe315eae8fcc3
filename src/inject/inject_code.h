/* SPDX-License-Identifier: MIT */
/*
 * A file's code, read for probes to be put into: what patch_code_create() asks for, from an ELF
 * file's segments and its .eh_frame. Code without .eh_frame is not patched.
 */
#ifndef CAIRN_INJECT_INJECT_CODE_H
#define CAIRN_INJECT_INJECT_CODE_H

#include "lineinfo/unwind_cfi.h"
#include "patch/patch_plan.h"

struct inject_code {
	struct patch_code *code;
	struct patch_image image;
	struct cfi cfi;
	uint64_t text_offset; /* of the text in the file */
};

/* Reads the file behind a descriptor, which the caller keeps; `name` is for sentences. */
int inject_code_open(int fd, const char *name, struct inject_code **ret, struct err *e);
void inject_code_close(struct inject_code *c);

/*
 * Whether calls come to the function that the entry describes: the return address is on top of the
 * stack there. Otherwise it is the part of one that is seldom run.
 */
bool inject_code_is_called(struct inject_code *c, const struct cfi_entry *entry);

#endif
