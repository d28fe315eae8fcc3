/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "lineinfo/unwind_build.h"
#include "unwind/unwind_walk.h"
#include "util/cleanup.h"

#include <alloca.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <execinfo.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <gnu/libc-version.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* Tables of this process's own files, one behind the other from block 1 on. */
static uint32_t *space;
static uint32_t blocks = 1;
static struct unwind_mapping mappings[64];
static uint32_t mapping_count;

static uint32_t load(const struct unwind_image *image)
{
	uint32_t first = blocks;

	blocks += (uint32_t)(image->count + UNWIND_BLOCK_WORDS - 1) / UNWIND_BLOCK_WORDS;
	space = realloc(space, (size_t)blocks * UNWIND_BLOCK_WORDS * 4);
	memcpy(space + (size_t)first * UNWIND_BLOCK_WORDS, image->words, image->count * 4);
	return first;
}

static int add_file(struct dl_phdr_info *info, size_t size, void *context)
{
	const char *path = info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe";
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct unwind_image image;

	(void)size;
	(void)context;
	if (fd < 0 || unwind_build_file(&image, fd, path, NULL))
		return 0;
	assert_int_equal(unwind_table_check(image.words, image.count), 0);
	uint32_t table = load(&image);
	free(image.words);
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		uint64_t start = info->dlpi_addr + p->p_vaddr;
		struct unwind_mapping m = {start, start + p->p_memsz, info->dlpi_addr, table, 0};
		uint32_t at = mapping_count++;
		for (; at && mappings[at - 1].start > m.start; at--)
			mappings[at] = mappings[at - 1];
		mappings[at] = m;
	}
	return 0;
}

static struct unwind_walk walker(void)
{
	if (!mapping_count)
		dl_iterate_phdr(add_file, NULL);
	return (struct unwind_walk){.words = space,
				    .blocks = blocks,
				    .mappings = mappings,
				    .mapping_count = mapping_count};
}

struct frames {
	uint64_t ours[UNWIND_FRAMES_MAX];
	unsigned our_count;
	int why;
	void *theirs[UNWIND_FRAMES_MAX + 1];
	int their_count;
};

/* Walks its own stack by table and by glibc's backtrace(). */
__attribute__((noinline)) static void walk_here(struct frames *f)
{
	struct unwind_walk w = walker();
	ucontext_t context;

	getcontext(&context);
	f->their_count = backtrace(f->theirs, UNWIND_FRAMES_MAX + 1);
	greg_t *r = context.uc_mcontext.gregs;
	struct unwind_start start = {(uint64_t)r[REG_RIP], (uint64_t)r[REG_RSP],
				     (uint64_t)r[REG_RBP], false};
	w.stack = (const uint8_t *)start.sp;
	w.stack_address = start.sp;
	w.stack_bytes = 1 << 30;
	f->our_count = unwind_walk_frames(&w, &start, f->ours, UNWIND_FRAMES_MAX, &f->why);
}

__attribute__((noinline, optimize("omit-frame-pointer"))) static int recurse(struct frames *f,
									     int depth)
{
	volatile char room[40] = {0};

	if (depth > 0)
		return recurse(f, depth - 1) + room[depth & 7];
	walk_here(f);
	return room[1];
}

/*
 * A realigned frame with arguments on the stack: gcc keeps its end in a word behind the frame
 * pointer.
 */
__attribute__((noinline)) static int realigned(struct frames *f, int depth, int a3, int a4, int a5,
					       int a6, int a7, int a8)
{
	volatile char wide[64] __attribute__((aligned(64))) = {0};
	volatile char *more = alloca((size_t)depth * 16);

	more[0] = (char)(a3 + a4 + a5 + a6 + a7 + a8);
	return recurse(f, depth) + wide[depth] + more[0];
}

/* The sanitizers put a frame of theirs in front of backtrace(). */
static void assert_equal_to_backtrace(const struct frames *f)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	print_message("a sanitizer stands before backtrace()\n");
	skip();
#endif
	assert_int_equal(f->why, UNWIND_COMPLETE);
	assert_int_equal(f->our_count, f->their_count);
	for (unsigned i = 1; i < f->our_count; i++)
		assert_int_equal(f->ours[i], (uint64_t)(uintptr_t)f->theirs[i]);
}

static void test_own_stack(void **state)
{
	struct frames f;

	(void)state;
	recurse(&f, 12);
	assert_true(f.our_count > 14);
	assert_equal_to_backtrace(&f);
}

static void test_realigned_frame(void **state)
{
	struct frames f;

	(void)state;
	realigned(&f, 3, 3, 4, 5, 6, 7, 8);
	assert_equal_to_backtrace(&f);
}

static struct frames in_handler;

static void handle(int signal)
{
	(void)signal;
	walk_here(&in_handler);
}

static void test_signal_frame(void **state)
{
	(void)state;
	walker();
	signal(SIGUSR1, handle);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	assert_equal_to_backtrace(&in_handler);
}

/* The caller's frame pointer as libdw tells it: as it was, or saved at CFA + offset. */
static bool bp_by_libdw(Dwarf_Frame *frame, struct unwind_rule *ret)
{
	Dwarf_Op memory[3], *ops;
	size_t count;

	if (dwarf_frame_register(frame, 6, memory, &ops, &count))
		return false;
	if (count == 0)
		return true;
	ret->bp = UNWIND_BP_AT_CFA;
	ret->bp_offset = count == 2 ? (int16_t)ops[1].number : 0;
	return ops[0].atom == DW_OP_call_frame_cfa &&
	       (count == 1 || (count == 2 && ops[1].atom == DW_OP_plus_uconst));
}

/* A frame as libdw tells it, where it is of the plain kind. */
static bool frame_by_libdw(Dwarf_CFI *cfi, uint64_t address, struct unwind_rule *ret)
{
	Dwarf_Frame *frame;
	Dwarf_Op *ops;
	size_t count;
	bool plain = false;

	if (dwarf_cfi_addrframe(cfi, address, &frame))
		return false;
	if (!dwarf_frame_cfa(frame, &ops, &count) && count == 1 && ops[0].atom == DW_OP_bregx) {
		plain = ops[0].number == 6 || ops[0].number == 7;
		ret->cfa = ops[0].number == 6 ? UNWIND_CFA_BP : UNWIND_CFA_SP;
		ret->cfa_offset = (int32_t)ops[0].number2;
	}
	plain = plain && bp_by_libdw(frame, ret);
	free(frame);
	return plain;
}

static void test_every_16th_address_of_libc(void **state)
{
	struct unwind_image image;
	Dl_info info;
	struct err e;
	unsigned compared = 0, refused = 0;

	(void)state;
	assert_true(dladdr((void *)(uintptr_t)gnu_get_libc_version, &info));
	CLEANUP(fd) int fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	assert_int_equal(unwind_build_file(&image, fd, info.dli_fname, &e), 0);
	uint32_t words = (uint32_t)image.count;
	image.words = realloc(image.words, ((size_t)words + UNWIND_BLOCK_WORDS) * 4);
	struct unwind_walk w = {.words = image.words, .blocks = words / UNWIND_BLOCK_WORDS + 1};
	const struct unwind_table *t = (const struct unwind_table *)image.words;
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);
	uint64_t end = t->text_start + ((uint64_t)t->pages << t->page_shift);
	for (uint64_t at = t->text_start; at < end; at += 16) {
		struct unwind_rule theirs = {0}, ours;
		if (!frame_by_libdw(cfi, at, &theirs))
			continue;
		ours = unwind_walk_rule(&w, 0, at);
		if (ours.cfa == UNWIND_CFA_END)
			continue;
		/* Assembler that moves the return address: not a rule of ours. */
		if (ours.cfa == UNWIND_CFA_UNKNOWN) {
			refused++;
			continue;
		}
		assert_int_equal(ours.cfa, theirs.cfa);
		assert_int_equal(ours.cfa_offset, theirs.cfa_offset);
		assert_int_equal(ours.bp, theirs.bp);
		assert_int_equal(ours.bp_offset, theirs.bp_offset);
		compared++;
	}
	assert_true(compared > 50000);
	assert_true(refused < compared / 1000);
	dwarf_cfi_end(cfi);
	elf_end(elf);
	free(image.words);
}

static void test_damaged_tables_are_refused(void **state)
{
	struct unwind_image image;

	(void)state;
	CLEANUP(fd) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unwind_build_file(&image, fd, "self", NULL), 0);
	struct unwind_table *t = (struct unwind_table *)image.words;
	assert_int_equal(unwind_table_check(image.words, image.count - 1), -1);
	assert_int_equal(unwind_table_check(image.words, 3), -1);
	t->pages += 1000000;
	assert_int_equal(unwind_table_check(image.words, image.count), -1);
	t->pages -= 1000000;
	t->page_shift = 31;
	assert_int_equal(unwind_table_check(image.words, image.count), -1);
	t->page_shift = 12;
	image.words[UNWIND_HEADER_WORDS + 2 * t->rules] = UINT32_MAX;
	assert_int_equal(unwind_table_check(image.words, image.count), -1);
	free(image.words);
}

static void test_what_is_no_elf(void **state)
{
	struct unwind_image image;
	struct err e;
	(void)state;
	CLEANUP(fd) int fd = memfd_create("text", MFD_CLOEXEC);
	assert_int_equal(write(fd, "no image", 8), 8);
	assert_int_equal(unwind_build_file(&image, fd, "text", &e), -ENODATA);
	assert_string_equal(e.text, "text: not an ELF file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_stack),
		cmocka_unit_test(test_realigned_frame),
		cmocka_unit_test(test_signal_frame),
		cmocka_unit_test(test_every_16th_address_of_libc),
		cmocka_unit_test(test_damaged_tables_are_refused),
		cmocka_unit_test(test_what_is_no_elf),
	};
	return cmocka_run_group_tests_name("unwind_build", tests, NULL, NULL);
}
