/* SPDX-License-Identifier: MIT */
#include "util/proc.h"
#include "util/test.h"

#include <string.h>

static void a_mapping_is_read(void **state)
{
	(void)state;
	char line[] = "7f01a000-7f02b000 r-xp 00026000 fe:01 1234        /usr/lib/a b.so\n";
	struct proc_map map;
	assert_true(proc_map_parse(line, &map));
	assert_int_equal(map.start, 0x7f01a000);
	assert_int_equal(map.end, 0x7f02b000);
	assert_int_equal(map.offset, 0x26000);
	assert_int_equal(map.major, 0xfe);
	assert_int_equal(map.minor, 1);
	assert_int_equal(map.inode, 1234);
	assert_true(map.executable);
	assert_string_equal(map.path, "/usr/lib/a b.so");

	char anonymous[] = "7f01a000-7f02b000 rw-p 00000000 00:00 0 \n";
	assert_true(proc_map_parse(anonymous, &map));
	assert_false(map.executable);
	assert_string_equal(map.path, "");
}

static void what_is_no_mapping_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",
		"7f01a000",
		"2000-1000 r-xp 0 0:0 0 /a", /* from its end to its start */
		"1000-1000 r-xp 0 0:0 0 /a", /* nothing */
		"1000-2000 x 0 0:0 0 /a",    /* half a word of rights */
		"1000-2000 r-xp 0 0:0 inode /a",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char line[64];
		struct proc_map map;
		strcpy(line, wrong[i]);
		assert_false(proc_map_parse(line, &map));
	}
}

static void check_interrupt(const char *text, int number, const char *chip, const char *action)
{
	char line[128];
	struct proc_interrupt interrupt;
	strcpy(line, text);
	assert_true(proc_interrupt_parse(line, &interrupt));
	assert_int_equal(interrupt.number, number);
	assert_string_equal(interrupt.chip, chip);
	assert_string_equal(interrupt.action, action);
}

static void interrupts_are_read(void **state)
{
	(void)state;
	check_interrupt(" 24:    1   0  IO-APIC   5-edge      ACPI:Ged\n", 24, "IO-APIC   5-edge",
			"ACPI:Ged");
	check_interrupt("  9:    0   7  IO-APIC  9-fasteoi   acpi, usb one\n", 9,
			"IO-APIC  9-fasteoi", "acpi, usb one");
	check_interrupt(" 27:  812  GICv3  27 Level     arch_timer\n", 27, "GICv3  27 Level",
			"arch_timer");
	check_interrupt("  2:    5   0    XT-PIC      2-edge    \n", 2, "XT-PIC      2-edge", "");
}

static void only_numbered_interrupts_are_read(void **state)
{
	(void)state;
	struct proc_interrupt interrupt;
	char names[] = "           CPU0       CPU1       \n";
	char timer[] = "LOC:    1308432    1340794   Local timer interrupts\n";
	char huge[] = "99999999999:   0   chip  action\n";
	assert_false(proc_interrupt_parse(names, &interrupt));
	assert_false(proc_interrupt_parse(timer, &interrupt));
	assert_false(proc_interrupt_parse(huge, &interrupt));
}

static void partitions_are_read(void **state)
{
	(void)state;
	struct proc_partition partition;
	assert_true(proc_partition_parse(" 254        3  268435456 vda3\n", &partition));
	assert_int_equal(partition.device, 254 << 20 | 3);
	assert_string_equal(partition.name, "vda3");
	assert_false(proc_partition_parse("major minor  #blocks  name\n", &partition));
	assert_false(proc_partition_parse("\n", &partition));
	assert_false(proc_partition_parse("4096 0 1 beyond", &partition));
}

static void a_name_cannot_forge_its_parent(void **state)
{
	(void)state;
	struct proc_stat stat;
	assert_true(proc_stat_parse("7 (a) S 1 0 0 0 0 99) S 42 7 7 0 -1 4194304 0 0", &stat));
	assert_int_equal(stat.parent, 42);
	assert_false(stat.is_kernel);
	assert_true(proc_stat_parse("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0", &stat));
	assert_int_equal(stat.parent, 0);
	assert_true(stat.is_kernel);
	assert_false(proc_stat_parse("7 (a", &stat));
	assert_false(proc_stat_parse("7 (a) S 1", &stat));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_is_read),
		cmocka_unit_test(what_is_no_mapping_is_refused),
		cmocka_unit_test(interrupts_are_read),
		cmocka_unit_test(only_numbered_interrupts_are_read),
		cmocka_unit_test(partitions_are_read),
		cmocka_unit_test(a_name_cannot_forge_its_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
