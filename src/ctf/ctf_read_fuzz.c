/* SPDX-License-Identifier: MIT */
/*
 * Stream files as anybody may have written them, read and printed.
 *
 * The first byte chooses: our layout, LTTng's in either byte order, or metadata that comes with
 * the input (two bytes of length, the text), then the stream.
 */
#include "ctf/ctf_sample.h"
#include "ctf/ctf_stream.h"
#include "event/print.h"
#include "event/walk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const char *const samples[] = {
	OUR_METADATA,
	LTTNG_TYPES "trace { major = 1; byte_order = le; " LTTNG_HEADER LTTNG_STREAM,
	LTTNG_TYPES "trace { major = 1; byte_order = be; " LTTNG_HEADER LTTNG_STREAM,
};

enum { SAMPLES = 3 };

static void touch(const struct event *e)
{
	size_t bytes;
	for (unsigned slot = 0; slot < EVENT_SLOTS_MAX; slot++) {
		event_int(e, slot);
		event_text(e, slot, &bytes);
		event_words(e, slot, &bytes);
	}
	const struct type *payload = e->type->payload;
	for (uint32_t i = 0; i < payload->structure.field_count; i++)
		field_uint(e, &payload->structure.fields[i]);
}

static void read_all(struct ctf_stream *s, struct print *print, struct out *out)
{
	struct event event;
	struct err e;
	struct text text = {0};
	uint64_t last_ns = 0;
	while (ctf_stream_next(s, &event, &e) > 0) {
		if (event.time_ns < last_ns)
			abort();
		last_ns = event.time_ns;
		touch(&event);
		print_text(print, out, &event);
		print_json(&text, &event);
		out->at = out->start;
		text_clear(&text);
	}
	text_deinit(&text);
}

static void read_stream(const struct ctf_metadata *m, const uint8_t *data, size_t bytes)
{
	struct ctf_warnings warnings = {0};
	struct stream_trace trace = {.metadata = m, .warnings = &warnings, .to_ns = UINT64_MAX};
	struct ctf_stream s;
	struct print *print = NULL;
	struct out out;
	struct err e;
	int code = out_init(&out, -1);
	trace.plans = calloc(m->classes.count + 1, sizeof(struct ctf_plan *));
	for (size_t i = 0; !code && i < m->classes.count; i++)
		code = ctf_plan_create(&trace.plans[i], m->classes.items[i], &e);
	if (!code && !print_create(&print, &e) &&
	    !ctf_stream_init(&s, &trace, "input", data, bytes, &e)) {
		read_all(&s, print, &out);
		ctf_stream_close(&s);
	}
	print_destroy(print);
	for (size_t i = 0; i < m->classes.count; i++)
		ctf_plan_destroy(trace.plans[i]);
	free(trace.plans);
	map_deinit(&trace.running);
	ctf_warnings_deinit(&warnings);
	out_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ctf_metadata *m = NULL;
	struct err e;
	if (!bytes)
		return 0;
	unsigned choice = *data++;
	const void *text = choice < SAMPLES ? samples[choice] : NULL;
	size_t text_bytes = text ? strlen(text) : 0;
	bytes--;
	if (!text) {
		if (bytes < 2)
			return 0;
		text_bytes = (size_t)data[0] | (size_t)data[1] << 8;
		text = data + 2;
		data += 2;
		bytes -= 2;
		text_bytes = text_bytes < bytes ? text_bytes : bytes;
		data += text_bytes;
		bytes -= text_bytes;
	}
	if (ctf_parse(&m, text, text_bytes, &e))
		return 0;
	/* A copy of its own size, so that a read past its end is seen. */
	uint8_t *copy = malloc(bytes ? bytes : 1);
	if (bytes)
		memcpy(copy, data, bytes);
	read_stream(m, copy, bytes);
	free(copy);
	ctf_metadata_destroy(m);
	return 0;
}
