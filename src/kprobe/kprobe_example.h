/* SPDX-License-Identifier: MIT */
/* Type information made up for tests: a structure, and functions that have to do with it. */
#ifndef CAIRN_KPROBE_KPROBE_EXAMPLE_H
#define CAIRN_KPROBE_KPROBE_EXAMPLE_H

#include <bpf/btf.h>

/*
 *	struct inode { unsigned long i_ino; char name[16]; short sizes[3]; };
 *	struct file {
 *		struct inode *f_inode;          0
 *		union { int flags; u8 raw; };   8
 *		unsigned int low : 3, mid : 7;  12, 12.3
 *		char *label;                    16
 *		struct inode own;               24
 *	};
 *	struct pair { unsigned long a, b; };
 *	long work(struct file *file, const char *path, int fd, struct pair pair, u8 *bytes,
 *		  int last, int more);
 *	void quiet(double d, int i);
 *	char *text_of(struct pair *p);
 */
static inline struct btf *kprobe_example(void)
{
	struct btf *b = btf__new_empty();
	int ulong_type = btf__add_int(b, "long unsigned int", 8, 0);
	int long_type = btf__add_int(b, "long int", 8, BTF_INT_SIGNED);
	int int_type = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	int uint_type = btf__add_int(b, "unsigned int", 4, 0);
	int short_type = btf__add_int(b, "short int", 2, BTF_INT_SIGNED);
	int byte_type = btf__add_typedef(b, "u8", btf__add_int(b, "unsigned char", 1, 0));
	int char_type = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	int double_type = btf__add_float(b, "double", 8);
	int name_type = btf__add_array(b, uint_type, char_type, 16);
	int sizes_type = btf__add_array(b, uint_type, short_type, 3);
	int inode = btf__add_struct(b, "inode", 32);
	btf__add_field(b, "i_ino", ulong_type, 0, 0);
	btf__add_field(b, "name", name_type, 64, 0);
	btf__add_field(b, "sizes", sizes_type, 192, 0);
	int unnamed = btf__add_union(b, NULL, 4);
	btf__add_field(b, "flags", int_type, 0, 0);
	btf__add_field(b, "raw", byte_type, 0, 0);
	int inode_pointer = btf__add_ptr(b, inode), char_pointer = btf__add_ptr(b, char_type);
	int file = btf__add_struct(b, "file", 56);
	btf__add_field(b, "f_inode", inode_pointer, 0, 0);
	btf__add_field(b, NULL, unnamed, 64, 0);
	btf__add_field(b, "low", uint_type, 96, 3);
	btf__add_field(b, "mid", uint_type, 99, 7);
	btf__add_field(b, "label", char_pointer, 128, 0);
	btf__add_field(b, "own", inode, 192, 0);
	int pair = btf__add_struct(b, "pair", 16);
	btf__add_field(b, "a", ulong_type, 0, 0);
	btf__add_field(b, "b", ulong_type, 64, 0);
	int file_pointer = btf__add_ptr(b, file), byte_pointer = btf__add_ptr(b, byte_type);
	int path_type = btf__add_ptr(b, btf__add_const(b, char_type));
	int pair_pointer = btf__add_ptr(b, pair);
	int work = btf__add_func_proto(b, long_type);
	btf__add_func_param(b, "file", file_pointer);
	btf__add_func_param(b, "path", path_type);
	btf__add_func_param(b, "fd", int_type);
	btf__add_func_param(b, "pair", pair);
	btf__add_func_param(b, "bytes", byte_pointer);
	btf__add_func_param(b, "last", int_type);
	btf__add_func_param(b, "more", int_type);
	btf__add_func(b, "work", BTF_FUNC_STATIC, work);
	int quiet = btf__add_func_proto(b, 0);
	btf__add_func_param(b, "d", double_type);
	btf__add_func_param(b, "i", int_type);
	btf__add_func(b, "quiet", BTF_FUNC_STATIC, quiet);
	int text_of = btf__add_func_proto(b, char_pointer);
	btf__add_func_param(b, "p", pair_pointer);
	btf__add_func(b, "text_of", BTF_FUNC_STATIC, text_of);
	return b;
}

#endif
