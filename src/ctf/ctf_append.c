/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_append.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(offsetof(struct ring_packet, packet_bits) % 8 == 0, "written in one piece");

static void skip_written(struct iovec *part, size_t count, size_t bytes)
{
	for (; count; part++, count--) {
		size_t n = bytes < part->iov_len ? bytes : part->iov_len;
		part->iov_base = (char *)part->iov_base + n;
		part->iov_len -= n;
		bytes -= n;
	}
}

/* All of the parts, in one system call unless the kernel stops short. */
static int write_parts(int fd, struct iovec *parts, size_t count, uint64_t at)
{
	size_t left = 0;
	for (size_t i = 0; i < count; i++)
		left += parts[i].iov_len;
	while (left) {
		ssize_t n = pwritev(fd, parts, (int)count, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		skip_written(parts, count, (size_t)n);
		at += (uint64_t)n;
		left -= (size_t)n;
	}
	return 0;
}

static int write_packet(int fd, const struct ring_packet *header, const void *body, uint64_t at)
{
	struct iovec parts[] = {
		{(void *)(uintptr_t)header, sizeof(*header)},
		{(void *)(uintptr_t)body, header->content_bits / 8 - sizeof(*header)},
	};
	return write_parts(fd, parts, 2, at);
}

/* Where the last packet ends. The field is aligned, so that no page boundary parts it. */
static int set_last_end(const struct ctf_append *a, uint64_t end)
{
	uint64_t packet_bits = (end - a->start) * 8;
	struct iovec part = {&packet_bits, sizeof(packet_bits)};
	return write_parts(a->fd, &part, 1, a->start + offsetof(struct ring_packet, packet_bits));
}

/*
 * The last packet's end first: that is the shorter call, and the kernel does not leave the longer
 * one half way, so that the moment in which a kill tears the file is short.
 */
static int resize(struct ctf_append *a, uint64_t size)
{
	int r = set_last_end(a, size);
	if (!r && ftruncate(a->fd, (off_t)size)) {
		r = -errno;
		set_last_end(a, a->size);
	}
	if (!r)
		a->size = size;
	return r;
}

static int make_room(struct ctf_append *a, uint64_t bytes)
{
	if (a->size - a->end >= bytes)
		return 0;
	uint64_t growth = a->end;
	if (growth < CTF_APPEND_GROWTH_BYTES)
		growth = CTF_APPEND_GROWTH_BYTES;
	if (growth > CTF_APPEND_GROWTH_BYTES_MAX)
		growth = CTF_APPEND_GROWTH_BYTES_MAX;
	if (!resize(a, a->end + bytes + growth))
		return 0;
	return resize(a, a->end + bytes);
}

static int write_first(struct ctf_append *a, int directory, const char *name,
		       const struct ring_packet *header, const void *body)
{
	char hidden[NAME_MAX];
	uint64_t bytes = header->packet_bits / 8;
	snprintf(hidden, sizeof(hidden), ".%s.new", name);
	int fd = openat(directory, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_packet(fd, header, body, 0);
	if (!r && (ftruncate(fd, (off_t)bytes) || renameat(directory, hidden, directory, name)))
		r = -errno;
	if (!r) {
		*a = (struct ctf_append){.fd = fd, .end = bytes, .size = bytes};
		return 0;
	}
	if (fd >= 0)
		close(fd);
	unlinkat(directory, hidden, 0);
	return r;
}

int ctf_append_packet(struct ctf_append *a, int directory, const char *name,
		      const struct ring_packet *header, const void *body)
{
	if (a->fd < 0)
		return write_first(a, directory, name, header, body);
	uint64_t bytes = header->packet_bits / 8;
	int r = make_room(a, bytes);
	struct ring_packet last = *header;
	last.packet_bits = (a->size - a->end) * 8;
	if (!r)
		r = write_packet(a->fd, &last, body, a->end);
	if (!r)
		r = set_last_end(a, a->end);
	if (r)
		return r;
	a->start = a->end;
	a->end += bytes;
	return 0;
}

int ctf_append_amend(const struct ctf_append *a, const struct ring_packet *last)
{
	const uint64_t values[] = {last->end_ns, last->discarded};
	static const size_t places[] = {offsetof(struct ring_packet, end_ns),
					offsetof(struct ring_packet, discarded)};
	int r = 0;
	for (size_t i = 0; !r && i < 2; i++) {
		struct iovec part = {(void *)(uintptr_t)&values[i], sizeof(values[i])};
		r = write_parts(a->fd, &part, 1, a->start + places[i]);
	}
	return r;
}

void ctf_append_deinit(struct ctf_append *a)
{
	if (a->fd < 0)
		return;
	resize(a, a->end);
	close(a->fd);
	a->fd = -1;
}
