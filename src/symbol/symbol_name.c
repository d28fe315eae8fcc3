/* SPDX-License-Identifier: MIT */
/* Names as people write them. */
#include "symbol/symbol_module.h"
#include "util/text.h"

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

char *symbol_short_path(const char *file, const char *directory)
{
	char *path = strdup(file);
	char *base = strdup(directory ? directory : "");
	if (path && base) {
		text_normalize_path(path);
		text_normalize_path(base);
		size_t bytes = strlen(base);
		while (bytes && base[bytes - 1] == '/')
			bytes--;
		if (bytes && !strncmp(path, base, bytes) && path[bytes] == '/')
			memmove(path, path + bytes + 1, strlen(path + bytes + 1) + 1);
	}
	free(base);
	return path;
}
