/* SPDX-License-Identifier: MIT */
/* The recorders themselves, each for a fiftieth of a second. */
#include "doctor/check.h"
#include "kernel/rung.h"

#include <unistd.h>

enum { TRIAL_US = 20000, TRIAL_RING_BYTES = 16 * RECORDER_SUBBUF_BYTES };

static int weigh(void *context, const struct ring_packet *header, const void *body,
		 size_t body_bytes, struct err *e)
{
	(void)body, (void)e;
	if (header->stream_id == RECORDER_STREAM_EVENTS)
		*(size_t *)context += body_bytes;
	return 0;
}

/* Sleeping makes events of its own: a recorder that gives none is none. */
static int record_a_moment(struct rung *rung, size_t *bytes_ret, struct err *e)
{
	int status = rung->start(rung, e);
	if (status < 0)
		return status;
	for (int i = 0; i < 4; i++)
		usleep(TRIAL_US / 4);
	status = rung->stop(rung, e);
	return status < 0 ? status : rung->drain(rung, true, weigh, bytes_ret, e);
}

static int try_rung(const struct rung_kind *kind, struct text *detail, struct err *e)
{
	struct plan plan = {.waits = true,
			    .ring_bytes = TRIAL_RING_BYTES,
			    .own_pid = getpid(),
			    .session = "doctor"};
	struct rung *rung;
	size_t bytes = 0;
	int status = kind->open(&rung, &plan, e);
	if (status < 0)
		return status;
	status = record_a_moment(rung, &bytes, e);
	rung->close(rung);
	if (status == 0 && bytes == 0)
		status = err_set(e, EIO, "it recorded nothing in %d ms", TRIAL_US / 1000);
	if (status == 0)
		text_print(detail, "recorded %zu bytes of the wait set in %d ms", bytes,
			   TRIAL_US / 1000);
	return status;
}

static int try_bpf(struct text *detail, struct err *e)
{
	return try_rung(&rung_bpf, detail, e);
}

static int try_tracefs(struct text *detail, struct err *e)
{
	return try_rung(&rung_tracefs, detail, e);
}

static int try_perf(struct text *detail, struct err *e)
{
	return try_rung(&rung_perf, detail, e);
}

const struct check checks_rungs[] = {
	{"bpf", try_bpf,
	 "Recordings cost two to five times more, and say neither in which system call nor where "
	 "in its program a thread slept.",
	 "Run as root, or with CAP_BPF and CAP_PERFMON; the kernel needs BTF "
	 "(/sys/kernel/btf/vmlinux)."},
	{"tracefs", try_tracefs, "There is no second choice where BPF is refused.",
	 "Run as root, or have tracefs opened to a group: mount -o remount,mode=770,gid=GROUP "
	 "/sys/kernel/tracing."},
	{"perf", try_perf, "There is no last resort for whoever has CAP_PERFMON alone.",
	 "Grant CAP_PERFMON, and reading of tracefs for the tracepoints' numbers."},
	{0},
};
