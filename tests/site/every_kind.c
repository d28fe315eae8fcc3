/* SPDX-License-Identifier: MIT */
/* Every kind of field, in C that is also C++: tests/test_site.py compiles it in all dialects. */
#include <cairn/marker.h>
#include <stdint.h>
enum mood { CALM, LOUD };
int costly(int a) __attribute__((noinline));
int every_kind(int a, uint64_t b, const char *text, double d, enum mood mood, const short *list);
int every_kind(int a, uint64_t b, const char *text, double d, enum mood mood, const short *list)
{
	CAIRN_MARK(site, none);
	CAIRN_MARK(site, two, CAIRN_INT(first, costly(a)), CAIRN_INT(second, b));
	CAIRN_MARK_LEVEL(3, site, all, CAIRN_INT(i, a), CAIRN_HEX(h, b), CAIRN_TEXT(text, text),
			 CAIRN_REAL(d, d), CAIRN_REAL(f, (float)d), CAIRN_BOOL(yes, a > 3),
			 CAIRN_ENUM(mood, mood, "calm=0,loud=1"), CAIRN_PTR(p, text),
			 CAIRN_BYTES(raw, text, 3), CAIRN_ARRAY(list, list, 2),
			 CAIRN_INT(small, (unsigned char)a), CAIRN_INT(c, text[0]));
	return a;
}

int costly(int a)
{
	return a * 7;
}

int main(void)
{
	short list[2] = {-1, 2};
	return every_kind(0, 5, "five", 1.5, LOUD, list);
}
