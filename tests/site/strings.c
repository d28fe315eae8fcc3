/* SPDX-License-Identifier: MIT */
/* Strings of every length up to 300, each ending where its memory does, at a page's end too. */
#include <cairn/marker.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || mprotect(pages + 4096, 4096, PROT_NONE))
		return 2;
	for (int bytes = 0; bytes <= 300; bytes++) {
		char *heap = malloc((size_t)bytes + 1), *edge = pages + 4096 - bytes - 1;
		for (int i = 0; i < bytes; i++)
			heap[i] = (char)('a' + (i + bytes) % 26);
		heap[bytes] = 0;
		memcpy(edge, heap, (size_t)bytes + 1);
		CAIRN_MARK(strings, both, CAIRN_INT(bytes, (char)bytes), CAIRN_TEXT(heap, heap),
			   CAIRN_TEXT(edge, edge), CAIRN_INT(behind, bytes));
		free(heap);
	}
	CAIRN_MARK(strings, cut,
		   CAIRN_TEXT(utf8, "äääääääääääääääääääääääääääääääääääääääääääääääääää"
				    "äääääääääääääääääääääääääääääääääääääääääääääääääää"
				    "ääääääääääääääääääääääääääääääääääääääääääääääääää"
				    "xääääääääää"));
	return 0;
}
