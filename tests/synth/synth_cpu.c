/* SPDX-License-Identifier: MIT */
/* A cpu's stack: what interrupts what, and what is gone on with when it ends. */
#include "synth_sim.h"

enum { TICK_NS = 4 * SIM_MS, SLICE_NS = 3 * SIM_MS };
static const uint64_t tick_function = 0xffffffff81170000;

/* Time stands still for the top of the stack. */
void cpu_pause(struct sim *sim, struct sim_cpu *cpu)
{
	if (!cpu->ticking)
		return;
	uint64_t spent_ns = sim->now_ns - cpu->resumed_ns;
	uint64_t *left_ns =
		cpu->depth ? &cpu->stack[cpu->depth - 1].left_ns : &cpu->current->left_ns;
	*left_ns = *left_ns > spent_ns ? *left_ns - spent_ns : 0;
	cpu->ticking = false;
	cpu->tag++;
}

static void cpu_expire(struct sim *sim, void *arg, uint64_t tag);

static void cpu_resume(struct sim *sim, struct sim_cpu *cpu)
{
	uint64_t left_ns = cpu->depth ? cpu->stack[cpu->depth - 1].left_ns : cpu->current->left_ns;
	cpu->ticking = true;
	cpu->resumed_ns = sim->now_ns;
	sim_alarm(sim, sim->now_ns + left_ns, cpu_expire, cpu, ++cpu->tag);
}

static void cpu_enter(struct sim *sim, struct sim_cpu *cpu, struct sim_frame frame)
{
	synth_need(cpu->depth < SIM_FRAMES_MAX);
	frame.left_ns = sim_random(sim, 150, 500);
	cpu->stack[cpu->depth++] = frame;
	emit_frame(sim, &frame, true);
	cpu_resume(sim, cpu);
}

/* What was there when it was entered; what comes meanwhile is raised again. */
static uint64_t softirq_step(struct sim *sim, struct sim_frame *frame)
{
	struct sim_cpu *cpu = sim->here;
	struct sim_calls *calls = &cpu->calls[frame->number];
	if (frame->stage) {
		struct sim_call call = calls->list.items[calls->called++];
		frame->stage--;
		call.call(sim, call.arg);
		return sim_random(sim, 100, 400);
	}
	calls->list.count -= calls->called;
	if (calls->list.count)
		memmove(calls->list.items, calls->list.items + calls->called,
			calls->list.count * sizeof(*calls->list.items));
	calls->called = 0;
	return 0;
}

static void cpu_enter_softirq(struct sim *sim, struct sim_cpu *cpu)
{
	unsigned vec = (unsigned)__builtin_ctz(cpu->softirqs);
	cpu->softirqs &= ~(1u << vec);
	cpu_enter(sim, cpu,
		  (struct sim_frame){.kind = SIM_SOFTIRQ,
				     .number = vec,
				     .stage = (int)cpu->calls[vec].list.count,
				     .step = softirq_step});
}

/* An irq waits for the irq or hrtimer under way, and is above all else. */
static bool cpu_takes_irq(const struct sim_cpu *cpu)
{
	return !cpu->depth || cpu->stack[cpu->depth - 1].kind == SIM_SOFTIRQ;
}

static bool cpu_takes_softirq(const struct sim_cpu *cpu)
{
	return cpu->softirqs && !cpu->deferred;
}

void cpu_settle(struct sim *sim, struct sim_cpu *cpu)
{
	sim->here = cpu;
	if (cpu->irqs.count && cpu_takes_irq(cpu)) {
		struct sim_frame frame = cpu->irqs.items[0];
		memmove(cpu->irqs.items, cpu->irqs.items + 1, --cpu->irqs.count * sizeof(frame));
		cpu_enter(sim, cpu, frame);
		return;
	}
	if (cpu->depth) {
		cpu_resume(sim, cpu);
		return;
	}
	if (cpu_takes_softirq(cpu)) {
		cpu_enter_softirq(sim, cpu);
		return;
	}
	if (cpu->deferred)
		sim_wake(sim, cpu->ksoftirqd);
	if (cpu->resched)
		sched_choose(sim, cpu);
	if (cpu->current)
		cpu_resume(sim, cpu);
}

static void cpu_expire(struct sim *sim, void *arg, uint64_t tag)
{
	struct sim_cpu *cpu = arg;
	if (tag != cpu->tag || !cpu->ticking)
		return;
	cpu->ticking = false;
	sim->here = cpu;
	if (!cpu->depth) {
		struct sim_task *task = cpu->current;
		task->left_ns = 0;
		if (task->falling)
			cpu->resched = true;
		else
			task->step(sim, task);
	} else {
		struct sim_frame *top = &cpu->stack[cpu->depth - 1];
		top->left_ns = top->step(sim, top);
		if (!top->left_ns) {
			emit_frame(sim, top, false);
			cpu->depth--;
		}
	}
	cpu_settle(sim, cpu);
	sim->here = NULL;
}

void sim_interrupt(struct sim *sim, int index, struct sim_frame frame)
{
	struct sim_cpu *cpu = &sim->cpus[index];
	if (!cpu->online)
		cpu = &sim->cpus[0];
	SYNTH_PUSH(&cpu->irqs, frame);
	if (!cpu_takes_irq(cpu))
		return;
	cpu_pause(sim, cpu);
	cpu_settle(sim, cpu);
	sim->here = NULL;
}

/* As the recorder counts it: from the entries and exits it sees. */
enum waking_context sim_context(const struct sim *sim)
{
	const struct sim_cpu *cpu = sim->here;
	if (!cpu->depth)
		return WAKING_FROM_TASK;
	return cpu->stack[cpu->depth - 1].kind == SIM_SOFTIRQ ? WAKING_FROM_SOFTIRQ
							      : WAKING_FROM_IRQ;
}

bool sim_raise(struct sim *sim, enum sim_vec vec, unsigned defer_per_mille, struct sim_call call)
{
	struct sim_cpu *cpu = sim->here;
	emit_raise(sim, vec);
	if (call.call)
		SYNTH_PUSH(&cpu->calls[vec].list, call);
	if (cpu->ksoftirqd->life != SIM_ASLEEP && cpu->current != cpu->ksoftirqd)
		cpu->deferred = true;
	else if (!cpu->softirqs && !cpu->settled && sim_chance(sim, defer_per_mille))
		cpu->deferred = true;
	cpu->softirqs |= 1u << vec;
	return cpu->deferred;
}

/* ksoftirqd's script: when it runs, what was left to it may go on above it. */
static void ksoftirqd_step(struct sim *sim, struct sim_task *task)
{
	struct sim_cpu *cpu = sim->here;
	if (cpu->softirqs) {
		cpu->deferred = false;
		sim_run(sim, task, 200, 400);
	} else {
		sim_sleep(sim, task, TASK_INTERRUPTIBLE, TRUTH_UNTIL_NEXT);
	}
}

static uint64_t tick_step(struct sim *sim, struct sim_frame *frame)
{
	struct sim_cpu *cpu = sim->here;
	const struct sim_task *current = cpu->current;
	(void)frame;
	if (current && cpu->queue && cpu->queue->prio <= current->prio &&
	    sim->now_ns - current->dispatched_ns >= SLICE_NS)
		cpu->resched = true;
	if (sim_chance(sim, 300))
		sim_raise(sim, VEC_SCHED, 0, (struct sim_call){0});
	return 0;
}

/* An idle cpu does not tick. */
static void cpu_tick(struct sim *sim, void *arg, uint64_t tag)
{
	struct sim_cpu *cpu = arg;
	if (!cpu->online)
		return;
	sim_alarm(sim, sim->now_ns + TICK_NS, cpu_tick, cpu, tag);
	if (cpu->current)
		sim_interrupt(sim, cpu->index,
			      (struct sim_frame){.kind = SIM_HRTIMER,
						 .number = 0xffff888000010000 + tag * 0x1000,
						 .function = tick_function,
						 .step = tick_step});
}

void cpus_init(struct sim *sim)
{
	sim->cpus = sim_alloc(sim, sim->options.cpus * sizeof(*sim->cpus));
	for (unsigned i = 0; i < sim->options.cpus; i++) {
		struct sim_cpu *cpu = &sim->cpus[i];
		cpu->index = (int)i;
		cpu->online = true;
		cpu->truth = truth_add(&sim->truth, -1);
		truth_now(sim, cpu->truth, TRUTH_IS(RUN, 0));
		cpu->ksoftirqd = sim_spawn_kernel(sim, sim_comm("ksoftirqd/%u", i).text, SIM_PRIO,
						  (int)i, ksoftirqd_step, NULL);
		sim_alarm(sim, sim->now_ns + TICK_NS + i * 7919, cpu_tick, cpu, i);
	}
}

void cpus_deinit(struct sim *sim)
{
	for (unsigned i = 0; sim->cpus && i < sim->options.cpus; i++) {
		array_free(&sim->cpus[i].irqs);
		for (unsigned vec = 0; vec < SIM_SOFTIRQS; vec++)
			array_free(&sim->cpus[i].calls[vec].list);
	}
}
