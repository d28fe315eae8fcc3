/* SPDX-License-Identifier: MIT */
/* Notes of a program that may be anything: read, hashed, matched with a pattern. */
#include "marker/marker_note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct marker_elf_note note;
	struct marker_note marker;
	while (cursor_left(&c) && marker_elf_note_next(&c, &note)) {
		if (!marker_note_parse(&marker, note.description, note.bytes))
			continue;
		if (!marker_note_hash(&marker))
			__builtin_trap();
		marker_note_wanted(&marker, "\3!s?o*p:*r*\0\377*", 12);
		marker_note_wanted(&marker, (const char *)data, size);
	}
	return 0;
}
