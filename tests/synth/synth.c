/* SPDX-License-Identifier: MIT */
#include "synth.h"
#include "synth_scenario.h"

enum { SYNTH_CPUS = 4, SYNTH_THREADS = 4 };

struct synth {
	struct synth_options options;
	struct truth truth;
	ARRAY(struct synth_thread) threads;
	uint64_t end_ns, events;
};

static void (*const scenarios[])(struct sim *sim, unsigned size) = {
	scenario_pipe,      scenario_pty,       scenario_convoy,  scenario_barging,
	scenario_tcp,       scenario_epoll,     scenario_fsync,   scenario_timer,
	scenario_fork,      scenario_work,      scenario_softirq, scenario_hogs,
	scenario_inversion, scenario_migration, scenario_offline, scenario_network,
};

void *sim_alloc(struct sim *sim, size_t bytes)
{
	void *block = calloc(1, bytes);
	synth_need(block);
	SYNTH_PUSH(&sim->blocks, block);
	return block;
}

void sim_destroy(struct sim *sim)
{
	if (!sim)
		return;
	cpus_deinit(sim);
	disks_deinit(sim);
	journals_deinit(sim);
	truth_deinit(&sim->truth);
	array_each(block, &sim->blocks)
		free(*block);
	array_free(&sim->blocks);
	array_free(&sim->tasks);
	array_free(&sim->alarms);
	array_free(&sim->out);
	map_deinit(&sim->sites);
	schema_destroy(sim->schema);
	free(sim);
}

static int sim_next(struct source *source, struct event *ret, struct err *e)
{
	struct sim *sim = (struct sim *)source;
	(void)e;
	while (sim->out_next == sim->out.count) {
		sim->out_next = sim->out.count = 0;
		if (!sim_advance(sim))
			return 0;
	}
	const struct sim_out *out = &sim->out.items[sim->out_next++];
	if (out->cpu >= 0 && sim->options.events && sim->given == sim->options.events) {
		sim->out.count = sim->out_next = 0;
		sim->end_ns = 0;
		return 0;
	}
	sim->given += out->cpu >= 0;
	*ret = (struct event){.time_ns = out->time_ns,
			      .type = out->type,
			      .payload = out->payload,
			      .payload_bytes = out->bytes,
			      .cpu = out->cpu,
			      .tid = out->tid,
			      .stream = (uint32_t)(out->cpu + 1)};
	return 1;
}

static void sim_close(struct source *source)
{
	sim_destroy((struct sim *)source);
}

struct sim *sim_create(const struct synth_options *options, bool blind, struct err *e)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	if (!sim) {
		err_set(e, ENOMEM, "no memory for a simulation");
		return NULL;
	}
	sim->source = (struct source){sim_next, sim_close};
	sim->options = *options;
	sim->random = options->seed;
	sim->truth.blind = blind;
	sim->now_ns = SIM_BEGIN_NS;
	sim->end_ns = options->duration_ns ? SIM_BEGIN_NS + options->duration_ns : UINT64_MAX;
	sim->next_address = 0xffff888100000000;
	if (sim_schema(sim, e)) {
		sim_destroy(sim);
		return NULL;
	}
	sim->outside = truth_add(&sim->truth, -1);
	truth_now(sim, sim->outside, TRUTH_IS(IRQ, 0));
	cpus_init(sim);
	pools_init(sim);
	for (unsigned i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (options->scenarios >> i & 1)
			scenarios[i](sim, options->threads);
	}
	return sim;
}

static void synth_default(struct synth_options *options)
{
	if (!options->cpus)
		options->cpus = SYNTH_CPUS;
	if (!options->threads)
		options->threads = SYNTH_THREADS;
	if (!options->duration_ns && !options->events)
		options->duration_ns = 1000 * (uint64_t)SIM_MS;
}

int synth_create(struct synth **ret, const struct synth_options *options, struct err *e)
{
	struct synth *s = calloc(1, sizeof(*s));
	synth_need(s);
	s->options = *options;
	synth_default(&s->options);
	struct sim *sim = NULL;
	if (s->options.cpus > SYNTH_CPUS_MAX)
		err_set(e, EINVAL, "a synthetic machine has at most %d cpus", SYNTH_CPUS_MAX);
	else
		sim = sim_create(&s->options, options->blind, e);
	if (!sim) {
		free(s);
		return -e->code;
	}
	struct event event = {0};
	int rc;
	while ((rc = sim_next(&sim->source, &event, e)) > 0)
		s->end_ns = event.time_ns + 1;
	if (s->options.duration_ns && !(s->options.events && sim->given == s->options.events))
		s->end_ns = SIM_BEGIN_NS + s->options.duration_ns;
	s->events = sim->given;
	s->truth = sim->truth;
	s->truth.end_ns = s->end_ns;
	sim->truth = (struct truth){0};
	array_each(task, &sim->tasks)
		SYNTH_PUSH(&s->threads, (*task)->who);
	sim_destroy(sim);
	*ret = s;
	return rc;
}

void synth_destroy(struct synth *s)
{
	if (!s)
		return;
	truth_deinit(&s->truth);
	array_free(&s->threads);
	free(s);
}

int synth_source(const struct synth *s, struct source **ret, struct err *e)
{
	struct sim *sim = sim_create(&s->options, true, e);
	if (!sim)
		return -e->code;
	*ret = &sim->source;
	return 0;
}

uint64_t synth_begin_ns(const struct synth *s)
{
	(void)s;
	return SIM_BEGIN_NS;
}

uint64_t synth_end_ns(const struct synth *s)
{
	return s->end_ns;
}

uint64_t synth_event_count(const struct synth *s)
{
	return s->events;
}

const struct synth_thread *synth_thread(const struct synth *s, size_t index)
{
	return index < s->threads.count ? &s->threads.items[index] : NULL;
}

struct synth_truth synth_truth(const struct synth *s, int32_t tid, uint64_t at_ns)
{
	uint64_t end_ns;
	return truth_find(&s->truth, tid, at_ns, &end_ns);
}

uint64_t synth_truth_next(const struct synth *s, int32_t tid, uint64_t at_ns)
{
	uint64_t end_ns;
	truth_find(&s->truth, tid, at_ns, &end_ns);
	return end_ns;
}
