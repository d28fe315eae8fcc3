/* SPDX-License-Identifier: MIT */
/* Messages through softirqs: loopback, one server for many, tasklets, packets from outside. */
#include "synth_scenario.h"

enum { DEFER_SELDOM = 20, DEFER_OFTEN = 250, NETWORK_IRQ = 33 };

/* Two inboxes; one that asks and one that answers. */
struct talk {
	struct inbox question, answer;
	enum sim_vec vec;
	unsigned defer_per_mille;
};

static void talk_init(struct sim *sim, struct talk *talk, enum sim_vec vec, unsigned defer)
{
	inbox_init(sim, &talk->question, false);
	inbox_init(sim, &talk->answer, false);
	talk->vec = vec;
	talk->defer_per_mille = defer;
}

static void client_step(struct sim *sim, struct sim_task *task)
{
	struct talk *talk = task->role;
	switch (task->stage) {
	case 0:
		task->stage = 1;
		sim_call_in(task, CALL_SEND, 6);
		inbox_send_softirq(sim, &talk->question, task, talk->vec, talk->defer_per_mille);
		sim_run(sim, task, SIM_US, 5 * SIM_US);
		return;
	case 1:
		sim_call_in(task, CALL_RECEIVE, 6);
		if (!inbox_take(sim, &talk->answer, task))
			return;
		task->stage = ++task->count % 4 ? 0 : 2;
		sim_run(sim, task, 30 * SIM_US, 200 * SIM_US);
		return;
	case 2:
		task->stage = 0;
		sim_nap(sim, task, 100 * SIM_US, 2 * SIM_MS);
		return;
	}
}

static void answerer_step(struct sim *sim, struct sim_task *task)
{
	struct talk *talk = task->role;
	switch (task->stage) {
	case 0:
		sim_call_in(task, CALL_RECEIVE, 7);
		if (!inbox_take(sim, &talk->question, task))
			return;
		task->stage = 1;
		sim_run(sim, task, 50 * SIM_US, 400 * SIM_US);
		return;
	case 1:
		task->stage = 0;
		sim_call_in(task, CALL_SEND, 7);
		inbox_send_softirq(sim, &talk->answer, task, talk->vec, talk->defer_per_mille);
		sim_run(sim, task, SIM_US, 5 * SIM_US);
		return;
	}
}

static void talkers_create(struct sim *sim, unsigned scenario, const char *name, unsigned pairs,
			   enum sim_vec vec, unsigned defer)
{
	for (unsigned i = 0; i < pairs; i++) {
		struct talk *talk = sim_alloc(sim, sizeof(*talk));
		talk_init(sim, talk, vec, defer);
		sim_spawn(sim, scenario, sim_comm("%s-ask-%u", name, i).text, SIM_PRIO, client_step,
			  talk);
		sim_spawn(sim, scenario, sim_comm("%s-serve-%u", name, i).text, SIM_PRIO,
			  answerer_step, talk);
	}
}

void scenario_tcp(struct sim *sim, unsigned size)
{
	talkers_create(sim, SYNTH_TCP, "tcp", (size + 1) / 2, VEC_NET_RX, DEFER_SELDOM);
}

void scenario_softirq(struct sim *sim, unsigned size)
{
	talkers_create(sim, SYNTH_SOFTIRQ, "tasklet", (size + 1) / 2, VEC_TASKLET, DEFER_OFTEN);
}

/* One server, its line of clients that have asked, and what it answers them through. */
struct hub {
	struct inbox box;
	struct sim_task *asking;
};

struct guest {
	struct hub *hub;
	struct inbox answer;
};

static void guest_step(struct sim *sim, struct sim_task *task)
{
	struct guest *guest = task->role;
	struct sim_task **place = &guest->hub->asking;
	switch (task->stage) {
	case 0:
		task->stage = 1;
		sim_call_in(task, CALL_WRITE, 8);
		while (*place)
			place = &(*place)->wait_next;
		task->wait_next = NULL;
		*place = task;
		inbox_put(sim, &guest->hub->box, task);
		sim_run(sim, task, SIM_US, 4 * SIM_US);
		return;
	case 1:
		sim_call_in(task, CALL_READ, 8);
		if (!inbox_take(sim, &guest->answer, task))
			return;
		task->stage = ++task->count % 3 ? 0 : 2;
		sim_run(sim, task, 50 * SIM_US, 500 * SIM_US);
		return;
	case 2:
		task->stage = 0;
		sim_nap(sim, task, 200 * SIM_US, 2 * SIM_MS);
		return;
	}
}

static void hub_step(struct sim *sim, struct sim_task *task)
{
	struct hub *hub = task->role;
	if (task->stage == 0) {
		sim_call_in(task, CALL_EPOLL, 9);
		if (!inbox_take(sim, &hub->box, task))
			return;
		task->stage = 1;
		sim_run(sim, task, 20 * SIM_US, 150 * SIM_US);
		return;
	}
	struct sim_task *asker = hub->asking;
	struct guest *guest = asker->role;
	hub->asking = asker->wait_next;
	task->stage = 0;
	sim_call_in(task, CALL_WRITE, 10);
	inbox_put(sim, &guest->answer, task);
	sim_run(sim, task, SIM_US, 4 * SIM_US);
}

void scenario_epoll(struct sim *sim, unsigned size)
{
	struct hub *hub = sim_alloc(sim, sizeof(*hub));
	inbox_init(sim, &hub->box, false);
	sim_spawn(sim, SYNTH_EPOLL, "epoll-server", SIM_PRIO, hub_step, hub);
	for (unsigned i = 0; i < size; i++) {
		struct guest *guest = sim_alloc(sim, sizeof(*guest));
		guest->hub = hub;
		inbox_init(sim, &guest->answer, false);
		sim_spawn(sim, SYNTH_EPOLL, sim_comm("guest-%u", i).text, SIM_PRIO, guest_step,
			  guest);
	}
}

/* Packets from outside come to a server, which has a helper do half of the work. */
struct door {
	struct inbox outside;
	struct pipe helper;
	int cpu;
};

static uint64_t packet_irq(struct sim *sim, struct sim_frame *frame)
{
	struct door *door = frame->arg;
	inbox_send_softirq(sim, &door->outside, NULL, VEC_NET_RX, DEFER_SELDOM);
	return 0;
}

static void packet_comes(struct sim *sim, void *arg, uint64_t tag)
{
	struct door *door = arg;
	(void)tag;
	sim_interrupt(
		sim, door->cpu,
		(struct sim_frame){
			.kind = SIM_IRQ, .number = NETWORK_IRQ, .step = packet_irq, .arg = door});
	sim_alarm(sim, sim->now_ns + sim_random(sim, 100 * SIM_US, 1500 * SIM_US), packet_comes,
		  door, 0);
}

static void door_step(struct sim *sim, struct sim_task *task)
{
	struct door *door = task->role;
	switch (task->stage) {
	case 0:
		sim_call_in(task, CALL_RECEIVE, 4);
		if (!inbox_take(sim, &door->outside, task))
			return;
		task->stage = 1;
		sim_run(sim, task, 30 * SIM_US, 200 * SIM_US);
		return;
	case 1:
		sim_call_in(task, CALL_WRITE, 5);
		if (!pipe_write(sim, &door->helper, task))
			return;
		task->stage = 0;
		sim_run(sim, task, SIM_US, 4 * SIM_US);
		return;
	}
}

static void helper_step(struct sim *sim, struct sim_task *task)
{
	struct door *door = task->role;
	sim_call_in(task, CALL_READ, 5);
	if (pipe_read(sim, &door->helper, task))
		sim_run(sim, task, 30 * SIM_US, 300 * SIM_US);
}

void scenario_network(struct sim *sim, unsigned size)
{
	for (unsigned i = 0; i < (size + 1) / 2; i++) {
		struct door *door = sim_alloc(sim, sizeof(*door));
		inbox_init(sim, &door->outside, true);
		pipe_init(sim, &door->helper, 2);
		door->cpu = (int)sim_random(sim, 0, sim->options.cpus - 1);
		sim_spawn(sim, SYNTH_NETWORK, sim_comm("server-%u", i).text, SIM_PRIO, door_step,
			  door);
		sim_spawn(sim, SYNTH_NETWORK, sim_comm("helper-%u", i).text, SIM_PRIO, helper_step,
			  door);
		sim_alarm(sim, sim->now_ns + 2 * SIM_MS, packet_comes, door, 0);
	}
}
