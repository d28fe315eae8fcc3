/* SPDX-License-Identifier: MIT */
/* Where things are in the payload, for the tool: counted from its first byte, which is here. */
#include "payload/payload.blob.h"

#define ENTRY(function) "	.long " #function " - payload_head\n"

/* clang-format off */
__asm__("	.pushsection .head, \"a\"\n"
	"payload_head:\n"
	"	.long 0x31706c64\n"
	"	.long payload_sequences - payload_head\n"
	"	.long payload_sequences_end - payload_head\n"
	/* The order of enum prog_helper. */
	ENTRY(payload_read)
	ENTRY(payload_text)
	ENTRY(payload_bytes)
	ENTRY(payload_equal)
	ENTRY(payload_match)
	ENTRY(payload_tid)
	ENTRY(payload_count)
	ENTRY(payload_hist)
	ENTRY(payload_enter)
	ENTRY(payload_leave)
	ENTRY(payload_write)
	"	.popsection\n");
/* clang-format on */

_Static_assert(PAYLOAD_MAGIC == 0x31706c64 && PAYLOAD_ENTRIES == 11, "as above");
