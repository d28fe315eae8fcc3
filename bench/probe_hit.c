/* SPDX-License-Identifier: MIT */
/*
 * What a probe costs each time a thread comes by: a function of this program's own is patched by a
 * jump, as the tool patches those of others, and called in a loop. Kinds are interleaved; a net
 * cost is the loop's with the probe less the loop's without, of the same round.
 */
#include "insn/insn_emit.h"
#include "insn/insn_move.h"
#include "patch/patch_body.h"
#include "payload/payload_bed_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 31, CALLS = 200000, CODE_BYTES = 1 << 16, RECORD_BYTES = 24 };

/* Begins with an ordinary instruction: no push, no nop, longer than a jump with the next one. */
__asm__(".pushsection .text\n"
	".balign 64\n"
	"probed:\n"
	"	leaq (%rdi,%rsi,2), %rax\n"
	"	addq %rdx, %rax\n"
	"	ret\n"
	"	.balign 64\n"
	".popsection\n");
uint64_t probed(uint64_t a, uint64_t b, uint64_t c);

static struct payload_bed bed;
static const struct cell_plan plans[] = {{CELL_COUNT, 64}, {CELL_HIST, 0}, {CELL_TIME, 64}};

#define TAKE(number)                                                                               \
	{                                                                                          \
		.op = PROG_REG, .at = (number)                                                     \
	}
#define PUT(value, place)                                                                          \
	{                                                                                          \
		.op = PROG_PUT, .a = (value), .at = (place), .bytes = 8                            \
	}

static const struct prog_insn record_insns[] = {
	TAKE(5),
	PUT(0, 0),
	TAKE(4),
	PUT(2, 8),
	TAKE(1),
	PUT(4, 16),
	{.op = PROG_CONST, .value = 1},
	{.op = PROG_RESULT, .a = 6},
};

static const struct prog_insn int_insns[] = {
	TAKE(5),
	{.op = PROG_PUT, .a = 0, .at = 0, .bytes = 4},
	TAKE(4),
	{.op = PROG_PUT, .a = 2, .at = 4, .bytes = 4},
	TAKE(1),
	{.op = PROG_PUT, .a = 4, .at = 8, .bytes = 4},
	{.op = PROG_CONST, .value = 1},
	{.op = PROG_RESULT, .a = 6},
};

static const struct prog_insn unwanted_insns[] = {
	TAKE(5),
	{.op = PROG_CONST, .value = -1},
	{.op = PROG_EQ, .a = 0, .b = 1},
	{.op = PROG_SKIP_UNLESS, .a = 2, .at = 6},
	TAKE(4),
	PUT(4, 0),
	{.op = PROG_RESULT, .a = 2},
};

static const struct prog_insn count_insns[] = {
	{.op = PROG_CONST},
	{.op = PROG_COUNT, .a = 0, .at = 0},
	{.op = PROG_RESULT, .a = 0},
};

static const struct prog_insn key_insns[] = {
	{.op = PROG_REG, .at = 4},
	{.op = PROG_COUNT, .a = 0, .at = 0},
	{.op = PROG_RESULT, .a = 0},
};

static const struct prog_insn hist_insns[] = {
	{.op = PROG_REG, .at = 5},
	{.op = PROG_HIST, .a = 0, .at = 1},
	{.op = PROG_RESULT, .a = 0},
};

static const struct prog_insn time_insns[] = {
	{.op = PROG_REG, .at = 7},           {.op = PROG_ENTER, .a = 0, .at = 2},
	{.op = PROG_LEAVE, .a = 0, .at = 2}, {.op = PROG_HIST, .a = 2, .at = 1},
	{.op = PROG_RESULT, .a = 0},
};

static const struct prog_insn read_insns[] = {
	{.op = PROG_REG, .at = 7},
	{.op = PROG_READ, .a = 0, .bytes = 8},
	{.op = PROG_PUT, .a = 1, .at = 0, .bytes = 8},
	{.op = PROG_RESULT, .a = 0},
};

#define KIND(name, list, record, goal)                                                             \
	{                                                                                          \
		name, {.insns = (list), .insn_count = sizeof(list) / sizeof(*(list))}, record,     \
			goal                                                                       \
	}

static const struct kind {
	const char *name;
	struct prog prog;
	uint32_t record_bytes;
	double goal_ns; /* net; 0: none */
} kinds[] = {
	KIND("tsc and 3 arguments", record_insns, RECORD_BYTES, 20),
	KIND("tsc and 3 ints of 4 bytes", int_insns, 12, 20),
	KIND("condition that fails", unwanted_insns, RECORD_BYTES, 5),
	KIND("count", count_insns, 0, 5),
	KIND("count by key", key_insns, 0, 0),
	KIND("histogram", hist_insns, 0, 0),
	KIND("enter and leave", time_insns, 0, 0),
	KIND("guarded read, recorded", read_insns, RECORD_BYTES, 0),
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static uint8_t original[INSN_BYTES_MAX], *code[KINDS];

static void fail(const char *what)
{
	fprintf(stderr, "probe_hit: %s\n", what);
	exit(1);
}

static void write_text(const void *bytes, size_t count)
{
	uint8_t *page = (uint8_t *)((uint64_t)probed & ~4095ull);
	if (mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		fail("this process may not write to its own code");
	memcpy((void *)probed, bytes, count);
	mprotect(page, 8192, PROT_READ | PROT_EXEC);
}

static void make_trampoline(size_t index, uint8_t *room)
{
	struct insn_run run;
	struct insn_copy copy;
	struct err e = {.text = "the function cannot be moved"};
	struct patch_body b = {.prog = &kinds[index].prog,
			       .target = bed_target(&bed),
			       .write = payload_blob_entry(PAYLOAD_WRITE, (uint64_t)bed.code),
			       .site = (uint64_t)probed,
			       .event_id = RING_ID_FIRST,
			       .record_bytes = kinds[index].record_bytes};
	struct emit out = emit_into(room, CODE_BYTES, (uint64_t)room);
	if (!prog_check(&kinds[index].prog, NULL) || patch_body_emit(&b, &out, NULL, &e) ||
	    insn_run_find((uint8_t *)probed, 64, (uint64_t)probed, INSN_JUMP_BYTES, &run) ||
	    insn_run_move(&run, (uint8_t *)probed, &out, &copy))
		fail(e.text);
	memcpy(original, (void *)probed, INSN_JUMP_BYTES);
	code[index] = room;
}

static void patch(size_t index)
{
	uint8_t jump[INSN_JUMP_BYTES];
	struct emit out = emit_into(jump, sizeof(jump), (uint64_t)probed);
	insn_emit_jump(&out, (uint64_t)code[index]);
	if (!emit_ok(&out))
		fail("no trampoline within reach of the function");
	write_text(jump, sizeof(jump));
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double call_ns(void)
{
	double start = now_ns();
	uint64_t sum = 0;
	for (uint64_t i = 0; i < CALLS; i++)
		sum += probed(i, i & 15, i);
	__asm__ volatile("" : : "r"(sum));
	return (now_ns() - start) / CALLS;
}

static double rdtsc_ns(void)
{
	double start = now_ns();
	for (uint64_t i = 0; i < CALLS; i++)
		__asm__ volatile("rdtsc" : : : "rax", "rdx");
	return (now_ns() - start) / CALLS;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void say(const char *name, double figures[ROUNDS], double goal)
{
	qsort(figures, ROUNDS, sizeof(*figures), by_size);
	double median = figures[ROUNDS / 2];
	printf("%-28s %7.1f ns  (%.1f to %.1f)", name, median, figures[0], figures[ROUNDS - 1]);
	if (goal > 0)
		printf("  goal <= %.0f %s", goal, median <= goal ? "met" : "missed");
	printf("\n");
}

static void make_all(void)
{
	uint64_t base = ((uint64_t)probed & ~4095ull) + (64 << 20);
	uint8_t *room = mmap((void *)base, KINDS * CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED || !bed_start(&bed, 1 << 20, plans, 3))
		fail("no memory, or a C library that keeps its tids elsewhere");
	for (size_t k = 0; k < KINDS; k++)
		make_trampoline(k, room + k * CODE_BYTES);
}

int main(void)
{
	static double bare[ROUNDS], tsc[ROUNDS], gross[KINDS][ROUNDS], net[KINDS][ROUNDS];
	make_all();
	for (int round = 0; round < ROUNDS; round++) {
		bare[round] = call_ns();
		tsc[round] = rdtsc_ns();
		for (size_t k = 0; k < KINDS; k++) {
			patch(k);
			gross[k][round] = call_ns();
			net[k][round] = gross[k][round] - bare[round];
			write_text(original, INSN_JUMP_BYTES);
		}
	}
	say("the call alone", bare, 0);
	say("rdtsc", tsc, 0);
	for (size_t k = 0; k < KINDS; k++) {
		char name[64];
		snprintf(name, sizeof(name), "%s, net", kinds[k].name);
		say(name, net[k], kinds[k].goal_ns);
	}
	printf("%-28s %7lu events\n", "lost", (unsigned long)ring_view_lost(&bed.view));
	bed_end(&bed);
	return 0;
}
