/* SPDX-License-Identifier: MIT */
#include "lineinfo/unwind_cache.h"

#include "elf/elf_file.h"
#include "lineinfo/unwind_build.h"
#include "util/array.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	NAME_BYTES = 128,
	FORMAT = 1, /* of the file; to be raised, too, when the same ELF file gives another table */
	DAY_S = 24 * 60 * 60,
};

struct unwind_cache {
	int folder;
	uint64_t max_bytes;
	uint64_t bytes; /* about what the files take; UINT64_MAX = not counted yet */
	unsigned kept;
};

int unwind_cache_open(struct unwind_cache **ret, const char *path, uint64_t max_bytes,
		      struct err *e)
{
	struct stat s;

	if (mkdir(path, 0700) && errno != EEXIST)
		return err_errno(e, "cannot make the directory %s", path);
	CLEANUP(fd) int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &s))
		return err_errno(e, "%s", path);
	if (s.st_uid != geteuid() || (s.st_mode & 022))
		return err_set(e, EPERM, "%s belongs to somebody else, or others may write in it",
			       path);
	struct unwind_cache *c = malloc(sizeof(*c));
	if (!c)
		return err_set(e, ENOMEM, "no memory for the cache of unwind tables");
	*c = (struct unwind_cache){TAKE(folder, -1), max_bytes, UINT64_MAX, 0};
	*ret = c;
	return 0;
}

void unwind_cache_close(struct unwind_cache *c)
{
	if (c)
		close(c->folder);
	free(c);
}

static uint64_t check_sum(const uint32_t *words, size_t count)
{
	uint64_t sum = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < count; i++)
		sum = (sum ^ words[i]) * 0x100000001b3ull;
	return sum;
}

static void name_file(char ret[NAME_BYTES], unsigned owner, const char *build_id)
{
	snprintf(ret, NAME_BYTES, "unwind%d-%u-%.*s", FORMAT, owner, NAME_BYTES / 2, build_id);
}

/* The build-id the table says, "" without one. */
static void build_id_of(char ret[ELF_BUILD_ID_TEXT_BYTES], const struct unwind_table *t)
{
	ret[0] = 0;
	for (unsigned i = 0; i < t->build_id_bytes && i < sizeof(t->build_id); i++)
		sprintf(ret + (size_t)2 * i, "%02x", t->build_id[i]);
}

static bool is_sound(const uint32_t *words, size_t count, uint64_t sum, const char *build_id)
{
	char said[ELF_BUILD_ID_TEXT_BYTES];

	if (check_sum(words, count) != sum || unwind_table_check(words, count))
		return false;
	build_id_of(said, (const struct unwind_table *)words);
	return strcmp(said, build_id) == 0;
}

/* The table in an open file of the cache: its words, and their check sum in 8 bytes. */
static bool read_table(struct unwind_image *ret, int fd, const char *build_id)
{
	struct stat s;
	uint64_t sum;

	if (fstat(fd, &s) || !S_ISREG(s.st_mode) || s.st_uid != geteuid() ||
	    s.st_size < (off_t)(sizeof(struct unwind_table) + sizeof(sum)) || s.st_size % 4 ||
	    s.st_size > (off_t)((size_t)UNWIND_WORDS_MAX * 4 + sizeof(sum)))
		return false;
	size_t bytes = (size_t)s.st_size;
	size_t count = (bytes - sizeof(sum)) / 4;
	CLEANUP(free) uint32_t *words = malloc(bytes);
	if (!words || pread(fd, words, bytes, 0) != (ssize_t)bytes)
		return false;
	memcpy(&sum, words + count, sizeof(sum));
	if (!is_sound(words, count, sum, build_id))
		return false;
	/* What is still used stays; once a day is enough to tell. */
	if (time(NULL) - s.st_mtim.tv_sec > DAY_S)
		futimens(fd, NULL);
	*ret = (struct unwind_image){TAKE(words, NULL), count};
	return true;
}

bool unwind_cache_find(void *cache, struct unwind_image *ret, int fd)
{
	struct unwind_cache *c = cache;
	char build_id[ELF_BUILD_ID_TEXT_BYTES], name[NAME_BYTES];
	struct stat s;

	if (!c || fstat(fd, &s) || elf_build_id_read(fd, build_id) || !*build_id)
		return false;
	name_file(name, s.st_uid, build_id);
	CLEANUP(fd)
	int kept = openat(c->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return kept >= 0 && read_table(ret, kept, build_id);
}

struct kept_file {
	time_t used_s;
	uint64_t bytes;
	char name[NAME_BYTES];
};

static int compare_use(const void *a, const void *b)
{
	const struct kept_file *x = a, *y = b;

	return (x->used_s > y->used_s) - (x->used_s < y->used_s);
}

/* Counts the files; above the limit, removes the oldest down to three quarters of it. */
static void make_room(struct unwind_cache *c)
{
	ARRAY(struct kept_file) files = {0};
	DIR *folder = fdopendir(openat(c->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	c->bytes = 0;
	for (struct dirent *d; folder && (d = readdir(folder));) {
		struct kept_file file;
		struct stat s;
		if (fstatat(c->folder, d->d_name, &s, AT_SYMLINK_NOFOLLOW) || !S_ISREG(s.st_mode) ||
		    snprintf(file.name, NAME_BYTES, "%s", d->d_name) >= NAME_BYTES)
			continue;
		file.used_s = s.st_mtim.tv_sec;
		file.bytes = (uint64_t)s.st_size;
		c->bytes += file.bytes;
		if (array_push(&files, file))
			break;
	}
	if (folder)
		closedir(folder);
	if (c->bytes > c->max_bytes) {
		qsort(files.items, files.count, sizeof(*files.items), compare_use);
		for (size_t i = 0; i < files.count && c->bytes > c->max_bytes / 4 * 3; i++)
			if (unlinkat(c->folder, files.items[i].name, 0) == 0)
				c->bytes -= files.items[i].bytes;
	}
	array_free(&files);
}

static bool write_table(int fd, const struct unwind_image *image)
{
	uint64_t sum = check_sum(image->words, image->count);
	size_t bytes = image->count * 4;

	return write(fd, image->words, bytes) == (ssize_t)bytes &&
	       write(fd, &sum, sizeof(sum)) == sizeof(sum);
}

/* Under a name of its own until it is whole: who reads at the same time sees all or nothing. */
static void keep(struct unwind_cache *c, int fd, const struct unwind_image *image)
{
	char build_id[ELF_BUILD_ID_TEXT_BYTES], name[NAME_BYTES], draft[NAME_BYTES];
	struct stat s;

	build_id_of(build_id, (const struct unwind_table *)image->words);
	if (!*build_id || fstat(fd, &s) || image->count * 4 > c->max_bytes)
		return;
	name_file(name, s.st_uid, build_id);
	snprintf(draft, sizeof(draft), "draft-%d-%u", (int)getpid(), c->kept++);
	CLEANUP(fd)
	int out = openat(c->folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return;
	if (!write_table(out, image) || renameat(c->folder, draft, c->folder, name)) {
		unlinkat(c->folder, draft, 0);
		return;
	}
	if (c->bytes != UINT64_MAX)
		c->bytes += image->count * 4;
	if (c->bytes > c->max_bytes)
		make_room(c);
}

int unwind_cache_build(void *cache, struct unwind_image *ret, int fd, const char *name,
		       struct err *e)
{
	int status = unwind_build_file(ret, fd, name, e);

	if (status == 0 && cache)
		keep(cache, fd, ret);
	return status;
}
