/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "insn/insn_emit.h"
#include "patch/patch_place.h"
#include "patch/patch_site.h"

#include <string.h>

enum { BASE = 0x1000, BIAS = 0x10000, ROOM = 0x20000 };

/* Places in a file of one function. */
static void plan(const char *code, size_t bytes, bool keeps_calls, struct patch_place *places,
		 size_t count)
{
	struct patch_range function = {BASE, BASE + bytes};
	struct patch_image image = {.text = {(const uint8_t *)code, BASE, bytes},
				    .functions = &function,
				    .function_count = 1};
	struct patch_code *c;
	assert_int_equal(patch_code_create(&image, &c, NULL), 0);
	patch_place_plan(c, keeps_calls, places, count);
	patch_code_destroy(c);
}

#define PLAN(code, keeps, places)                                                                  \
	plan(code, sizeof(code) - 1, keeps, places, sizeof(places) / sizeof(*(places)))

static char letters[] = "abc";

static int emit_letter(void *user, struct emit *out)
{
	emit_bytes(out, user, 1);
	return 0;
}

static int emit_error(void *user, struct emit *out)
{
	(void)user;
	(void)out;
	return -ENOTSUP;
}

static void neighbours_share_a_jump(void **state)
{
	(void)state;
	struct patch_place p[] = {{BASE}, {BASE + 1}, {BASE + 4}, {BASE + 5}};
	/* push; mov; push; nop; ret; padding */
	PLAN("\x55\x48\x89\xe5\x53\x90\xc3\x90\x90\x90\x90", false, p);
	assert_int_equal(p[0].plan.way, PATCH_JUMP);
	assert_int_equal(p[1].plan.way, PATCH_SHARED);
	assert_int_equal(p[2].plan.way, PATCH_SHARED);
	assert_true(p[1].host == 0 && p[1].index == 1 && p[2].host == 0 && p[2].index == 2);
	assert_int_equal(p[3].plan.way, PATCH_JUMP);
	assert_int_equal(patch_place_bytes(&p[0]), 5);
	assert_int_equal(patch_place_bytes(&p[1]), 0);
}

static void the_same_place_twice_is_shared(void **state)
{
	(void)state;
	struct patch_place p[] = {{BASE}, {BASE}};
	PLAN("\x55\x48\x89\xe5\x53\x90\xc3", false, p);
	assert_int_equal(p[1].plan.way, PATCH_SHARED);
	assert_true(p[1].host == 0 && p[1].index == 0);
}

static void a_place_within_an_instruction_of_a_jump_is_none(void **state)
{
	(void)state;
	struct patch_place p[] = {{BASE}, {BASE + 2}};
	PLAN("\x55\x48\x89\xe5\x53\x90\xc3", false, p);
	assert_int_equal(p[0].plan.way, PATCH_JUMP);
	assert_int_equal(p[1].plan.way, PATCH_NOWHERE);
}

static void a_punned_jump_gives_way_to_what_it_reads(void **state)
{
	(void)state;
	/* push; mov; <loop head at 4> je; jne to it */
	static const char code[] = "\x55\x48\x89\xe5\x74\xc9\x75\xfc\x90\xc3";
	struct patch_place alone[] = {{BASE}, {BASE + 1}};
	PLAN(code, false, alone);
	assert_int_equal(alone[0].plan.way, PATCH_PUNNED);
	assert_int_equal(alone[1].plan.way, PATCH_SHARED);
	struct patch_place p[] = {{BASE}, {BASE + 1}, {BASE + 4}};
	PLAN(code, false, p);
	assert_int_equal(p[0].plan.way, PATCH_UPROBE);
	assert_int_equal(p[0].plan.reason, PATCH_NEIGHBOUR);
	assert_int_not_equal(p[1].plan.way, PATCH_SHARED);
}

static void a_shadow_stack_keeps_calls(void **state)
{
	(void)state;
	struct patch_place p[] = {{BASE}};
	static const char code[] = "\xe8\x10\0\0\0\xc3";
	PLAN(code, false, p);
	assert_int_equal(p[0].plan.way, PATCH_JUMP);
	PLAN(code, true, p);
	assert_int_equal(p[0].plan.way, PATCH_UPROBE);
	assert_int_equal(p[0].plan.reason, PATCH_CALL_KEPT);
}

static struct patch_site build(const char *code, size_t bytes, const struct patch_body *bodies,
			       size_t count, uint8_t room[256])
{
	struct patch_place p[] = {{BASE}};
	struct patch_site site;
	struct err e;
	struct emit out = emit_into(room, 256, ROOM);
	plan(code, bytes, false, p, 1);
	if (patch_site_build(&p[0].plan, BIAS, (const uint8_t *)code, bodies, count, &out, &site,
			     &e))
		fail_msg("%s", e.text);
	assert_int_equal(out.bytes, site.trampoline_bytes);
	return site;
}

static void bodies_stand_before_their_instructions(void **state)
{
	(void)state;
	uint8_t room[256];
	struct patch_body bodies[] = {{0, emit_letter, letters},
				      {0, emit_letter, letters + 1},
				      {2, emit_letter, letters + 2}};
	struct patch_site site = build("\x55\x48\x89\xe5\x53\x90\xc3", 7, bodies, 3, room);
	assert_memory_equal(room,
			    "ab\x55\x48\x89\xe5"
			    "c\x53\xe9",
			    9);
	assert_memory_equal(site.original, "\x55\x48\x89\xe5\x53", 5);
	assert_int_equal(site.bytes, 5);
	int32_t distance;
	memcpy(&distance, site.written + 1, 4);
	assert_int_equal(site.written[0], 0xe9);
	assert_int_equal(BASE + BIAS + 5 + distance, ROOM);
	memcpy(&distance, room + 9, 4);
	assert_int_equal(ROOM + site.trampoline_bytes + distance, BASE + BIAS + 5);
}

static void who_stands_inside_goes_on_in_the_copy(void **state)
{
	(void)state;
	uint8_t room[256];
	uint64_t back, at = BASE + BIAS;
	struct patch_body bodies[] = {{0, emit_letter, letters}, {2, emit_letter, letters + 2}};
	struct patch_site site = build("\x55\x48\x89\xe5\x53\x90\xc3", 7, bodies, 2, room);
	assert_true(patch_site_forward(&site, at) == at);
	assert_true(patch_site_forward(&site, at + 1) == ROOM + 2);
	assert_true(patch_site_forward(&site, at + 4) == ROOM + 5);
	assert_true(patch_site_forward(&site, at + 5) == at + 5);
	assert_true(patch_site_back(&site, ROOM + 1, &back) && back == at);
	assert_true(patch_site_back(&site, ROOM + 2, &back) && back == at + 1);
	assert_true(patch_site_back(&site, ROOM + 6, &back) && back == at + 4);
	assert_true(patch_site_back(&site, ROOM + 7, &back) && back == at + 5);
	assert_false(patch_site_back(&site, ROOM, &back));
	assert_false(patch_site_back(&site, ROOM + 5, &back));
}

static void an_interrupted_call_starts_again_in_the_copy(void **state)
{
	(void)state;
	uint8_t room[256];
	struct patch_site site = build("\x89\xf8\x90\x0f\x05\xc3", 6, NULL, 0, room);
	uint64_t after = patch_site_forward(&site, BASE + BIAS + 5);
	assert_true(after == ROOM + 5);
	assert_memory_equal(room + (after - ROOM) - 2, "\x0f\x05", 2);
}

static void a_punned_jump_leads_into_its_window_only(void **state)
{
	(void)state;
	static const char code[] = "\x55\x48\x89\xe5\x74\xc9\x75\xfc\x90\xc3";
	uint8_t room[256];
	struct patch_place p[] = {{BASE}};
	struct patch_site site;
	struct emit near = emit_into(room, sizeof(room), ROOM);
	PLAN(code, false, p);
	assert_int_equal(p[0].plan.way, PATCH_PUNNED);
	assert_int_equal(patch_site_build(&p[0].plan, BIAS, (const uint8_t *)code, NULL, 0, &near,
					  &site, NULL),
			 -ERANGE);
	struct emit out = emit_into(room, sizeof(room), p[0].plan.window.end - 1 + BIAS);
	assert_int_equal(patch_site_build(&p[0].plan, BIAS, (const uint8_t *)code, NULL, 0, &out,
					  &site, NULL),
			 0);
	assert_int_equal(site.bytes, 4);
	assert_memory_equal(site.written, "\xe9\xff\xff\xff", 4);
}

static void what_a_body_cannot_do_is_said(void **state)
{
	(void)state;
	static const char code[] = "\x55\x48\x89\xe5\x53\x90\xc3";
	uint8_t room[256];
	struct patch_body body = {0, emit_error, NULL};
	struct patch_place p[] = {{BASE}};
	struct patch_site site;
	struct emit out = emit_into(room, sizeof(room), ROOM), full = emit_into(room, 8, ROOM);
	PLAN(code, false, p);
	assert_int_equal(patch_site_build(&p[0].plan, BIAS, (const uint8_t *)code, &body, 1, &out,
					  &site, NULL),
			 -ENOTSUP);
	assert_int_equal(patch_site_build(&p[0].plan, BIAS, (const uint8_t *)code, NULL, 0, &full,
					  &site, NULL),
			 -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_share_a_jump),
		cmocka_unit_test(the_same_place_twice_is_shared),
		cmocka_unit_test(a_place_within_an_instruction_of_a_jump_is_none),
		cmocka_unit_test(a_punned_jump_gives_way_to_what_it_reads),
		cmocka_unit_test(a_shadow_stack_keeps_calls),
		cmocka_unit_test(bodies_stand_before_their_instructions),
		cmocka_unit_test(who_stands_inside_goes_on_in_the_copy),
		cmocka_unit_test(an_interrupted_call_starts_again_in_the_copy),
		cmocka_unit_test(a_punned_jump_leads_into_its_window_only),
		cmocka_unit_test(what_a_body_cannot_do_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
