/* SPDX-License-Identifier: MIT */
#include "bpf/bpf_embed.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The first complaint is the cause; what follows it are its consequences. */
static char complaint[256];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !complaint[0]) {
		vsnprintf(complaint, sizeof(complaint), format, args);
		complaint[strcspn(complaint, "\n")] = 0;
	}
	return 0;
}

int bpf_embed_open(struct bpf_object **ret, const void *bytes, size_t size, const char *name,
		   struct err *e)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);
	complaint[0] = 0;
	libbpf_set_print(keep_complaint);
	struct bpf_object *object = bpf_object__open_mem(bytes, size, &options);
	if (!object)
		return err_errno(e, "cannot open the BPF object %s (%s)", name, complaint);
	*ret = object;
	return 0;
}

/*
 * libbpf keeps the variables' first values in anonymous memory; the kernel's own pages take
 * their place, at the same addresses.
 */
static int share_variables(struct bpf_object *object, struct err *e)
{
	struct bpf_map *map;
	bpf_object__for_each_map(map, object)
	{
		if (!bpf_map__is_internal(map) || !(bpf_map__map_flags(map) & BPF_F_MMAPABLE))
			continue;
		size_t bytes;
		const void *values = bpf_map__initial_value(map, &bytes);
		if (!values)
			continue;
		int access = bpf_map__map_flags(map) & BPF_F_RDONLY_PROG ? PROT_READ
									 : PROT_READ | PROT_WRITE;
		if (mmap((void *)(uintptr_t)values, bytes, access, MAP_SHARED | MAP_FIXED,
			 bpf_map__fd(map), 0) == MAP_FAILED)
			return err_errno(e, "cannot share the variables of %s",
					 bpf_object__name(object));
	}
	return 0;
}

int bpf_embed_load(struct bpf_object *object, struct err *e)
{
	complaint[0] = 0;
	int status = bpf_object__load(object);
	if (status == 0)
		return share_variables(object, e);
	if (status == -EPERM && geteuid() != 0)
		return err_set(e, EPERM,
			       "BPF programs need CAP_BPF and CAP_PERFMON, which uid %u lacks",
			       geteuid());
	errno = -status;
	return err_errno(e, "the kernel refused the BPF object %s (%s)", bpf_object__name(object),
			 complaint);
}

static void *variable_in(struct bpf_object *object, const struct btf *btf,
			 const struct btf_type *section, const char *name, size_t bytes)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(section);
	for (int i = 0; i < btf_vlen(section); i++) {
		const struct btf_type *variable = btf__type_by_id(btf, info[i].type);
		if (strcmp(btf__name_by_offset(btf, variable->name_off), name) != 0)
			continue;
		const char *map_name = btf__name_by_offset(btf, section->name_off);
		struct bpf_map *map = bpf_object__find_map_by_name(object, map_name);
		size_t map_bytes = 0;
		char *data = map ? (char *)bpf_map__initial_value(map, &map_bytes) : NULL;
		if (!data || info[i].size < bytes || info[i].offset + bytes > map_bytes)
			return NULL;
		return data + info[i].offset;
	}
	return NULL;
}

void *bpf_embed_variable(struct bpf_object *object, const char *name, size_t bytes)
{
	const struct btf *btf = bpf_object__btf(object);
	for (__u32 id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		void *found =
			btf_is_datasec(type) ? variable_in(object, btf, type, name, bytes) : NULL;
		if (found)
			return found;
	}
	return NULL;
}
