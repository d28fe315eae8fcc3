/* SPDX-License-Identifier: MIT */
/*
 * A growing array of any type: `ARRAY(struct thread) threads = {0};`
 *
 * array_push() and array_add() return 0 or -ENOMEM; the array stays as it was on failure.
 * Pointers into the items hold until the next push.
 */
#ifndef CAIRN_UTIL_ARRAY_H
#define CAIRN_UTIL_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define ARRAY(type)                                                                                \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t count;                                                                      \
		size_t capacity;                                                                   \
	}

int array_grow(void **items, size_t *capacity, size_t count, size_t item_bytes);

#define array_reserve(a, n)                                                                        \
	((n) <= (a)->capacity                                                                      \
		 ? 0                                                                               \
		 : array_grow((void **)&(a)->items, &(a)->capacity, (n), sizeof(*(a)->items)))

#define array_push(a, ...)                                                                         \
	(array_reserve((a), (a)->count + 1)                                                        \
		 ? -ENOMEM                                                                         \
		 : ((void)((a)->items[(a)->count++] = (__VA_ARGS__)), 0))

/* One more item, zeroed; its address, or NULL without memory. */
#define array_add(a)                                                                               \
	(array_reserve((a), (a)->count + 1)                                                        \
		 ? NULL                                                                            \
		 : (__typeof__((a)->items))memset(&(a)->items[(a)->count++], 0,                    \
						  sizeof(*(a)->items)))

#define array_free(a) (free((a)->items), (a)->items = NULL, (a)->count = (a)->capacity = 0)

/*
 * Of items sorted by a member, how many have less than `value` there: where the first other one
 * is. array_count_to() counts those that have it too.
 */
#define array_count_below(a, member, value) array_count_(a, member, <, value)
#define array_count_to(a, member, value)    array_count_(a, member, <=, value)

#define array_count_(a, member, is, value)                                                         \
	({                                                                                         \
		size_t low_ = 0, high_ = (a)->count;                                               \
		while (low_ < high_) {                                                             \
			size_t middle_ = low_ + (high_ - low_) / 2;                                \
			if ((a)->items[middle_].member is(value))                                  \
				low_ = middle_ + 1;                                                \
			else                                                                       \
				high_ = middle_;                                                   \
		}                                                                                  \
		low_;                                                                              \
	})

#define array_each(item, a)                                                                        \
	for (__typeof__(*(a)->items) *item = (a)->items; item && item < (a)->items + (a)->count;   \
	     item++)

#endif
