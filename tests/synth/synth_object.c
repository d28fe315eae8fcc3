/* SPDX-License-Identifier: MIT */
/* Inboxes, pipes, locks. */
#include "synth_object.h"

static struct truth_piece inbox_rest(const struct inbox *box)
{
	return box->external ? TRUTH_IS(IRQ, 0) : TRUTH_UNTIL_NEXT;
}

void inbox_init(struct sim *sim, struct inbox *box, bool external)
{
	box->truth = truth_add(&sim->truth, -1);
	box->external = external;
	truth_now(sim, box->truth, inbox_rest(box));
}

void inbox_send(struct sim *sim, struct inbox *box, const struct sim_task *sender,
		struct truth_piece way)
{
	if (box->under_way++)
		return;
	if (sender)
		truth_resolve(&sim->truth, box->truth, sender->truth);
	truth_now(sim, box->truth, way);
}

void inbox_arrive(struct sim *sim, struct inbox *box)
{
	box->ready++;
	if (!--box->under_way)
		truth_now(sim, box->truth, inbox_rest(box));
	if (box->reader)
		sim_wake(sim, box->reader);
	box->reader = NULL;
}

void inbox_put(struct sim *sim, struct inbox *box, const struct sim_task *sender)
{
	inbox_send(sim, box, sender, TRUTH_AS(sender->truth));
	inbox_arrive(sim, box);
}

bool inbox_take(struct sim *sim, struct inbox *box, struct sim_task *task)
{
	if (box->ready) {
		box->ready--;
		return true;
	}
	box->reader = task;
	sim_sleep_on(sim, task, box->truth);
	return false;
}

static void inbox_softirq(struct sim *sim, void *arg)
{
	inbox_arrive(sim, arg);
}

void inbox_send_softirq(struct sim *sim, struct inbox *box, const struct sim_task *sender,
			enum sim_vec vec, unsigned defer_per_mille)
{
	bool left = sim_raise(sim, vec, defer_per_mille, (struct sim_call){inbox_softirq, box});
	struct truth_piece inline_way = sender ? TRUTH_AS(sender->truth) : TRUTH_IS(IRQ, 0);
	inbox_send(sim, box, sender, left ? TRUTH_IS(SOFTIRQ, vec) : inline_way);
}

void pipe_init(struct sim *sim, struct pipe *pipe, unsigned capacity)
{
	inbox_init(sim, &pipe->data, false);
	inbox_init(sim, &pipe->room, false);
	pipe->capacity = pipe->room.ready = capacity;
}

bool pipe_write(struct sim *sim, struct pipe *pipe, struct sim_task *task)
{
	if (!inbox_take(sim, &pipe->room, task))
		return false;
	inbox_put(sim, &pipe->data, task);
	return true;
}

bool pipe_read(struct sim *sim, struct pipe *pipe, struct sim_task *task)
{
	if (!inbox_take(sim, &pipe->data, task))
		return false;
	inbox_put(sim, &pipe->room, task);
	return true;
}

void lock_init(struct sim *sim, struct lock *lock, bool handoff, bool kernel)
{
	lock->truth = truth_add(&sim->truth, -1);
	lock->address = sim->next_address += 0x40;
	lock->handoff = handoff;
	lock->kernel = kernel;
	truth_now(sim, lock->truth, TRUTH_UNTIL_NEXT);
}

static void lock_own(struct sim *sim, struct lock *lock, struct sim_task *task)
{
	lock->owner = task;
	truth_resolve(&sim->truth, lock->truth, task->truth);
	truth_now(sim, lock->truth, TRUTH_AS(task->truth));
}

/* Whoever waits is in line through `wait_next`; woken it is so no longer. */
static void lock_line_up(struct lock *lock, struct sim_task *task)
{
	struct sim_task **place = &lock->first;
	while (*place && *place != task)
		place = &(*place)->wait_next;
	if (*place)
		return;
	task->wait_next = NULL;
	*place = task;
}

bool lock_take(struct sim *sim, struct lock *lock, struct sim_task *task)
{
	if (lock->owner == task || !lock->owner) {
		if (lock->kernel && task->contends)
			emit_contention(sim, lock->address, false);
		task->contends = false;
		if (!lock->owner)
			lock_own(sim, lock, task);
		return true;
	}
	if (lock->kernel && !task->contends)
		emit_contention(sim, lock->address, true);
	task->contends = true;
	lock_line_up(lock, task);
	sim_sleep(sim, task, lock->kernel ? TASK_UNINTERRUPTIBLE : TASK_INTERRUPTIBLE,
		  TRUTH_AS(lock->truth));
	return false;
}

void lock_give(struct sim *sim, struct lock *lock)
{
	struct sim_task *first = lock->first;
	lock->owner = NULL;
	if (first)
		lock->first = first->wait_next;
	truth_now(sim, lock->truth, TRUTH_UNTIL_NEXT);
	if (first && lock->handoff)
		lock_own(sim, lock, first);
	if (first)
		sim_wake(sim, first);
}
