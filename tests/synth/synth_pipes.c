/* SPDX-License-Identifier: MIT */
/* Chains through pipes, and terminals whose lines are carried by a worker. */
#include "synth_scenario.h"

enum { PIPE_ROOM = 3 };

/* One link: reads from the left, works, writes to the right. The first has no left. */
struct link {
	struct pipe *left, *right;
	uint64_t work_ns;
};

static void link_step(struct sim *sim, struct sim_task *task)
{
	struct link *link = task->role;
	switch (task->stage) {
	case 0:
		sim_call_in(task, CALL_READ, 3);
		if (link->left && !pipe_read(sim, link->left, task))
			return;
		task->stage = 1;
		sim_run(sim, task, link->work_ns / 2, link->work_ns * 3 / 2);
		return;
	case 1:
		sim_call_in(task, CALL_WRITE, 4);
		if (link->right && !pipe_write(sim, link->right, task))
			return;
		task->stage = 0;
		if (!link->left && ++task->count % 20 == 0)
			sim_nap(sim, task, SIM_MS, 4 * SIM_MS);
		else
			sim_run(sim, task, SIM_US, 4 * SIM_US);
		return;
	}
}

void scenario_pipe(struct sim *sim, unsigned size)
{
	struct pipe *left = NULL;
	for (unsigned i = 0; i < size; i++) {
		struct link *link = sim_alloc(sim, sizeof(*link));
		struct pipe *right = NULL;
		if (i + 1 < size) {
			right = sim_alloc(sim, sizeof(*right));
			pipe_init(sim, right, PIPE_ROOM);
		}
		*link = (struct link){left, right, sim_random(sim, 30 * SIM_US, 300 * SIM_US)};
		sim_spawn(sim, SYNTH_PIPE, sim_comm("pipe-%u", i).text, SIM_PRIO, link_step, link);
		left = right;
	}
}

/* One direction of a terminal's line: bytes wait for the work that hands them to the reader. */
struct line {
	struct inbox box;
	struct work work;
};

struct terminal {
	struct line there, back;
};

static bool line_flush(struct sim *sim, struct sim_task *worker, struct work *work)
{
	struct line *line = work->arg;
	if (work->stage++ == 0) {
		sim_run(sim, worker, 3 * SIM_US, 30 * SIM_US);
		return false;
	}
	while (line->box.under_way)
		inbox_arrive(sim, &line->box);
	return true;
}

static void line_write(struct sim *sim, struct line *line, const struct sim_task *task)
{
	work_queue(sim, &line->work);
	inbox_send(sim, &line->box, task, TRUTH_AS(line->work.truth));
}

static void line_init(struct sim *sim, struct line *line)
{
	static const uint64_t flush_to_ldisc = 0xffffffff81500000;
	inbox_init(sim, &line->box, false);
	work_init(sim, &line->work, flush_to_ldisc, line_flush, line);
}

/* Types a key, waits for its echo. */
static void typist_step(struct sim *sim, struct sim_task *task)
{
	struct terminal *terminal = task->role;
	switch (task->stage++) {
	case 0:
		sim_call_in(task, CALL_WRITE, 5);
		line_write(sim, &terminal->there, task);
		sim_run(sim, task, 2 * SIM_US, 10 * SIM_US);
		return;
	case 1:
		sim_call_in(task, CALL_READ, 5);
		if (!inbox_take(sim, &terminal->back.box, task))
			task->stage = 1;
		else
			sim_run(sim, task, 20 * SIM_US, 60 * SIM_US);
		return;
	case 2:
		task->stage = 0;
		sim_nap(sim, task, 200 * SIM_US, 3 * SIM_MS);
		return;
	}
}

static void shell_step(struct sim *sim, struct sim_task *task)
{
	struct terminal *terminal = task->role;
	switch (task->stage) {
	case 0:
		sim_call_in(task, CALL_READ, 0);
		if (!inbox_take(sim, &terminal->there.box, task))
			return;
		task->stage = 1;
		sim_run(sim, task, 50 * SIM_US, 400 * SIM_US);
		return;
	case 1:
		sim_call_in(task, CALL_WRITE, 1);
		line_write(sim, &terminal->back, task);
		task->stage = 0;
		sim_run(sim, task, 2 * SIM_US, 10 * SIM_US);
		return;
	}
}

void scenario_pty(struct sim *sim, unsigned size)
{
	for (unsigned i = 0; i < (size + 1) / 2; i++) {
		struct terminal *terminal = sim_alloc(sim, sizeof(*terminal));
		line_init(sim, &terminal->there);
		line_init(sim, &terminal->back);
		sim_spawn(sim, SYNTH_PTY, sim_comm("typist-%u", i).text, SIM_PRIO, typist_step,
			  terminal);
		sim_spawn(sim, SYNTH_PTY, sim_comm("shell-%u", i).text, SIM_PRIO, shell_step,
			  terminal);
	}
}
