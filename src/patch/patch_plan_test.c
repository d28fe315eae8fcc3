/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "patch/patch_plan.h"

#include <string.h>

enum { BASE = 0x1000, DATA = 0x8000 };

/* A file of one function, and some data. */
static struct patch_plan plan(const char *code, size_t bytes, size_t function_bytes, uint64_t site,
			      const void *data, size_t data_bytes, bool is_fixed)
{
	struct patch_range function = {BASE, BASE + function_bytes};
	struct patch_bytes words = {data, DATA, data_bytes};
	struct patch_image image = {
		.text = {(const uint8_t *)code, BASE, bytes},
		.functions = &function,
		.function_count = 1,
		.data = &words,
		.data_count = 1,
		.is_fixed = is_fixed,
	};
	struct patch_code *c;
	struct patch_plan ret;
	struct err e;
	if (patch_code_create(&image, &c, &e))
		fail_msg("%s", e.text);
	patch_plan_site(c, BASE + site, &ret);
	patch_code_destroy(c);
	return ret;
}

#define PLAN(code, site) plan(code, sizeof(code) - 1, sizeof(code) - 1, site, NULL, 0, false)

static void whole_instructions_take_a_jump(void **state)
{
	(void)state;
	struct patch_plan p = PLAN("\x55\x48\x89\xe5\x53\x90\xc3", 0);
	assert_int_equal(p.way, PATCH_JUMP);
	assert_int_equal(p.run.bytes, 5);
	assert_int_equal(p.run.count, 3);
}

static void a_branch_inside_forbids_it(void **state)
{
	(void)state;
	/* push; mov; <loop head at 4> dec; jne to it */
	struct patch_plan p = PLAN("\x55\x48\x89\xe5\xff\xc9\x75\xfc\x90\xc3", 0);
	assert_int_equal(p.reason, PATCH_BRANCH_INSIDE);
	assert_int_not_equal(p.way, PATCH_JUMP);
	/* the same code with the branch to the run's own start */
	p = PLAN("\x55\x48\x89\xe5\xff\xc9\x75\xf8\x90\xc3", 0);
	assert_int_equal(p.way, PATCH_JUMP);
}

static void a_word_of_data_is_a_branch(void **state)
{
	(void)state;
	static const char code[] = "\x55\x48\x89\xe5\x53\x90\xc3";
	uint64_t words[] = {0, BASE + 4}, beside[] = {0, BASE + 5};
	struct patch_plan p = plan(code, 7, 7, 0, words, sizeof(words), false);
	assert_int_equal(p.reason, PATCH_BRANCH_INSIDE);
	p = plan(code, 7, 7, 0, beside, sizeof(beside), false);
	assert_int_equal(p.way, PATCH_JUMP);
}

static void a_table_of_offsets_is_of_branches(void **state)
{
	(void)state;
	/* lea table(%rip),%rdx; push; mov; push; nop; ret */
	static const char code[] = "\x48\x8d\x15\xf9\x6f\x00\x00\x55\x48\x89\xe5\x53\x90\xc3";
	int32_t inside[] = {BASE + 7 - DATA, BASE + 8 - DATA};
	int32_t ended[] = {BASE + 7 - DATA, 1, BASE + 8 - DATA};
	struct patch_plan p = plan(code, 14, 14, 7, inside, sizeof(inside), false);
	assert_int_equal(p.reason, PATCH_BRANCH_INSIDE);
	p = plan(code, 14, 14, 7, ended, sizeof(ended), false);
	assert_int_equal(p.way, PATCH_JUMP);
}

static void a_number_is_an_address_where_the_file_is_fixed(void **state)
{
	(void)state;
	/* mov $0x1006,%edi; push; mov; push; ret */
	static const char code[] = "\xbf\x06\x10\x00\x00\x55\x48\x89\xe5\x53\xc3";
	assert_int_equal(plan(code, 11, 11, 5, NULL, 0, true).reason, PATCH_BRANCH_INSIDE);
	assert_int_equal(plan(code, 11, 11, 5, NULL, 0, false).way, PATCH_JUMP);
}

static void computed_jumps_close_their_function(void **state)
{
	(void)state;
	/* lea 1 behind itself; add; jmp *%rax; then what looks like a site */
	static const char code[] = "\x48\x8d\x05\x05\x00\x00\x00\x48\x01\xc8\xff\xe0"
				   "\x55\x48\x89\xe5\x53\x90\xc3";
	assert_int_equal(PLAN(code, 12).reason, PATCH_BRANCH_INSIDE);
}

static void a_jump_stays_in_its_function_and_padding(void **state)
{
	(void)state;
	static const char code[] = "\x90\x31\xc0\xc3\x0f\x1f\x00\xc3";
	assert_int_equal(plan(code, 7, 4, 1, NULL, 0, false).way, PATCH_JUMP);
	struct patch_plan p = plan(code, 8, 8, 3, NULL, 0, false); /* a second return behind */
	assert_int_equal(p.reason, PATCH_NOT_MOVABLE);
	p = plan("\x90\x31\xc0\xc3", 4, 4, 1, NULL, 0, false);
	assert_int_equal(p.way, PATCH_UPROBE);
	assert_int_equal(p.reason, PATCH_NOT_MOVABLE);
}

static void a_punned_jump_says_its_window(void **state)
{
	(void)state;
	/* push; mov; <loop head at 4>: the four bytes before it leave three to choose */
	static const char code[] = "\x55\x48\x89\xe5\x74\xc9\x75\xfc\x90\xc3";
	struct patch_plan p = PLAN(code, 0);
	assert_int_equal(p.way, PATCH_PUNNED);
	assert_int_equal(p.run.bytes, 4);
	assert_int_equal(p.run.count, 2);
	assert_true(p.window.start == BASE + 5 + 0x74000000);
	assert_true(p.window.end - p.window.start == 1 << 24);
}

static void what_is_no_place_for_a_probe_is_said(void **state)
{
	(void)state;
	assert_int_equal(PLAN("\x55\x48\x89\xe5\x53\x90\xc3", 2).reason, PATCH_NO_BOUNDARY);
	assert_int_equal(PLAN("\x55\x06\x89\xe5\x53\x90\xc3", 0).reason, PATCH_NO_FUNCTION);
	assert_int_equal(PLAN("\x55\x48\x89\xe5\x53\x90\xc3", 7).reason, PATCH_NO_FUNCTION);
}

static void the_landing_pad_stays_first(void **state)
{
	(void)state;
	static const char code[] = "\xf3\x0f\x1e\xfa\x55\x48\x89\xe5\x53\xc3";
	struct patch_range function = {BASE, BASE + 10};
	struct patch_image image = {.text = {(const uint8_t *)code, BASE, 10},
				    .functions = &function,
				    .function_count = 1};
	struct patch_code *c;
	assert_int_equal(patch_code_create(&image, &c, NULL), 0);
	assert_true(patch_code_entry(c, BASE) == BASE + 4);
	patch_code_destroy(c);
}

static void functions_that_overlap_are_refused(void **state)
{
	(void)state;
	struct patch_range functions[] = {{BASE, BASE + 4}, {BASE + 3, BASE + 6}};
	struct patch_image image = {.text = {(const uint8_t *)"\x90\x90\x90\x90\x90\x90", BASE, 6},
				    .functions = functions,
				    .function_count = 2};
	struct patch_code *c;
	assert_int_equal(patch_code_create(&image, &c, NULL), -EINVAL);
	functions[1] = (struct patch_range){BASE + 4, BASE + 7};
	assert_int_equal(patch_code_create(&image, &c, NULL), -EINVAL);
}

/* Of any image of this code, the reason why there is no jump at `site`. */
static enum patch_reason reason(struct patch_image image, const char *code, size_t bytes,
				uint64_t site)
{
	struct patch_code *c;
	struct patch_plan ret;
	image.text = (struct patch_bytes){(const uint8_t *)code, BASE, bytes};
	assert_int_equal(patch_code_create(&image, &c, NULL), 0);
	patch_plan_site(c, BASE + site, &ret);
	patch_code_destroy(c);
	return ret.reason;
}

#define FUNCTIONS(...)                                                                             \
	.functions = (const struct patch_range[]){__VA_ARGS__},                                    \
	.function_count = sizeof((const struct patch_range[]){__VA_ARGS__}) / 16

static void code_that_does_not_decode_has_branches(void **state)
{
	(void)state;
	/* push; mov; push; nop; ret; then a function with `06`, which no 64-bit code has */
	static const char code[] = "\x55\x48\x89\xe5\x53\x90\xc3\x06\xe9\xf7\xff\xff\xff\xc3";
	struct patch_image image = {FUNCTIONS({BASE, BASE + 7}, {BASE + 7, BASE + 14})};
	assert_int_equal(reason(image, code, 14, 0), PATCH_BRANCH_INSIDE);
	assert_int_equal(reason(image, code, 14, 8), PATCH_NO_FUNCTION);
}

static void code_in_no_function_has_branches(void **state)
{
	(void)state;
	static const char code[] = "\x55\x48\x89\xe5\x53\x90\xc3\xb0\xeb\xf9\xc3";
	struct patch_image image = {FUNCTIONS({BASE, BASE + 7})};
	/* mov $0xeb,%al, or from its second byte on a jump to 3 */
	assert_int_equal(reason(image, code, 11, 0), PATCH_BRANCH_INSIDE);
	assert_int_equal(reason(image, code, 8, 0), PATCH_POSSIBLE);
}

static void data_between_functions_names_code(void **state)
{
	(void)state;
	/* a word of 0x1004 in the gap, where the file has constants among its code */
	static const char code[] = "\x55\x48\x89\xe5\x53\x90\xc3\x00\x04\x10\0\0\0\0\0\0";
	struct patch_image image = {FUNCTIONS({BASE, BASE + 7})};
	assert_int_equal(reason(image, code, 16, 0), PATCH_BRANCH_INSIDE);
	assert_int_equal(reason(image, code, 15, 0), PATCH_POSSIBLE);
}

static void a_table_between_functions_is_of_branches(void **state)
{
	(void)state;
	/* lea table(%rip),%rdx; push; mov; push; nop; ret; table: −12, which is the mov */
	static const char code[] = "\x48\x8d\x15\x0d\0\0\0\x55\x48\x89\xe5\x53\x90\xc3"
				   "\0\0\0\0\0\0\xf4\xff\xff\xff\x01\0";
	struct patch_image image = {FUNCTIONS({BASE, BASE + 14})};
	assert_int_equal(reason(image, code, 26, 7), PATCH_BRANCH_INSIDE);
}

static void landing_pads_are_branches(void **state)
{
	(void)state;
	static const char code[] = "\x55\x48\x89\xe5\x53\x90\xc3";
	uint64_t pad = BASE + 4;
	struct patch_image image = {FUNCTIONS({BASE, BASE + 7})};
	assert_int_equal(reason(image, code, 7, 0), PATCH_POSSIBLE);
	image.targets = &pad;
	image.target_count = 1;
	assert_int_equal(reason(image, code, 7, 0), PATCH_BRANCH_INSIDE);
}

static void restartable_sequences_are_left_alone(void **state)
{
	(void)state;
	static const char code[] = "\x55\x48\x89\xe5\x53\x90\x31\xc0\x31\xc9\x90\xc3";
	struct patch_range sequence = {BASE + 4, BASE + 6};
	struct patch_image image = {FUNCTIONS({BASE, BASE + 12})};
	assert_int_equal(reason(image, code, 12, 0), PATCH_POSSIBLE);
	image.sequences = &sequence;
	image.sequence_count = 1;
	assert_int_equal(reason(image, code, 12, 0), PATCH_IN_SEQUENCE);
	assert_int_equal(reason(image, code, 12, 4), PATCH_IN_SEQUENCE);
	assert_int_equal(reason(image, code, 12, 6), PATCH_POSSIBLE);
}

static void a_gap_with_code_in_it_is_no_padding(void **state)
{
	(void)state;
	/* ret; four nops; and what only looks like more of them: somebody's function */
	static const char code[] = "\xc3\x90\x90\x90\x90\x90\x31\xc0\xc3";
	struct patch_image image = {FUNCTIONS({BASE, BASE + 1})};
	assert_int_equal(reason(image, code, 6, 0), PATCH_POSSIBLE);
	assert_int_equal(reason(image, code, 9, 0), PATCH_NOT_MOVABLE);
}

static void padding_that_something_names_is_none(void **state)
{
	(void)state;
	static const char code[] = "\xc3\xcc\xcc\xcc\xcc\xcc";
	uint64_t word = BASE + 3;
	struct patch_bytes data = {(const uint8_t *)&word, DATA, 8};
	struct patch_image image = {FUNCTIONS({BASE, BASE + 1})};
	assert_int_equal(reason(image, code, 6, 0), PATCH_POSSIBLE);
	image.data = &data;
	image.data_count = 1;
	assert_int_equal(reason(image, code, 6, 0), PATCH_BRANCH_INSIDE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_instructions_take_a_jump),
		cmocka_unit_test(a_branch_inside_forbids_it),
		cmocka_unit_test(a_word_of_data_is_a_branch),
		cmocka_unit_test(a_table_of_offsets_is_of_branches),
		cmocka_unit_test(a_number_is_an_address_where_the_file_is_fixed),
		cmocka_unit_test(computed_jumps_close_their_function),
		cmocka_unit_test(a_jump_stays_in_its_function_and_padding),
		cmocka_unit_test(a_punned_jump_says_its_window),
		cmocka_unit_test(what_is_no_place_for_a_probe_is_said),
		cmocka_unit_test(the_landing_pad_stays_first),
		cmocka_unit_test(functions_that_overlap_are_refused),
		cmocka_unit_test(code_that_does_not_decode_has_branches),
		cmocka_unit_test(code_in_no_function_has_branches),
		cmocka_unit_test(data_between_functions_names_code),
		cmocka_unit_test(a_table_between_functions_is_of_branches),
		cmocka_unit_test(landing_pads_are_branches),
		cmocka_unit_test(restartable_sequences_are_left_alone),
		cmocka_unit_test(a_gap_with_code_in_it_is_no_padding),
		cmocka_unit_test(padding_that_something_names_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
