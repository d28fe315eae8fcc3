/* SPDX-License-Identifier: MIT */
/* What goes wrong with recordings: sources around a source. */
#include "synth_truth.h"

/* What becomes of the next event; DROP_DECLARED ones are told of at the cpu's next kept one. */
enum verdict { KEEP, DROP, DROP_DECLARED, END };

struct damage_cpu {
	uint64_t kept_ns; /* its last kept event */
	uint64_t lost;    /* since then */
};

struct lost_payload {
	uint64_t count, begin_ns;
};

struct damage {
	struct source source;
	struct source *inner;
	enum verdict (*judge)(struct damage *d, const struct event *e);
	unsigned per_mille;
	uint64_t seed, from_ns, to_ns, last_ns, first_ns;
	int32_t cpu;
	struct schema *schema;
	const struct event_type *lost_type;
	struct lost_payload lost;
	ARRAY(struct damage_cpu) cpus;
	struct event held; /* comes after the lost_events that was given */
	bool holds, ended;
	size_t told; /* cpus asked for their losses at the end */
};

static enum verdict chance(struct damage *d, enum verdict unlucky)
{
	d->seed = d->seed * 6364136223846793005u + 1442695040888963407u;
	return (d->seed >> 33) % 1000 < d->per_mille ? unlucky : KEEP;
}

static enum verdict judge_silently(struct damage *d, const struct event *e)
{
	(void)e;
	return chance(d, DROP);
}

static enum verdict judge_declared(struct damage *d, const struct event *e)
{
	(void)e;
	return chance(d, DROP_DECLARED);
}

static enum verdict judge_window(struct damage *d, const struct event *e)
{
	bool in_window = e->time_ns >= d->from_ns && e->time_ns < d->to_ns;
	return e->cpu == d->cpu && in_window ? DROP_DECLARED : KEEP;
}

static enum verdict judge_cut(struct damage *d, const struct event *e)
{
	if (e->time_ns >= d->to_ns)
		return END;
	return e->time_ns < d->from_ns ? DROP : KEEP;
}

static struct damage_cpu *damage_cpu(struct damage *d, int32_t cpu)
{
	while (d->cpus.count <= (size_t)cpu)
		synth_need(array_add(&d->cpus));
	return &d->cpus.items[cpu];
}

static void tell_lost(struct damage *d, int32_t cpu, uint64_t at_ns, struct event *ret)
{
	struct damage_cpu *own = damage_cpu(d, cpu);
	d->lost = (struct lost_payload){own->lost, own->kept_ns ? own->kept_ns : d->first_ns};
	own->lost = 0;
	*ret = (struct event){.time_ns = at_ns,
			      .type = d->lost_type,
			      .payload = (const uint8_t *)&d->lost,
			      .payload_bytes = sizeof(d->lost),
			      .cpu = cpu,
			      .tid = EVENT_TID_UNKNOWN,
			      .stream = (uint32_t)cpu + 1};
}

/* The losses that no later event of their cpu tells of. */
static int damage_end(struct damage *d, struct event *ret)
{
	d->ended = true;
	while (d->told < d->cpus.count) {
		if (d->cpus.items[d->told++].lost) {
			tell_lost(d, (int32_t)d->told - 1, d->last_ns, ret);
			return 1;
		}
	}
	return 0;
}

static int damage_next(struct source *source, struct event *ret, struct err *e)
{
	struct damage *d = (struct damage *)source;
	int rc = 0;
	if (d->holds) {
		d->holds = false;
		*ret = d->held;
		return 1;
	}
	while (!d->ended && (rc = source_next(d->inner, ret, e)) > 0) {
		if (ret->cpu < 0)
			return 1;
		struct damage_cpu *own = damage_cpu(d, ret->cpu);
		if (!d->first_ns)
			d->first_ns = ret->time_ns;
		d->last_ns = ret->time_ns;
		enum verdict verdict = d->judge(d, ret);
		if (verdict == END)
			break;
		own->lost += verdict == DROP_DECLARED;
		if (verdict != KEEP)
			continue;
		if (own->lost) {
			d->held = *ret;
			d->holds = true;
			tell_lost(d, ret->cpu, ret->time_ns, ret);
		}
		own->kept_ns = ret->time_ns;
		return 1;
	}
	return rc < 0 ? rc : damage_end(d, ret);
}

static void damage_close(struct source *source)
{
	struct damage *d = (struct damage *)source;
	source_close(d->inner);
	array_free(&d->cpus);
	schema_destroy(d->schema);
	free(d);
}

static int damage_open(struct source **ret, const struct damage *wanted, struct err *e)
{
	struct damage *d = malloc(sizeof(*d));
	struct event_type *type = NULL;
	synth_need(d);
	*d = *wanted;
	d->source = (struct source){damage_next, damage_close};
	int code = schema_create(&d->schema, e);
	struct type *payload = code ? NULL : type_struct(d->schema, 2);
	if (payload) {
		type_set_field(payload, 0, "count", type_integer(d->schema, 64, false, 10));
		type_set_field(payload, 1, "begin", type_integer(d->schema, 64, false, 10));
		code = schema_add(d->schema, 0, 0, "lost_events", NULL, payload, &type, e);
	}
	if (code || !payload) {
		damage_close(&d->source);
		return code ? code : err_set(e, ENOMEM, "no memory for the description of losses");
	}
	d->lost_type = type;
	*ret = &d->source;
	return 0;
}

int synth_drop_silently(struct source **ret, struct source *inner, unsigned per_mille,
			uint64_t seed, struct err *e)
{
	const struct damage d = {
		.inner = inner, .judge = judge_silently, .per_mille = per_mille, .seed = seed};
	return damage_open(ret, &d, e);
}

int synth_drop_declared(struct source **ret, struct source *inner, unsigned per_mille,
			uint64_t seed, struct err *e)
{
	const struct damage d = {
		.inner = inner, .judge = judge_declared, .per_mille = per_mille, .seed = seed};
	return damage_open(ret, &d, e);
}

int synth_lose_window(struct source **ret, struct source *inner, int32_t cpu, uint64_t from_ns,
		      uint64_t to_ns, struct err *e)
{
	const struct damage d = {.inner = inner,
				 .judge = judge_window,
				 .cpu = cpu,
				 .from_ns = from_ns,
				 .to_ns = to_ns};
	return damage_open(ret, &d, e);
}

int synth_cut(struct source **ret, struct source *inner, uint64_t from_ns, uint64_t to_ns,
	      struct err *e)
{
	const struct damage d = {
		.inner = inner, .judge = judge_cut, .from_ns = from_ns, .to_ns = to_ns};
	return damage_open(ret, &d, e);
}
