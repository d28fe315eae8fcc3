/* SPDX-License-Identifier: MIT */
/* Patterns of texts; also runs in somebody else's process. */
#include "prog/prog.h"

bool prog_glob(const uint8_t *pattern, size_t pattern_bytes, const uint8_t *text, size_t text_bytes)
{
	size_t p = 0, t = 0;
	size_t star = pattern_bytes, resume = 0; /* the last '*', and the text it gives back to */
	while (t < text_bytes) {
		if (p < pattern_bytes && pattern[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern_bytes && (pattern[p] == '?' || pattern[p] == text[t])) {
			p++;
			t++;
		} else if (star < pattern_bytes) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern_bytes && pattern[p] == '*')
		p++;
	return p == pattern_bytes;
}
