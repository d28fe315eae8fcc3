/* SPDX-License-Identifier: MIT */
#include "cli/list_kprobes.h"

#include "kernel/dynamic_event.h"
#include "kernel/tracefs.h"
#include "kprobe/kprobe_list.h"

#include <string.h>

static const char *const kinds[] = {"kprobe:", "kretprobe:", "fentry:", "fexit:"};

bool list_kprobes_asked(const char *word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strncmp(word, kinds[i], strlen(kinds[i])))
			return true;
	}
	return false;
}

static void print_function(const struct kprobe_list *l, const struct kprobe_function *f,
			   struct text *out, struct json *json)
{
	CLEANUP_TEXT struct text declared = {0};
	kprobe_list_print(l, f, &declared);
	if (json) {
		json_open(json, NULL, '{');
		json_string(json, "name", f->name);
		json_string(json, "declaration", f->type ? declared.data : NULL);
		json_close(json);
	} else if (f->type) {
		text_print(out, "%s\n", declared.data);
	} else {
		text_print(out, "%s: parameters unknown\n", f->name);
	}
}

int list_kprobes(struct text *out, struct json *json, const char *word, struct err *e)
{
	const char *tracefs, *glob = strchr(word, ':') + 1;
	struct kprobe_list l = {0};
	struct err why;
	int status = tracefs_find(&tracefs, e);
	if (status == 0)
		status = kprobe_list_read(&l, tracefs, glob, e);
	if (status == 0 && !l.functions.count)
		status = err_set(e, ENOENT,
				 "no function of this kernel that can be traced is "
				 "called '%s'",
				 glob);
	if (status == 0 && json)
		json_open(json, "functions", '[');
	array_each(f, &l.functions)
		print_function(&l, f, out, json);
	if (status == 0 && json)
		json_close(json);
	if (status == 0 && !json && dynamic_event_kernel_allows(tracefs, &why) < 0)
		text_print(out, "\nnone of them here: %s\n", why.text);
	kprobe_list_deinit(&l);
	return status;
}
