/* SPDX-License-Identifier: MIT */
/*
 * A program that makes its own rings, then, run again with CAIRN_SESSION, joins them, emits from
 * four threads and reads them back: the whole in-process library on a machine the tool does not
 * run on. `lanes FILE`.
 */
#include <cairn/marker.h>

#include "marker/marker_control.h"
#include "marker/marker_note.h"
#include "ring/ring_read.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 4, EVENTS = 1000, SUBBUF_BYTES = 64 << 10, LANES = 8 };

static void *emit(void *argument)
{
	unsigned thread = *(unsigned *)argument;
	for (unsigned i = 0; i < EVENTS; i++)
		CAIRN_MARK(lanes, step, CAIRN_INT(thread, thread), CAIRN_INT(number, i),
			   CAIRN_INT(check, (unsigned)(i * 2654435761u ^ thread)));
	return NULL;
}

static struct ring_share *make_rings(const char *path, size_t *bytes_ret)
{
	size_t bytes = ring_share_bytes(1 + LANES, 1 << 20);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		return NULL;
	struct ring_share *share = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (share == MAP_FAILED)
		return NULL;
	*share = (struct ring_share){.magic = RING_SHARE_MAGIC,
				     .version = RING_SHARE_VERSION,
				     .flags = RING_OVERWRITE,
				     .cpus = 1,
				     .lanes = LANES,
				     .ring_bytes = 1 << 20,
				     .subbuf_bytes = SUBBUF_BYTES,
				     .cpu_stream = 3,
				     .lane_stream = 4,
				     .pattern_bytes = 3};
	memcpy(share->patterns, "\xff*", 3);
	ring_share_start(share);
	*bytes_ret = bytes;
	return share;
}

static unsigned seen[THREADS][EVENTS], torn;

static void read_packet(const uint8_t *packet, uint64_t bytes)
{
	for (uint64_t at = sizeof(struct ring_packet); at + 8 <= bytes;) {
		uint64_t word;
		unsigned fields[3];
		memcpy(&word, packet + at, 8);
		if ((uint16_t)word == RING_ID_THREAD) {
			at += 16;
			continue;
		}
		memcpy(fields, packet + at + 8, sizeof(fields));
		if (fields[0] < THREADS && fields[1] < EVENTS &&
		    fields[2] == (fields[1] * 2654435761u ^ fields[0]))
			seen[fields[0]][fields[1]]++;
		else
			torn++;
		at += (8 + sizeof(fields) + 7) & ~7u;
	}
}

static void read_rings(struct ring_share *share, size_t bytes)
{
	static uint64_t copy[SUBBUF_BYTES / 8];
	struct ring_view view;
	torn += !ring_view_init(&view, share, bytes);
	for (uint32_t line = 0; line < view.line_count; line++) {
		uint64_t first, open, open_bytes;
		ring_view_span(&view, line, &first, &open, &open_bytes);
		for (uint64_t n = first; n < open + (open_bytes != 0); n++)
			read_packet(
				(uint8_t *)copy,
				ring_view_copy(&view, line, n, n == open ? open_bytes : 0, copy));
	}
}

int main(int argc, char **argv)
{
	size_t bytes;
	if (argc < 2)
		return 2;
	if (!getenv(MARKER_SESSION_VARIABLE))
		return make_rings(argv[1], &bytes) ? 0 : 2;
	pthread_t ids[THREADS];
	unsigned numbers[THREADS], found = 0, missing = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&ids[i], NULL, emit, &numbers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	int fd = open(argv[1], O_RDWR);
	bytes = ring_share_bytes(1 + LANES, 1 << 20);
	read_rings(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), bytes);
	for (unsigned i = 0; i < THREADS * EVENTS; i++) {
		found += seen[i / EVENTS][i % EVENTS] == 1;
		missing += seen[i / EVENTS][i % EVENTS] == 0;
	}
	printf("%u of %u events, %u torn, %u missing\n", found, THREADS * EVENTS, torn, missing);
	return torn || missing;
}
