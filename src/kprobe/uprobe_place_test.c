/* SPDX-License-Identifier: MIT */
/* Places in this program's own file, whose functions are written down byte by byte. */
#include "util/test.h"

#include "kprobe/uprobe_place.h"
#include "kprobe/uprobe_risk.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/*
 * keeps: a leaf with a value below its stack pointer across the nop. frames: the same by rbp.
 * calls: not a leaf. empty: nothing kept. landed: begins with a landing pad.
 */
__asm__(".text\n"
	".macro function name\n .globl \\name\n .type \\name, @function\n \\name:\n .endm\n"
	".macro end name\n ret\n .size \\name, . - \\name\n .endm\n"
	"function place_keeps\n movq %rdi, -8(%rsp)\n .byte 0x0f,0x1f,0x44,0,0\n"
	" movq -8(%rsp), %rax\n end place_keeps\n"
	"function place_frames\n push %rbp\n mov %rsp, %rbp\n mov %edi, -20(%rbp)\n"
	" .byte 0x0f,0x1f,0x44,0,0\n mov -20(%rbp), %eax\n pop %rbp\n end place_frames\n"
	"function place_calls\n movq %rdi, -8(%rsp)\n .byte 0x0f,0x1f,0x44,0,0\n"
	" call place_keeps\n end place_calls\n"
	"function place_empty\n mov %edi, %eax\n .byte 0x0f,0x1f,0x44,0,0\n end place_empty\n"
	"function place_entered\n .byte 0x0f,0x1f,0x44,0,0\n movq %rdi, -8(%rsp)\n"
	" movq -8(%rsp), %rax\n end place_entered\n"
	"function place_cloned.constprop.0\n push %rbp\n pop %rbp\n"
	" end place_cloned.constprop.0\n"
	"function place_landed\n endbr64\n push %rbp\n pop %rbp\n end place_landed\n"
	".type place_chosen, @gnu_indirect_function\n .globl place_chosen\n"
	"place_chosen: lea place_keeps(%rip), %rax\n ret\n .size place_chosen, . - place_chosen\n");

static struct uprobe_place found(const char *function, uint64_t offset)
{
	struct uprobe_place place;
	struct err e;
	if (uprobe_place_find("/proc/self/exe", function, offset, &place, &e) < 0)
		fail_msg("%s", e.text);
	return place;
}

static void a_function_is_found_in_its_file(void **state)
{
	(void)state;
	static const uint8_t keeps[] = {0x48, 0x89, 0x7c, 0x24, 0xf8}, push[] = {0x55};
	uint8_t bytes[5];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct uprobe_place place = found("place_keeps", 0);
	assert_int_equal(*place.path, '/');
	assert_int_equal(pread(fd, bytes, 5, (off_t)place.offset), 5);
	assert_memory_equal(bytes, keeps, 5);
	place = found("place_landed", 0);
	assert_int_equal(pread(fd, bytes, 1, (off_t)place.offset), 1);
	assert_memory_equal(bytes, push, 1);
	close(fd);
}

static void a_library_and_a_program_are_found_by_name(void **state)
{
	(void)state;
	struct uprobe_place place;
	struct err e;
	assert_int_equal(uprobe_place_find("libc.so.6", "getppid", 0, &place, &e), 0);
	assert_non_null(strstr(place.path, "libc"));
	/* Of which there are two versions. */
	assert_int_equal(uprobe_place_find("libc.so.6", "pthread_cond_wait", 0, &place, &e), 0);
	assert_int_equal(uprobe_place_find("no-such-thing", "main", 0, &place, &e), -ENOENT);
	assert_non_null(strstr(e.text, "neither a program in PATH nor a library"));
	assert_int_equal(uprobe_place_find("sh", "no_such_function", 0, &place, &e), -ENOENT);
	assert_non_null(strstr(e.text, "has no function 'no_such_function'"));
	assert_int_equal(uprobe_place_find("/proc/self/exe", "place_cloned", 0, &place, &e),
			 -ENOENT);
	assert_non_null(strstr(e.text, "but 'place_cloned.constprop.0', made of it"));
}

static void only_where_an_instruction_begins(void **state)
{
	(void)state;
	struct uprobe_place place;
	struct err e;
	uint64_t begin = found("place_keeps", 0).offset;
	assert_int_equal(found("place_keeps", 5).offset, begin + 5);
	for (unsigned offset = 1; offset < 5; offset++) {
		assert_int_equal(
			uprobe_place_find("/proc/self/exe", "place_keeps", offset, &place, &e),
			-EINVAL);
		assert_non_null(strstr(e.text, "no instruction begins at place_keeps+0x"));
	}
	assert_int_equal(uprobe_place_find("/proc/self/exe", "place_keeps", 16, &place, &e),
			 -EINVAL);
}

static void what_only_chooses_a_function_is_refused(void **state)
{
	(void)state;
	struct uprobe_place place;
	struct err e;
	assert_int_equal(uprobe_place_find("/proc/self/exe", "place_chosen", 0, &place, &e),
			 -EINVAL);
	assert_non_null(strstr(e.text, "chooses among several"));
}

static void a_call_over_a_nop_endangers_values_below_the_stack(void **state)
{
	(void)state;
	assert_true(found("place_keeps", 5).in_red_zone);
	assert_true(found("place_frames", 7).in_red_zone);
	assert_false(found("place_keeps", 0).in_red_zone);
	assert_false(found("place_calls", 5).in_red_zone);
	assert_false(found("place_empty", 2).in_red_zone);
	assert_false(found("place_entered", 0).in_red_zone);
}

static void the_kernels_that_place_calls_are_known(void **state)
{
	(void)state;
	assert_true(uprobe_risk_of_kernel("6.18.44-fc"));
	assert_true(uprobe_risk_of_kernel("7.0.1"));
	assert_false(uprobe_risk_of_kernel("6.12.117+deb12-amd64"));
	assert_false(uprobe_risk_of_kernel("5.18.0"));
	assert_false(uprobe_risk_of_kernel("strange"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_found_in_its_file),
		cmocka_unit_test(a_library_and_a_program_are_found_by_name),
		cmocka_unit_test(only_where_an_instruction_begins),
		cmocka_unit_test(what_only_chooses_a_function_is_refused),
		cmocka_unit_test(a_call_over_a_nop_endangers_values_below_the_stack),
		cmocka_unit_test(the_kernels_that_place_calls_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
