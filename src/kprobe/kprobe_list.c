/* SPDX-License-Identifier: MIT */
#include "kprobe/kprobe_list.h"

#include "kernel/tracefs.h"
#include "kprobe/kprobe_types.h"

#include <bpf/btf.h>
#include <string.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kprobe_function *)a)->name,
		      ((const struct kprobe_function *)b)->name);
}

static int add(struct kprobe_list *l, const char *name, size_t bytes, uint32_t type)
{
	struct kprobe_function f = {strndup(name, bytes), type};
	if (f.name && array_push(&l->functions, f) == 0)
		return 0;
	free(f.name);
	return -ENOMEM;
}

/* "vfs_read", "nf_hook [nf_tables]", a line each. */
static int add_traceable(struct kprobe_list *l, char *lines, const char *glob)
{
	char *place = NULL;
	int status = 0;
	for (char *line = strtok_r(lines, "\n", &place); line && status == 0;
	     line = strtok_r(NULL, "\n", &place)) {
		line[strcspn(line, " \t")] = 0;
		if (text_glob(glob, line))
			status = add(l, line, strlen(line), 0);
	}
	return status;
}

/* Several functions may have one name: it is listed once, and cannot be probed by it. */
static void sort(struct kprobe_list *l)
{
	size_t kept = 0;
	if (l->functions.count)
		qsort(l->functions.items, l->functions.count, sizeof(*l->functions.items), by_name);
	for (size_t i = 0; i < l->functions.count; i++) {
		struct kprobe_function *f = &l->functions.items[i];
		if (kept && !strcmp(l->functions.items[kept - 1].name, f->name))
			free(f->name);
		else
			l->functions.items[kept++] = *f;
	}
	l->functions.count = kept;
}

/* Adds what BTF knows to the functions there are, or lists what it knows. */
static int add_types(struct kprobe_list *l, const char *glob, bool all)
{
	int status = 0;
	for (uint32_t id = 1; id < btf__type_cnt(l->btf) && status == 0; id++) {
		const struct btf_type *t = btf__type_by_id(l->btf, id);
		const char *name = btf__name_by_offset(l->btf, t->name_off);
		if (!btf_is_func(t) || !text_glob(glob, name))
			continue;
		struct kprobe_function key = {(char *)name, 0}, *found = NULL;
		if (all)
			status = add(l, name, strlen(name), t->type);
		else if (l->functions.count)
			found = bsearch(&key, l->functions.items, l->functions.count, sizeof(key),
					by_name);
		if (found)
			found->type = t->type;
	}
	return status;
}

int kprobe_list_read(struct kprobe_list *ret, const char *tracefs, const char *glob, struct err *e)
{
	struct kprobe_list l = {0};
	CLEANUP_TEXT struct text lines = {0};
	bool unknown = tracefs_read(&lines, NULL, "%s/available_filter_functions", tracefs) < 0;
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		l.btf = btf__load_vmlinux_btf();
	if (unknown && !l.btf)
		return err_set(e, ENOTSUP,
			       "this kernel tells neither which of its functions can "
			       "be traced nor their types");
	int status = unknown ? 0 : add_traceable(&l, lines.data, glob);
	sort(&l);
	if (status == 0 && l.btf)
		status = add_types(&l, glob, unknown);
	if (unknown)
		sort(&l);
	if (status < 0) {
		kprobe_list_deinit(&l);
		return err_set(e, ENOMEM, "no memory for the list of functions");
	}
	*ret = l;
	return 0;
}

void kprobe_list_deinit(struct kprobe_list *l)
{
	array_each(f, &l->functions)
		free(f->name);
	array_free(&l->functions);
	btf__free(l->btf);
	*l = (struct kprobe_list){0};
}

void kprobe_list_print(const struct kprobe_list *l, const struct kprobe_function *f,
		       struct text *out)
{
	if (f->type)
		kprobe_types_print_function(l->btf, f->type, f->name, out);
	text_append(out, "", 0);
}
