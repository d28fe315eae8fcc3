/* SPDX-License-Identifier: MIT */
/* Threads by themselves: naps, computing, moving, families, and a cpu that goes away. */
#include "synth_scenario.h"

enum { SIGCHLD_NUMBER = 17 };

static void napper_step(struct sim *sim, struct sim_task *task)
{
	if (task->stage++ % 2 == 0)
		sim_run(sim, task, 50 * SIM_US, 500 * SIM_US);
	else
		sim_nap(sim, task, 100 * SIM_US, 5 * SIM_MS);
}

static void hog_step(struct sim *sim, struct sim_task *task)
{
	if (++task->stage % 8)
		sim_run(sim, task, SIM_MS, 6 * SIM_MS);
	else
		sim_nap(sim, task, 200 * SIM_US, 2 * SIM_MS);
}

static void mover_step(struct sim *sim, struct sim_task *task)
{
	if (task->stage++ % 2 == 0)
		sim_run(sim, task, 30 * SIM_US, 300 * SIM_US);
	else
		sim_nap(sim, task, 20 * SIM_US, 200 * SIM_US);
}

static void spawn_many(struct sim *sim, unsigned scenario, const char *name, unsigned count,
		       int prio, void (*step)(struct sim *, struct sim_task *))
{
	for (unsigned i = 0; i < count; i++) {
		sim_spawn(sim, scenario, sim_comm("%s-%u", name, i).text, prio, step, NULL);
	}
}

void scenario_timer(struct sim *sim, unsigned size)
{
	spawn_many(sim, SYNTH_TIMER, "napper", size, SIM_PRIO, napper_step);
}

void scenario_hogs(struct sim *sim, unsigned size)
{
	(void)size;
	spawn_many(sim, SYNTH_HOGS, "hog", (sim->options.cpus + 1) / 2, SIM_PRIO, hog_step);
	spawn_many(sim, SYNTH_HOGS, "nice-hog", sim->options.cpus / 2 + 1, SIM_PRIO_LOW, hog_step);
}

void scenario_migration(struct sim *sim, unsigned size)
{
	unsigned count = size > sim->options.cpus ? size : sim->options.cpus + size / 2;
	spawn_many(sim, SYNTH_MIGRATION, "mover", count, SIM_PRIO, mover_step);
}

/* A shell runs one command after the other and waits for each. */
struct command {
	struct sim_task *shell, *child;
	bool waiting, gone;
};

static void child_step(struct sim *sim, struct sim_task *task)
{
	struct command *command = task->role;
	switch (task->stage++) {
	case 0:
		sim_exec(sim, task, "command");
		sim_run(sim, task, 100 * SIM_US, SIM_MS);
		return;
	case 1:
		sim_nap(sim, task, 50 * SIM_US, SIM_MS);
		return;
	case 2:
		sim_run(sim, task, 50 * SIM_US, 200 * SIM_US);
		return;
	default:
		sim_exit(sim, task);
		emit_signal(sim, command->shell, SIGCHLD_NUMBER);
		command->gone = true;
		if (command->waiting)
			sim_wake(sim, command->shell);
	}
}

static void parent_step(struct sim *sim, struct sim_task *task)
{
	struct command *command = task->role;
	switch (task->stage) {
	case 0:
		task->stage = 1;
		sim_call_in(task, CALL_FORK, 0);
		command->gone = command->waiting = false;
		command->child = sim_fork(sim, task, task->who.comm, child_step, command);
		sim_run(sim, task, 20 * SIM_US, 300 * SIM_US);
		return;
	case 1:
		sim_call_in(task, CALL_WAIT, 0);
		if (!command->gone) {
			command->waiting = true;
			sim_sleep_on(sim, task, command->child->truth);
			return;
		}
		task->stage = 2;
		sim_run(sim, task, 20 * SIM_US, 100 * SIM_US);
		return;
	default:
		task->stage = 0;
		sim_nap(sim, task, 500 * SIM_US, 4 * SIM_MS);
	}
}

void scenario_fork(struct sim *sim, unsigned size)
{
	for (unsigned i = 0; i < (size + 1) / 2; i++) {
		struct command *command = sim_alloc(sim, sizeof(*command));
		command->shell = sim_spawn(sim, SYNTH_FORK, sim_comm("parent-%u", i).text, SIM_PRIO,
					   parent_step, command);
	}
}

/* The cpu's own stopper, above all others there, hands its threads over and never wakes again. */
static void stopper_step(struct sim *sim, struct sim_task *task)
{
	if (task->stage++ == 0) {
		sched_leave(sim, sim->here);
		sim_run(sim, task, 2 * SIM_US, 5 * SIM_US);
	} else {
		sim_sleep(sim, task, TASK_INTERRUPTIBLE, TRUTH_UNTIL_NEXT);
	}
}

static void hotplug_step(struct sim *sim, struct sim_task *task)
{
	struct sim_cpu *last = task->role;
	if (sim->now_ns < SIM_BEGIN_NS + sim->options.duration_ns / 3) {
		sim_nap(sim, task, 2 * SIM_MS, 3 * SIM_MS);
		return;
	}
	last->settled = true;
	if (last->softirqs || last->ksoftirqd->life != SIM_ASLEEP || sim->here == last) {
		sim_nap(sim, task, 50 * SIM_US, 200 * SIM_US);
		return;
	}
	if (task->stage++ == 0) {
		sim_call_in(task, CALL_WRITE, 3);
		sim_wake(sim, last->stopper);
	}
	sim_nap(sim, task, 20 * SIM_MS, 40 * SIM_MS);
}

void scenario_offline(struct sim *sim, unsigned size)
{
	int last = (int)sim->options.cpus - 1;
	(void)size;
	if (!last)
		return;
	sim->cpus[last].stopper = sim_spawn_kernel(sim, sim_comm("migration/%d", last).text,
						   SIM_PRIO_STOP, last, stopper_step, NULL);
	sim_spawn(sim, SYNTH_OFFLINE, "hotplug", SIM_PRIO, hotplug_step, &sim->cpus[last]);
}
