/* SPDX-License-Identifier: MIT */
/*
 * What threads wait for: inboxes, pipes, locks, disks, work. Each knows at any time who or what
 * has it, and says so to the truth.
 */
#ifndef CAIRN_TESTS_SYNTH_OBJECT_H
#define CAIRN_TESTS_SYNTH_OBJECT_H

#include "synth_sim.h"

/* Messages to one reader. What waits here waits for the next sender, then for the way. */
struct inbox {
	uint32_t truth;
	bool external; /* they come from outside the machine */
	unsigned ready, under_way;
	struct sim_task *reader; /* asleep here */
};

void inbox_init(struct sim *sim, struct inbox *box, bool external);
/* `sender` has sent; until inbox_arrive() the message is as `way`. */
void inbox_send(struct sim *sim, struct inbox *box, const struct sim_task *sender,
		struct truth_piece way);
void inbox_arrive(struct sim *sim, struct inbox *box);
void inbox_put(struct sim *sim, struct inbox *box, const struct sim_task *sender); /* both */
/* True with a message taken; false: the task sleeps until there is one, and asks again. */
bool inbox_take(struct sim *sim, struct inbox *box, struct sim_task *task);
/* Sends through a softirq raised here. */
void inbox_send_softirq(struct sim *sim, struct inbox *box, const struct sim_task *sender,
			enum sim_vec vec, unsigned defer_per_mille);

/* With little room: the writer waits for the reader, too. */
struct pipe {
	struct inbox data, room;
	unsigned capacity;
};

void pipe_init(struct sim *sim, struct pipe *pipe, unsigned capacity);
bool pipe_write(struct sim *sim, struct pipe *pipe, struct sim_task *task);
bool pipe_read(struct sim *sim, struct pipe *pipe, struct sim_task *task);

struct lock {
	uint32_t truth;
	uint64_t address;
	bool handoff; /* to the first in line, else whoever comes first */
	bool kernel;  /* a mutex of the kernel's: contention events */
	struct sim_task *owner, *first;
};

void lock_init(struct sim *sim, struct lock *lock, bool handoff, bool kernel);
/* True: it is the task's; false: the task sleeps until it may ask again. */
bool lock_take(struct sim *sim, struct lock *lock, struct sim_task *task);
void lock_give(struct sim *sim, struct lock *lock);

/* One disk: requests one after the other, one flush at a time for all who want one. */
struct disk {
	uint32_t dev;
	int irq, cpu;
	bool by_softirq; /* completes in BLOCK, not in the irq */
	uint64_t free_ns, sector;
	bool flushing;
	ARRAY(struct sim_call) flush_next, flush_now;
	struct request *spare;
};

enum disk_operation { OP_READ = 0, OP_WRITE = 1, OP_FLUSH = 2 };

struct disk *disk_create(struct sim *sim, uint32_t minor);
/* Issues it here; `done` is called in the context that completes it. */
void disk_issue(struct sim *sim, struct disk *disk, enum disk_operation op, uint32_t bytes,
		struct sim_call done);
void disk_flush(struct sim *sim, struct disk *disk, struct sim_call done);
void disks_deinit(struct sim *sim);

struct work {
	uint32_t truth;
	uint64_t address, function;
	bool pending;
	struct sim_task *worker; /* that has it under way */
	struct work *next;
	/* Acts and calls sim_run() or sim_sleep() on the worker, or gives true: done. */
	bool (*step)(struct sim *sim, struct sim_task *worker, struct work *work);
	int stage;
	void *arg;
};

void work_init(struct sim *sim, struct work *work, uint64_t function,
	       bool (*step)(struct sim *, struct sim_task *, struct work *), void *arg);
void work_queue(struct sim *sim, struct work *work);
void pools_init(struct sim *sim);

/* synth_files.c */
void journals_deinit(struct sim *sim);

#endif
