/* SPDX-License-Identifier: MIT */
#include "session/session.h"

#include "ctf/ctf_describe.h"
#include "ctf/ctf_write.h"
#include "marker/marker_control.h"
#include "session/facts.h"
#include "session/ladder.h"
#include "session/registry.h"
#include "session/state.h"
#include "session/survey.h"
#include "session/table_supply.h"
#include "session/user_rings.h"
#include "switchboard/board.h"
#include "util/cleanup.h"
#include "util/now.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

const struct ctf_stream_class session_streams[SESSION_STREAMS] = {
	{RECORDER_STREAM_EVENTS, "kernel", true},
	{RECORDER_STREAM_LIFE, "life", true},
	{RECORDER_STREAM_STATE, "state", false},
	{SESSION_STREAM_USER, "user", true},
	{SESSION_STREAM_LANE, "lane", true, .is_lane = true},
};

static const struct user_streams user_streams = {SESSION_STREAM_USER, SESSION_STREAM_LANE};

struct session {
	struct session_options options;
	struct schema *schema;
	struct plan plan;
	struct table_supply tables;
	struct rung *rung;
	struct user_rings *user;  /* NULL without markers */
	struct registry registry; /* while a kill would not lose what the rings hold */
	struct err kill_loses;    /* why it would; code 0 when not */
	struct text reasons;
	struct facts facts;
	struct ctf_trace trace;
	struct ctf_write *out; /* streaming; NULL in a flight recorder */
	struct state *state;
	struct packet state_out; /* streaming: goes to `out` */
	uint64_t state_told_ns, state_sealed_ns;
	struct text last_path;
	struct kallsyms *kernel_names; /* once read; a flight recorder does so before it starts */
	char name[64];
	uint64_t user_anchored_ns;
	uint64_t started_ns;
	uint64_t started_cpu_ns;
	struct session_totals totals;
};

static const uint64_t STATE_PERIOD_NS = 100000000, STATE_PACKET_NS = 500000000;
static const uint64_t USER_ANCHOR_NS = 1000000000;

enum { PERIOD_MS = 20, PERIOD_FAST_MS = 2 };

static void describe_trace(struct session *s)
{
	facts_init(&s->facts);
	facts_add_text(&s->facts, "rung", s->rung->kind->name);
	facts_add_text(&s->facts, "rung_reason", s->reasons.data ? s->reasons.data : "highest");
	facts_add_text(&s->facts, "mode", s->options.flight ? "flight" : "streaming");
	facts_add_number(&s->facts, "ring_bytes_per_cpu", (int64_t)s->plan.ring_bytes);
	facts_add_number(&s->facts, "only_targets", s->plan.only_targets);
	facts_add_text(&s->facts, "kill_loses",
		       s->kill_loses.code ? s->kill_loses.text : "nothing");
	facts_add_text(&s->facts, "command", s->options.command);
	s->trace.streams = session_streams;
	s->trace.stream_count = s->user ? SESSION_STREAMS : RECORDER_STREAMS;
	s->trace.schema = s->schema;
	s->trace.facts = s->facts.items;
	s->trace.fact_count = s->facts.count;
	facts_clock(&s->trace);
	facts_add_number(&s->facts, "clock_offset_error_ns", (int64_t)s->trace.clock.error_ns);
	s->trace.fact_count = s->facts.count;
}

static void make_plan(struct session *s)
{
	const struct session_options *o = &s->options;
	snprintf(s->name, sizeof(s->name), "%d", (int)getpid());
	s->plan = (struct plan){.waits = o->selection->waits,
				.syscalls = o->selection->syscalls,
				.locks = o->selection->locks,
				.stacks = o->stacks,
				.unwind = o->stacks ? &s->tables.source : NULL,
				.overwrite = o->flight,
				.only_targets = o->only_targets,
				.ring_bytes = o->ring_bytes,
				.targets = o->targets,
				.target_count = o->target_count,
				.own_pid = getpid(),
				.session = s->name,
				.events = o->selection->events.items,
				.event_count = o->selection->events.count};
	facts_uuid(s->trace.uuid);
	memcpy(s->plan.uuid, s->trace.uuid, sizeof(s->plan.uuid));
}

static int open_trace(struct session *s, const char *path, struct ctf_write **ret, struct err *e)
{
	int status = s->options.fresh_path ? ctf_write_create_fresh(ret, path, &s->trace, e)
					   : ctf_write_create(ret, path, &s->trace, e);
	if (status < 0)
		return status;
	text_clear(&s->last_path);
	text_print(&s->last_path, "%s", ctf_write_path(*ret));
	return ctf_write_metadata(*ret, e);
}

/* That this fails is no reason not to record. */
static void keep_rings(struct session *s)
{
	struct err *e = &s->kill_loses;
	bool has_markers = s->options.selection->markers.bytes;
	if (!s->rung->keep)
		err_set(e, ENOTSUP, "what the rings hold: the rung %s cannot keep them",
			s->rung->kind->name);
	if ((s->rung->keep || has_markers) && registry_open(&s->registry, e) < 0)
		err_add(e, "what the rings hold");
	else if (s->rung->keep && s->rung->keep(s->rung, s->registry.name, e) < 0)
		err_add(e, "what the rings hold");
	/* Markers' rings are kept whatever becomes of the kernel's. */
	if (e->code && !has_markers)
		registry_close(&s->registry);
}

/* What a rescue needs: where the trace is, and what a flight recorder's would say. */
static int register_trace(struct session *s, struct err *e)
{
	CLEANUP_TEXT struct text metadata = {0};
	if (s->registry.fd < 0)
		return 0;
	int status = s->out ? 0 : ctf_describe(&metadata, &s->trace, e);
	if (status == 0)
		status = registry_write(&s->registry, session_path(s), metadata.data, e);
	return status;
}

static int make_user_rings(struct session *s, struct err *e)
{
	struct user_options options = {.name = s->name,
				       .patterns = &s->options.selection->markers,
				       .overwrite = s->options.flight,
				       .ring_bytes = s->options.ring_bytes,
				       .streams = user_streams};
	if (!options.patterns->bytes)
		return 0;
	memcpy(options.uuid, s->trace.uuid, sizeof(options.uuid));
	int status = user_schema(s->schema, &user_streams, e);
	return status < 0 ? status : user_rings_create(&s->user, &options, e);
}

/* Of programs' markers alone the kernel need not know, so that nobody needs a right for them. */
static int open_rung(struct session *s, struct err *e)
{
	const struct plan *p = &s->plan;
	bool of_kernel = p->waits || p->syscalls || p->locks || p->event_count;
	if (!of_kernel && s->options.selection->markers.bytes && !s->options.rung)
		return rung_none.open(&s->rung, p, e);
	return ladder_open(&s->rung, s->options.rung, p, &s->reasons, e);
}

static int set_up(struct session *s, struct err *e)
{
	int status = schema_create(&s->schema, e);
	if (status == 0)
		status = recorder_schema(s->schema, e);
	if (status == 0)
		status = state_schema(s->schema, e);
	if (status == 0)
		status = selection_resolve(s->options.selection, s->schema, e);
	if (status < 0)
		return status;
	if (s->options.stacks)
		table_supply_open(&s->tables);
	make_plan(s);
	status = open_rung(s, e);
	if (status < 0)
		return status;
	keep_rings(s);
	status = make_user_rings(s, e);
	if (status < 0)
		return status;
	describe_trace(s);
	status = state_create(&s->state, e);
	if (status == 0 && !s->options.flight)
		status = open_trace(s, s->options.path, &s->out, e);
	if (status == 0 && s->out)
		status = packet_init(&s->state_out, s->trace.uuid, RECORDER_STREAM_STATE, 0,
				     ctf_write_packet, s->out, e);
	return status < 0 ? status : register_trace(s, e);
}

int session_environment(const struct selection *selection, struct err *e)
{
	char name[32], path[USER_PATH_BYTES];
	if (!selection->markers.bytes)
		return 0;
	snprintf(name, sizeof(name), "%d", (int)getpid());
	int status = user_rings_path(path, name, e);
	if (status == 0 && setenv(MARKER_SESSION_VARIABLE, path, 1) < 0)
		status = err_errno(e, "cannot tell the command where its markers' rings are");
	return status;
}

int session_open(struct session **ret, const struct session_options *options, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "no memory for the session");
	s->options = *options;
	s->registry.fd = -1;
	int status = set_up(s, e);
	if (status < 0) {
		session_close(s);
		return status;
	}
	*ret = s;
	return 0;
}

/* Who lives now, before anything is recorded: the scan's own doings are nobody's business. */
static int read_state(struct session *s, struct err *e)
{
	uint64_t now_ns = now_monotonic_ns();
	int status = 0;
	state_anchor_clocks(s->state, now_ns, true);
	for (size_t i = 0; i < s->options.target_count && status == 0; i++)
		status = state_add_target(s->state, s->options.targets[i], now_ns, e);
	return status < 0 ? status : state_scan(s->state, now_ns, e);
}

/* Streaming: the state goes to the trace as it is learnt, a packet now and then. */
static int tell_state(struct session *s, bool seal, struct err *e)
{
	uint64_t now_ns = now_monotonic_ns();
	if (!s->out || (!seal && now_ns - s->state_told_ns < STATE_PERIOD_NS))
		return 0;
	s->state_told_ns = now_ns;
	int status = state_write(s->state, &s->state_out, false, now_ns, e);
	state_forget(s->state, true);
	if (status < 0 || (!seal && now_ns - s->state_sealed_ns < STATE_PACKET_NS))
		return status;
	s->state_sealed_ns = now_ns;
	return packet_seal(&s->state_out, e);
}

/* That a process has no such marker is worth a word, not a failure: a library may bring it. */
static int switch_markers_on(struct session *s, struct err *e)
{
	size_t count;
	int status = 0;
	for (size_t i = 0; s->user && s->options.attach && i < s->options.target_count; i++) {
		pid_t pid = s->options.targets[i];
		status = board_switch(pid, user_rings_share(s->user), user_rings_file(s->user),
				      &count, e);
		if (status < 0)
			break;
		if (!count)
			text_print(&s->options.selection->notes,
				   "process %d has no marker of these names, unless a library "
				   "brings one (`cairn list markers -p %d`)\n",
				   (int)pid, (int)pid);
	}
	return status;
}

/* Who is gone needs nothing; what cannot be switched switches itself off when the rings close. */
static void switch_markers_off(struct session *s)
{
	size_t count;
	for (size_t i = 0; s->user && s->options.attach && i < s->options.target_count; i++)
		board_switch(s->options.targets[i], NULL, NULL, &count, NULL);
}

int session_start(struct session *s, struct err *e)
{
	int status = read_state(s, e);
	if (s->options.flight)
		(void)kallsyms_open(&s->kernel_names, NULL);
	if (status == 0)
		status = tell_state(s, true, e);
	if (status < 0)
		return status;
	s->started_ns = now_monotonic_ns();
	s->started_cpu_ns = now_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	status = s->rung->start(s->rung, e);
	return status < 0 ? status : switch_markers_on(s, e);
}

/* What programs describe is in the trace's description before a kill could hide it. */
static int learn_markers(struct session *s, struct err *e)
{
	size_t added;
	uint64_t now_ns = now_monotonic_ns();
	if (!s->user)
		return 0;
	if (now_ns - s->user_anchored_ns > USER_ANCHOR_NS) {
		s->user_anchored_ns = now_ns;
		user_rings_anchor(s->user);
	}
	int status = user_rings_learn(s->user, s->schema, &added, e);
	if (status < 0 || !added)
		return status;
	return s->out ? ctf_write_metadata(s->out, e) : register_trace(s, e);
}

static int drain_markers(struct session *s, bool all, struct err *e)
{
	size_t added;
	if (!s->user)
		return 0;
	user_rings_look(s->user);
	int status = user_rings_learn(s->user, s->schema, &added, e);
	if (status == 0)
		status = user_rings_drain(s->user, s->schema, all, ctf_write_packet, s->out, e);
	return status;
}

static int learn(struct session *s, struct err *e)
{
	if (s->rung->service)
		s->rung->service(s->rung);
	int status = s->rung->news(s->rung, state_news, s->state, e);
	state_refresh(s->state, now_monotonic_ns());
	state_anchor_clocks(s->state, now_monotonic_ns(), false);
	if (!s->out)
		state_forget(s->state, false);
	return status < 0 ? status : learn_markers(s, e);
}

int session_step(struct session *s, int *wait_ms_ret, struct err *e)
{
	struct ctf_write_totals before = {0}, after = {0};
	*wait_ms_ret = PERIOD_MS;
	int status = learn(s, e);
	if (status == 0)
		status = tell_state(s, false, e);
	if (status < 0 || !s->out)
		return status;
	ctf_write_totals(s->out, &before);
	status = s->rung->drain(s->rung, false, ctf_write_packet, s->out, e);
	if (status == 0)
		status = drain_markers(s, false, e);
	ctf_write_totals(s->out, &after);
	if (after.packets - before.packets > (uint64_t)get_nprocs() / 2)
		*wait_ms_ret = PERIOD_FAST_MS;
	return status;
}

static void add_totals(struct session *s, const struct ctf_write *out)
{
	struct ctf_write_totals written;
	ctf_write_totals(out, &written);
	s->totals.trace_bytes = written.bytes;
	s->totals.lost_on_disk = written.lost_events;
	if (written.trouble.code)
		s->totals.disk_trouble = written.trouble;
}

/* What the recorder cost, and the names of the kernel's functions the trace speaks of. */
static int tell_end(struct session *s, struct packet *state_out, struct err *e)
{
	struct survey survey;
	uint64_t now_ns = now_monotonic_ns();
	s->totals.wall_ns = now_ns - s->started_ns;
	s->totals.tool_cpu_ns = now_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - s->started_cpu_ns;
	int status = survey_trace(&survey, s->last_path.data, e);
	if (status < 0)
		return status;
	struct rung_totals rung;
	s->rung->totals(s->rung, &rung);
	s->totals.events = survey.events;
	struct user_totals user = {0};
	if (s->user)
		user_rings_totals(s->user, &user);
	s->totals.lost = rung.lost + user.lost;
	s->totals.marker_events = user.events;
	s->totals.marker_clock_error_ns = user.clock_error_ns;
	s->totals.misses = rung.misses;
	s->totals.probe_ns = rung.probe_each_ns * survey.kernel_events;
	struct state_recorder recorder = {.cpu_ns = s->totals.tool_cpu_ns,
					  .wall_ns = s->totals.wall_ns,
					  .events = survey.events,
					  .lost = s->totals.lost,
					  .misses = rung.misses,
					  .probe_ns = s->totals.probe_ns};
	status = state_write_recorder(state_out, &recorder, now_ns, e);
	if (status == 0)
		status = survey_write_symbols(&survey, &s->kernel_names, state_out, now_ns, e);
	survey_deinit(&survey);
	return status < 0 ? status : packet_seal(state_out, e);
}

static int fill_snapshot(struct session *s, struct ctf_write *out, struct err *e)
{
	struct packet state_out;
	int status = s->rung->snapshot(s->rung, ctf_write_packet, out, e);
	if (status == 0 && s->user)
		status = user_rings_snapshot(s->user, s->schema, ctf_write_packet, out, e);
	if (status == 0)
		status = learn(s, e);
	if (status == 0)
		status = packet_init(&state_out, s->trace.uuid, RECORDER_STREAM_STATE, 0,
				     ctf_write_packet, out, e);
	if (status < 0)
		return status;
	state_refresh_targets(s->state, now_monotonic_ns());
	state_anchor_clocks(s->state, now_monotonic_ns(), true);
	status = state_write(s->state, &state_out, true, now_monotonic_ns(), e);
	if (status == 0)
		status = tell_end(s, &state_out, e);
	packet_deinit(&state_out);
	return status;
}

static int write_snapshot(struct session *s, const char *path, struct err *e)
{
	struct ctf_write *out = NULL;
	int status = open_trace(s, path, &out, e);
	if (status == 0)
		status = fill_snapshot(s, out, e);
	if (out) {
		add_totals(s, out);
		ctf_write_destroy(out);
	}
	return status;
}

int session_snapshot(struct session *s, const char *path, struct text *path_ret, struct err *e)
{
	if (!s->options.flight)
		return err_set(e, EINVAL,
			       "this recorder streams; only a flight recorder "
			       "(--flight SIZE) writes snapshots");
	int status = write_snapshot(s, path, e);
	if (status == 0)
		text_print(path_ret, "%s", s->last_path.data);
	return status;
}

bool session_triggered(struct session *s)
{
	return s->user && user_rings_triggered(s->user);
}

static int end_stream(struct session *s, struct err *e)
{
	int status = s->rung->drain(s->rung, true, ctf_write_packet, s->out, e);
	if (status == 0)
		status = drain_markers(s, true, e);
	if (status == 0)
		status = tell_state(s, true, e);
	if (status == 0)
		status = tell_end(s, &s->state_out, e);
	add_totals(s, s->out);
	return status;
}

int session_stop(struct session *s, bool keep, struct err *e)
{
	int status = learn(s, e);
	switch_markers_off(s);
	state_refresh_targets(s->state, now_monotonic_ns());
	state_anchor_clocks(s->state, now_monotonic_ns(), true);
	if (status == 0)
		status = s->rung->stop(s->rung, e);
	if (status < 0)
		return status;
	if (s->out)
		return end_stream(s, e);
	return keep ? write_snapshot(s, s->options.path, e) : 0;
}

void session_totals(struct session *s, struct session_totals *ret)
{
	*ret = s->totals;
	ret->rung = s->rung->kind->name;
	ret->rung_reasons = s->reasons.data ? s->reasons.data : "";
	ret->cpus = (uint32_t)get_nprocs();
}

const char *session_path(const struct session *s)
{
	return s->last_path.data ? s->last_path.data : s->options.path;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	if (s->rung)
		s->rung->close(s->rung);
	user_rings_close(s->user);
	registry_close(&s->registry);
	table_supply_close(&s->tables);
	packet_deinit(&s->state_out);
	ctf_write_destroy(s->out);
	state_destroy(s->state);
	schema_destroy(s->schema);
	text_deinit(&s->reasons);
	text_deinit(&s->last_path);
	kallsyms_close(s->kernel_names);
	free(s);
}
