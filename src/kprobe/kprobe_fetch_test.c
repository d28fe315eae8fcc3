/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "kprobe/kprobe_example.h"
#include "kprobe/kprobe_fetch.h"
#include "kprobe/kprobe_types.h"

#include <string.h>

static struct btf *btf;

/* What is fetched at a probe, or the sentence that says why not. */
static void fetch(const char *text, char ret[static 600])
{
	struct kprobe_spec s;
	struct err e = {0};
	struct text out = {0};
	if (kprobe_spec_parse(&s, text, &e) < 0)
		fail_msg("%s", e.text);
	struct kprobe_types_of types = {btf,
					s.is_user ? 0 : kprobe_types_function(btf, s.function)};
	int status = kprobe_fetch(&s, &types, &out, &e);
	snprintf(ret, 600, "%s", status < 0 ? e.text : out.data);
	text_deinit(&out);
	kprobe_spec_deinit(&s);
}

static void expect(const char *text, const char *expected)
{
	char found[600];
	fetch(text, found);
	if (strcmp(found, expected) != 0)
		fail_msg("%s: '%s', expected '%s'", text, found, expected);
}

static void expect_sentence(const char *text, const char *part)
{
	char found[600];
	fetch(text, found);
	if (!strstr(found, part))
		fail_msg("%s: '%s' does not say '%s'", text, found, part);
}

static void parameters_have_their_places_and_types(void **state)
{
	(void)state;
	expect("kprobe:work: fd, path, bytes, last", "fd=$arg3:s32 path=+0($arg2):string "
						     "bytes=$arg6:x64 last=$arg7:s32");
	expect("kprobe:work: more", "more=$arg8:s32");
	expect("kprobe:quiet: i", "i=$arg1:s32");
}

static void members_are_followed(void **state)
{
	(void)state;
	expect("kprobe:work: file->f_inode->i_ino", "i_ino=+0(+0($arg1)):u64");
	expect("kprobe:work: file->flags, file->raw", "flags=+8($arg1):s32 raw=+8($arg1):u8");
	expect("kprobe:work: file->own.i_ino", "i_ino=+24($arg1):u64");
	expect("kprobe:work: file->label", "label=+0(+16($arg1)):string");
	expect("kprobe:work: file->own.name", "name=+32($arg1):string");
	expect("kprobe:work: file->f_inode->sizes", "sizes=+24(+0($arg1)):s16[3]");
	expect("kprobe:work: file->f_inode->sizes[2]", "sizes=+28(+0($arg1)):s16");
	expect("kprobe:work: file->own.sizes[1]", "sizes=+50($arg1):s16");
	expect("kprobe:work: *bytes, bytes[-1]", "bytes=+0($arg6):u8 bytes_2=-1($arg6):u8");
	expect("kprobe:work: *file->label", "label=+0(+16($arg1)):s8");
}

static void bit_fields_are_cut_out(void **state)
{
	(void)state;
	expect("kprobe:work: file->low, file->mid", "low=+12($arg1):b3@0/8 mid=+12($arg1):b7@3/16");
}

static void results_are_known_at_returns(void **state)
{
	(void)state;
	expect("kretprobe:work: $ret", "ret=$retval:s64");
	expect("kretprobe:text_of", "ret=+0($retval):string");
	expect_sentence("kretprobe:quiet: $ret", "returns nothing");
	expect("kretprobe:quiet", "");
	expect_sentence("kprobe:work: $ret", "known at the return only");
}

static void without_a_wish_all_that_is_known_is_fetched(void **state)
{
	(void)state;
	expect("kprobe:work", "file=$arg1:x64 path=+0($arg2):string fd=$arg3:s32 bytes=$arg6:x64 "
			      "last=$arg7:s32 more=$arg8:s32");
	expect("kprobe:quiet", "i=$arg1:s32");
	expect("kprobe:work+4", "");
	expect("kprobe:unknown", "");
	expect("uprobe:/bin/x:work", "");
}

static void raw_values_have_the_type_one_says(void **state)
{
	(void)state;
	expect("uprobe:/bin/x:f: $arg1, n = (int)$arg2, str($arg3), (u16)%rax",
	       "arg1=%di:x64 n=%si:s32 arg3=+0(%dx):string rax=%ax:u16");
	expect("uretprobe:/bin/x:f: (int)$ret, str($ret)",
	       "ret=$retval:s32 ret_2=+0($retval):string");
	expect("kprobe:unknown: $arg2", "arg2=$arg2:x64");
	expect("kprobe:work+8: %r12", "r12=%r12:x64");
	expect("kprobe:work: str(file->f_inode)", "f_inode=+0(+0($arg1)):string");
	expect("kprobe:work: (u32)file->f_inode", "f_inode=+0($arg1):u32");
}

static void what_cannot_be_read_is_said(void **state)
{
	(void)state;
	expect_sentence("kprobe:work: fil", "no parameter 'fil'; it has file, path, fd, pair");
	expect_sentence("kprobe:work: pair", "passed by value");
	expect_sentence("kprobe:quiet: d", "passed by value");
	expect_sentence("kprobe:work: file->nothing", "'nothing' is no member");
	expect_sentence("kprobe:work: file->own", "name a member");
	expect_sentence("kprobe:work: fd->x", "no pointer");
	expect_sentence("kprobe:work: $arg1->x", "without a type");
	expect_sentence("kprobe:work: file.flags", "no structure");
	expect_sentence("kprobe:work: file->low.x", "no structure");
	expect_sentence("kprobe:work: (int)file->low", "bit field");
	expect_sentence("kprobe:work: fd + 1", "'+ 1' is not understood");
	expect_sentence("kprobe:work: bytes[x]", "index");
	expect_sentence("kprobe:work: bytes[1", "']' is missing");
	expect_sentence("kprobe:work: str(path", "')' is missing");
	expect_sentence("kprobe:work+4: fd", "entry only");
	expect_sentence("kprobe:unknown: fd", "BTF");
	expect_sentence("uprobe:/bin/x:f: size", "no 'size' in programs");
	expect_sentence("uprobe:/bin/x:f: %zz", "'zz' is no register");
	expect_sentence("uretprobe:/bin/x:f: $arg1", "entry only");
	expect_sentence("kprobe:work: a = fd, a = last", "'a' is no name");
}

static void functions_are_printed_as_c_declares_them(void **state)
{
	(void)state;
	struct text out = {0};
	kprobe_types_print_function(btf, kprobe_types_function(btf, "work"), "work", &out);
	assert_string_equal(out.data, "long int work(struct file *file, const char *path, int fd, "
				      "struct pair pair, u8 *bytes, int last, int more)");
	text_clear(&out);
	kprobe_types_print_function(btf, kprobe_types_function(btf, "text_of"), "text_of", &out);
	assert_string_equal(out.data, "char *text_of(struct pair *p)");
	text_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_have_their_places_and_types),
		cmocka_unit_test(members_are_followed),
		cmocka_unit_test(bit_fields_are_cut_out),
		cmocka_unit_test(results_are_known_at_returns),
		cmocka_unit_test(without_a_wish_all_that_is_known_is_fetched),
		cmocka_unit_test(raw_values_have_the_type_one_says),
		cmocka_unit_test(what_cannot_be_read_is_said),
		cmocka_unit_test(functions_are_printed_as_c_declares_them),
	};
	btf = kprobe_example();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	btf__free(btf);
	return failed;
}
