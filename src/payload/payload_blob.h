/* SPDX-License-Identifier: MIT */
/* The payload as the tool has it: bytes to be mapped somewhere. */
#ifndef CAIRN_PAYLOAD_PAYLOAD_BLOB_IN_TOOL_H
#define CAIRN_PAYLOAD_PAYLOAD_BLOB_IN_TOOL_H

#include "payload/payload_abi.h"

size_t payload_blob_bytes(void);

/* The bytes that are to stand at `address`, a multiple of 32; `copy` has room for all. */
void payload_blob_place(void *copy, uint64_t address);

/* Where an entry (enum prog_helper, PAYLOAD_WRITE) of the payload at `address` is. */
uint64_t payload_blob_entry(unsigned entry, uint64_t address);

/*
 * The context for a process that has the rings at `rings`. `checked` is their first page, that
 * ring_share_check() was content with. The thread's distances and flags are the caller's to fill
 * in. False when the rings' times are not ticks.
 */
bool payload_context_init(struct payload_context *c, uint64_t rings,
			  const struct ring_share *checked, uint64_t process);

#endif
