/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own type information (BTF), asked as a probe asks: where a function's parameters
 * are at its entry, where a member is in its structure. A type is its number; 0 is void.
 */
#ifndef CAIRN_KPROBE_KPROBE_TYPES_H
#define CAIRN_KPROBE_KPROBE_TYPES_H

#include "util/err.h"
#include "util/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;

/* A function's type: of its parameters and its result. 0: BTF does not know the function. */
uint32_t kprobe_types_function(const struct btf *btf, const char *name);

struct kprobe_parameter {
	const char *name; /* "" without one */
	uint32_t type;
	/*
	 * As the kernel counts arguments, from 1: those in registers and, from 7 on, words of the
	 * stack. 0 when it is none of these: a structure that is passed by value in several, or a
	 * floating-point number.
	 */
	unsigned argument;
};

size_t kprobe_types_parameter_count(const struct btf *btf, uint32_t function);
struct kprobe_parameter kprobe_types_parameter(const struct btf *btf, uint32_t function,
					       size_t index);
uint32_t kprobe_types_result(const struct btf *btf, uint32_t function);

/* The type behind its names and qualifiers: what it is made of. */
uint32_t kprobe_types_strip(const struct btf *btf, uint32_t type);

struct kprobe_member {
	uint32_t type;
	uint32_t bit_offset;
	uint8_t bits; /* of a bit field; else 0 */
};

/* Also of the unnamed structures and unions inside. */
bool kprobe_types_member(const struct btf *btf, uint32_t structure, const char *name,
			 struct kprobe_member *ret);

enum kprobe_type_kind {
	KPROBE_VOID,
	KPROBE_INTEGER, /* enumerations and truth values too; of 1, 2, 4 or 8 bytes */
	KPROBE_POINTER,
	KPROBE_ARRAY,
	KPROBE_STRUCTURE,
	KPROBE_OTHER, /* floating point, functions, wide integers */
};

struct kprobe_type {
	enum kprobe_type_kind kind;
	uint32_t bytes;
	bool is_signed;
	bool is_char;      /* a byte that is a character */
	uint32_t element;  /* of an array; what a pointer leads to */
	uint32_t elements; /* of an array */
};

struct kprobe_type kprobe_types_describe(const struct btf *btf, uint32_t type);

/* As C declares it: "const char *filename", "int (*compare)()". */
void kprobe_types_print(const struct btf *btf, uint32_t type, const char *name, struct text *out);

/* "ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)". */
void kprobe_types_print_function(const struct btf *btf, uint32_t function, const char *name,
				 struct text *out);

#endif
