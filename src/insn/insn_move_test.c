/* SPDX-License-Identifier: MIT */
/*
 * A run and its copy are both executed, from the same random registers and memory, and must end
 * alike: at the same place, by the same signal, with the same registers, vectors and memory.
 *
 * Everything around the run is int3, so that wherever it goes on is seen. The runs come from this
 * process's own libc and from a list of the kinds that are moved by hand. A child executes them.
 */
#include "util/test.h"
#include "insn/insn_emit.h"
#include "insn/insn_move.h"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	AROUND = 512, /* int3 on both sides of a run */
	SCRATCH_BYTES = 1 << 14,
	FLAGS_KEPT = 0xcd5, /* what user code sets: CF PF AF ZF SF DF OF */
	XMM_AT = 160,       /* in the frame's fxsave area */
	XMM_BYTES = 256,
	TRAP = 0xcc,
};

struct outcome {
	int signal;
	uint64_t pc;
	greg_t registers[NGREG];
	uint8_t vectors[XMM_BYTES];
	uint8_t memory[SCRATCH_BYTES];
};

struct stage {
	uint8_t original[2 * AROUND];
	uint8_t guard[4096] __attribute__((aligned(4096)));
	uint8_t scratch[SCRATCH_BYTES];
	uint8_t guard_behind[4096];
	uint8_t copy[INSN_COPY_BYTES_MAX] __attribute__((aligned(4096)));
};

static struct stage *stage;
static struct outcome *outcome; /* of the run that is on */
static greg_t seed[NGREG];
static uint8_t seed_vectors[XMM_BYTES];
static uint64_t start_pc;
static ucontext_t home;
static uint8_t home_vectors[512];
static bool inside;

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* The first signal enters the code with the seed's registers, the next one leaves it. */
static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)info;
	ucontext_t *c = context;
	greg_t *r = c->uc_mcontext.gregs;
	uint8_t *fp = (uint8_t *)c->uc_mcontext.fpregs;
	if (!inside) {
		home.uc_mcontext = c->uc_mcontext;
		memcpy(home_vectors, fp, sizeof(home_vectors));
		memcpy(fp + XMM_AT, seed_vectors, XMM_BYTES);
		for (int i = REG_R8; i <= REG_RSP; i++)
			r[i] = seed[i];
		r[REG_EFL] = (r[REG_EFL] & ~FLAGS_KEPT) | (seed[REG_EFL] & FLAGS_KEPT);
		r[REG_RIP] = (greg_t)start_pc;
	} else {
		outcome->signal = number;
		outcome->pc = (uint64_t)r[REG_RIP] - (number == SIGTRAP);
		memcpy(outcome->registers, r, sizeof(outcome->registers));
		memcpy(outcome->vectors, fp + XMM_AT, XMM_BYTES);
		for (int i = REG_R8; i <= REG_RIP; i++)
			r[i] = home.uc_mcontext.gregs[i];
		r[REG_EFL] = home.uc_mcontext.gregs[REG_EFL];
		memcpy(fp, home_vectors, sizeof(home_vectors));
	}
	inside = !inside;
}

/* While code runs, a wild store into it ends the run, as any other does. */
static void protect_code(int protection)
{
	const size_t copy_bytes = sizeof(*stage) - offsetof(struct stage, copy);
	if (mprotect(stage->original, offsetof(struct stage, guard), protection) ||
	    mprotect(stage->copy, copy_bytes, protection))
		_exit(9);
}

static void execute(uint64_t pc, const uint8_t *memory, struct outcome *ret)
{
	memcpy(stage->scratch, memory, SCRATCH_BYTES);
	outcome = ret;
	start_pc = pc;
	__asm__ volatile("int3" ::: "memory");
	memcpy(ret->memory, stage->scratch, SCRATCH_BYTES);
}

/* Registers that point into the scratch memory, or count a little. */
static void seed_all(uint8_t *memory)
{
	for (int i = REG_R8; i <= REG_RCX; i++) {
		uint64_t value = random64();
		seed[i] = value & 3 ? (greg_t)(stage->scratch + 4096 + (value >> 8) % 8192)
				    : (greg_t)((value >> 8) % 4);
	}
	seed[REG_RSP] = (greg_t)(stage->scratch + SCRATCH_BYTES / 2);
	seed[REG_EFL] = (greg_t)(random64() & FLAGS_KEPT & ~0x400);
	for (size_t i = 0; i < XMM_BYTES; i++)
		seed_vectors[i] = (uint8_t)random64();
	for (size_t i = 0; i < SCRATCH_BYTES; i++)
		memory[i] = (uint8_t)random64();
}

/* What would change the test's own ground: thread pointers, the trap flag, protection keys. */
static bool is_dangerous(const uint8_t *code, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (code[i] == 0x64 || code[i] == 0x65 || code[i] == 0x9d || code[i] == 0xcf)
			return true;
		if (i + 1 < bytes && code[i] == 0x0f &&
		    (code[i + 1] == 0x05 || code[i + 1] == 0x01 || code[i + 1] == 0xae))
			return true;
	}
	return false;
}

/* The run's bytes on the stage, operands and targets led to where this test owns the memory. */
static bool stage_run(const uint8_t *code, size_t bytes, struct insn_run *ret)
{
	uint8_t *place = stage->original + AROUND;
	struct insn in;
	memset(stage->original, TRAP, sizeof(stage->original));
	memcpy(place, code, bytes);
	for (size_t at = 0; at < bytes; at += in.bytes) {
		uint64_t address = (uint64_t)(place + at);
		if (!insn_decode(place + at, bytes - at, address, &in))
			return false;
		if (in.relative_bytes != 4)
			continue;
		uint8_t *target = insn_has_target(&in) ? stage->original + random64() % 256
						       : stage->scratch + 4096;
		int32_t distance = (int32_t)(target - (place + at + in.bytes));
		memcpy(place + at + in.relative_at, &distance, sizeof(distance));
	}
	/* The first byte not of the run is int3, even where the run takes padding along. */
	return !insn_run_find(place, bytes, (uint64_t)place, INSN_JUMP_BYTES, ret) &&
	       ret->bytes == bytes;
}

/* Only such a run can go on without an end: everything else around it stops it. */
static bool repeats_itself(const struct insn_run *run)
{
	for (unsigned i = 0; i < run->count; i++) {
		if (insn_has_target(&run->insns[i]) &&
		    run->insns[i].target == run->insns[0].address)
			return true;
	}
	return false;
}

/* A place in the copy as the place in the original it stands for. */
static uint64_t original_pc(const struct insn_run *run, const struct insn_copy *copy, uint64_t pc,
			    uint8_t *class_ret)
{
	uint64_t start = (uint64_t)stage->copy;
	*class_ret = INSN_PLAIN;
	if (pc < start || pc >= start + sizeof(stage->copy))
		return pc;
	unsigned i = 0;
	while (i + 1 < run->count && copy->at[i + 1] <= pc - start)
		i++;
	*class_ret = run->insns[i].class;
	return run->insns[i].address;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	for (int i = REG_R8; i <= REG_RSP; i++) {
		if (a->registers[i] != b->registers[i])
			return false;
	}
	return a->pc == b->pc && a->signal == b->signal &&
	       !((a->registers[REG_EFL] ^ b->registers[REG_EFL]) & FLAGS_KEPT) &&
	       !memcmp(a->vectors, b->vectors, XMM_BYTES) &&
	       !memcmp(a->memory, b->memory, SCRATCH_BYTES);
}

static void complain(const uint8_t *code, size_t bytes, const struct outcome *a,
		     const struct outcome *b)
{
	fprintf(stderr, "differs:");
	for (size_t i = 0; i < bytes; i++)
		fprintf(stderr, " %02x", code[i]);
	fprintf(stderr, "; signal %d at %+lld, copy %d at %+lld\n", a->signal,
		(long long)(a->pc - (uint64_t)stage->original) - AROUND, b->signal,
		(long long)(b->pc - (uint64_t)stage->original) - AROUND);
}

/* 1: alike, 0: nothing to compare, -1: they differ. */
static int compare_run(const uint8_t *code, size_t bytes)
{
	static uint8_t memory[SCRATCH_BYTES];
	static struct outcome original, again, moved;
	struct insn_run run;
	struct insn_copy copy;
	if (is_dangerous(code, bytes) || !stage_run(code, bytes, &run))
		return 0;
	memset(stage->copy, TRAP, sizeof(stage->copy));
	struct emit out = emit_into(stage->copy, sizeof(stage->copy), (uint64_t)stage->copy);
	if (insn_run_move(&run, stage->original + AROUND, &out, &copy))
		return 0;
	seed_all(memory);
	uint64_t place = (uint64_t)(stage->original + AROUND);
	protect_code(PROT_READ | PROT_EXEC);
	execute(place, memory, &original);
	execute(place, memory, &again);
	execute((uint64_t)stage->copy, memory, &moved);
	protect_code(PROT_READ | PROT_WRITE);
	if (!same(&original, &again))
		return 0; /* a clock, a random number */
	uint8_t class;
	moved.pc = original_pc(&run, &copy, moved.pc, &class);
	if (class == INSN_CALL_ANY && moved.signal != SIGTRAP && moved.pc == original.pc)
		return 0; /* it read a bad address after its push instead of before */
	if (same(&original, &moved))
		return 1;
	complain(stage->original + AROUND, bytes, &original, &moved);
	return -1;
}

static void child_begin(void)
{
	static uint8_t stack[1 << 16];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	static const int numbers[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
	/* Nothing else lies within a displacement: wild accesses and jumps end where they land. */
	static const size_t reach = UINT64_C(1) << 31;
	uint8_t *room = mmap(NULL, 2 * reach + sizeof(*stage), PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	stage = (struct stage *)(room + reach);
	if (room == MAP_FAILED ||
	    mprotect(stage, sizeof(*stage), PROT_READ | PROT_WRITE | PROT_EXEC) ||
	    mprotect(stage->guard, sizeof(stage->guard), PROT_NONE) ||
	    mprotect(stage->guard_behind, sizeof(stage->guard_behind), PROT_NONE) ||
	    mprotect(stage->scratch, SCRATCH_BYTES, PROT_READ | PROT_WRITE))
		_exit(9);
}

/* Exit status: 0 all alike, 1 some differ, 2 too few were compared. */
static int in_child(int (*work)(void))
{
	fflush(NULL);
	pid_t child = fork();
	if (!child) {
		child_begin();
		_exit(work());
	}
	int status;
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	if (!WIFEXITED(status))
		fail_msg("the child died of signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

struct text {
	const uint8_t *start, *end;
};

static int text_of_libc(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct text *ret = context;
	(void)bytes;
	if (!info->dlpi_name || !strstr(info->dlpi_name, "libc.so"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
			ret->start = (const uint8_t *)info->dlpi_addr + segment->p_vaddr;
			ret->end = ret->start + segment->p_memsz;
		}
	}
	return 1;
}

static int compare_libc(void)
{
	enum { RUNS = 30000, COMPARED_MIN = 8000 };
	struct text text = {0};
	int compared = 0, differ = 0;
	dl_iterate_phdr(text_of_libc, &text);
	for (int i = 0; i < RUNS && text.start; i++) {
		/* Far from the text's end, at any byte: what decodes there is code enough. */
		const uint8_t *code =
			text.start + random64() % (size_t)(text.end - text.start - 64);
		struct insn_run run;
		if (insn_run_find(code, 32, (uint64_t)code, INSN_JUMP_BYTES, &run))
			continue;
		if (repeats_itself(&run))
			continue;
		int result = compare_run(code, run.bytes);
		compared += result != 0;
		differ += result < 0;
	}
	return differ ? 1 : compared < COMPARED_MIN ? 2 : 0;
}

static int compare_kinds(void)
{
	static const struct {
		const char *code;
		uint8_t bytes;
	} kinds[] = {
		{"\x85\xff\x74\x40\x55", 5},             /* test; je; push */
		{"\x85\xff\x0f\x8f\x00\x00\x00\x00", 8}, /* test; jg, long */
		{"\x31\xc0\xeb\x40\x90", 5},             /* a jump over padding */
		{"\xe2\x40\x48\x89\xd8", 5},             /* loop */
		{"\xe1\x40\xe0\x40\x90", 5},             /* loope; loopne */
		{"\xe3\x40\x48\x89\xd8", 5},             /* jrcxz */
		{"\x67\xe3\x40\x89\xd8", 5},             /* jecxz */
		{"\xd1\xef\x85\xff\x75\xfa", 6},         /* shr; test; jne to the start */
		{"\xe8\x00\x00\x00\x00", 5},             /* call */
		{"\x53\xe8\x00\x00\x00\x00", 6},
		{"\x48\x8b\x05\x00\x00\x00\x00", 7},                  /* a rip-relative load */
		{"\x48\xc7\x05\x00\x00\x00\x00\x07\x00\x00\x00", 11}, /* a store, field inside */
		{"\x48\x8d\x3d\x00\x00\x00\x00", 7},                  /* lea */
		{"\xff\x15\x00\x00\x00\x00", 6},                      /* call through memory */
		{"\xff\x25\x00\x00\x00\x00", 6},
		{"\x31\xc0\x90\xff\xd0", 5}, /* call through a register */
		{"\x90\x90\x41\xff\xd4", 5},
		{"\x89\xd8\x90\xff\xe3", 5},
		{"\x31\xc0\xc3\x90\x90", 5}, /* return, padding */
		{"\x48\x89\x44\x24\xf8", 5}, /* into the red zone */
		{"\x0f\x94\xc0\x74\x20", 5}, /* sete; je */
	};
	int differ = 0;
	for (int round = 0; round < 40; round++) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
			differ += compare_run((const uint8_t *)kinds[i].code, kinds[i].bytes) < 0;
	}
	return differ ? 1 : 0;
}

static void a_moved_run_of_each_kind_does_the_same(void **state)
{
	(void)state;
	assert_int_equal(in_child(compare_kinds), 0);
}

static void moved_runs_of_libc_do_the_same(void **state)
{
	(void)state;
	assert_int_equal(in_child(compare_libc), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_moved_run_of_each_kind_does_the_same),
		cmocka_unit_test(moved_runs_of_libc_do_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
