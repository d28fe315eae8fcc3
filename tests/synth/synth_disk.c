/* SPDX-License-Identifier: MIT */
/* Disks: requests one after the other, completed in an irq or in the BLOCK softirq. */
#include "synth_object.h"

enum { DISK_MAJOR = 8, DISK_IRQ = 40, SECTOR_SHIFT = 9 };
enum { REQ_SYNC = 1 << 11, REQ_PREFLUSH = 1 << 18 };
static const uint64_t no_sector = ~(uint64_t)0;

struct request {
	struct disk *disk;
	enum disk_operation op;
	uint32_t bytes;
	uint64_t sector;
	int cpu; /* that is interrupted */
	struct sim_call done;
	struct request *spare;
};

struct disk *disk_create(struct sim *sim, uint32_t minor)
{
	char name[] = {'s', 'd', (char)('a' + minor), 0};
	struct disk *disk = sim_alloc(sim, sizeof(*disk));
	disk->dev = (uint32_t)DISK_MAJOR << 20 | minor * 16;
	disk->irq = DISK_IRQ + (int)minor;
	disk->cpu = (int)(minor % sim->options.cpus);
	disk->by_softirq = minor % 2;
	disk->sector = 2048;
	SYNTH_PUSH(&sim->disks, disk);
	emit_state_disk(sim, disk->dev, name);
	return disk;
}

void disks_deinit(struct sim *sim)
{
	array_each(disk, &sim->disks) {
		array_free(&(*disk)->flush_next);
		array_free(&(*disk)->flush_now);
	}
	array_free(&sim->disks);
}

static uint32_t request_flags(const struct request *r)
{
	return (uint32_t)r->op | (r->op == OP_FLUSH ? REQ_PREFLUSH : REQ_SYNC);
}

static void request_complete(struct sim *sim, void *arg)
{
	struct request *r = arg;
	struct sim_call done = r->done;
	emit_done(sim,
		  &(struct recorder_block_done){.sector = r->op == OP_FLUSH ? no_sector : r->sector,
						.dev = r->disk->dev,
						.nr_sector = r->bytes >> SECTOR_SHIFT,
						.rwbs = request_flags(r)});
	r->spare = r->disk->spare;
	r->disk->spare = r;
	done.call(sim, done.arg);
}

static uint64_t disk_irq(struct sim *sim, struct sim_frame *frame)
{
	struct request *r = frame->arg;
	if (r->disk->by_softirq)
		sim_raise(sim, VEC_BLOCK, 0, (struct sim_call){request_complete, r});
	else
		request_complete(sim, r);
	return 0;
}

static void disk_ready(struct sim *sim, void *arg, uint64_t tag)
{
	struct request *r = arg;
	(void)tag;
	sim_interrupt(sim, r->cpu,
		      (struct sim_frame){.kind = SIM_IRQ,
					 .number = (uint64_t)r->disk->irq,
					 .step = disk_irq,
					 .arg = r});
}

static uint64_t service_ns(struct sim *sim, enum disk_operation op)
{
	switch (op) {
	case OP_READ:
		return sim_random(sim, 60 * SIM_US, 250 * SIM_US);
	case OP_WRITE:
		return sim_random(sim, 100 * SIM_US, 400 * SIM_US);
	default:
		return sim_random(sim, 200 * SIM_US, 2 * SIM_MS);
	}
}

void disk_issue(struct sim *sim, struct disk *disk, enum disk_operation op, uint32_t bytes,
		struct sim_call done)
{
	struct request *r = disk->spare;
	if (r)
		disk->spare = r->spare;
	else
		r = sim_alloc(sim, sizeof(*r));
	*r = (struct request){disk, op, bytes, disk->sector, disk->cpu, done};
	disk->sector += bytes >> SECTOR_SHIFT;
	if (sim_chance(sim, 500))
		r->cpu = sim->here->index;
	emit_issue(sim,
		   &(struct recorder_block_issue){
			   .sector = op == OP_FLUSH ? disk->irq % 2 ? no_sector : 0 : r->sector,
			   .dev = disk->dev,
			   .nr_sector = bytes >> SECTOR_SHIFT,
			   .bytes = bytes,
			   .rwbs = request_flags(r),
			   .tid = sim->here->current ? sim->here->current->who.tid : 0});
	if (disk->free_ns < sim->now_ns)
		disk->free_ns = sim->now_ns;
	disk->free_ns += service_ns(sim, op);
	sim_alarm(sim, disk->free_ns, disk_ready, r, 0);
}

static void disk_flush_begin(struct sim *sim, struct disk *disk);

/* Whoever asked before it was issued has it now; whoever asked since gets the next. */
static void disk_flushed(struct sim *sim, void *arg)
{
	struct disk *disk = arg;
	for (size_t i = 0; i < disk->flush_now.count; i++)
		disk->flush_now.items[i].call(sim, disk->flush_now.items[i].arg);
	disk->flush_now.count = 0;
	disk->flushing = false;
	if (disk->flush_next.count)
		disk_flush_begin(sim, disk);
}

static void disk_flush_begin(struct sim *sim, struct disk *disk)
{
	array_each(call, &disk->flush_next)
		SYNTH_PUSH(&disk->flush_now, *call);
	disk->flush_next.count = 0;
	disk->flushing = true;
	disk_issue(sim, disk, OP_FLUSH, 0, (struct sim_call){disk_flushed, disk});
}

void disk_flush(struct sim *sim, struct disk *disk, struct sim_call done)
{
	SYNTH_PUSH(&disk->flush_next, done);
	if (!disk->flushing)
		disk_flush_begin(sim, disk);
}
