/* SPDX-License-Identifier: MIT */
/* What one pass over a file's code finds out: a mark a byte. */
#ifndef CAIRN_PATCH_PATCH_CODE_H
#define CAIRN_PATCH_PATCH_CODE_H

#include "patch/patch_plan.h"
#include "util/array.h"

enum {
	PATCH_IS_KNOWN = 1,     /* in a function that decodes */
	PATCH_IS_BOUNDARY = 2,  /* an instruction starts here */
	PATCH_IS_TARGET = 4,    /* a branch may lead here */
	PATCH_IS_PADDING = 8,   /* between functions, all of it nops and traps */
	PATCH_IS_SEQUENCE = 16, /* of a restartable one */
};

struct patch_code {
	struct patch_image image;
	uint8_t *marks;
};

/* Sets the marks; -ENOMEM. */
int patch_sweep(struct patch_code *c);

/* The function around an address, or NULL. */
const struct patch_range *patch_code_function(const struct patch_code *c, uint64_t address);

static inline bool patch_code_has(const struct patch_code *c, uint64_t address)
{
	return address - c->image.text.address < c->image.text.bytes;
}

static inline uint8_t *patch_code_mark(const struct patch_code *c, uint64_t address)
{
	return &c->marks[address - c->image.text.address];
}

static inline const uint8_t *patch_code_at(const struct patch_code *c, uint64_t address)
{
	return c->image.text.data + (address - c->image.text.address);
}

#endif
