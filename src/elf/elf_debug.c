/* SPDX-License-Identifier: MIT */
#include "elf/elf_debug.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <libelf.h>
#include <limits.h>
#include <string.h>

/* The CRC-32 of the debug link: reflected polynomial 0xedb88320, as in Ethernet. */
static uint32_t crc32_of(const uint8_t *data, size_t bytes)
{
	uint32_t table[256];
	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
	}
	uint32_t crc = ~0u;
	for (size_t i = 0; i < bytes; i++)
		crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
	return ~crc;
}

static bool belongs_to(struct elf_file *f, struct elf_file *debug, const uint32_t *crc)
{
	if (*elf_file_build_id(f))
		return !strcmp(elf_file_build_id(f), elf_file_build_id(debug));
	size_t bytes;
	const char *image = elf_rawfile(elf_file_handle(debug), &bytes);
	return crc && image && crc32_of((const uint8_t *)image, bytes) == *crc;
}

static bool try_path(struct elf_file *f, const char *path, const uint32_t *crc,
		     struct elf_file **ret)
{
	struct elf_file *debug;
	if (elf_file_open(path, &debug, NULL))
		return false;
	if (belongs_to(f, debug, crc) && elf_file_has_lines(debug)) {
		*ret = debug;
		return true;
	}
	elf_file_close(debug);
	return false;
}

static bool by_build_id(struct elf_file *f, const char *root, struct elf_file **ret)
{
	char path[PATH_MAX];
	const char *id = elf_file_build_id(f);
	if (strlen(id) < 4)
		return false;
	snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", root, id, id + 2);
	return try_path(f, path, NULL, ret);
}

static bool by_link(struct elf_file *f, const char *root, struct elf_file **ret)
{
	const char *name;
	uint32_t crc;
	char real[PATH_MAX];
	if (!elf_file_debuglink(f, &name, &crc) || strchr(name, '/') ||
	    !realpath(elf_file_path(f), real))
		return false;
	*strrchr(real, '/') = 0;
	const char *const patterns[][3] = {
		{"", real, "/"}, {"", real, "/.debug/"}, {root, real, "/"}};
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		char path[3 * PATH_MAX];
		snprintf(path, sizeof(path), "%s%s%s%s", patterns[i][0], patterns[i][1],
			 patterns[i][2], name);
		if (try_path(f, path, &crc, ret))
			return true;
	}
	return false;
}

int elf_debug_open(struct elf_file *f, const char *root, struct elf_file **ret, struct err *e)
{
	if (by_build_id(f, root, ret) || by_link(f, root, ret))
		return 0;
	return err_set(e, ENOENT, "%s has no debug information, and none is installed for it in %s",
		       elf_file_path(f), root);
}
