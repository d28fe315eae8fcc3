/* SPDX-License-Identifier: MIT */
#include "ring/ring_abi.h"
#include "util/test.h"

static void a_word_gives_its_whole_time_back(void **state)
{
	(void)state;
	const uint64_t wrap = (uint64_t)1 << 48;
	const uint64_t times[] = {0, 1, wrap - 1, wrap, 3 * wrap + 5, 4000 * wrap - 2};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		uint64_t word = RING_EVENT_WORD(7, times[i]);
		assert_int_equal((uint16_t)word, 7);
		for (uint64_t before = 0; before <= times[i] && before < wrap;
		     before = before * 2 + 1)
			assert_int_equal(RING_EVENT_TIME(word, times[i] - before), times[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_gives_its_whole_time_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
