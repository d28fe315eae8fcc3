/* SPDX-License-Identifier: MIT */
/* The machine's events, as the recorder's own records. */
#include "kernel/rung.h"
#include "synth_sim.h"

enum { COMM_BYTES = RECORDER_COMM_BYTES, SITE_FRAMES = 3, LOCK_IS_MUTEX = 32 };

struct state_thread {
	int32_t tid, pid, ppid, type, status;
	char name[COMM_BYTES];
};

struct state_disk {
	uint32_t dev;
	char name[COMM_BYTES];
};

static int schema_add_state(struct sim *sim, enum sim_event id, const char *name,
			    const char *const *fields, uint32_t count, struct err *e)
{
	struct schema *s = sim->schema;
	struct type *payload = type_struct(s, count + 1);
	struct event_type *type = NULL;
	if (!payload)
		return err_set(e, ENOMEM, "no memory for the event types");
	for (uint32_t i = 0; i < count; i++)
		type_set_field(payload, i, fields[i], type_integer(s, 32, true, 10));
	type_set_field(payload, count, fields[count], type_text(s, COMM_BYTES));
	int code = schema_add(s, RECORDER_STREAM_STATE, id, name, NULL, payload, &type, e);
	sim->types[id] = type;
	return code;
}

int sim_schema(struct sim *sim, struct err *e)
{
	static const char *const thread[] = {"tid", "pid", "ppid", "type", "status", "name"};
	static const char *const disk[] = {"dev", "diskname"};
	int code = schema_create(&sim->schema, e);
	if (!code)
		code = recorder_schema(sim->schema, e);
	for (size_t i = 0; !code && i < sim->schema->type_count; i++)
		sim->types[sim->schema->types[i]->id] = sim->schema->types[i];
	if (!code)
		code = schema_add_state(sim, SIM_EVENT_THREAD, "lttng_statedump_process_state",
					thread, 5, e);
	if (!code)
		code = schema_add_state(sim, SIM_EVENT_DISK, "lttng_statedump_block_device", disk,
					1, e);
	return code;
}

static void emit(struct sim *sim, unsigned id, const void *payload, size_t bytes)
{
	const struct sim_cpu *here = sim->here;
	struct sim_out *out = array_add(&sim->out);
	synth_need(out && bytes <= sizeof(out->payload));
	out->time_ns = sim->now_ns;
	out->type = sim->types[id];
	out->cpu = here ? here->index : EVENT_CPU_NONE;
	out->tid = !here ? EVENT_TID_UNKNOWN : here->current ? here->current->who.tid : 0;
	out->bytes = (uint32_t)bytes;
	memcpy(out->payload, payload, bytes);
}

#define EMIT(sim, id, record, ...)                                                                 \
	emit(sim, id, &(struct record){__VA_ARGS__}, sizeof(struct record))

/* The number of the place the task is at; said once, as the recorder does. 0 for kernel threads. */
static uint32_t site_here(struct sim *sim, const struct sim_task *task)
{
	if (!task || task->kernel || task->syscall < 0)
		return 0;
	uint64_t key = (uint64_t)(uint32_t)task->who.pid << 32 | (uint32_t)task->syscall;
	uint64_t *place = map_put(&sim->sites, key);
	synth_need(place);
	if (*place)
		return (uint32_t)*place;
	*place = sim->sites.count;
	struct recorder_site site = {.site = (uint32_t)*place,
				     .pid = task->who.pid,
				     .syscall = task->syscall,
				     .flags = SITE_COMPLETE,
				     .count = SITE_FRAMES};
	for (unsigned i = 0; i < SITE_FRAMES; i++)
		site.ips[i] = 0x400000u + (unsigned)task->syscall * 0x1000u + i * 0x10u;
	emit(sim, RECORDER_SITE, &site,
	     offsetof(struct recorder_site, ips) + SITE_FRAMES * sizeof(site.ips[0]));
	return site.site;
}

static uint8_t prio_of(const struct sim_task *task)
{
	return (uint8_t)(task ? task->prio : SIM_PRIO);
}

static int32_t tid_of(const struct sim_task *task)
{
	return task ? task->who.tid : 0;
}

void emit_switch(struct sim *sim, const struct sim_task *prev, const struct sim_task *next,
		 uint16_t prev_state)
{
	if (!prev_state) {
		EMIT(sim, RECORDER_SWITCH, recorder_switch, .prev_tid = tid_of(prev),
		     .next_tid = tid_of(next), .prev_prio = prio_of(prev),
		     .next_prio = prio_of(next));
		return;
	}
	uint32_t site = site_here(sim, prev);
	EMIT(sim, RECORDER_SWITCH_SLEEP, recorder_switch_sleep, .prev_tid = tid_of(prev),
	     .next_tid = tid_of(next), .prev_state = prev_state, .prev_prio = prio_of(prev),
	     .next_prio = prio_of(next), .prev_site = site, .prev_arg = site ? prev->arg : 0);
}

void emit_waking(struct sim *sim, const struct sim_task *task, enum waking_context context)
{
	uint32_t site = context ? 0 : site_here(sim, sim->here->current);
	if (!site)
		EMIT(sim, RECORDER_WAKING, recorder_waking, .tid = task->who.tid,
		     .target_cpu = (int16_t)task->cpu, .prio = prio_of(task),
		     .context = (uint8_t)context);
	else
		EMIT(sim, RECORDER_WAKING_SITE, recorder_waking_site, .tid = task->who.tid,
		     .target_cpu = (int16_t)task->cpu, .prio = prio_of(task), .waker_site = site);
}

void emit_wakeup_new(struct sim *sim, const struct sim_task *task)
{
	EMIT(sim, RECORDER_WAKEUP_NEW, recorder_waking, .tid = task->who.tid,
	     .target_cpu = (int16_t)task->cpu, .prio = prio_of(task));
}

void emit_frame(struct sim *sim, const struct sim_frame *frame, bool entry)
{
	uint32_t number = (uint32_t)frame->number;
	if (frame->kind == SIM_SOFTIRQ)
		EMIT(sim, entry ? RECORDER_SOFTIRQ_ENTRY : RECORDER_SOFTIRQ_EXIT, recorder_softirq,
		     .vec = number);
	else if (frame->kind == SIM_IRQ && entry)
		EMIT(sim, RECORDER_IRQ_ENTRY, recorder_irq_entry, .irq = (int32_t)number);
	else if (frame->kind == SIM_IRQ)
		EMIT(sim, RECORDER_IRQ_EXIT, recorder_irq_exit, .irq = (int32_t)number, .ret = 1);
	else if (entry)
		EMIT(sim, RECORDER_HRTIMER_ENTRY, recorder_timer_entry, .timer = frame->number,
		     .function = frame->function);
	else
		EMIT(sim, RECORDER_HRTIMER_EXIT, recorder_timer_exit, .timer = frame->number);
}

void emit_raise(struct sim *sim, enum sim_vec vec)
{
	EMIT(sim, RECORDER_SOFTIRQ_RAISE, recorder_softirq, .vec = vec);
}

void emit_timer(struct sim *sim, uint64_t timer, uint64_t function, bool entry)
{
	if (entry)
		EMIT(sim, RECORDER_TIMER_ENTRY, recorder_timer_entry, .timer = timer,
		     .function = function);
	else
		EMIT(sim, RECORDER_TIMER_EXIT, recorder_timer_exit, .timer = timer);
}

void emit_work(struct sim *sim, enum recorder_event id, uint64_t work, uint64_t function)
{
	if (id == RECORDER_WORK_END)
		EMIT(sim, id, recorder_work_end, .work = work);
	else
		EMIT(sim, id, recorder_work, .work = work, .function = function);
}

void emit_issue(struct sim *sim, const struct recorder_block_issue *issue)
{
	emit(sim, RECORDER_BLOCK_ISSUE, issue, sizeof(*issue));
}

void emit_done(struct sim *sim, const struct recorder_block_done *done)
{
	emit(sim, RECORDER_BLOCK_DONE, done, sizeof(*done));
}

void emit_signal(struct sim *sim, const struct sim_task *task, int sig)
{
	EMIT(sim, RECORDER_SIGNAL, recorder_signal, .tid = task->who.tid, .sig = sig);
}

void emit_contention(struct sim *sim, uint64_t lock, bool begin)
{
	if (begin)
		EMIT(sim, RECORDER_CONTENTION_BEGIN, recorder_contention_begin, .lock_addr = lock,
		     .flags = LOCK_IS_MUTEX);
	else
		EMIT(sim, RECORDER_CONTENTION_END, recorder_contention_end, .lock_addr = lock);
}

void emit_fork(struct sim *sim, const struct sim_task *parent, const struct sim_task *child)
{
	struct recorder_fork fork = {.parent_tid = parent->who.tid,
				     .parent_pid = parent->who.pid,
				     .child_tid = child->who.tid,
				     .child_pid = child->who.pid};
	memcpy(fork.child_comm, child->who.comm, COMM_BYTES);
	emit(sim, RECORDER_FORK, &fork, sizeof(fork));
}

void emit_exec(struct sim *sim, const struct sim_task *task)
{
	struct recorder_exec exec = {.tid = task->who.tid, .old_tid = task->who.tid};
	memcpy(exec.comm, task->who.comm, COMM_BYTES);
	memcpy(exec.filename, "/bin/", 5);
	memcpy(exec.filename + 5, task->who.comm, COMM_BYTES);
	emit(sim, RECORDER_EXEC, &exec, sizeof(exec));
}

void emit_exit(struct sim *sim, const struct sim_task *task)
{
	struct recorder_exit gone = {
		.tid = task->who.tid, .pid = task->who.pid, .prio = task->prio};
	memcpy(gone.comm, task->who.comm, COMM_BYTES);
	emit(sim, RECORDER_EXIT, &gone, sizeof(gone));
}

void emit_state_thread(struct sim *sim, const struct sim_task *task)
{
	struct state_thread state = {.tid = task->who.tid,
				     .pid = task->who.pid,
				     .ppid = task->kernel ? 2 : 1,
				     .type = task->kernel};
	memcpy(state.name, task->who.comm, COMM_BYTES);
	emit(sim, SIM_EVENT_THREAD, &state, sizeof(state));
}

void emit_state_disk(struct sim *sim, uint32_t dev, const char *name)
{
	struct state_disk state = {.dev = dev};
	memcpy(state.name, name, strlen(name));
	emit(sim, SIM_EVENT_DISK, &state, sizeof(state));
}
