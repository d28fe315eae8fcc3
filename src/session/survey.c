/* SPDX-License-Identifier: MIT */
#include "session/survey.h"

#include "ctf/ctf_read.h"
#include "session/state.h"

static const uint64_t TRACE_BYTES_MAX = 1ull << 30;

static void note_function(struct survey *s, uint64_t address)
{
	if (address && s->functions.count < SURVEY_FUNCTIONS_MAX)
		map_put(&s->functions, address);
}

static void look(struct survey *s, const struct event *event)
{
	if (event->type->stream_id == RECORDER_STREAM_STATE || event->type->kind == EVENT_LOST ||
	    event->type->kind == EVENT_WRITER)
		return;
	s->events++;
	s->kernel_events += event->type->stream_id < RECORDER_STREAMS;
	switch (event->type->kind) {
	case EVENT_HRTIMER_ENTRY:
		note_function(s, event_uint(event, HRTIMER_ENTRY_FUNCTION));
		break;
	case EVENT_TIMER_ENTRY:
		note_function(s, event_uint(event, TIMER_ENTRY_FUNCTION));
		break;
	case EVENT_WORK_QUEUE:
		note_function(s, event_uint(event, WORK_QUEUE_FUNCTION));
		break;
	case EVENT_WORK_START:
		note_function(s, event_uint(event, WORK_START_FUNCTION));
		break;
	default:
		break;
	}
}

static uint64_t trace_bytes(const struct source *trace)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < ctf_origin_count(trace); i++)
		bytes += ctf_origin_at(trace, i)->bytes;
	return bytes;
}

int survey_trace(struct survey *ret, const char *path, struct err *e)
{
	*ret = (struct survey){0};
	struct source *trace;
	int status = ctf_open(&trace, path, NULL, e);
	if (status < 0)
		return err_add(e, "reading back what was recorded");
	struct event event;
	if (trace_bytes(trace) <= TRACE_BYTES_MAX) {
		while ((status = source_next(trace, &event, e)) > 0)
			look(ret, &event);
	}
	source_close(trace);
	if (status < 0)
		survey_deinit(ret);
	return status;
}

void survey_deinit(struct survey *s)
{
	map_deinit(&s->functions);
}

/* A module may have come since the names were read. */
static bool names_all(const struct kallsyms *kernel, const struct map *functions)
{
	struct kallsyms_symbol symbol;
	map_each(slot, functions) {
		if (!kallsyms_find(kernel, slot->key, &symbol))
			return false;
	}
	return true;
}

int survey_write_symbols(const struct survey *s, struct kallsyms **names, struct packet *out,
			 uint64_t now_ns, struct err *e)
{
	int status = 0;
	if (!s->functions.count)
		return 0;
	if (*names && !names_all(*names, &s->functions)) {
		kallsyms_close(*names);
		*names = NULL;
	}
	if (!*names && kallsyms_open(names, NULL) < 0)
		return 0;
	map_each(slot, &s->functions) {
		struct kallsyms_symbol symbol;
		if (status == 0 && kallsyms_find(*names, slot->key, &symbol))
			status = state_write_symbol(out, slot->key, symbol.name,
						    slot->key - symbol.start, now_ns, e);
	}
	return status;
}
