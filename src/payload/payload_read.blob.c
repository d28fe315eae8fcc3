/* SPDX-License-Identifier: MIT */
/*
 * Memory that may not be there, and texts.
 *
 * The kernel copies, and stops where the memory does: no handler, no race with who unmaps. Rule R9
 * of src/prog says what becomes of the rest.
 */
#include "base/system_call.h"
#include "payload/payload.blob.h"

#include <linux/uio.h>
#include <sys/syscall.h>

struct payload_pair payload_read(const struct payload_context *c, uint64_t address, uint64_t bytes);
uint64_t payload_text(const struct payload_context *c, char *to, uint64_t address, uint64_t bytes);
uint64_t payload_bytes(const struct payload_context *c, char *to, uint64_t address, uint64_t bytes);
uint64_t payload_equal(const struct payload_context *c, const uint8_t *text, uint64_t bytes,
		       const uint8_t *wanted, uint64_t wanted_bytes);
uint64_t payload_match(const struct payload_context *c, const uint8_t *text, uint64_t bytes,
		       const uint8_t *wanted, uint64_t wanted_bytes);

/* The bytes that were there, 0 and up. */
static uint64_t copy_in(const struct payload_context *c, void *to, uint64_t address, uint64_t bytes)
{
	uint64_t owner = payload_owner(c);
	if (!owner || c->flags & PAYLOAD_NO_SYSTEM_CALLS || !bytes)
		return 0;
	struct iovec here = {.iov_base = to, .iov_len = bytes};
	struct iovec there = {.iov_base = (void *)address, .iov_len = bytes};
	long got = system_call(SYS_process_vm_readv, (long)(owner >> 32), (long)&here, 1,
			       (long)&there, 1, 0);
	return got < 0 ? 0 : (uint64_t)got;
}

static void clear(char *from, const char *end)
{
	while (from < end)
		*from++ = 0;
}

struct payload_pair payload_read(const struct payload_context *c, uint64_t address, uint64_t bytes)
{
	struct payload_pair p = {0, 0};
	if (copy_in(c, &p.value, address, bytes) < bytes)
		p = (struct payload_pair){0, 1};
	return p;
}

uint64_t payload_bytes(const struct payload_context *c, char *to, uint64_t address, uint64_t bytes)
{
	uint64_t got = copy_in(c, to, address, bytes);
	clear(to + got, to + bytes);
	return got < bytes;
}

uint64_t payload_text(const struct payload_context *c, char *to, uint64_t address, uint64_t bytes)
{
	uint64_t most = bytes - 1, got = copy_in(c, to, address, most), end = 0;
	while (end < got && to[end])
		end++;
	clear(to + end, to + bytes);
	return end == got && got < most;
}

static uint64_t length(const uint8_t *text, uint64_t most)
{
	uint64_t end = 0;
	while (end < most && text[end])
		end++;
	return end;
}

uint64_t payload_equal(const struct payload_context *c, const uint8_t *text, uint64_t bytes,
		       const uint8_t *wanted, uint64_t wanted_bytes)
{
	(void)c;
	if (length(text, bytes) != wanted_bytes)
		return 0;
	for (uint64_t i = 0; i < wanted_bytes; i++) {
		if (text[i] != wanted[i])
			return 0;
	}
	return 1;
}

uint64_t payload_match(const struct payload_context *c, const uint8_t *text, uint64_t bytes,
		       const uint8_t *wanted, uint64_t wanted_bytes)
{
	(void)c;
	return prog_glob(wanted, wanted_bytes, text, length(text, bytes));
}
