/* SPDX-License-Identifier: MIT */
/*
 * What a person wants to see at a probe, as the kernel fetches it ("ino=+64(+32($arg1)):u64").
 *
 *	count  file->f_inode->i_ino  file->f_path.mnt  regs[2]  *pos     parameters, by their types
 *	$arg1 … $arg6  $ret  %rdi                                       as they are, in 64 bits
 *	(int)$arg1  (u16)%rax                                           or read as what one says
 *	str($arg1)                                                      the text there
 *
 * A pointer to characters and an array of them are texts, a bit field and an enumeration numbers.
 * In a program the kernel knows no types; there only the lower three lines mean something.
 */
#ifndef CAIRN_KPROBE_KPROBE_FETCH_H
#define CAIRN_KPROBE_KPROBE_FETCH_H

#include "kprobe/kprobe_spec.h"
#include "util/text.h"

struct btf;

struct kprobe_types_of {
	const struct btf *btf; /* NULL: nothing is known */
	uint32_t function;     /* its type, or 0 */
};

/*
 * All values of the probe, or, where none is named, its function's parameters or result: a
 * word each, separated by blanks. `fetch` gets nothing when nothing is known of the function.
 */
int kprobe_fetch(const struct kprobe_spec *spec, const struct kprobe_types_of *types,
		 struct text *fetch, struct err *e);

#endif
