/* SPDX-License-Identifier: MIT */
/* Owners that let go at the end of their scope: `CLEANUP(file_close) int fd = -1;` */
#ifndef CAIRN_UTIL_CLEANUP_H
#define CAIRN_UTIL_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(cleanup_##function)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_stream(FILE **stream)
{
	if (*stream)
		fclose(*stream);
}

/* Hands the resource over: the owner's variable no longer holds it. */
#define TAKE(variable, nothing)                                                                    \
	({                                                                                         \
		__typeof__(variable) taken_ = (variable);                                          \
		(variable) = (nothing);                                                            \
		taken_;                                                                            \
	})

#endif
