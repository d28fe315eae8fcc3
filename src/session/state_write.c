/* SPDX-License-Identifier: MIT */
/* The state as events: what they look like, and in which order they are told. */
#include "session/state.h"

#include <stdlib.h>
#include <string.h>

enum state_event {
	STATE_EVENT_THREAD = 1,
	STATE_EVENT_ARGS,
	STATE_EVENT_MAP,
	STATE_EVENT_FD,
	STATE_EVENT_IRQ,
	STATE_EVENT_DISK,
	STATE_EVENT_SYMBOL,
	STATE_EVENT_CLOCK,
	STATE_EVENT_TARGET,
	STATE_EVENT_RECORDER,
};

struct shape {
	enum state_event id;
	const char *name;
	const char *fields; /* "name:type …": i32, u32, u64, x64 (hexadecimal), s (string) */
};

static const struct shape shapes[] = {
	{STATE_EVENT_THREAD, "lttng_statedump_process_state",
	 "tid:i32 pid:i32 ppid:i32 name:s type:i32 status:i32"},
	{STATE_EVENT_ARGS, "cairn_process_args", "pid:i32 args:s"},
	{STATE_EVENT_MAP, "cairn_process_map",
	 "pid:i32 start:x64 end:x64 offset:x64 path:s build_id:s"},
	{STATE_EVENT_FD, "lttng_statedump_file_descriptor", "pid:i32 fd:i32 filename:s"},
	{STATE_EVENT_IRQ, "lttng_statedump_interrupt", "irq:i32 name:s action:s"},
	{STATE_EVENT_DISK, "lttng_statedump_block_device", "dev:u32 diskname:s"},
	{STATE_EVENT_SYMBOL, "cairn_kernel_symbol", "addr:x64 name:s offset:u64"},
	{STATE_EVENT_CLOCK, "cairn_clock",
	 "tsc:u64 monotonic:u64 monotonic_raw:u64 realtime:u64 window_ns:u64"},
	{STATE_EVENT_TARGET, "cairn_target", "pid:i32"},
	{STATE_EVENT_RECORDER, "cairn_recorder",
	 "cpu_ns:u64 wall_ns:u64 events:u64 lost:u64 misses:u64 probe_ns:u64"},
};

static const struct type *shape_type(struct schema *s, const char *kind)
{
	if (*kind == 's')
		return type_string(s);
	return type_integer(s, (unsigned)atoi(kind + 1), *kind == 'i', *kind == 'x' ? 16 : 10);
}

static int add_shape(struct schema *s, const struct shape *shape, struct err *e)
{
	uint32_t count = 1;
	for (const char *c = shape->fields; *c; c++)
		count += *c == ' ';
	struct type *payload = type_struct(s, count);
	const char *at = shape->fields;
	for (uint32_t i = 0; payload && i < count; i++) {
		char name[32];
		size_t bytes = strcspn(at, ":");
		memcpy(name, at, bytes);
		name[bytes] = 0;
		const char *kept = schema_string(s, name);
		if (!kept)
			return err_set(e, ENOMEM, "no memory for the state's types");
		type_set_field(payload, i, kept, shape_type(s, at + bytes + 1));
		at += bytes + 1;
		at += strcspn(at, " ");
		at += *at == ' ';
	}
	struct event_type *type;
	return schema_add(s, RECORDER_STREAM_STATE, shape->id, shape->name, NULL, payload, &type,
			  e);
}

int state_schema(struct schema *s, struct err *e)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		int status = add_shape(s, &shapes[i], e);
		if (status < 0)
			return status;
	}
	return 0;
}

/* One thing to tell, at its time; times in a stream must not go back, so they are sorted. */
struct telling {
	uint64_t since_ns;
	enum state_event id;
	size_t order; /* as collected: keeps equal times in a sensible sequence */
	const struct state_process *process;
	const void *item;
};

struct tellings {
	ARRAY(struct telling) list;
	bool everything;
	bool failed;
};

static void tell(struct tellings *t, enum state_event id, const struct state_process *p,
		 const void *item, uint64_t since_ns, bool *written)
{
	if (*written && !t->everything)
		return;
	struct telling telling = {since_ns, id, t->list.count, p, item};
	if (array_push(&t->list, telling) < 0)
		t->failed = true;
	else
		*written = true;
}

static void collect(struct tellings *t, struct state_process *p)
{
	array_each(thread, &p->threads)
		tell(t, STATE_EVENT_THREAD, p, thread, thread->since_ns, &thread->written);
	if (p->args)
		tell(t, STATE_EVENT_ARGS, p, NULL, p->args_ns, &p->args_written);
	array_each(map, &p->maps)
		tell(t, STATE_EVENT_MAP, p, map, map->since_ns, &map->written);
	array_each(fd, &p->fds)
		tell(t, STATE_EVENT_FD, p, fd, fd->since_ns, &fd->written);
}

static void collect_anchors(struct tellings *t, struct state *s)
{
	array_each(anchor, &s->anchors)
		tell(t, STATE_EVENT_CLOCK, NULL, &anchor->clock, anchor->clock.monotonic_ns,
		     &anchor->written);
}

static int by_time(const void *a, const void *b)
{
	const struct telling *x = a, *y = b;
	if (x->since_ns != y->since_ns)
		return x->since_ns < y->since_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void put_thread(struct packet *out, const struct state_process *p,
		       const struct state_thread *thread)
{
	packet_put_u32(out, (uint32_t)thread->tid);
	packet_put_u32(out, (uint32_t)p->pid);
	packet_put_u32(out, (uint32_t)p->parent);
	packet_put_string(out, thread->name);
	packet_put_u32(out, thread->is_kernel);
	packet_put_u32(out, p->gone_ns != 0);
}

static void put_map(struct packet *out, const struct state_process *p, const struct state_map *map)
{
	packet_put_u32(out, (uint32_t)p->pid);
	packet_put_u64(out, map->start);
	packet_put_u64(out, map->end);
	packet_put_u64(out, map->offset);
	packet_put_string(out, map->path);
	packet_put_string(out, map->build_id);
}

static void put_anchor(struct packet *out, const struct clock_anchor *anchor)
{
	packet_put_u64(out, anchor->tsc);
	packet_put_u64(out, anchor->monotonic_ns);
	packet_put_u64(out, anchor->monotonic_raw_ns);
	packet_put_u64(out, anchor->realtime_ns);
	packet_put_u64(out, anchor->window_ns);
}

static int put(struct packet *out, const struct telling *t, struct err *e)
{
	const struct state_fd *fd = t->item;
	packet_begin(out, (uint16_t)t->id, t->since_ns);
	switch (t->id) {
	case STATE_EVENT_THREAD:
		put_thread(out, t->process, t->item);
		break;
	case STATE_EVENT_MAP:
		put_map(out, t->process, t->item);
		break;
	case STATE_EVENT_FD:
		packet_put_u32(out, (uint32_t)t->process->pid);
		packet_put_u32(out, (uint32_t)fd->fd);
		packet_put_string(out, fd->path);
		break;
	case STATE_EVENT_CLOCK:
		put_anchor(out, t->item);
		break;
	default: /* STATE_EVENT_ARGS */
		packet_put_u32(out, (uint32_t)t->process->pid);
		packet_put_string(out, t->process->args);
	}
	return packet_commit(out, e);
}

static int write_targets(struct state *s, struct packet *out, uint64_t now_ns, struct err *e)
{
	int status = 0;
	map_each(slot, &s->processes) {
		const struct state_process *p = (const struct state_process *)slot->value;
		if (!p->is_target || status < 0)
			continue;
		packet_begin(out, STATE_EVENT_TARGET, now_ns);
		packet_put_u32(out, (uint32_t)p->pid);
		status = packet_commit(out, e);
	}
	return status;
}

int state_write(struct state *s, struct packet *out, bool everything, uint64_t now_ns,
		struct err *e)
{
	int status = 0;
	struct tellings t = {.everything = everything};
	map_each(slot, &s->processes)
		collect(&t, (struct state_process *)slot->value);
	collect_anchors(&t, s);
	if (t.list.count)
		qsort(t.list.items, t.list.count, sizeof(*t.list.items), by_time);
	for (size_t i = 0; i < t.list.count && status == 0; i++)
		status = put(out, &t.list.items[i], e);
	array_free(&t.list);
	if (t.failed)
		return err_set(e, ENOMEM, "no memory to write the state of the system");
	if (status == 0 && (everything || !s->machine_written)) {
		status = state_write_machine(out, now_ns, e);
		if (status == 0)
			status = write_targets(s, out, now_ns, e);
		s->machine_written = true;
	}
	return status;
}

int state_write_recorder(struct packet *out, const struct state_recorder *r, uint64_t now_ns,
			 struct err *e)
{
	packet_begin(out, STATE_EVENT_RECORDER, now_ns);
	packet_put_u64(out, r->cpu_ns);
	packet_put_u64(out, r->wall_ns);
	packet_put_u64(out, r->events);
	packet_put_u64(out, r->lost);
	packet_put_u64(out, r->misses);
	packet_put_u64(out, r->probe_ns);
	return packet_commit(out, e);
}

int state_write_symbol(struct packet *out, uint64_t address, const char *name, uint64_t offset,
		       uint64_t now_ns, struct err *e)
{
	packet_begin(out, STATE_EVENT_SYMBOL, now_ns);
	packet_put_u64(out, address);
	packet_put_string(out, name);
	packet_put_u64(out, offset);
	return packet_commit(out, e);
}

int state_write_irq(struct packet *out, int irq, const char *name, const char *action,
		    uint64_t now_ns, struct err *e)
{
	packet_begin(out, STATE_EVENT_IRQ, now_ns);
	packet_put_u32(out, (uint32_t)irq);
	packet_put_string(out, name);
	packet_put_string(out, action);
	return packet_commit(out, e);
}

int state_write_disk(struct packet *out, uint32_t dev, const char *name, uint64_t now_ns,
		     struct err *e)
{
	packet_begin(out, STATE_EVENT_DISK, now_ns);
	packet_put_u32(out, dev);
	packet_put_string(out, name);
	return packet_commit(out, e);
}
