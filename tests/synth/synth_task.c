/* SPDX-License-Identifier: MIT */
/* Lives of tasks: born, running, asleep, woken, dead. */
#include "synth_sim.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST_TID = 1000 };
static const uint64_t hrtimer_wakeup = 0xffffffff81180000, process_timeout = 0xffffffff81190000,
		      tick_function = 0xffffffff81170000;

/* Cut where a kernel would cut it. */
struct sim_comm sim_comm(const char *format, ...)
{
	struct sim_comm comm;
	va_list args;
	va_start(args, format);
	vsnprintf(comm.text, sizeof(comm.text), format, args);
	va_end(args);
	return comm;
}

static struct sim_task *task_create(struct sim *sim, unsigned scenario, const char *comm, int prio,
				    void (*step)(struct sim *, struct sim_task *), void *role)
{
	struct sim_task *task = sim_alloc(sim, sizeof(*task));
	task->who.tid = task->who.pid = FIRST_TID + (int32_t)sim->tasks.count;
	task->who.scenario = scenario;
	memcpy(task->who.comm, comm, strnlen(comm, sizeof(task->who.comm) - 1));
	task->prio = prio;
	task->pinned = -1;
	task->syscall = -1;
	task->step = step;
	task->role = role;
	task->truth = truth_add(&sim->truth, task->who.tid);
	SYNTH_PUSH(&sim->tasks, task);
	return task;
}

static uint64_t nap_hrtimer(struct sim *sim, struct sim_frame *frame)
{
	sim_wake(sim, frame->arg);
	return 0;
}

static uint64_t task_timer(const struct sim_task *task)
{
	return 0xffffc90000000000u + (uint64_t)task->who.tid * 0x100;
}

static void nap_timer(struct sim *sim, void *arg)
{
	struct sim_task *task = arg;
	emit_timer(sim, task_timer(task), process_timeout, true);
	sim_wake(sim, task);
	emit_timer(sim, task_timer(task), process_timeout, false);
}

static uint64_t nap_tick(struct sim *sim, struct sim_frame *frame)
{
	sim_raise(sim, VEC_TIMER, 0, (struct sim_call){nap_timer, frame->arg});
	return 0;
}

/* `tag` is the cpu it slept on; timers of jiffies expire in the tick's softirq. */
static void nap_ends(struct sim *sim, void *arg, uint64_t tag)
{
	struct sim_task *task = arg;
	bool jiffies = task->who.tid % 3 == 0;
	sim_interrupt(sim, (int)tag,
		      (struct sim_frame){.kind = SIM_HRTIMER,
					 .number = jiffies ? 0xffff888000010000 + tag * 0x1000
							   : task_timer(task),
					 .function = jiffies ? tick_function : hrtimer_wakeup,
					 .step = jiffies ? nap_tick : nap_hrtimer,
					 .arg = task});
}

struct sim_task *sim_spawn(struct sim *sim, unsigned scenario, const char *comm, int prio,
			   void (*step)(struct sim *, struct sim_task *), void *role)
{
	struct sim_task *task = task_create(sim, scenario, comm, prio, step, role);
	unsigned cpu = (unsigned)sim_random(sim, 0, sim->options.cpus - 1);
	task->cpu = (int)cpu;
	truth_now(sim, task->truth, TRUTH_IS(TIMER, 0));
	emit_state_thread(sim, task);
	sim_alarm(sim, sim->now_ns + sim_random(sim, 10 * SIM_US, SIM_MS), nap_ends, task, cpu);
	return task;
}

struct sim_task *sim_spawn_kernel(struct sim *sim, const char *comm, int prio, int pinned,
				  void (*step)(struct sim *, struct sim_task *), void *role)
{
	struct sim_task *task = task_create(sim, 0, comm, prio, step, role);
	task->kernel = true;
	task->pinned = pinned;
	task->cpu = pinned < 0 ? 0 : pinned;
	task->sleep = TRUTH_UNTIL_NEXT;
	truth_now(sim, task->truth, task->sleep);
	emit_state_thread(sim, task);
	return task;
}

struct sim_task *sim_fork(struct sim *sim, struct sim_task *parent, const char *comm,
			  void (*step)(struct sim *, struct sim_task *), void *role)
{
	struct sim_task *child =
		task_create(sim, parent->who.scenario, comm, parent->prio, step, role);
	child->cpu = parent->cpu;
	child->left_ns = sim_random(sim, 20 * SIM_US, 60 * SIM_US);
	emit_fork(sim, parent, child);
	sched_put(sim, child);
	emit_wakeup_new(sim, child);
	return child;
}

void sim_exec(struct sim *sim, struct sim_task *task, const char *comm)
{
	memset(task->who.comm, 0, sizeof(task->who.comm));
	memcpy(task->who.comm, comm, strnlen(comm, sizeof(task->who.comm) - 1));
	emit_exec(sim, task);
}

void sim_exit(struct sim *sim, struct sim_task *task)
{
	emit_exit(sim, task);
	sim_sleep(sim, task, TASK_DEAD, TRUTH_IS(DEAD, 0));
}

void sim_run(struct sim *sim, struct sim_task *task, uint64_t low_ns, uint64_t high_ns)
{
	task->left_ns = sim_random(sim, low_ns, high_ns);
}

void sim_sleep(struct sim *sim, struct sim_task *task, uint16_t state, struct truth_piece why)
{
	task->falling = true;
	task->sleep_state = state;
	task->sleep = why;
	task->left_ns = sim_random(sim, 300, 900);
}

void sim_sleep_on(struct sim *sim, struct sim_task *task, uint32_t thing)
{
	sim_sleep(sim, task, TASK_INTERRUPTIBLE, TRUTH_AS(thing));
}

void sim_nap(struct sim *sim, struct sim_task *task, uint64_t low_ns, uint64_t high_ns)
{
	enum { NANOSLEEP = 230 };
	sim_call_in(task, NANOSLEEP, 0);
	sim_sleep(sim, task, TASK_INTERRUPTIBLE, TRUTH_IS(TIMER, 0));
	sim_alarm(sim, sim->now_ns + sim_random(sim, low_ns, high_ns), nap_ends, task,
		  (uint64_t)sim->here->index);
}

/* A thread that waited for whoever comes next now knows who that was. */
static void wake_resolves(struct sim *sim, const struct sim_task *task)
{
	const struct sim_task *waker = sim->here->current;
	bool by_task = waker && sim_context(sim) == WAKING_FROM_TASK;
	if (task->sleep.kind == TRUTH_NEXT)
		truth_resolve(&sim->truth, task->truth, by_task ? waker->truth : sim->outside);
}

void sim_wake(struct sim *sim, struct sim_task *task)
{
	if (task->life == SIM_ASLEEP) {
		emit_waking(sim, task, sim_context(sim));
		wake_resolves(sim, task);
		task->left_ns = sim_random(sim, 150, 500);
		sched_put(sim, task);
	} else if (task->falling && !task->woken && task->sleep_state != TASK_DEAD) {
		emit_waking(sim, task, sim_context(sim));
		task->woken = true;
	}
}
