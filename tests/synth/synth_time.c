/* SPDX-License-Identifier: MIT */
/* Chance and time: a generator of random numbers, a heap of alarms. */
#include "synth_sim.h"

static uint64_t random_next(struct sim *sim)
{
	uint64_t z = sim->random += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t sim_random(struct sim *sim, uint64_t low, uint64_t high)
{
	return low + random_next(sim) % (high - low + 1);
}

bool sim_chance(struct sim *sim, unsigned per_mille)
{
	return sim_random(sim, 0, 999) < per_mille;
}

static bool alarm_before(const struct sim_alarm *a, const struct sim_alarm *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void alarm_swap(struct sim *sim, size_t a, size_t b)
{
	struct sim_alarm kept = sim->alarms.items[a];
	sim->alarms.items[a] = sim->alarms.items[b];
	sim->alarms.items[b] = kept;
}

void sim_alarm(struct sim *sim, uint64_t at_ns,
	       void (*ring)(struct sim *sim, void *arg, uint64_t tag), void *arg, uint64_t tag)
{
	size_t at = sim->alarms.count;
	SYNTH_PUSH(&sim->alarms, (struct sim_alarm){at_ns, sim->alarm_order++, ring, arg, tag});
	while (at && alarm_before(&sim->alarms.items[at], &sim->alarms.items[(at - 1) / 2])) {
		alarm_swap(sim, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void alarm_take(struct sim *sim)
{
	sim->alarms.items[0] = sim->alarms.items[--sim->alarms.count];
	for (size_t at = 0, child; (child = 2 * at + 1) < sim->alarms.count; at = child) {
		const struct sim_alarm *items = sim->alarms.items;
		if (child + 1 < sim->alarms.count && alarm_before(&items[child + 1], &items[child]))
			child++;
		if (!alarm_before(&items[child], &items[at]))
			break;
		alarm_swap(sim, at, child);
	}
}

bool sim_advance(struct sim *sim)
{
	if (!sim->alarms.count || sim->alarms.items[0].at_ns >= sim->end_ns)
		return false;
	struct sim_alarm alarm = sim->alarms.items[0];
	alarm_take(sim);
	sim->now_ns = alarm.at_ns;
	alarm.ring(sim, alarm.arg, alarm.tag);
	return true;
}
