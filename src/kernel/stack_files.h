/* SPDX-License-Identifier: MIT */
/*
 * The unwind tables in the kernel's table space: one for each file.
 *
 * What the source has is there at once; the rest is made beside the recording and collected.
 * Files are known by device, inode, size and time of change, so that a path, which means other
 * things in other mount namespaces, decides nothing. Tables stay until the end of the recording.
 */
#ifndef CAIRN_KERNEL_STACK_FILES_H
#define CAIRN_KERNEL_STACK_FILES_H

#include "kernel/stack_builder.h"
#include "kernel/stack_maps.h"
#include "util/array.h"
#include "util/map.h"

enum { STACK_SEGMENTS_MAX = 4 };

struct stack_file {
	uint32_t table; /* first block; 0 = it has none, or not yet */
	uint32_t segments;
	bool awaited;     /* its table is being made */
	uint64_t entries; /* of .eh_frame, about */
	struct {
		uint64_t offset, bytes, address;
	} segment[STACK_SEGMENTS_MAX]; /* its executable segments */
};

struct stack_files {
	uint32_t *space; /* mapped */
	uint32_t blocks, used;
	struct stack_source source;
	struct stack_builder *builder;
	struct map index; /* hash of the identity → number in `files`, from 1 */
	ARRAY(struct stack_file) files;
	uint32_t found, built, without, refused;
	struct err refusal; /* why a table was left out, last */
};

int stack_files_open(struct stack_files *f, int map_fd, uint32_t blocks,
		     const struct stack_source *source, struct err *e);
void stack_files_close(struct stack_files *f);

/*
 * The mapping with its file's table, if it has one; `spare` is the file's number, 0 for memory of
 * no file. `urgent`: what is missing is made before strangers' files.
 */
struct unwind_mapping stack_files_mapping(struct stack_files *f, pid_t pid,
					  const struct stack_map *map, bool urgent);

/* Puts tables that have been made since into the space; their number. */
unsigned stack_files_collect(struct stack_files *f);

/* The table of the file with that number, 0 without one. */
uint32_t stack_files_table(const struct stack_files *f, uint32_t number);

#endif
