/* SPDX-License-Identifier: MIT */
#include "inject/inject_maps.h"
#include "inject/inject.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	LOWEST_MAPPED = 1 << 16,
	HEAP_ROOM = 64 << 20,
	STACK_ROOM = 256 << 20,
};

#define HIGHEST_MAPPED 0x7fffffffe000ull

static int read_text(int fd, struct text *text)
{
	char part[1 << 16];
	ssize_t got;
	while ((got = read(fd, part, sizeof(part))) > 0)
		text_append(text, part, (size_t)got);
	return got < 0 ? -errno : text->failed ? -ENOMEM : 0;
}

int inject_maps_read(pid_t pid, struct inject_maps *ret, struct err *e)
{
	char path[64];
	struct inject_maps m = {0};
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int status = fd < 0 ? -errno : read_text(fd, &m.text);
	char *rest = m.text.data, *line;
	while (!status && (line = strsep(&rest, "\n"))) {
		struct proc_map map;
		if (proc_map_parse(line, &map))
			status = array_push(&m.maps, map);
	}
	if (!status && !m.maps.count)
		status = -ESRCH;
	if (status) {
		inject_maps_deinit(&m);
		return err_set(e, -status, "cannot read %s: %s", path, strerror(-status));
	}
	*ret = m;
	return 0;
}

void inject_maps_deinit(struct inject_maps *m)
{
	array_free(&m->maps);
	text_deinit(&m->text);
}

const struct proc_map *inject_maps_find(const struct inject_maps *m, uint64_t address)
{
	array_each(map, &m->maps) {
		if (address >= map->start && address < map->end)
			return map;
	}
	return NULL;
}

bool inject_maps_is_ours(const struct proc_map *map)
{
	return !strcmp(map->path, "/memfd:" INJECT_NAME " (deleted)") ||
	       !strcmp(map->path, "[anon:" INJECT_NAME "]");
}

static int take(struct inject_maps *m, uint64_t start, uint64_t bytes)
{
	struct proc_map taken = {.start = start, .end = start + bytes, .path = ""};
	size_t at = 0;
	if (array_push(&m->maps, taken))
		return -ENOMEM;
	while (m->maps.items[at].start < start)
		at++;
	memmove(&m->maps.items[at + 1], &m->maps.items[at],
		(m->maps.count - 1 - at) * sizeof(taken));
	m->maps.items[at] = taken;
	return 0;
}

/* The free space below the `index`th mapping, without what the heap and the stack may want. */
static struct patch_range gap_below(const struct inject_maps *m, size_t index)
{
	struct patch_range gap = {LOWEST_MAPPED, HIGHEST_MAPPED};
	if (index > 0) {
		const struct proc_map *below = &m->maps.items[index - 1];
		gap.start = below->end;
		if (!strcmp(below->path, "[heap]"))
			gap.start += HEAP_ROOM;
	}
	if (index < m->maps.count) {
		const struct proc_map *above = &m->maps.items[index];
		gap.end = above->start;
		if (!strcmp(above->path, "[stack]"))
			gap.end -= STACK_ROOM;
	}
	return gap;
}

int inject_maps_take(struct inject_maps *m, struct patch_range window, uint64_t bytes,
		     uint64_t *ret)
{
	const uint64_t in_page = INJECT_PAGE_BYTES - 1;
	for (size_t i = m->maps.count + 1; i-- > 0;) {
		struct patch_range gap = gap_below(m, i);
		uint64_t low = gap.start > window.start ? gap.start : window.start;
		uint64_t high = gap.end < window.end ? gap.end : window.end;
		low = (low + in_page) & ~in_page;
		high &= ~in_page;
		if (low >= high || high - low < bytes)
			continue;
		*ret = high - bytes;
		return take(m, *ret, bytes);
	}
	return -ENOSPC;
}

int inject_maps_take_at(struct inject_maps *m, uint64_t address, uint64_t bytes,
			struct patch_range *ret)
{
	const uint64_t in_page = INJECT_PAGE_BYTES - 1;
	struct patch_range pages = {address & ~in_page, (address + bytes + in_page) & ~in_page};
	uint64_t start;
	int status = inject_maps_take(m, pages, pages.end - pages.start, &start);
	if (!status)
		*ret = pages;
	return status;
}
