/* SPDX-License-Identifier: MIT */
/* Names as people write them. */
#include "symbol/symbol_module.h"

#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

char *symbol_demangle(const char *name)
{
	char *plain = NULL;
	if (name[0] == '_' && name[1] == 'R')
		plain = rust_demangle(name, DMGL_NO_OPTS);
	else if (name[0] == '_' && name[1] == 'Z')
		plain = cplus_demangle(name, DMGL_AUTO);
	return plain ? plain : strdup(name);
}

/* "a/./b/../c" → "a/c", in place. Leading ".." of a relative path stay. */
static void path_normalize(char *path)
{
	char *out = path + (*path == '/'), *start = out;
	for (char *part = out; *part;) {
		size_t bytes = strcspn(part, "/");
		char *next = part + bytes + (part[bytes] == '/');
		bool is_parent = bytes == 2 && part[0] == '.' && part[1] == '.';
		char *last = out;
		while (last > start && (last == out || last[-1] != '/'))
			last--;
		if (is_parent && out > start && strncmp(last, "../", 3)) {
			out = last;
		} else if (bytes && !(bytes == 1 && part[0] == '.') &&
			   !(is_parent && *path == '/')) {
			memmove(out, part, (size_t)(next - part));
			out += next - part;
		}
		part = next;
	}
	*out = 0;
}

char *symbol_short_path(const char *file, const char *directory)
{
	char *path = strdup(file);
	char *base = strdup(directory ? directory : "");
	if (path && base) {
		path_normalize(path);
		path_normalize(base);
		size_t bytes = strlen(base);
		while (bytes && base[bytes - 1] == '/')
			bytes--;
		if (bytes && !strncmp(path, base, bytes) && path[bytes] == '/')
			memmove(path, path + bytes + 1, strlen(path + bytes + 1) + 1);
	}
	free(base);
	return path;
}
