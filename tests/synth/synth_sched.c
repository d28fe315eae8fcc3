/* SPDX-License-Identifier: MIT */
/* Run queues: who runs where, who must wait, and who moves. */
#include "synth_sim.h"

/* An interrupt from another cpu, or the way out of a system call, later. */
static void sched_ring(struct sim *sim, void *arg, uint64_t tag)
{
	struct sim_cpu *cpu = arg;
	(void)tag;
	cpu->resched = true;
	if (cpu->depth)
		return;
	cpu_pause(sim, cpu);
	cpu_settle(sim, cpu);
	sim->here = NULL;
}

static bool may_run_on(const struct sim_task *task, const struct sim_cpu *cpu)
{
	return cpu->online && (task->pinned < 0 || task->pinned == cpu->index);
}

static bool is_free(const struct sim_cpu *cpu)
{
	return !cpu->current && !cpu->queue;
}

/* Its last cpu if that is free, else a free one, else the last or the waker's. */
static struct sim_cpu *sched_place(struct sim *sim, const struct sim_task *task)
{
	unsigned cpus = sim->options.cpus;
	if (task->pinned >= 0)
		return &sim->cpus[task->pinned];
	struct sim_cpu *last = &sim->cpus[task->cpu];
	if (last->online && is_free(last))
		return last;
	unsigned first = (unsigned)sim_random(sim, 0, cpus - 1);
	for (unsigned i = 0; i < cpus; i++) {
		struct sim_cpu *cpu = &sim->cpus[(first + i) % cpus];
		if (may_run_on(task, cpu) && is_free(cpu))
			return cpu;
	}
	if (sim->here && sim->here->online && sim_chance(sim, 300))
		return sim->here;
	return last->online ? last : &sim->cpus[0];
}

static void sched_queue(struct sim *sim, struct sim_cpu *cpu, struct sim_task *task)
{
	struct sim_task **place = &cpu->queue;
	while (*place && (*place)->prio <= task->prio)
		place = &(*place)->next;
	task->next = *place;
	*place = task;
	task->cpu = cpu->index;
	task->life = SIM_QUEUED;
	truth_now(sim, task->truth, (struct truth_piece){.kind = TRUTH_QUEUE, .ref = cpu->truth});
}

void sched_put(struct sim *sim, struct sim_task *task)
{
	struct sim_cpu *cpu = sched_place(sim, task);
	const struct sim_task *current = cpu->current;
	sched_queue(sim, cpu, task);
	if (!current)
		sim_alarm(sim, sim->now_ns + sim_random(sim, 500, 2500), sched_ring, cpu, 0);
	else if (task->prio < current->prio ||
		 (task->prio == current->prio && sim_chance(sim, 200)))
		sim_alarm(sim, sim->now_ns + sim_random(sim, 300, 1500), sched_ring, cpu, 0);
}

static struct sim_task *sched_take(struct sim_cpu *cpu, bool movable)
{
	struct sim_task **place = &cpu->queue;
	while (*place && movable && (*place)->pinned >= 0)
		place = &(*place)->next;
	struct sim_task *task = *place;
	if (task)
		*place = task->next;
	return task;
}

/* Before a cpu idles it takes a thread that waits for a busy one. */
static struct sim_task *sched_pull(struct sim *sim, const struct sim_cpu *to)
{
	unsigned cpus = sim->options.cpus;
	for (unsigned i = 1; to->online && i < cpus; i++) {
		struct sim_cpu *from = &sim->cpus[((unsigned)to->index + i) % cpus];
		struct sim_task *task = from->current ? sched_take(from, true) : NULL;
		if (task)
			return task;
	}
	return NULL;
}

static void sched_in(struct sim *sim, struct sim_cpu *cpu, struct sim_task *next)
{
	cpu->current = next;
	truth_now(sim, cpu->truth, TRUTH_IS(RUN, next ? next->who.tid : 0));
	if (!next)
		return;
	next->cpu = cpu->index;
	next->life = SIM_RUNNING;
	next->dispatched_ns = sim->now_ns;
	next->left_ns += sim_random(sim, 100, 300);
	truth_now(sim, next->truth, TRUTH_IS(RUN, 0));
}

/* It sleeps now; a waking that came too late to keep it awake puts it back at once. */
static void sched_out_asleep(struct sim *sim, struct sim_task *prev)
{
	bool woken = prev->woken;
	prev->falling = prev->woken = false;
	prev->life = prev->sleep_state == TASK_DEAD ? SIM_DEAD : SIM_ASLEEP;
	truth_now(sim, prev->truth, prev->sleep);
	if (woken && prev->life == SIM_ASLEEP)
		sched_put(sim, prev);
}

void sched_choose(struct sim *sim, struct sim_cpu *cpu)
{
	struct sim_task *prev = cpu->current;
	bool asleep = prev && prev->falling && !prev->left_ns;
	/* The way to sleep is seldom interrupted: most of it is the scheduler's own. */
	if (prev && prev->falling && !asleep && !sim_chance(sim, 50))
		return;
	cpu->resched = false;
	if (asleep && prev->woken && prev->sleep_state != TASK_DEAD && !sim_chance(sim, 300)) {
		prev->falling = prev->woken = false;
		prev->left_ns = sim_random(sim, 200, 500);
		asleep = false;
	}
	if (prev && !asleep && !(cpu->queue && cpu->queue->prio <= prev->prio))
		return;
	struct sim_task *next = sched_take(cpu, false);
	if (!next)
		next = sched_pull(sim, cpu);
	if (!prev && !next)
		return;
	emit_switch(sim, prev, next, asleep ? prev->sleep_state : 0);
	sched_in(sim, cpu, next);
	if (asleep)
		sched_out_asleep(sim, prev);
	else if (prev)
		sched_queue(sim, cpu, prev);
}

void sched_leave(struct sim *sim, struct sim_cpu *cpu)
{
	struct sim_task *task;
	cpu->online = false;
	array_each(each, &sim->tasks) {
		if ((*each)->pinned == cpu->index && *each != cpu->stopper)
			(*each)->pinned = -1;
	}
	while ((task = sched_take(cpu, false)))
		sched_put(sim, task);
	array_each(irq, &cpu->irqs)
		SYNTH_PUSH(&sim->cpus[0].irqs, *irq);
	cpu->irqs.count = 0;
}
