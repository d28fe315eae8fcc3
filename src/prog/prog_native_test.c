/* SPDX-License-Identifier: MIT */
/* R8, N1: native code does what the interpreter does, for random programs, registers and memory. */
#include "util/test.h"
#include "prog/machine_test.h"
#include "prog/prog_native.h"
#include "prog/prog_site.h"
#include "prog/random_prog_test.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/rseq.h>

#if defined(__x86_64__)

enum {
	PROGRAMS = 20000,
	CODE_BYTES = 1 << 16,
	STACK_BYTES = 1 << 16,
	MEMORY_BYTES = 256,
	FRAME_BYTES = 4096,
	OUTPUT_AT = 512,
	SLOTS_AT = 1024,
	CELLS = 3,
	NOW = 1000,
};

static struct machine m;
static uint64_t recorded;
static uint8_t *code, *stack, memory[MEMORY_BYTES];
static struct prog_cells cells;
static struct prog_native native;

/* A helper leaves vector registers alone; what stands in for it here may not have. */
static void restore_xmm(void)
{
#define RESTORE(n) __asm__ volatile("movq %0, %%xmm" #n : : "m"(m.regs[PROG_REG_XMM + (n)]));
	RESTORE(0)
	RESTORE(1)
	RESTORE(2)
	RESTORE(3)
	RESTORE(4)
	RESTORE(5)
	RESTORE(6)
	RESTORE(7)
	RESTORE(8)
	RESTORE(9)
	RESTORE(10)
	RESTORE(11)
	RESTORE(12)
	RESTORE(13)
	RESTORE(14)
	RESTORE(15)
}

/* Helpers: the reference itself. The context is the input it would be given. */
struct pair {
	uint64_t value, fault;
};

static uint64_t run_site(const struct prog_input *input, struct prog_insn in, uint64_t a,
			 uint64_t *fault)
{
	bool faulted = false;
	uint64_t value = prog_site_run(&in, a, input, &faulted);
	*fault = faulted;
	restore_xmm();
	return value;
}

static struct pair help_read(const struct prog_input *input, uint64_t address, uint64_t bytes)
{
	struct pair p;
	struct prog_insn in = {.op = PROG_READ, .bytes = (uint32_t)bytes};
	p.value = run_site(input, in, address, &p.fault);
	return p;
}

static uint64_t help_copy(const struct prog_input *input, uint8_t op, uint8_t *to, uint64_t address,
			  uint64_t bytes)
{
	uint64_t fault;
	struct prog_input copy = *input;
	copy.output = to;
	copy.output_bytes = bytes;
	run_site(&copy, (struct prog_insn){.op = op, .bytes = (uint32_t)bytes}, address, &fault);
	return fault;
}

static uint64_t help_text(const struct prog_input *input, uint8_t *to, uint64_t address,
			  uint64_t bytes)
{
	return help_copy(input, PROG_PUT_TEXT, to, address, bytes);
}

static uint64_t help_bytes(const struct prog_input *input, uint8_t *to, uint64_t address,
			   uint64_t bytes)
{
	return help_copy(input, PROG_PUT_BYTES, to, address, bytes);
}

static uint64_t help_equal(const struct prog_input *input, const char *text, uint64_t bytes,
			   const char *wanted, uint64_t wanted_bytes)
{
	(void)input;
	bool equal = strnlen(text, bytes) == wanted_bytes && !memcmp(text, wanted, wanted_bytes);
	restore_xmm();
	return equal;
}

static uint64_t help_match(const struct prog_input *input, const char *text, uint64_t bytes,
			   const uint8_t *wanted, uint64_t wanted_bytes)
{
	(void)input;
	size_t text_bytes = strnlen(text, bytes);
	bool matches = prog_glob(wanted, wanted_bytes, (const uint8_t *)text, text_bytes);
	restore_xmm();
	return matches;
}

static uint64_t help_tid(const struct prog_input *input)
{
	return input->tid;
}

static void help_count(const struct prog_input *input, uint64_t cell, uint64_t key)
{
	uint64_t fault;
	run_site(input, (struct prog_insn){.op = PROG_COUNT, .at = (uint32_t)cell}, key, &fault);
}

static void help_hist(const struct prog_input *input, uint64_t cell, uint64_t value)
{
	uint64_t fault;
	run_site(input, (struct prog_insn){.op = PROG_HIST, .at = (uint32_t)cell}, value, &fault);
}

static void help_enter(const struct prog_input *input, uint64_t cell, uint64_t frame)
{
	uint64_t fault;
	run_site(input, (struct prog_insn){.op = PROG_ENTER, .at = (uint32_t)cell}, frame, &fault);
}

static struct pair help_leave(const struct prog_input *input, uint64_t cell, uint64_t frame)
{
	struct pair p;
	struct prog_insn in = {.op = PROG_LEAVE, .at = (uint32_t)cell};
	p.value = run_site(input, in, frame, &p.fault);
	return p;
}

enum { CPUS = 64 };

/* The first for whoever must lock it. */
static uint64_t counters[1 + CPUS];

static const struct prog_native_cell native_cells[CELLS] = {
	{.op = PROG_COUNT,
	 .address = 0,
	 .counters = (uint64_t)counters,
	 .cpu_count = CPUS,
	 .counter_shift = 3},
	{.op = PROG_HIST, .address = 1},
	{.op = PROG_ENTER, .address = 2},
};

static struct prog_native_target target_of(const struct prog_input *input)
{
	return (struct prog_native_target){
		.context = (uint64_t)input,
		.cells = native_cells,
		.cell_count = CELLS,
		.helpers = {[PROG_HELP_READ] = (uint64_t)help_read,
			    [PROG_HELP_TEXT] = (uint64_t)help_text,
			    [PROG_HELP_BYTES] = (uint64_t)help_bytes,
			    [PROG_HELP_EQUAL] = (uint64_t)help_equal,
			    [PROG_HELP_MATCH] = (uint64_t)help_match,
			    [PROG_HELP_TID] = (uint64_t)help_tid,
			    [PROG_HELP_COUNT] = (uint64_t)help_count,
			    [PROG_HELP_HIST] = (uint64_t)help_hist,
			    [PROG_HELP_ENTER] = (uint64_t)help_enter,
			    [PROG_HELP_LEAVE] = (uint64_t)help_leave},
	};
}

/* A function that makes room on the machine's stack and runs the program there. */
static void emit_run(struct emit *out)
{
	machine_emit_enter(out, &m);
	x86_lea(out, X86_RSP, X86_RSP, -FRAME_BYTES);
	struct prog_frame frame = {.pc = m.regs[PROG_REG_PC],
				   .rsp_at = FRAME_BYTES,
				   .saved = native.changes,
				   .slots_at = SLOTS_AT,
				   .output_at = OUTPUT_AT,
				   .output_bytes = RANDOM_OUTPUT_BYTES};
	for (int reg = 0; reg < X86_REGS; reg++) {
		frame.saved_at[reg] = 16 + 8 * reg;
		if (native.changes & 1u << reg)
			x86_store(out, reg, X86_RSP, frame.saved_at[reg], 8);
	}
	prog_native_emit(&native, &frame, out);
	x86_const(out, X86_RAX, (uint64_t)&recorded);
	x86_store_const(out, 1, X86_RAX, 0, 8);
	prog_native_land(&native, out);
	machine_emit_leave(out, &m);
}

static void make_machine(void)
{
	static const uint64_t numbers[] = {0, 1, 2, UINT64_MAX, 100, 1ull << 40, INT64_MAX};
	for (int i = 0; i < PROG_REGS; i++)
		m.regs[i] = pick(2) ? numbers[pick(7)] : (uint64_t)pick(UINT32_MAX) << pick(33);
	m.regs[3] = (uint64_t)memory + pick(MEMORY_BYTES - 8);
	m.regs[7] = (uint64_t)stack + STACK_BYTES - 64;
	m.flags = 2;
	recorded = 0;
	for (int i = 0; i < MEMORY_BYTES; i++)
		memory[i] = pick(9) ? (uint8_t)('a' + pick(2)) : (uint8_t)pick(256) * (i % 2);
}

static uint64_t counted(void)
{
	uint64_t sum = 0;
	for (int i = 0; i <= CPUS; i++)
		sum += counters[i];
	return sum;
}

static int compare_cells(const struct prog_cells *expected)
{
	for (uint32_t i = 0; i < expected->count; i++) {
		struct prog_cell want = expected->items[i];
		uint64_t got = want.at == 0 && want.key == 0 ? counted() : 0;
		for (uint32_t j = 0; j < cells.count; j++) {
			if (cells.items[j].at == want.at && cells.items[j].key == want.key)
				got += cells.items[j].value;
		}
		if (got != want.value)
			return -1;
	}
	uint32_t more = counted() && !cells.count;
	return cells.count + more <= expected->count ? 0 : -1;
}

static void compare(unsigned which, uint64_t expected, const uint8_t *output,
		    const struct prog_cells *expected_cells)
{
	if ((expected != 0) != recorded) {
		for (uint32_t i = 0; i < native.p->insn_count; i++) {
			const struct prog_insn *in = &native.p->insns[i];
			printf("%u %s a=%u b=%u at=%u bytes=%u val=%ld place=%u birth %u last %u\n",
			       i, prog_shapes[in->op].name, in->a, in->b, in->at, in->bytes,
			       (long)in->value, native.place[i], native.life.birth[i],
			       native.life.last_use[i]);
		}
		FILE *f = fopen("/tmp/code.bin", "w");
		fwrite(code, 1, 4096, f);
		fclose(f);
		fail_msg("program %u: recorded %d, result %#lx", which, (int)recorded, expected);
	}
	if (memcmp(output, (uint8_t *)m.regs_after[7] + OUTPUT_AT, RANDOM_OUTPUT_BYTES) != 0)
		fail_msg("program %u: the output differs", which);
	if (compare_cells(expected_cells))
		fail_msg("program %u: cells differ", which);
	m.regs[7] -= FRAME_BYTES;
	for (int i = 1; i < 16; i++) {
		if (!(native.changes & 1u << machine_regs[i]) && m.regs_after[i] != m.regs[i])
			fail_msg("program %u: register %d changed", which, i);
	}
	if (memcmp(m.xmm_after, m.regs + PROG_REG_XMM, sizeof(m.xmm_after)) != 0)
		fail_msg("program %u: a vector register changed", which);
}

static void run_both(unsigned which, const struct prog *p, int32_t tid_at)
{
	const struct prog_window window = {(uint64_t)memory, MEMORY_BYTES, memory};
	uint64_t values[PROG_INSNS_MAX];
	uint8_t output[RANDOM_OUTPUT_BYTES];
	struct prog_cells expected = {.count = 0};
	struct prog_input input = {.tid = 77,
				   .regs = m.regs,
				   .windows = &window,
				   .window_count = 1,
				   .output = output,
				   .output_bytes = sizeof(output),
				   .cells = &expected,
				   .now_ticks = NOW};
	uint64_t result = prog_run(p, &input, values);
	struct prog_input context = input;
	context.cells = &cells;
	cells.count = 0;
	memset(counters, 0, sizeof(counters));
	struct prog_native_target target = target_of(&context);
	target.tid_at = tid_at;
	target.rseq_at = tid_at && __rseq_size ? (int32_t)__rseq_offset : 0;
	uint32_t bad;
	if (prog_native_plan(&native, p, &target, &bad))
		fail_msg("program %u cannot be compiled, at %u", which, bad);
	struct emit out = emit_into(code, CODE_BYTES, (uint64_t)code);
	emit_run(&out);
	assert_true(emit_ok(&out));
	((void (*)(void))code)();
	compare(which, result, output, &expected);
}

static int map_code(void **state)
{
	(void)state;
	code = mmap(NULL, CODE_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack = code + CODE_BYTES;
	return code == MAP_FAILED;
}

/* The thread's own tid, which the tests' helper says is 77, lies in a variable of the thread. */
static _Thread_local uint32_t own_tid = 77;

static int32_t tid_distance(void)
{
	uint64_t thread;
	__asm__("movq %%fs:0, %0" : "=r"(thread));
	return (int32_t)((uint64_t)&own_tid - thread);
}

static void native_code_does_what_the_interpreter_does(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROGRAMS; i++) {
		struct random_prog r;
		struct prog p = random_prog_make(&r, true);
		uint32_t bad = 0;
		if (!prog_check(&p, &bad))
			fail_msg("program %u is wrong at %u", i, bad);
		make_machine();
		run_both(i, &p, i % 2 ? tid_distance() : 0);
	}
}

/* The same without whatever calls, so that values live in registers. */
static void values_in_registers_are_as_right(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROGRAMS; i++) {
		struct random_prog r;
		struct prog p = random_prog_make(&r, true);
		for (uint32_t k = 0; k < r.count; k++) {
			struct prog_insn *in = &r.insns[k];
			if (in->op == PROG_READ || in->op == PROG_READ_S)
				*in = (struct prog_insn){.op = PROG_PEEK, .bytes = in->bytes};
			else if (in->op == PROG_TEXT_EQ || in->op == PROG_TEXT_MATCH)
				*in = (struct prog_insn){.op = PROG_REG, .at = pick(PROG_REGS)};
			else if (in->op == PROG_COUNT)
				in->a = 1;
			else if (in->op >= PROG_COUNT || in->op == PROG_PUT_TEXT ||
				 in->op == PROG_PUT_BYTES)
				*in = (struct prog_insn){.op = PROG_REG};
		}
		assert_true(prog_check(&p, NULL));
		make_machine();
		run_both(i, &p, tid_distance());
		assert_false(native.calls);
	}
}

static void registers_are_stored_where_they_are(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {
		{.op = PROG_REG, .at = 5},      {.op = PROG_PUT, .a = 0, .at = 0, .bytes = 8},
		{.op = PROG_REG, .at = 4},      {.op = PROG_PUT, .a = 2, .at = 8, .bytes = 8},
		{.op = PROG_REG, .at = 1},      {.op = PROG_PUT, .a = 4, .at = 16, .bytes = 8},
		{.op = PROG_CONST, .value = 1}, {.op = PROG_RESULT, .a = 6},
	};
	struct prog p = {.insns = insns, .insn_count = 8};
	struct prog_native_target target = {.context = 0};
	struct prog_frame frame = {.output_at = 16, .output_bytes = 24, .saved = 1};
	uint32_t bad;
	assert_int_equal(prog_native_plan(&native, &p, &target, &bad), 0);
	assert_int_equal(native.changes, 1u << X86_RAX);
	assert_true(native.always && !native.calls && native.slot_count == 0);
	struct emit out = emit_into(code, CODE_BYTES, 0);
	prog_native_emit(&native, &frame, &out);
	static const uint8_t expected[] = {0x48, 0x89, 0x7c, 0x24, 0x10, 0x48, 0x89, 0x74,
					   0x24, 0x18, 0x48, 0x89, 0x54, 0x24, 0x20};
	assert_int_equal(out.bytes, sizeof(expected));
	assert_memory_equal(code, expected, sizeof(expected));
}

/* An int argument, and a local of this frame: through rax, nothing else is saved for them. */
static void small_steps_take_one_register(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {
		{.op = PROG_REG, .at = 5},
		{.op = PROG_EXTEND_S, .a = 0, .bytes = 4},
		{.op = PROG_PUT, .a = 1, .at = 0, .bytes = 8},
		{.op = PROG_REG, .at = 6},
		{.op = PROG_CONST, .value = -16},
		{.op = PROG_ADD, .a = 3, .b = 4},
		{.op = PROG_PEEK, .a = 5, .bytes = 4},
		{.op = PROG_PUT, .a = 6, .at = 8, .bytes = 4},
		{.op = PROG_CONST, .value = 1},
		{.op = PROG_RESULT, .a = 8},
	};
	struct prog p = {.insns = insns, .insn_count = 10};
	struct prog_native_target target = {.context = 0};
	uint32_t bad;
	assert_true(prog_check(&p, NULL));
	assert_int_equal(prog_native_plan(&native, &p, &target, &bad), 0);
	assert_int_equal(native.changes, 1u << X86_RAX);
	assert_int_equal(native.slot_count, 0);
}

static void what_asks_for_a_record_or_another_cell_is_refused(void **state)
{
	(void)state;
	const struct prog_insn load[] = {{.op = PROG_LOAD, .bytes = 4}, {.op = PROG_RESULT}};
	const struct prog_insn hist[] = {
		{.op = PROG_CONST}, {.op = PROG_HIST, .at = 0}, {.op = PROG_RESULT}};
	struct prog p = {.insns = load, .insn_count = 2}, q = {.insns = hist, .insn_count = 3};
	struct prog_native_target target = {.cells = native_cells, .cell_count = CELLS};
	uint32_t bad;
	assert_int_not_equal(prog_native_plan(&native, &p, &target, &bad), 0);
	assert_int_equal(bad, 0);
	assert_int_not_equal(prog_native_plan(&native, &q, &target, &bad), 0);
	assert_int_equal(bad, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native_code_does_what_the_interpreter_does),
		cmocka_unit_test(values_in_registers_are_as_right),
		cmocka_unit_test(registers_are_stored_where_they_are),
		cmocka_unit_test(small_steps_take_one_register),
		cmocka_unit_test(what_asks_for_a_record_or_another_cell_is_refused),
	};
	return cmocka_run_group_tests(tests, map_code, NULL);
}

#else

int main(void)
{
	return 0;
}

#endif
