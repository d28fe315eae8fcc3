/* SPDX-License-Identifier: MIT */
#include "probe_work.h"

#define WORK __attribute__((section("work"), noinline, noclone)) static uint64_t

/* Eight shapes: straight, loops, branches, a table of jumps, calls, recursion, floats, memory. */
#define SHAPES(n)                                                                                  \
	WORK straight_##n(uint64_t x)                                                              \
	{                                                                                          \
		x ^= x >> 7;                                                                       \
		x *= 0x9e3779b97f4a7c15ull + n;                                                    \
		return x ^ (x >> 29) ^ n;                                                          \
	}                                                                                          \
	WORK loop_##n(uint64_t x)                                                                  \
	{                                                                                          \
		uint64_t sum = n;                                                                  \
		for (uint64_t k = 0; k < 5 + (x & 7); k++)                                         \
			sum = sum * 31 + (x >> k);                                                 \
		return sum;                                                                        \
	}                                                                                          \
	WORK branch_##n(uint64_t x)                                                                \
	{                                                                                          \
		if (x % 3 == 0)                                                                    \
			return x / 3 + n;                                                          \
		if (x & 8)                                                                         \
			return ~x * n;                                                             \
		return x > 1000 ? x - 1000 : x + n;                                                \
	}                                                                                          \
	WORK table_##n(uint64_t x)                                                                 \
	{                                                                                          \
		switch (x % 7) {                                                                   \
		case 0:                                                                            \
			return straight_##n(x) + 1;                                                \
		case 1:                                                                            \
			return x << 3;                                                             \
		case 2:                                                                            \
			return branch_##n(x) ^ 5;                                                  \
		case 3:                                                                            \
			return x * x;                                                              \
		case 4:                                                                            \
			return loop_##n(x) - 2;                                                    \
		case 5:                                                                            \
			return x % 97;                                                             \
		default:                                                                           \
			return x + n;                                                              \
		}                                                                                  \
	}                                                                                          \
	WORK calls_##n(uint64_t x)                                                                 \
	{                                                                                          \
		uint64_t a = table_##n(x), b = loop_##n(x + 1), c = branch_##n(a ^ b);             \
		return work_functions[(a + n) % 8](b) + c;                                         \
	}                                                                                          \
	WORK again_##n(uint64_t x)                                                                 \
	{                                                                                          \
		return x < 3 ? x + n : again_##n(x % 600 / 3) + again_##n(x % 500 / 5) * n;        \
	}                                                                                          \
	WORK float_##n(uint64_t x)                                                                 \
	{                                                                                          \
		double a = (double)(x & 0xffff), b = 1.5 * n;                                      \
		for (int k = 0; k < 4; k++)                                                        \
			b = b * 0.5 + a / (b + 3);                                                 \
		return (uint64_t)(b * 1000);                                                       \
	}                                                                                          \
	WORK memory_##n(uint64_t x)                                                                \
	{                                                                                          \
		uint8_t bytes[24];                                                                 \
		for (unsigned k = 0; k < sizeof(bytes); k++)                                       \
			bytes[k] = (uint8_t)(x >> (k & 7) * 8) + (uint8_t)k;                       \
		uint64_t sum = n;                                                                  \
		for (unsigned k = 0; k < sizeof(bytes); k++)                                       \
			sum = sum * 257 + bytes[sizeof(bytes) - 1 - k];                            \
		return sum;                                                                        \
	}

/* clang-format off */
#define NAMES(n) straight_##n, loop_##n, branch_##n, memory_##n, float_##n, again_##n, table_##n, \
	calls_##n

SHAPES(1) SHAPES(2) SHAPES(3) SHAPES(4) SHAPES(5) SHAPES(6)
SHAPES(7) SHAPES(8) SHAPES(9) SHAPES(10) SHAPES(11) SHAPES(12)

uint64_t (*const work_functions[WORK_FUNCTIONS])(uint64_t) = {
	NAMES(1), NAMES(2), NAMES(3), NAMES(4), NAMES(5), NAMES(6),
	NAMES(7), NAMES(8), NAMES(9), NAMES(10), NAMES(11), NAMES(12),
};
/* clang-format on */

uint64_t work_all(uint64_t number)
{
	uint64_t sum = number;
	for (unsigned k = 0; k < WORK_FUNCTIONS; k++)
		sum = sum * 3 + work_functions[k](sum ^ (number + k));
	return sum;
}
