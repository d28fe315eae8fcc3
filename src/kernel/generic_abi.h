/* SPDX-License-Identifier: MIT */
/* What the programs for tracepoints by name have to know to record them as format.h lays it out. */
#ifndef CAIRN_KERNEL_GENERIC_ABI_H
#define CAIRN_KERNEL_GENERIC_ABI_H

#include "kernel/recorder_abi.h"

enum {
	GENERIC_DYNAMIC_MAX = 8,
	GENERIC_CALLS = 1024, /* system call numbers that are looked at */
	GENERIC_ARGS_MAX = 6,
	GENERIC_VALUES_MAX = 32,                            /* of a probe */
	GENERIC_STEPS_MAX = 6,                              /* pointers followed to one of them */
	GENERIC_REGISTERS = 21,                             /* words of the kernel's pt_regs */
	GENERIC_RAW_BYTES = 2 * RECORDER_GENERIC_BYTES_MAX, /* room for a record and a text more */
};

struct generic_dynamic {
	RING_U16 at; /* of the word, in the raw record */
	RING_U8 element_shift;
	RING_U8 is_relative;
};

/* The entry that a program's cookie names. */
struct generic_event {
	RING_U16 id;
	RING_U16 fixed_bytes; /* without the common fields */
	RING_U16 dynamic_count;
	RING_U16 spare;
	struct generic_dynamic dynamic[GENERIC_DYNAMIC_MAX];
};

/* By the number of a system call; an id of 0 is not asked for. */
struct generic_call {
	RING_U16 enter_id;
	RING_U16 exit_id;
	RING_U16 enter_bytes; /* of the payload */
	RING_U16 arg_count;
};

/* What the tracepoints of a system call hold behind the common fields. */
struct generic_call_enter {
	recorder_s32 nr;
	RING_U32 spare;
	RING_U64 args[GENERIC_ARGS_MAX]; /* as many as the call has; without any, no spare */
};

struct generic_call_exit {
	recorder_s32 nr;
	RING_U32 spare;
	recorder_s64 ret;
};

/*
 * A value of a probe's event: begin with the word `base` of the registers; each step adds its
 * offset and, but for the last, goes on with the 8 bytes there. What lies behind the last is the
 * value; without a step it is the register.
 */
enum generic_value_kind {
	GENERIC_NUMBER, /* of `bytes`; of a bit field `bits` of it, from `shift` on */
	GENERIC_BYTES,  /* an array of `bytes` */
	GENERIC_TEXT,   /* whose word in the record says where it was put */
};

struct generic_value {
	RING_U16 at; /* in the raw record */
	RING_U16 bytes;
	RING_U8 kind, base, step_count, shift, bits;
	RING_U8 spare[3];
	recorder_s32 steps[GENERIC_STEPS_MAX];
};

/* Beside the entry of the same index that says how the raw record is copied. */
struct generic_probe {
	RING_U8 is_user, is_return, is_filtered, spare;
	RING_U16 fixed_bytes; /* of the raw record */
	RING_U16 value_count;
	struct generic_value values[GENERIC_VALUES_MAX];
};

/*
 * Where a probe's raw record is put together. Probes of programs can be preempted, though not
 * moved to another cpu: who finds it busy loses its event.
 */
struct generic_scratch {
	RING_U64 busy;
	RING_U64 registers[GENERIC_REGISTERS];
	RING_U32 end; /* of the record so far */
	RING_U32 spare;
	RING_U8 raw[GENERIC_RAW_BYTES];
};

#endif
