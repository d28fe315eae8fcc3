/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "lineinfo/unwind_build.h"
#include "lineinfo/unwind_cache.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MAX_BYTES = 1 << 20 };

static char folder[64], kept[512];
static struct unwind_cache *cache;

/* A file with a build-id, whose table is small: what links us to libc. */
static int open_sample(void)
{
	int fd = open("/lib64/ld-linux-x86-64.so.2", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void open_cache(void)
{
	unwind_cache_close(cache);
	cache = NULL;
	assert_int_equal(unwind_cache_open(&cache, folder, MAX_BYTES, NULL), 0);
}

/* The files in the cache; the last one's path goes to `kept`. */
static unsigned count_kept(void)
{
	DIR *d = opendir(folder);
	unsigned count = 0;

	for (struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(kept, sizeof(kept), "%s/%s", folder, entry->d_name);
		count++;
	}
	closedir(d);
	return count;
}

static bool find(void)
{
	struct unwind_image image = {0};
	CLEANUP(fd) int fd = open_sample();
	bool found = unwind_cache_find(cache, &image, fd);

	free(image.words);
	return found;
}

static void build(void)
{
	struct unwind_image image = {0};
	CLEANUP(fd) int fd = open_sample();

	assert_int_equal(unwind_cache_build(cache, &image, fd, "sample", NULL), 0);
	assert_true(image.count > 100);
	free(image.words);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/cairn-cache-test-%d", (int)getpid());
	open_cache();
	build();
	assert_int_equal(count_kept(), 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unwind_cache_close(cache);
	cache = NULL;
	while (count_kept())
		assert_int_equal(unlink(kept), 0);
	return rmdir(folder);
}

static void what_is_found_is_what_was_built(void **state)
{
	struct unwind_image found, built;
	CLEANUP(fd) int fd = open_sample();

	(void)state;
	assert_int_equal(unwind_build_file(&built, fd, "sample", NULL), 0);
	assert_true(unwind_cache_find(cache, &found, fd));
	assert_int_equal(found.count, built.count);
	assert_memory_equal(found.words, built.words, built.count * 4);
	free(found.words);
	free(built.words);
}

static void without_a_cache_tables_are_built(void **state)
{
	struct unwind_image image;
	CLEANUP(fd) int fd = open_sample();

	(void)state;
	assert_false(unwind_cache_find(NULL, &image, fd));
	assert_int_equal(unwind_cache_build(NULL, &image, fd, "sample", NULL), 0);
	free(image.words);
}

static void spoil(off_t at, uint8_t change)
{
	CLEANUP(fd) int fd = open(kept, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= change;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void a_damaged_table_is_built_again(void **state)
{
	struct stat s;

	(void)state;
	assert_int_equal(stat(kept, &s), 0);
	/* One bit in every part of the file, a check sum's too. */
	for (off_t at = 0; at < s.st_size; at += s.st_size / 97) {
		spoil(at, 0x10);
		assert_false(find());
		spoil(at, 0x10);
	}
	spoil(s.st_size - 1, 1);
	assert_false(find());
	build();
	assert_true(find());
}

static void a_cut_table_is_built_again(void **state)
{
	struct stat s;

	(void)state;
	assert_int_equal(stat(kept, &s), 0);
	for (off_t left = s.st_size - 1; left >= 0; left -= 1 + left / 7) {
		assert_int_equal(truncate(kept, left), 0);
		assert_false(find());
	}
	build();
	assert_true(find());
}

/* Right in itself, but of another file or another version. */
static void what_says_otherwise_is_not_believed(void **state)
{
	char other[600];
	struct unwind_image image;
	CLEANUP(fd) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	snprintf(other, sizeof(other), "%s", kept);
	assert_int_equal(unlink(kept), 0);
	assert_int_equal(unwind_cache_build(cache, &image, fd, "self", NULL), 0);
	free(image.words);
	assert_int_equal(count_kept(), 1);
	assert_int_equal(rename(kept, other), 0);
	assert_false(find());
	build();
	assert_true(find());
	/* A later version's name. */
	assert_int_equal(count_kept(), 1);
	memcpy(strstr(other, "unwind1"), "unwind9", 7);
	assert_int_equal(rename(kept, other), 0);
	assert_false(find());
}

static void foreign_files_are_ignored(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(chown(kept, 12345, 12345), 0);
	assert_false(find());
	build();
	assert_true(find());
	/* A link is nobody's table, wherever it leads. */
	char other[600];
	snprintf(other, sizeof(other), "%s-2", kept);
	assert_int_equal(rename(kept, other), 0);
	assert_int_equal(symlink(other, kept), 0);
	assert_false(find());
}

static void a_foreign_directory_is_refused(void **state)
{
	struct unwind_cache *other = NULL;
	struct err e;

	(void)state;
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(unwind_cache_open(&other, folder, MAX_BYTES, &e), -EPERM);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(unwind_cache_open(&other, "/nowhere/cairn", MAX_BYTES, &e), -ENOENT);
	if (geteuid() == 0) {
		assert_int_equal(chown(folder, 12345, 12345), 0);
		assert_int_equal(unwind_cache_open(&other, folder, MAX_BYTES, &e), -EPERM);
		assert_int_equal(chown(folder, 0, 0), 0);
	}
	assert_null(other);
}

/* A write that is cut short, as by a full disk, leaves nothing behind. */
static void a_full_disk_keeps_nothing(void **state)
{
	(void)state;
	assert_int_equal(unlink(kept), 0);
	pid_t child = fork();
	if (child == 0) {
		struct rlimit limit = {1000, 1000};
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		build();
		_exit(count_kept() == 0 && !find() ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void the_oldest_makes_room(void **state)
{
	char path[200];
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	(void)state;
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "%s/unwind1-0-%d", folder, i);
		CLEANUP(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(ftruncate(fd, MAX_BYTES / 4), 0);
		old[0].tv_sec = old[1].tv_sec = 1000 + i;
		assert_int_equal(futimens(fd, old), 0);
	}
	open_cache();
	build();
	assert_true(find());
	assert_int_equal(count_kept(), 3);
	assert_int_equal(access(path, F_OK), 0);
}

static void several_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		if (fork())
			continue;
		bool fine = true;
		for (int round = 0; round < 20; round++) {
			build();
			fine &= find();
		}
		_exit(fine ? 0 : 1);
	}
	for (int i = 0, status; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_kept(), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_found_is_what_was_built),
		TEST(without_a_cache_tables_are_built),
		TEST(a_damaged_table_is_built_again),
		TEST(a_cut_table_is_built_again),
		TEST(what_says_otherwise_is_not_believed),
		TEST(foreign_files_are_ignored),
		TEST(a_foreign_directory_is_refused),
		TEST(a_full_disk_keeps_nothing),
		TEST(the_oldest_makes_room),
		TEST(several_at_once),
	};
	return cmocka_run_group_tests_name("unwind_cache", tests, NULL, NULL);
}
