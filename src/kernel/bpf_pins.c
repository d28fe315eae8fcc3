/* SPDX-License-Identifier: MIT */
#include "kernel/bpf_pins.h"

#include "util/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#define BPF_FS "/sys/fs/bpf"

enum { PIN_EVENTS, PIN_LIFE, PIN_STATE, PINS };

static const struct {
	const char *file, *map;
} pins[PINS] = {{"events", "ring_events"}, {"life", "ring_life"}, {"state", ".bss"}};

enum { STILL_MS = 20, STILL_TRIES = 50 };

static void directory_path(char ret[128], const char *name)
{
	snprintf(ret, 128, BPF_FS "/cairn-%s", name);
}

static void pin_path(char ret[128], const char *name, int pin)
{
	snprintf(ret, 128, BPF_FS "/cairn-%s/%s", name, pins[pin].file);
}

/* One at a time: a second mount would hide what is in the first. */
static int find_file_system(struct err *e)
{
	struct statfs fs;
	CLEANUP(fd) int lock = open(BPF_FS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX) < 0 || statfs(BPF_FS, &fs) < 0)
		return err_errno(e, "this kernel has no " BPF_FS);
	if (fs.f_type != BPF_FS_MAGIC && mount("bpf", BPF_FS, "bpf", 0, "mode=0700") < 0)
		return err_errno(e, "cannot mount " BPF_FS);
	return 0;
}

int bpf_pins_make(const char *name, struct bpf_object *object, struct err *e)
{
	char path[128];
	int status = find_file_system(e);
	if (status < 0)
		return status;
	directory_path(path, name);
	if (mkdir(path, 0700) < 0)
		return err_errno(e, "cannot make %s", path);
	for (int i = 0; i < PINS && status == 0; i++) {
		int fd = bpf_object__find_map_fd_by_name(object, pins[i].map);
		pin_path(path, name, i);
		if (bpf_obj_pin(fd, path) < 0)
			status = err_errno(e, "cannot keep %s as %s", pins[i].map, path);
	}
	if (status < 0)
		bpf_pins_remove(name);
	return status;
}

void bpf_pins_remove(const char *name)
{
	char path[128];
	for (int i = 0; i < PINS; i++) {
		pin_path(path, name, i);
		unlink(path);
	}
	directory_path(path, name);
	rmdir(path);
}

/* Where the variable `rings` stands in the recorder's variables, by the map's own types. */
static int find_rings(const struct bpf_map_info *info, size_t *ret)
{
	struct btf *btf = btf__load_from_kernel_by_id(info->btf_id);
	const struct btf_type *section = btf ? btf__type_by_id(btf, info->btf_value_type_id) : NULL;
	size_t bytes = 2 * RECORDER_CPUS_MAX * sizeof(struct recorder_ring);
	int status = -ENOENT;
	for (int i = 0; section && btf_is_datasec(section) && i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *variable = &btf_var_secinfos(section)[i];
		const struct btf_type *type = btf__type_by_id(btf, variable->type);
		if (strcmp(btf__name_by_offset(btf, type->name_off), "rings") ||
		    variable->size != bytes || variable->offset + bytes > info->value_size)
			continue;
		*ret = variable->offset;
		status = 0;
	}
	btf__free(btf);
	return status;
}

static int map_state(struct bpf_pins *p, int fd, const struct bpf_map_info *info,
		     struct recorder_ring **ret, struct err *e)
{
	size_t offset;
	if (find_rings(info, &offset) < 0)
		return err_set(e, EBADMSG, "the kept recorder has no rings that this cairn knows");
	p->state_bytes = info->value_size;
	p->state = mmap(NULL, p->state_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p->state == MAP_FAILED) {
		p->state = NULL;
		return err_errno(e, "cannot map the kept recorder's state");
	}
	*ret = (void *)((char *)p->state + offset);
	return 0;
}

static int open_map(const char *name, int pin, struct bpf_map_info *ret, struct err *e)
{
	char path[128];
	__u32 bytes = sizeof(*ret);
	pin_path(path, name, pin);
	*ret = (struct bpf_map_info){0};
	CLEANUP(fd) int fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, ret, &bytes) < 0)
		return err_errno(e, "cannot open %s", path);
	return TAKE(fd, -1);
}

static uint64_t progress(const struct bpf_rings *r)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < r->cpus; i++) {
		sum += __atomic_load_n(&r->rings[i].head, __ATOMIC_ACQUIRE);
		sum += __atomic_load_n(&r->rings[RECORDER_CPUS_MAX + i].head, __ATOMIC_ACQUIRE);
	}
	return sum;
}

/* The kernel detaches a dead process's programs a little after its end. */
static void wait_for_writers(const struct bpf_rings *r)
{
	uint64_t before = progress(r), now;
	for (int i = 0; i < STILL_TRIES; i++, before = now) {
		nanosleep(&(struct timespec){.tv_nsec = STILL_MS * 1000000}, NULL);
		now = progress(r);
		if (now == before)
			return;
	}
}

static int open_rings(struct bpf_pins *p, const int fds[PINS], const struct bpf_map_info *info,
		      struct err *e)
{
	struct recorder_ring *rings = NULL;
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	uint32_t count[2] = {info[PIN_EVENTS].max_entries / cpus,
			     info[PIN_LIFE].max_entries / cpus};
	if (cpus > RECORDER_CPUS_MAX || !count[0] || !count[1] ||
	    info[PIN_EVENTS].value_size != RECORDER_SUBBUF_BYTES ||
	    info[PIN_LIFE].value_size != RECORDER_SUBBUF_BYTES)
		return err_set(e, EBADMSG, "the kept rings are not of the size this cairn makes");
	int status = map_state(p, fds[PIN_STATE], &info[PIN_STATE], &rings, e);
	return status < 0 ? status : bpf_rings_open(&p->rings, rings, fds, count, cpus, true, e);
}

int bpf_pins_open(struct bpf_pins *ret, const char *name, struct err *e)
{
	struct bpf_pins p = {0};
	struct bpf_map_info info[PINS];
	int fds[PINS] = {-1, -1, -1};
	int status = 0;
	for (int i = 0; i < PINS && status == 0; i++) {
		fds[i] = open_map(name, i, &info[i], e);
		status = fds[i] < 0 ? fds[i] : 0;
	}
	if (status == 0)
		status = open_rings(&p, fds, info, e);
	for (int i = 0; i < PINS; i++)
		cleanup_fd(&fds[i]);
	if (status < 0) {
		bpf_pins_close(&p);
		return status;
	}
	wait_for_writers(&p.rings);
	*ret = p;
	return 0;
}

void bpf_pins_close(struct bpf_pins *p)
{
	bpf_rings_close(&p->rings);
	if (p->state)
		munmap(p->state, p->state_bytes);
	*p = (struct bpf_pins){0};
}
