/* SPDX-License-Identifier: MIT */
#include "util/array.h"

#include <stdint.h>

int array_grow(void **items, size_t *capacity, size_t count, size_t item_bytes)
{
	size_t wanted = *capacity ? *capacity : 8;
	while (wanted < count) {
		if (wanted > SIZE_MAX / 2)
			return -ENOMEM;
		wanted *= 2;
	}
	if (wanted > SIZE_MAX / item_bytes)
		return -ENOMEM;
	void *grown = realloc(*items, wanted * item_bytes);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*capacity = wanted;
	return 0;
}
