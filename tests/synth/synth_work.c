/* SPDX-License-Identifier: MIT */
/*
 * Workqueues: a pool a cpu, of a few workers. One runs at a time; when it sleeps inside an item
 * another is woken for the next.
 */
#include "synth_object.h"

struct sim_pool {
	struct work *first;
	struct sim_task *workers[SIM_WORKERS];
	unsigned awake; /* workers that neither idle nor sleep inside an item */
};

/* One worker's own. */
struct bench {
	struct sim_pool *pool;
	struct work *work;
	bool idle;
	bool counted; /* among the pool's awake */
};

void work_init(struct sim *sim, struct work *work, uint64_t function,
	       bool (*step)(struct sim *, struct sim_task *, struct work *), void *arg)
{
	work->truth = truth_add(&sim->truth, -1);
	work->address = sim->next_address += 0x40;
	work->function = function;
	work->step = step;
	work->arg = arg;
	truth_now(sim, work->truth, TRUTH_UNTIL_NEXT);
}

static void pool_wake(struct sim *sim, struct sim_pool *pool)
{
	if (!pool->first || pool->awake)
		return;
	for (unsigned i = 0; i < SIM_WORKERS; i++) {
		struct bench *bench = pool->workers[i]->role;
		if (bench->idle) {
			sim_wake(sim, pool->workers[i]);
			return;
		}
	}
}

void work_queue(struct sim *sim, struct work *work)
{
	if (work->pending)
		return;
	const struct bench *bench = work->worker ? work->worker->role : NULL;
	struct sim_pool *pool = bench ? bench->pool : sim->here->pool;
	struct work **place = &pool->first;
	work->pending = true;
	work->next = NULL;
	while (*place)
		place = &(*place)->next;
	*place = work;
	if (!work->worker)
		truth_now(sim, work->truth, TRUTH_IS(WORK_QUEUED, work->address));
	emit_work(sim, RECORDER_WORK_QUEUE, work->address, work->function);
	pool_wake(sim, pool);
}

static struct work *pool_take(struct sim_pool *pool)
{
	struct work *work = pool->first;
	if (work)
		pool->first = work->next;
	return work;
}

static void bench_count(struct bench *bench, bool awake)
{
	if (bench->counted == awake)
		return;
	bench->counted = awake;
	bench->pool->awake += awake ? 1u : -1u;
}

static void work_begin(struct sim *sim, struct sim_task *worker, struct work *work)
{
	struct bench *bench = worker->role;
	synth_need(!work->worker); /* none that is queued again sleeps inside */
	bench->work = work;
	work->pending = false;
	work->worker = worker;
	work->stage = 0;
	truth_now(sim, work->truth, TRUTH_AS(worker->truth));
	emit_work(sim, RECORDER_WORK_START, work->address, work->function);
	sim_run(sim, worker, 300, 900);
}

static void work_end(struct sim *sim, struct bench *bench)
{
	struct work *work = bench->work;
	bench->work = NULL;
	work->worker = NULL;
	emit_work(sim, RECORDER_WORK_END, work->address, 0);
	truth_now(sim, work->truth,
		  work->pending ? TRUTH_IS(WORK_QUEUED, work->address) : TRUTH_UNTIL_NEXT);
}

static void worker_step(struct sim *sim, struct sim_task *worker)
{
	struct bench *bench = worker->role;
	bench->idle = false;
	bench_count(bench, true);
	if (bench->work && !bench->work->step(sim, worker, bench->work)) {
		if (worker->falling) {
			bench_count(bench, false);
			pool_wake(sim, bench->pool);
		}
		return;
	}
	if (bench->work)
		work_end(sim, bench);
	struct work *work = bench->pool->awake <= 1 ? pool_take(bench->pool) : NULL;
	if (work) {
		work_begin(sim, worker, work);
		return;
	}
	bench->idle = true;
	bench_count(bench, false);
	sim_sleep(sim, worker, TASK_UNINTERRUPTIBLE | TASK_NOLOAD, TRUTH_UNTIL_NEXT);
}

void pools_init(struct sim *sim)
{
	for (unsigned cpu = 0; cpu < sim->options.cpus; cpu++) {
		struct sim_pool *pool = sim->cpus[cpu].pool = sim_alloc(sim, sizeof(*pool));
		for (unsigned i = 0; i < SIM_WORKERS; i++) {
			struct bench *bench = sim_alloc(sim, sizeof(*bench));
			*bench = (struct bench){.pool = pool, .idle = true};
			pool->workers[i] =
				sim_spawn_kernel(sim, sim_comm("kworker/%u:%u", cpu, i).text,
						 SIM_PRIO, (int)cpu, worker_step, bench);
		}
	}
}
