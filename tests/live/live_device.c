/* SPDX-License-Identifier: MIT */
/* One thread that waits for no other: for a disk, for time to pass. */
#include "live.h"

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	BLOCK_BYTES = 256 * 1024,
	FILE_BLOCKS = 64,
	BLOCK_ALIGN = 4096, /* of what O_DIRECT wants, the most */
	NAP_NS = 1500000,
	NAP_MS = 2,
};

static void *make_block(void)
{
	void *block;
	if (posix_memalign(&block, BLOCK_ALIGN, BLOCK_BYTES))
		errx(1, "out of memory");
	memset(block, 'x', BLOCK_BYTES);
	return block;
}

static void write_block(int fd, const void *block, unsigned number)
{
	off_t place = (off_t)(number % FILE_BLOCKS) * BLOCK_BYTES;
	if (pwrite(fd, block, BLOCK_BYTES, place) != BLOCK_BYTES)
		err(1, "pwrite");
}

void live_run_fsync(uint64_t until_ns)
{
	void *block = make_block();
	int fd = live_file((uint64_t)FILE_BLOCKS * BLOCK_BYTES, 0);
	live_role("writer");
	for (unsigned i = 0; live_now_ns() < until_ns; i++) {
		write_block(fd, block, i);
		uint64_t begin_ns = live_now_ns();
		if (fsync(fd))
			err(1, "fsync");
		live_waited(begin_ns, live_now_ns(), live_disk(), "fsync");
	}
	free(block);
	close(fd);
}

/* Written first: what was only reserved is read without a disk. */
void live_run_direct(uint64_t until_ns)
{
	void *block = make_block();
	int fd = live_file((uint64_t)FILE_BLOCKS * BLOCK_BYTES, O_DIRECT);
	live_role("reader");
	for (unsigned i = 0; i < FILE_BLOCKS; i++)
		write_block(fd, block, i);
	if (fsync(fd))
		err(1, "fsync");
	for (unsigned i = 0; live_now_ns() < until_ns; i++) {
		off_t place = (off_t)(i * 37 % FILE_BLOCKS) * BLOCK_BYTES;
		uint64_t begin_ns = live_now_ns();
		if (pread(fd, block, BLOCK_BYTES, place) != BLOCK_BYTES)
			err(1, "pread");
		live_waited(begin_ns, live_now_ns(), live_disk(), "direct");
		live_spin(BLOCK_BYTES);
	}
	free(block);
	close(fd);
}

void live_run_timer(uint64_t until_ns)
{
	struct itimerspec every = {{0, NAP_NS}, {0, NAP_NS}};
	uint64_t ticks, begin_ns;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL))
		err(1, "timerfd");
	live_role("sleeper");
	while (live_now_ns() < until_ns) {
		begin_ns = live_now_ns();
		live_sleep(NAP_NS);
		live_waited(begin_ns, live_now_ns(), live_timer(), "nanosleep");
		begin_ns = live_now_ns();
		if (read(fd, &ticks, sizeof(ticks)) != sizeof(ticks))
			err(1, "timerfd");
		live_waited(begin_ns, live_now_ns(), live_timer(), "timerfd");
		begin_ns = live_now_ns();
		poll(NULL, 0, NAP_MS);
		live_waited(begin_ns, live_now_ns(), live_timer(), "poll");
	}
	close(fd);
}
