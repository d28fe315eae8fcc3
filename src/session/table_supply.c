/* SPDX-License-Identifier: MIT */
#include "session/table_supply.h"

#include "lineinfo/unwind_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t CACHE_BYTES_MAX = 256 << 20;

/* Nothing of root's is left in somebody's home. */
static bool is_own_folder(const char *path)
{
	struct stat s;

	return path && *path == '/' && stat(path, &s) == 0 && s.st_uid == geteuid();
}

static struct unwind_cache *open_below(const char *parent, const char *folder)
{
	struct unwind_cache *cache = NULL;
	char path[4096];

	if (!is_own_folder(parent))
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", parent, folder);
	return unwind_cache_open(&cache, path, CACHE_BYTES_MAX, NULL) == 0 ? cache : NULL;
}

static struct unwind_cache *open_cache(void)
{
	const char *chosen = secure_getenv("XDG_CACHE_HOME");
	const char *home = secure_getenv("HOME");
	char path[4096];

	if (chosen && *chosen)
		return open_below(chosen, "cairn");
	if (!is_own_folder(home))
		return geteuid() ? NULL : open_below("/var/cache", "cairn");
	snprintf(path, sizeof(path), "%s/.cache", home);
	mkdir(path, 0700);
	return open_below(path, "cairn");
}

void table_supply_open(struct table_supply *t)
{
	t->cache = open_cache();
	t->source = (struct stack_source){unwind_cache_find, unwind_cache_build, t->cache};
}

void table_supply_close(struct table_supply *t)
{
	unwind_cache_close(t->cache);
	t->cache = NULL;
}
