/* SPDX-License-Identifier: MIT */
/*
 * The probe program: a small typed linear form that says what to do with one event's record, or
 * with the registers and the memory of a thread that comes to a place of its code.
 *
 * Each instruction makes at most one value, named by the instruction's own index; operands name
 * earlier instructions. Control only ever goes forward, by skips; the value of an instruction that
 * was skipped is 0, so that no merge is needed. The bytes of the form are the same in memory and
 * on a wire. prog_check() decides whether a program may run at all; prog_run() is the reference
 * every back end is compared with. README.md numbers the invariants.
 */
#ifndef CAIRN_PROG_PROG_H
#define CAIRN_PROG_PROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROG_INSNS_MAX = 256,
	PROG_POOL_BYTES_MAX = 4096,
	PROG_RECORD_BYTES_MAX = 4096, /* a place beyond it cannot be named */
	PROG_TEXT_BYTES_MAX = 255,    /* of a longer text, the first bytes are looked at */
	PROG_PATTERN_BYTES_MAX = 63,
	PROG_OUTPUT_BYTES_MAX = 4096,
	PROG_CELLS_MAX = 256,
	PROG_REGS =
		33, /* in DWARF's order: 16 general ones, the pc, the low halves of xmm0 to 15 */
	PROG_REG_PC = 16,
	PROG_REG_XMM = 17,
};

enum prog_op {
	/* Numbers: 64 bits; whether they are signed is said by what uses them. */
	PROG_CONST,  /* value */
	PROG_LOAD,   /* the `bytes` (1, 2, 4, 8) at `at` of the record, zero-extended */
	PROG_LOAD_S, /* the same, sign-extended */
	PROG_TID,    /* the thread that runs */
	PROG_ADD,    /* a, b; wraps, as the next ones do */
	PROG_SUB,
	PROG_MUL,
	PROG_AND,
	PROG_OR,
	PROG_XOR,
	PROG_SHL, /* by b modulo 64 */
	PROG_SHR,
	PROG_SHR_S,
	PROG_NEG,
	PROG_EQ, /* a, b; 1 or 0 */
	PROG_NE,
	PROG_LT,
	PROG_LE,
	PROG_LT_S,
	PROG_LE_S,
	PROG_NOT, /* 1 if a is 0, else 0 */
	/* Texts: places in the record, read where they are used; they end at the first NUL. */
	PROG_TEXT,       /* the `bytes` characters at `at` */
	PROG_TEXT_LOC,   /* where the word at `at` says: offset in the low half, length above */
	PROG_TEXT_REL,   /* the same, the offset counted from the word's end */
	PROG_TEXT_EQ,    /* a is the pool's `bytes` at `at`; 1 or 0 */
	PROG_TEXT_MATCH, /* a matches the pool's pattern: '*' any characters, '?' any one */
	/* Control. */
	PROG_SKIP_IF,     /* a is not 0: go on at instruction `at` */
	PROG_SKIP_UNLESS, /* a is 0: the same */
	PROG_RESULT,      /* the end: a not 0 records the event; last instruction, only there */
	/* More of numbers. */
	PROG_DIV,      /* a, b; what is divided by 0 is 0, the remainder as well */
	PROG_DIV_S,    /* towards 0; wraps */
	PROG_MOD,      /* the remainder of PROG_DIV */
	PROG_MOD_S,    /* the remainder of PROG_DIV_S: its sign is a's */
	PROG_EXTEND,   /* the low `bytes` (1, 2, 4, 8) of a, zero-extended */
	PROG_EXTEND_S, /* the same, sign-extended */
	/* The place of code that a thread has come to. */
	PROG_REG,    /* register `at` of PROG_REGS */
	PROG_PEEK,   /* the `bytes` (1, 2, 4, 8) at address a, which is known to be mapped */
	PROG_PEEK_S, /* the same, sign-extended */
	PROG_READ,   /* the same at any address: 0 where nothing can be read, and a fault */
	PROG_READ_S,
	PROG_FAULT, /* 1 if there was a fault since the last PROG_FAULT, else 0 */
	/* The output: a record that is 0 where nothing was put. */
	PROG_PUT,       /* the low `bytes` (1, 2, 4, 8) of a to `at` */
	PROG_PUT_TEXT,  /* the text at address a to `at`: cut to `bytes` with its NUL, padded */
	PROG_PUT_BYTES, /* the `bytes` at address a to `at`; both guarded as PROG_READ is */
	PROG_OUT_TEXT,  /* a place of a text as PROG_TEXT, in the output */
	/* Cells: what is kept from one run to the next, shared by all threads. */
	PROG_COUNT, /* one more for key a in cell `at` */
	PROG_HIST,  /* one more of the size of a (base/bucket.h) in cell `at` */
	PROG_ENTER, /* remembers the time for this thread and its frame a in cell `at` */
	PROG_LEAVE, /* ticks since that, which is forgotten; without it 0, and a fault */
	PROG_OPS
};

enum prog_type {
	PROG_NONE,
	PROG_NUMBER,
	PROG_PLACE, /* of a text */
};

struct prog_insn {
	uint8_t op;
	uint8_t zero[3];
	uint16_t a;
	uint16_t b;
	union {
		int64_t value;
		struct {
			uint32_t at;
			uint32_t bytes;
		};
	};
};

_Static_assert(sizeof(struct prog_insn) == 16, "the program's bytes are an ABI");

struct prog {
	const struct prog_insn *insns;
	uint32_t insn_count;
	uint32_t pool_bytes;
	const uint8_t *pool; /* literals and patterns, without NULs */
};

/* What an operation takes and makes; the checker and the back ends read the same table. */
struct prog_shape {
	uint8_t makes; /* enum prog_type */
	uint8_t a;     /* of the operands, PROG_NONE where there is none */
	uint8_t b;
	const char *name;
};

extern const struct prog_shape prog_shapes[PROG_OPS];

/* A stretch of the memory that PROG_PEEK and PROG_READ find. No two are adjacent. */
struct prog_window {
	uint64_t address;
	size_t bytes;
	const uint8_t *data;
};

/* Cells as the reference keeps them: a count of each key or bucket, a time of each frame. */
struct prog_cells {
	struct prog_cell {
		uint64_t key, value;
		uint32_t at;
	} items[PROG_CELLS_MAX]; /* what finds no room is not kept */
	uint32_t count;
};

/* What a program runs on. Whatever is left out reads as 0, and keeps nothing. */
struct prog_input {
	const void *record;
	size_t record_bytes; /* what lies beyond reads as 0, texts there as empty */
	uint32_t tid;
	const uint64_t *regs; /* PROG_REGS */
	const struct prog_window *windows;
	size_t window_count;
	uint8_t *output; /* zeroed by prog_run() */
	size_t output_bytes;
	struct prog_cells *cells;
	uint64_t now_ticks;
};

/*
 * Whether the program keeps the form's rules, so that running or compiling it is safe. When not,
 * `*bad_ret` (unless NULL) is the instruction that breaks one.
 */
bool prog_check(const struct prog *p, uint32_t *bad_ret);

static inline bool prog_is_skip(const struct prog_insn *in)
{
	return in->op == PROG_SKIP_IF || in->op == PROG_SKIP_UNLESS;
}

/* The bytes of output that a checked program may put. */
uint32_t prog_output_bytes(const struct prog *p);

/*
 * The result of a checked program. `values` is room for one number an instruction. Time is bounded
 * by the program's length and its patterns' lengths.
 */
uint64_t prog_run(const struct prog *p, const struct prog_input *input, uint64_t *values);

/* '*' and '?' as in a shell, everything else literally; the text is `text_bytes` long. */
bool prog_glob(const uint8_t *pattern, size_t pattern_bytes, const uint8_t *text,
	       size_t text_bytes);

#endif
