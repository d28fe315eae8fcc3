/* SPDX-License-Identifier: MIT */
/* B2: a thread that comes by is as it was; and what it brought is in the ring. */
#include "util/test.h"
#include "insn/insn_emit.h"
#include "insn/insn_move.h"
#include "patch/patch_body.h"
#include "payload/payload_bed_test.h"
#include "prog/machine_test.h"
#include "prog/random_prog_test.h"

#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

enum {
	CODE_BYTES = 1 << 17,
	STACK_BYTES = 1 << 14,
	RED_ZONE_BYTES = 128,
	RING_BYTES = 1 << 20,
	SITE = 0x1234567,
	ID = RING_ID_FIRST + 1,
	RECORD_BYTES = 32,
	RANDOM_PROGRAMS = 3000,
	CALLS = 1000,
	THREADS = 4,
	COUNTS = 1000000,
	TRAP_FLAG = 256,
};

/* Carry, parity, adjust, zero, sign, overflow; then direction. */
static const uint64_t flag_bits[] = {1, 4, 16, 64, 128, 2048, 1024};

static const struct cell_plan plans[] = {{CELL_COUNT, 64}, {CELL_HIST, 0}, {CELL_TIME, 16}};
static const struct prog_insn always = {.op = PROG_CONST, .value = 1};
static struct payload_bed bed;
static struct machine m;
static uint64_t own_flags;
static uint8_t *code, *stack, stack_before[STACK_BYTES];

static int start(void **state)
{
	(void)state;
	code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack = bed_map(STACK_BYTES, MAP_PRIVATE);
	if (code == MAP_FAILED || !stack || !bed_start(&bed, RING_BYTES, plans, 3))
		return -1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	munmap(code, CODE_BYTES);
	munmap(stack, STACK_BYTES);
	bed_end(&bed);
	return 0;
}

static struct patch_body body_of(const struct prog *p, uint32_t record_bytes)
{
	struct patch_body b = {.prog = p,
			       .target = bed_target(&bed),
			       .write = payload_blob_entry(PAYLOAD_WRITE, (uint64_t)bed.code),
			       .site = SITE,
			       .event_id = ID,
			       .record_bytes = record_bytes};
	return b;
}

static void make_machine(unsigned flags)
{
	for (int i = 0; i < PROG_REGS; i++)
		m.regs[i] = (uint64_t)pick(UINT32_MAX) << 32 | pick(UINT32_MAX);
	m.regs[3] = (uint64_t)stack_before;
	m.regs[7] = (uint64_t)stack + STACK_BYTES - 1024 + 8 * pick(2);
	m.regs[PROG_REG_PC] = SITE;
	m.flags = 2 | own_flags;
	for (int i = 0; i < 7; i++)
		m.flags |= flags & 1u << i ? flag_bits[i] : 0;
	for (int i = 0; i < STACK_BYTES; i++)
		stack[i] = (uint8_t)pick(256);
	memcpy(stack_before, stack, STACK_BYTES);
}

/* Runs a body in the machine's state; what it leaves must be that state. */
static void pass_by(const struct patch_body *b, unsigned flags)
{
	struct emit out = emit_into(code, CODE_BYTES, (uint64_t)code);
	struct err e;
	make_machine(flags);
	machine_emit_enter(&out, &m);
	if (patch_body_emit(b, &out, NULL, &e))
		fail_msg("%s", e.text);
	machine_emit_leave(&out, &m);
	assert_true(emit_ok(&out));
	((void (*)(void))code)();
	for (int i = 0; i < 16; i++) {
		if (m.regs_after[i] != m.regs[i])
			fail_msg("register %d: %#lx became %#lx", i, m.regs[i], m.regs_after[i]);
	}
	for (int i = 0; i < 7; i++) {
		if ((m.flags ^ m.flags_after) & flag_bits[i])
			fail_msg("flag %#lx of %#lx changed", flag_bits[i], m.flags);
	}
	assert_memory_equal(m.xmm_after, m.regs + PROG_REG_XMM, sizeof(m.xmm_after));
	size_t kept = m.regs[7] - RED_ZONE_BYTES - (uint64_t)stack;
	assert_memory_equal(stack + kept, stack_before + kept, STACK_BYTES - kept);
}

static void keep_last(void *argument, uint16_t id, const uint64_t *payload, uint64_t owner)
{
	uint64_t *last = argument;
	(void)owner;
	assert_int_equal(id, ID);
	memcpy(last + 1, payload, RECORD_BYTES);
	last[0]++;
}

/* The number of records, and the last one. */
static uint64_t records(uint64_t last[RECORD_BYTES / 8])
{
	uint64_t found[1 + RECORD_BYTES / 8] = {0};
	assert_true(bed_read(&bed, RECORD_BYTES, keep_last, found));
	memcpy(last, found + 1, RECORD_BYTES);
	return found[0];
}

#define PROG(list)                                                                                 \
	{                                                                                          \
		.insns = (list), .insn_count = sizeof(list) / sizeof(*(list))                      \
	}

static const struct prog_insn three_arguments[] = {
	{.op = PROG_REG, .at = 5},
	{.op = PROG_PUT, .a = 0, .at = 0, .bytes = 8},
	{.op = PROG_REG, .at = 4},
	{.op = PROG_PUT, .a = 2, .at = 8, .bytes = 8},
	{.op = PROG_REG, .at = PROG_REG_XMM},
	{.op = PROG_PUT, .a = 4, .at = 16, .bytes = 8},
	{.op = PROG_REG, .at = 7},
	{.op = PROG_PUT, .a = 6, .at = 24, .bytes = 8},
	{.op = PROG_CONST, .value = 1},
	{.op = PROG_RESULT, .a = 8},
};

static void every_flag_survives_a_record(void **state)
{
	(void)state;
	const struct prog p = PROG(three_arguments);
	struct patch_body b = body_of(&p, RECORD_BYTES);
	for (unsigned flags = 0; flags < 128; flags++) {
		uint64_t last[4];
		pass_by(&b, flags);
		assert_int_equal(records(last), flags + 1);
		assert_true(last[0] == m.regs[5] && last[1] == m.regs[4]);
		assert_true(last[2] == m.regs[PROG_REG_XMM] && last[3] == m.regs[7]);
	}
}

static void every_flag_survives_a_count(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {
		{.op = PROG_CONST},
		{.op = PROG_COUNT, .a = 0, .at = 0},
		always,
		{.op = PROG_RESULT, .a = 2},
	};
	const struct prog p = PROG(insns);
	struct patch_body b = body_of(&p, 0);
	static struct cell_view view;
	for (unsigned flags = 0; flags < 128; flags++)
		pass_by(&b, flags);
	assert_true(cell_view_init(&view, bed.cells, bed.cells_bytes));
	assert_int_equal(cell_view_count(&view, 0), 128);
}

static void *pass_often(void *argument)
{
	for (int i = 0; i < COUNTS; i++)
		((void (*)(void))argument)();
	return NULL;
}

static void on_step(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	(void)signal;
	(void)info;
	if ((uint64_t)regs[REG_RIP] - (uint64_t)code >= CODE_BYTES)
		regs[REG_EFL] &= ~TRAP_FLAG;
}

static const struct prog_insn count_hits[] = {
	{.op = PROG_CONST},
	{.op = PROG_COUNT, .a = 0, .at = 0},
	{.op = PROG_RESULT, .a = 0},
};

/* A handler after each instruction: the kernel ends the sequence, and the locked counter counts. */
static void an_interrupted_count_is_locked(void **state)
{
	(void)state;
	const struct prog p = PROG(count_hits);
	struct patch_body b = body_of(&p, 0);
	const uint64_t *locked = (uint64_t *)bed.native_cells[0].counters;
	struct sigaction step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO}, before;
	static struct cell_view view;
	if (!bed.context->rseq_at)
		skip();
	pass_by(&b, 0);
	assert_int_equal(*locked, 0);
	sigaction(SIGTRAP, &step, &before);
	own_flags = TRAP_FLAG;
	pass_by(&b, 0);
	own_flags = 0;
	sigaction(SIGTRAP, &before, NULL);
	assert_int_equal(*locked, 1);
	assert_true(cell_view_init(&view, bed.cells, bed.cells_bytes));
	assert_int_equal(cell_view_count(&view, 0), 2);
}

/* Preempted and moved in between, threads count each for itself, and nearly always unlocked. */
static void threads_at_once_lose_no_count(void **state)
{
	(void)state;
	const struct prog p = PROG(count_hits);
	struct patch_body b = body_of(&p, 0);
	struct emit out = emit_into(code, CODE_BYTES, (uint64_t)code);
	pthread_t threads[THREADS];
	static struct cell_view view;
	assert_int_equal(patch_body_emit(&b, &out, NULL, NULL), 0);
	emit_u8(&out, 0xc3);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, pass_often, code);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_true(cell_view_init(&view, bed.cells, bed.cells_bytes));
	assert_int_equal(cell_view_count(&view, 0), THREADS * COUNTS);
	uint64_t *locked = (uint64_t *)bed.native_cells[0].counters;
	if (bed.context->rseq_at && sysconf(_SC_NPROCESSORS_CONF) <= BED_CELL_LINES)
		assert_true(*locked < COUNTS / 100);
}

static void a_condition_that_fails_records_nothing(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {
		{.op = PROG_REG, .at = 5},           {.op = PROG_PUT, .a = 0, .at = 0, .bytes = 8},
		{.op = PROG_REG, .at = PROG_REG_PC}, {.op = PROG_CONST, .value = SITE + 1},
		{.op = PROG_EQ, .a = 2, .b = 3},     {.op = PROG_RESULT, .a = 4},
	};
	const struct prog p = PROG(insns);
	struct patch_body b = body_of(&p, RECORD_BYTES);
	uint64_t last[4];
	for (unsigned flags = 0; flags < 128; flags++)
		pass_by(&b, flags);
	assert_int_equal(records(last), 0);
	b.site = SITE + 1;
	pass_by(&b, 0);
	assert_int_equal(records(last), 1);
}

/* Whatever a program does, the thread is as before; half of them record. */
static void random_programs_leave_no_trace(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RANDOM_PROGRAMS; i++) {
		struct random_prog r;
		struct prog p = random_prog_make(&r, true);
		assert_true(prog_check(&p, NULL));
		struct patch_body b = body_of(&p, i % 2 ? RANDOM_OUTPUT_BYTES : 0);
		pass_by(&b, i % 128);
	}
	assert_int_equal(ring_view_lost(&bed.view), 0);
}

static __attribute__((noinline)) uint64_t add_all(uint64_t a, uint64_t b, uint64_t c)
{
	__asm__ volatile("" : "+r"(a));
	return a + b * 3 + c * 5;
}

static void write_text(void *at, const void *bytes, size_t count)
{
	uint8_t *page = (uint8_t *)((uint64_t)at & ~4095ull);
	mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
	memcpy(at, bytes, count);
	mprotect(page, 8192, PROT_READ | PROT_EXEC);
}

/* As a controller does it, in a process with one thread that is not there now. */
static void a_patched_function_computes_and_tells(void **state)
{
	(void)state;
	uint8_t *site = (uint8_t *)add_all, jump[INSN_JUMP_BYTES], original[INSN_BYTES_MAX + 5];
	uint8_t *near =
		mmap((void *)(((uint64_t)site & ~4095ull) + (64 << 20)), CODE_BYTES,
		     PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct prog p = PROG(three_arguments);
	struct patch_body b = body_of(&p, RECORD_BYTES);
	struct insn_run run;
	struct insn_copy copy;
	struct emit out = emit_into(near, CODE_BYTES, (uint64_t)near);
	struct emit patch = emit_into(jump, sizeof(jump), (uint64_t)site);
	if (insn_run_find(site, 64, (uint64_t)site, INSN_JUMP_BYTES, &run))
		skip(); /* built so that the function begins with what cannot be moved */
	memcpy(original, site, run.bytes);
	assert_int_equal(patch_body_emit(&b, &out, NULL, NULL), 0);
	assert_int_equal(insn_run_move(&run, site, &out, &copy), 0);
	insn_emit_jump(&patch, (uint64_t)near);
	assert_true(emit_ok(&patch));
	write_text(site, jump, sizeof(jump));
	for (uint64_t i = 0; i < CALLS; i++)
		assert_int_equal(add_all(i, 2 * i, 3), i + 6 * i + 15);
	write_text(site, original, run.bytes);
	uint64_t last[4];
	assert_int_equal(records(last), CALLS);
	assert_true(last[0] == CALLS - 1 && last[1] == 2 * (CALLS - 1));
	assert_int_equal(add_all(1, 2, 3), 1 + 6 + 15);
	munmap(near, CODE_BYTES);
}

static void what_it_takes_is_said(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {{.op = PROG_CONST},
					  {.op = PROG_COUNT, .a = 0, .at = 0},
					  {.op = PROG_RESULT, .a = 0}};
	const struct prog p = PROG(three_arguments), q = PROG(insns);
	struct patch_body b = body_of(&p, RECORD_BYTES);
	struct patch_body_size size, elsewhere;
	struct emit out = emit_into(code, CODE_BYTES, 0);
	assert_int_equal(patch_body_emit(&b, &out, &size, NULL), 0);
	assert_int_equal(size.code_bytes, out.bytes);
	assert_true(size.stack_bytes <= 256 + PAYLOAD_STACK_BYTES);
	out = emit_into(code, CODE_BYTES, 1ull << 40);
	assert_int_equal(patch_body_emit(&b, &out, &elsewhere, NULL), 0);
	assert_int_equal(size.code_bytes, elsewhere.code_bytes);
	b = body_of(&q, 0);
	assert_int_equal(patch_body_emit(&b, &out, &size, NULL), 0);
	assert_true(size.stack_bytes < 200);
}

static void what_cannot_be_is_refused(void **state)
{
	(void)state;
	const struct prog_insn load[] = {{.op = PROG_LOAD, .bytes = 4}, {.op = PROG_RESULT}};
	const struct prog_insn large[] = {
		{.op = PROG_CONST},
		{.op = PROG_PUT_BYTES, .a = 0, .at = 0, .bytes = PATCH_BODY_RECORD_MAX + 1},
		{.op = PROG_RESULT, .a = 0}};
	const struct prog p = PROG(three_arguments), q = PROG(load), r = PROG(large);
	struct emit out = emit_into(code, 20, 0);
	struct err e;
	struct patch_body b = body_of(&p, 24);
	assert_int_equal(patch_body_emit(&b, &out, NULL, &e), -EINVAL);
	b.record_bytes = RECORD_BYTES;
	assert_int_equal(patch_body_emit(&b, &out, NULL, &e), -ENOSPC);
	b.prog = &q;
	assert_int_equal(patch_body_emit(&b, &out, NULL, &e), -ENOTSUP);
	assert_string_equal(e.text, "a probe in a process cannot do LOAD");
	b.prog = &r;
	b.record_bytes = 2 * PATCH_BODY_RECORD_MAX;
	assert_int_equal(patch_body_emit(&b, &out, NULL, &e), -E2BIG);
}

int main(void)
{
#define BED(test) cmocka_unit_test_setup_teardown(test, start, end)
	const struct CMUnitTest tests[] = {
		BED(every_flag_survives_a_record),
		BED(every_flag_survives_a_count),
		BED(an_interrupted_count_is_locked),
		BED(threads_at_once_lose_no_count),
		BED(a_condition_that_fails_records_nothing),
		BED(random_programs_leave_no_trace),
		BED(a_patched_function_computes_and_tells),
		BED(what_it_takes_is_said),
		BED(what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
