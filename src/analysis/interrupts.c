/* SPDX-License-Identifier: MIT */
#include "analysis/interrupts.h"

#include <errno.h>
#include <stdlib.h>

enum { INTERRUPTS_MAX = 4096, INTERRUPT_CPUS_MAX = 4096 };

const char *softirq_name(int32_t vec)
{
	static const char *const names[SOFTIRQS] = {
		"high tasklet", "timer",   "net transmit", "net receive", "block",
		"irq poll",     "tasklet", "scheduler",    "hrtimer",     "rcu"};
	return vec >= 0 && vec < SOFTIRQS ? names[vec] : "softirq";
}

static struct interrupt *interrupt_of(struct interrupts *i, bool softirq, int32_t number)
{
	array_each(each, &i->all) {
		if ((*each)->number == number && (*each)->softirq == softirq)
			return *each;
	}
	struct interrupt *made = i->all.count < INTERRUPTS_MAX ? calloc(1, sizeof(*made)) : NULL;
	if (!made || array_push(&i->all, made)) {
		free(made);
		return NULL;
	}
	made->softirq = softirq;
	made->number = number;
	return made;
}

static struct interrupt_cpu *cpu_of(struct interrupts *i, int32_t cpu)
{
	if (cpu < 0 || cpu >= INTERRUPT_CPUS_MAX)
		return NULL;
	while (i->cpus.count <= (size_t)cpu) {
		if (!array_add(&i->cpus))
			return NULL;
	}
	return &i->cpus.items[cpu];
}

static void entered(struct interrupt_cpu *cpu, bool softirq, int64_t number, uint64_t at_ns)
{
	cpu->under_way[softirq].number = (int32_t)number;
	cpu->under_way[softirq].since_ns = at_ns;
}

static void left(struct interrupts *i, struct interrupt_cpu *cpu, bool softirq, int64_t number,
		 uint64_t at_ns)
{
	uint64_t since_ns = cpu->under_way[softirq].since_ns;
	cpu->under_way[softirq].since_ns = 0;
	if (!since_ns || cpu->under_way[softirq].number != (int32_t)number || at_ns < since_ns)
		return;
	struct interrupt *interrupt = interrupt_of(i, softirq, (int32_t)number);
	if (interrupt)
		histogram_add(&interrupt->took_ns, at_ns - since_ns);
}

static int interrupts_event(void *state, const struct event *e)
{
	struct interrupts *i = state;
	struct interrupt_cpu *cpu = cpu_of(i, e->cpu);
	if (!cpu)
		return 0;
	switch (e->type->kind) {
	case EVENT_IRQ_ENTRY:
		entered(cpu, false, event_int(e, IRQ_ENTRY_IRQ), e->time_ns);
		break;
	case EVENT_IRQ_EXIT:
		left(i, cpu, false, event_int(e, IRQ_EXIT_IRQ), e->time_ns);
		break;
	case EVENT_SOFTIRQ_ENTRY:
		entered(cpu, true, event_int(e, SOFTIRQ_ENTRY_VEC), e->time_ns);
		break;
	case EVENT_SOFTIRQ_EXIT:
		left(i, cpu, true, event_int(e, SOFTIRQ_EXIT_VEC), e->time_ns);
		break;
	default:
		*cpu = (struct interrupt_cpu){0};
	}
	return 0;
}

static void interrupts_release(void *state)
{
	struct interrupts *i = state;
	array_each(each, &i->all)
		free(*each);
	array_free(&i->all);
	array_free(&i->cpus);
}

const struct analysis analysis_interrupts = {
	.name = "interrupts",
	.kinds = KIND(IRQ_ENTRY) | KIND(IRQ_EXIT) | KIND(SOFTIRQ_ENTRY) | KIND(SOFTIRQ_EXIT) |
		 KIND(LOST),
	.state_bytes = sizeof(struct interrupts),
	.event = interrupts_event,
	.release = interrupts_release,
};
