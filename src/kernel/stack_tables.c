/* SPDX-License-Identifier: MIT */
#include "kernel/stack_tables.h"

#include "bpf/bpf_embed.h"
#include "kernel/stack_abi.h"
#include "util/now.h"

#include <bpf/bpf.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define MS 1000000ull

enum {
	SERVICE_MS = 20,
	SWEEP_MS = 1000,
	RETRY_MIN_MS = 50, /* between two readings of one process's memory map */
	RETRY_MAX_MS = 5000,
	PREPARE_MAX_MS = 3000,
	FAMILY_MAX = 1024, /* processes */
};

/* A run of `stack_mappings`; processes forked from one another share it. */
struct list {
	uint32_t first;
	uint32_t count;
	bool used;    /* by a process, at the last sweep */
	bool retired; /* nobody used it then: free at the next sweep, walks have ended by then */
};

struct stack_tables {
	struct stack_files files;
	struct unwind_mapping *mappings; /* mapped */
	int processes_fd, misses_fd, targets_fd;
	ARRAY(struct list) lists; /* sorted by `first` */
	struct map retry;         /* pid → time of the next reading, ns */
	struct map pauses;        /* pid → that pause, ms */
	ARRAY(struct unwind_mapping) draft;
	ARRAY(uint32_t) pids;
	uint64_t next_sweep_ns;
	uint32_t generation;
	uint32_t overfull;
	unsigned family; /* processes made ready before the recording */
};

int stack_tables_size(struct bpf_object *object, bool on, struct err *e)
{
	struct bpf_map *space = bpf_object__find_map_by_name(object, "stack_space");
	struct bpf_map *mappings = bpf_object__find_map_by_name(object, "stack_mappings");
	bool *stacks = bpf_embed_variable(object, "stacks", sizeof(*stacks));

	if (!space || !mappings || !stacks)
		return err_set(e, EINVAL, "the embedded recorder lacks its maps for stacks");
	*stacks = on;
	if (!on)
		return 0;
	int status = bpf_map__set_max_entries(space, STACK_SPACE_BYTES / (UNWIND_BLOCK_WORDS * 4));
	if (status == 0)
		status = bpf_map__set_max_entries(mappings, STACK_MAPPINGS_MAX);
	return status == 0 ? 0
			   : err_set(e, -status, "cannot size the maps for stacks: %s",
				     strerror(-status));
}

static int open_maps(struct stack_tables *t, struct bpf_object *object,
		     const struct stack_source *source, struct err *e)
{
	int space = bpf_object__find_map_fd_by_name(object, "stack_space");
	int mappings = bpf_object__find_map_fd_by_name(object, "stack_mappings");

	t->processes_fd = bpf_object__find_map_fd_by_name(object, "stack_processes");
	t->misses_fd = bpf_object__find_map_fd_by_name(object, "stack_misses");
	t->targets_fd = bpf_object__find_map_fd_by_name(object, "targets");
	if (space < 0 || mappings < 0 || t->processes_fd < 0 || t->misses_fd < 0 ||
	    t->targets_fd < 0)
		return err_set(e, EINVAL, "the embedded recorder lacks its maps for stacks");
	void *mapped = mmap(NULL, STACK_MAPPINGS_MAX * sizeof(struct unwind_mapping),
			    PROT_READ | PROT_WRITE, MAP_SHARED, mappings, 0);
	if (mapped == MAP_FAILED)
		return err_errno(e, "cannot map the list of mappings");
	t->mappings = mapped;
	return stack_files_open(&t->files, space, STACK_SPACE_BYTES / (UNWIND_BLOCK_WORDS * 4),
				source, e);
}

int stack_tables_open(struct stack_tables **ret, struct bpf_object *object,
		      const struct stack_source *source, struct err *e)
{
	struct stack_tables *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(e, ENOMEM, "no memory for unwind tables");
	int status = open_maps(t, object, source, e);
	if (status < 0) {
		stack_tables_close(t);
		return status;
	}
	*ret = t;
	return 0;
}

void stack_tables_close(struct stack_tables *t)
{
	if (!t)
		return;
	if (t->mappings)
		munmap(t->mappings, STACK_MAPPINGS_MAX * sizeof(struct unwind_mapping));
	stack_files_close(&t->files);
	array_free(&t->lists);
	array_free(&t->draft);
	array_free(&t->pids);
	map_deinit(&t->retry);
	map_deinit(&t->pauses);
	free(t);
}

/* The first gap that is large enough; its place in the order of lists. */
static int find_room(const struct stack_tables *t, uint32_t count, uint32_t *first_ret)
{
	uint32_t end = 0;
	size_t i = 0;

	for (; i < t->lists.count && t->lists.items[i].first - end < count; i++)
		end = t->lists.items[i].first + t->lists.items[i].count;
	if (i == t->lists.count && STACK_MAPPINGS_MAX - end < count)
		return -ENOSPC;
	*first_ret = end;
	return (int)i;
}

static int place_list(struct stack_tables *t, uint32_t *first_ret)
{
	struct list list = {.count = (uint32_t)t->draft.count, .used = true};
	int at = find_room(t, list.count, &list.first);

	if (at < 0 || !array_add(&t->lists)) {
		t->overfull++;
		return -ENOSPC;
	}
	struct list *place = &t->lists.items[at];
	memmove(place + 1, place, (t->lists.count - 1 - (size_t)at) * sizeof(*place));
	*place = list;
	memcpy(t->mappings + list.first, t->draft.items, list.count * sizeof(*t->mappings));
	*first_ret = list.first;
	return 0;
}

/* Gives the list those tables that were still to be made; true when there was one. */
static bool complete_list(struct stack_tables *t, const struct unwind_process *p)
{
	bool changed = false;

	for (uint32_t i = p->first; i < p->first + p->count; i++) {
		struct unwind_mapping *m = &t->mappings[i];
		if (m->table)
			continue;
		uint32_t table = stack_files_table(&t->files, m->spare);
		/* Walks may read it at this moment: one store, and the table is there before. */
		__atomic_store_n(&m->table, table, __ATOMIC_RELEASE);
		changed |= table != 0;
	}
	return changed;
}

/* All at once: a map that changes under the walk through its keys may never end. */
static void list_processes(struct stack_tables *t)
{
	uint32_t pid;

	t->pids.count = 0;
	for (const uint32_t *at = NULL; !bpf_map_get_next_key(t->processes_fd, at, &pid); at = &pid)
		if (t->pids.count == STACK_PROCESSES_MAX || array_push(&t->pids, pid))
			break;
}

/* Lists are completed in place, and stacks that were cut for want of a table forgotten. */
static void complete_lists(struct stack_tables *t)
{
	struct map completed = {0}; /* first mapping → 1 nothing to complete, 2 completed now */
	struct unwind_process p;

	list_processes(t);
	array_each(pid, &t->pids) {
		if (bpf_map_lookup_elem(t->processes_fd, pid, &p))
			continue;
		uint64_t *known = map_put(&completed, p.first);
		if (!known)
			break;
		if (!*known)
			*known = complete_list(t, &p) ? 2 : 1;
		if (*known == 1)
			continue;
		p.generation = ++t->generation;
		bpf_map_update_elem(t->processes_fd, pid, &p, BPF_EXIST);
	}
	map_deinit(&completed);
}

static void collect(struct stack_tables *t)
{
	if (stack_files_collect(&t->files))
		complete_lists(t);
}

struct reading {
	struct stack_tables *tables;
	pid_t pid;
	bool urgent; /* a target, or a target's child */
};

static int add_mapping(void *context, const struct stack_map *map)
{
	struct reading *r = context;
	struct stack_tables *t = r->tables;

	if (t->draft.count == UNWIND_MAPPINGS_MAX)
		return -E2BIG;
	return array_push(&t->draft, stack_files_mapping(&t->files, r->pid, map, r->urgent));
}

static int add_process(struct stack_tables *t, pid_t pid, bool urgent)
{
	struct unwind_process p = {.exec_pages = stack_maps_exec_pages(pid)};
	struct reading r = {t, pid, urgent};
	uint32_t key = (uint32_t)pid;

	t->draft.count = 0;
	int status = stack_maps_read(pid, add_mapping, &r);
	if (status < 0)
		return status;
	if (p.exec_pages == 0 || p.exec_pages != stack_maps_exec_pages(pid))
		return -EAGAIN;
	status = place_list(t, &p.first);
	if (status < 0)
		return status;
	p.count = (uint32_t)t->draft.count;
	p.generation = ++t->generation;
	return bpf_map_update_elem(t->processes_fd, &key, &p, BPF_ANY) ? -errno : 0;
}

int stack_tables_add_process(struct stack_tables *t, pid_t pid)
{
	uint32_t key = (uint32_t)pid;
	uint8_t yes;

	return add_process(t, pid, !bpf_map_lookup_elem(t->targets_fd, &key, &yes));
}

static int add_family(void *context, pid_t pid)
{
	struct stack_tables *t = context;

	if (t->family++ < FAMILY_MAX && !stack_maps_is_own_program(pid)) {
		add_process(t, pid, true);
		stack_maps_children(pid, add_family, t);
	}
	return 0;
}

void stack_tables_prepare(struct stack_tables *t, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_family(t, pids[i]);
	stack_builder_wait(t->files.builder, false, PREPARE_MAX_MS);
	collect(t);
}

/*
 * Programs that make code as they run change all the time: each reading doubles the pause, until
 * they were quiet for a while.
 */
static bool is_due(struct stack_tables *t, uint32_t pid, uint64_t now)
{
	uint64_t *next = map_put(&t->retry, pid), *pause = map_put(&t->pauses, pid);

	if (!next || !pause || now < *next)
		return false;
	bool quiet = now > *next + 2 * *pause * MS;
	*pause = quiet || !*pause ? RETRY_MIN_MS : *pause * 2;
	if (*pause > RETRY_MAX_MS)
		*pause = RETRY_MAX_MS;
	*next = now + *pause * MS;
	return true;
}

static void serve_misses(struct stack_tables *t, uint64_t start)
{
	uint32_t pids[STACK_MISSES_MAX], key;
	size_t count = 0;

	for (const uint32_t *previous = NULL;
	     count < STACK_MISSES_MAX && !bpf_map_get_next_key(t->misses_fd, previous, &key);
	     previous = &pids[count++])
		pids[count] = key;
	for (size_t i = 0; i < count && now_monotonic_ns() - start < SERVICE_MS * MS; i++) {
		if (is_due(t, pids[i], start))
			stack_tables_add_process(t, (pid_t)pids[i]);
		bpf_map_delete_elem(t->misses_fd, &pids[i]);
	}
}

static void mark_list(struct stack_tables *t, uint32_t first)
{
	size_t low = array_count_below(&t->lists, first, first);

	if (low < t->lists.count && t->lists.items[low].first == first)
		t->lists.items[low].used = true;
}

/* Marks the lists of living processes; the kernel side forgets most of the dead ones itself. */
static void mark_lists(struct stack_tables *t)
{
	uint32_t pid, next;
	struct unwind_process p;

	array_each(list, &t->lists)
		list->used = false;
	for (int end = bpf_map_get_next_key(t->processes_fd, NULL, &pid); !end; pid = next) {
		end = bpf_map_get_next_key(t->processes_fd, &pid, &next);
		if (kill((pid_t)pid, 0) && errno == ESRCH)
			bpf_map_delete_elem(t->processes_fd, &pid);
		else if (!bpf_map_lookup_elem(t->processes_fd, &pid, &p))
			mark_list(t, p.first);
	}
}

/* Frees lists, and what was kept of one process that is gone (there is always a next sweep). */
static void sweep(struct stack_tables *t)
{
	size_t kept = 0;

	mark_lists(t);
	array_each(list, &t->lists) {
		if (!list->used && list->retired)
			continue;
		list->retired = !list->used;
		t->lists.items[kept++] = *list;
	}
	t->lists.count = kept;
	map_each(slot, &t->retry) {
		if (kill((pid_t)slot->key, 0) && errno == ESRCH) {
			map_remove(&t->pauses, slot->key);
			map_remove(&t->retry, slot->key);
			break;
		}
	}
}

void stack_tables_service(struct stack_tables *t)
{
	uint64_t now = now_monotonic_ns();

	collect(t);
	serve_misses(t, now);
	if (now < t->next_sweep_ns)
		return;
	t->next_sweep_ns = now + SWEEP_MS * MS;
	sweep(t);
}

void stack_tables_totals(const struct stack_tables *t, struct stack_totals *ret)
{
	*ret = (struct stack_totals){
		.files = t->files.built,
		.kept = t->files.found,
		.without = t->files.without,
		.refused = t->files.refused,
		.lists = (uint32_t)t->lists.count,
		.overfull = t->overfull,
		.space_bytes = (uint64_t)(t->files.used - 1) * UNWIND_BLOCK_WORDS * 4,
		.build_ns = stack_builder_spent_ns(t->files.builder),
		.refusal = t->files.refused ? t->files.refusal.text : "",
	};
}
