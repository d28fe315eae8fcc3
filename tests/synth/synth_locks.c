/* SPDX-License-Identifier: MIT */
/* Locks: convoys, barging, and a low thread that has what a high one wants. */
#include "synth_scenario.h"

struct crowd {
	struct lock lock;
	uint64_t outside_ns, inside_ns;
};

/* Computes, takes the lock, computes inside, gives it back. Now and then naps while it has it. */
static void crowd_step(struct sim *sim, struct sim_task *task)
{
	struct crowd *crowd = task->role;
	switch (task->stage) {
	case 0:
		sim_call_in(task, CALL_FUTEX, crowd->lock.address);
		if (!lock_take(sim, &crowd->lock, task))
			return;
		task->stage = ++task->count % 16 ? 2 : 1;
		sim_run(sim, task, crowd->inside_ns / 2, crowd->inside_ns * 2);
		return;
	case 1:
		task->stage = 2;
		sim_nap(sim, task, 100 * SIM_US, 500 * SIM_US);
		return;
	case 2:
		sim_call_in(task, CALL_FUTEX, crowd->lock.address);
		lock_give(sim, &crowd->lock);
		task->stage = 0;
		if (task->count % 8 == 7)
			sim_nap(sim, task, crowd->outside_ns, 10 * crowd->outside_ns);
		else
			sim_run(sim, task, crowd->outside_ns / 2, crowd->outside_ns * 2);
		return;
	}
}

static void crowd_create(struct sim *sim, unsigned scenario, const char *name, unsigned size,
			 bool handoff)
{
	struct crowd *crowd = sim_alloc(sim, sizeof(*crowd));
	lock_init(sim, &crowd->lock, handoff, false);
	crowd->outside_ns = 100 * SIM_US;
	crowd->inside_ns = 80 * SIM_US;
	for (unsigned i = 0; i < size; i++) {
		sim_spawn(sim, scenario, sim_comm("%s-%u", name, i).text, SIM_PRIO, crowd_step,
			  crowd);
	}
}

void scenario_convoy(struct sim *sim, unsigned size)
{
	crowd_create(sim, SYNTH_CONVOY, "convoy", size, true);
}

void scenario_barging(struct sim *sim, unsigned size)
{
	crowd_create(sim, SYNTH_BARGING, "barge", size, false);
}

/* Low and high: take the lock, work, give it back, nap. */
static void rival_step(struct sim *sim, struct sim_task *task)
{
	struct lock *lock = task->role;
	switch (task->stage) {
	case 0:
		sim_call_in(task, CALL_WRITE, 7);
		if (!lock_take(sim, lock, task))
			return;
		task->stage = 1;
		sim_run(sim, task, 200 * SIM_US, 600 * SIM_US);
		return;
	case 1:
		lock_give(sim, lock);
		task->stage = 2;
		sim_run(sim, task, 5 * SIM_US, 20 * SIM_US);
		return;
	case 2:
		task->stage = 0;
		sim_nap(sim, task, SIM_MS, 3 * SIM_MS);
		return;
	}
}

static void middle_step(struct sim *sim, struct sim_task *task)
{
	if (task->stage++ % 2 == 0)
		sim_run(sim, task, SIM_MS, 4 * SIM_MS);
	else
		sim_nap(sim, task, SIM_MS, 4 * SIM_MS);
}

void scenario_inversion(struct sim *sim, unsigned size)
{
	struct lock *lock = sim_alloc(sim, sizeof(*lock));
	lock_init(sim, lock, true, true);
	sim_spawn(sim, SYNTH_INVERSION, "high", SIM_PRIO_RT, rival_step, lock)->pinned = 0;
	sim_spawn(sim, SYNTH_INVERSION, "low", SIM_PRIO_LOW, rival_step, lock)->pinned = 0;
	for (unsigned i = 0; i < (size + 2) / 4; i++) {
		sim_spawn(sim, SYNTH_INVERSION, sim_comm("middle-%u", i).text, SIM_PRIO_HIGH,
			  middle_step, NULL)
			->pinned = 0;
	}
}
