/* SPDX-License-Identifier: MIT */
/* Files: fsync by the thread, by a worker, by a journal thread; work items and their line. */
#include "synth_scenario.h"

enum { SYNC_BYTES = 16384 };
static const uint64_t writeback_function = 0xffffffff81600000, item_function = 0xffffffff81700000;

enum sync_way {
	SYNC_DIRECT,  /* the thread issues, the completion flushes, and wakes it */
	SYNC_ISSUER,  /* a worker issues and is done with it */
	SYNC_SLEEPER, /* a worker issues and sleeps until it is on the disk */
	SYNC_JOURNAL, /* a thread commits for all who wait */
	SYNC_READ,    /* no write at all */
	SYNC_WAYS
};

struct journal;

/* One file of one thread. */
struct sync {
	uint32_t truth;
	enum sync_way way;
	struct disk *disk;
	struct journal *journal;
	struct sim_task *task, *sleeper; /* who wants it, who is woken at its end */
	struct work work;
	bool on_disk, done; /* done: the task may go on */
};

static void sync_done(struct sim *sim, void *arg)
{
	struct sync *sync = arg;
	sync->on_disk = true;
	sync->done = sync->sleeper == sync->task;
	sim_wake(sim, sync->sleeper);
}

static void sync_written(struct sim *sim, void *arg)
{
	struct sync *sync = arg;
	disk_flush(sim, sync->disk, (struct sim_call){sync_done, sync});
}

/* The write goes to the disk here; `sleeper` is woken when it is there for good. */
static void sync_issue(struct sim *sim, struct sync *sync, struct sim_task *sleeper)
{
	bool reads = sync->way == SYNC_READ;
	sync->on_disk = false;
	sync->sleeper = sleeper;
	if (sleeper == sync->task)
		truth_now(sim, sync->truth, TRUTH_IS(DEVICE, sync->disk->dev));
	disk_issue(sim, sync->disk, reads ? OP_READ : OP_WRITE, SYNC_BYTES,
		   (struct sim_call){reads ? sync_done : sync_written, sync});
}

static bool sync_work(struct sim *sim, struct sim_task *worker, struct work *work)
{
	struct sync *sync = work->arg;
	switch (work->stage) {
	case 0:
		work->stage = 1;
		sim_run(sim, worker, 10 * SIM_US, 80 * SIM_US);
		return false;
	case 1:
		work->stage = 2;
		sync_issue(sim, sync, sync->way == SYNC_ISSUER ? sync->task : worker);
		if (sync->way == SYNC_SLEEPER)
			break;
		return true;
	}
	if (!sync->on_disk) {
		sim_sleep(sim, worker, TASK_UNINTERRUPTIBLE, TRUTH_IS(DEVICE, sync->disk->dev));
		return false;
	}
	sync->done = true;
	sim_wake(sim, sync->task);
	return true;
}

/* Commits in turn: whoever comes while one is under way has the next. */
struct journal {
	struct sync sync; /* its own writing */
	struct inbox box;
	ARRAY(struct sync *) next, now;
};

static void journal_step(struct sim *sim, struct sim_task *task)
{
	struct journal *journal = task->role;
	switch (task->stage) {
	case 0:
		if (!journal->next.count) {
			journal->box.ready = 0;
			inbox_take(sim, &journal->box, task);
			return;
		}
		array_each(sync, &journal->next)
			SYNTH_PUSH(&journal->now, *sync);
		journal->next.count = 0;
		task->stage = 1;
		sim_run(sim, task, 10 * SIM_US, 60 * SIM_US);
		return;
	case 1:
		sync_issue(sim, &journal->sync, task);
		task->stage = 2;
		/* fallthrough */
	case 2:
		if (!journal->sync.on_disk) {
			sim_sleep(sim, task, TASK_UNINTERRUPTIBLE,
				  TRUTH_IS(DEVICE, journal->sync.disk->dev));
			return;
		}
		array_each(sync, &journal->now) {
			(*sync)->done = true;
			sim_wake(sim, (*sync)->task);
		}
		journal->now.count = 0;
		task->stage = 0;
		sim_run(sim, task, SIM_US, 3 * SIM_US);
		return;
	}
}

void journals_deinit(struct sim *sim)
{
	array_each(journal, &sim->journals) {
		array_free(&(*journal)->next);
		array_free(&(*journal)->now);
	}
	array_free(&sim->journals);
}

static void sync_begin(struct sim *sim, struct sync *sync)
{
	sync->done = false;
	switch (sync->way) {
	case SYNC_ISSUER:
	case SYNC_SLEEPER:
		truth_now(sim, sync->truth, TRUTH_AS(sync->work.truth));
		work_queue(sim, &sync->work);
		return;
	case SYNC_JOURNAL:
		truth_now(sim, sync->truth, TRUTH_AS(sync->journal->sync.task->truth));
		SYNTH_PUSH(&sync->journal->next, sync);
		inbox_put(sim, &sync->journal->box, sync->task);
		return;
	default:
		sync_issue(sim, sync, sync->task);
	}
}

static void writer_step(struct sim *sim, struct sim_task *task)
{
	struct sync *sync = task->role;
	switch (task->stage) {
	case 0:
		sim_call_in(task, sync->way == SYNC_READ ? CALL_READ : CALL_FSYNC, 3);
		sync_begin(sim, sync);
		task->stage = 1;
		sim_run(sim, task, SIM_US, 5 * SIM_US);
		return;
	case 1:
		if (!sync->done) {
			sim_sleep(sim, task, TASK_UNINTERRUPTIBLE, TRUTH_AS(sync->truth));
			return;
		}
		task->stage = ++task->count % 8 ? 0 : 2;
		sim_run(sim, task, 50 * SIM_US, 500 * SIM_US);
		return;
	case 2:
		task->stage = 0;
		sim_nap(sim, task, 500 * SIM_US, 3 * SIM_MS);
		return;
	}
}

static void sync_init(struct sim *sim, struct sync *sync, struct disk *disk)
{
	sync->truth = truth_add(&sim->truth, -1);
	truth_now(sim, sync->truth, TRUTH_UNTIL_NEXT);
	sync->disk = disk;
	work_init(sim, &sync->work, writeback_function, sync_work, sync);
}

void scenario_fsync(struct sim *sim, unsigned size)
{
	struct disk *disks[] = {disk_create(sim, 0), disk_create(sim, 1)};
	struct journal *journal = sim_alloc(sim, sizeof(*journal));
	sync_init(sim, &journal->sync, disks[0]);
	inbox_init(sim, &journal->box, false);
	journal->sync.task =
		sim_spawn_kernel(sim, "jbd2/sda-8", SIM_PRIO, -1, journal_step, journal);
	journal->box.reader = journal->sync.task;
	SYNTH_PUSH(&sim->journals, journal);
	for (unsigned i = 0; i < size; i++) {
		struct sync *sync = sim_alloc(sim, sizeof(*sync));
		sync_init(sim, sync, disks[i % 2]);
		sync->way = (enum sync_way)(i % SYNC_WAYS);
		sync->journal = journal;
		sync->task = sim_spawn(sim, SYNTH_FSYNC, sim_comm("writer-%u", i).text, SIM_PRIO,
				       writer_step, sync);
	}
}

/* A thread queues an item and waits for it; some items sleep on the disk. */
struct order {
	struct work work;
	struct sync sync;
	struct sim_task *task;
	bool sleeps, done;
};

static bool order_work(struct sim *sim, struct sim_task *worker, struct work *work)
{
	struct order *order = work->arg;
	switch (work->stage) {
	case 0:
		work->stage = order->sleeps ? 1 : 3;
		sim_run(sim, worker, 30 * SIM_US, 300 * SIM_US);
		return false;
	case 1:
		work->stage = 2;
		sync_issue(sim, &order->sync, worker);
		/* fallthrough */
	case 2:
		if (!order->sync.on_disk) {
			sim_sleep(sim, worker, TASK_UNINTERRUPTIBLE,
				  TRUTH_IS(DEVICE, order->sync.disk->dev));
			return false;
		}
		work->stage = 3;
		sim_run(sim, worker, 10 * SIM_US, 40 * SIM_US);
		return false;
	}
	order->done = true;
	sim_wake(sim, order->task);
	return true;
}

static void orderer_step(struct sim *sim, struct sim_task *task)
{
	struct order *order = task->role;
	switch (task->stage) {
	case 0:
		sim_call_in(task, CALL_WRITE, 3);
		order->done = false;
		work_queue(sim, &order->work);
		task->stage = 1;
		sim_run(sim, task, 5 * SIM_US, 40 * SIM_US);
		return;
	case 1:
		if (!order->done) {
			sim_sleep(sim, task, TASK_UNINTERRUPTIBLE, TRUTH_AS(order->work.truth));
			return;
		}
		task->stage = ++task->count % 4 ? 0 : 2;
		sim_run(sim, task, 30 * SIM_US, 200 * SIM_US);
		return;
	case 2:
		task->stage = 0;
		sim_nap(sim, task, 100 * SIM_US, SIM_MS);
		return;
	}
}

void scenario_work(struct sim *sim, unsigned size)
{
	struct disk *disk = disk_create(sim, 2);
	for (unsigned i = 0; i < size; i++) {
		struct order *order = sim_alloc(sim, sizeof(*order));
		sync_init(sim, &order->sync, disk);
		order->sync.way = SYNC_READ;
		order->sleeps = i % 3 == 2;
		work_init(sim, &order->work, item_function, order_work, order);
		order->task = sim_spawn(sim, SYNTH_WORK, sim_comm("orderer-%u", i).text, SIM_PRIO,
					orderer_step, order);
	}
}
