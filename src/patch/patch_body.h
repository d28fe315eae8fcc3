/* SPDX-License-Identifier: MIT */
/*
 * The body of a trampoline: what a probe does each time a thread comes by. It ends where it falls
 * through, with the thread's state as it was: what follows is the moved run.
 *
 * B1  The thread's stack is used below its red zone, by `stack_bytes` in all, the red zone and the
 *     payload's share included.
 * B2  Every register and every status flag is as before, the direction flag and vector registers
 *     were never touched. What is saved is what is changed: only who records, or calls a helper,
 *     saves all that functions may change.
 * B3  The code's length does not depend on where it stands.
 *
 *	rsp → 0	    flags (2 bytes), fault mark (4 bytes at 4)
 *	      8	    saved registers
 *	            values of the program
 *	            its output, the record
 *	            red zone (128 bytes)
 *	            the stack as the thread has it
 */
#ifndef CAIRN_PATCH_PATCH_BODY_H
#define CAIRN_PATCH_PATCH_BODY_H

#include "payload/payload_abi.h"
#include "util/err.h"

enum {
	PATCH_BODY_BYTES_MAX = 1 << 15, /* of code */
	PATCH_BODY_RECORD_MAX = 1024,   /* bytes: records stand on the thread's stack */
};

struct patch_body {
	const struct prog *prog;          /* checked */
	struct prog_native_target target; /* the payload's helpers and context, cells, distances */
	uint64_t write;                   /* the payload's entry PAYLOAD_WRITE */
	uint64_t site;                    /* the address of the place */
	uint16_t event_id;
	uint32_t record_bytes; /* 0: nothing is recorded, whatever the result */
};

struct patch_body_size {
	uint32_t code_bytes;
	uint32_t stack_bytes; /* B1 */
};

/* Appends the body. `size_ret` may be NULL. */
int patch_body_emit(const struct patch_body *b, struct emit *out, struct patch_body_size *size_ret,
		    struct err *e);

#endif
