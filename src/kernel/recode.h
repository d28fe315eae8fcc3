/* SPDX-License-Identifier: MIT */
/*
 * The half that tracefs and perf share: raw records of a cpu in, the trace's packets out.
 *
 * Records must come in the order of their times within a cpu and stream.
 */
#ifndef CAIRN_KERNEL_RECODE_H
#define CAIRN_KERNEL_RECODE_H

#include "kernel/convert.h"
#include "kernel/life.h"
#include "packet/packet.h"

struct recode {
	struct convert convert;
	struct packet *events; /* [cpus] */
	struct life *life;     /* [cpus] */
	uint32_t cpus;
	uint64_t lost;
	struct converted converted;
};

int recode_open(struct recode *ret, const struct plan *plan, const char *tracefs, uint32_t cpus,
		struct err *e);
void recode_close(struct recode *r);

/* Where packets of events sealed from now on go. */
void recode_to(struct recode *r, rung_sink sink, void *context);

/* A record that contradicts its format counts as lost. */
int recode_record(struct recode *r, uint32_t cpu, uint64_t time_ns, const void *record,
		  size_t bytes, struct err *e);

/* Events lost after the cpu's last record and before `until_ns`; 0 where that is not known. */
int recode_lost(struct recode *r, enum recorder_stream stream, uint32_t cpu, uint64_t count,
		uint64_t until_ns, struct err *e);

int recode_seal_events(struct recode *r, struct err *e);

/* The event streams begin anew: for a snapshot, which says all again. */
void recode_restart_events(struct recode *r);

int recode_drain_life(struct recode *r, bool all, rung_sink sink, void *context, struct err *e);
int recode_snapshot_life(struct recode *r, rung_sink sink, void *context, struct err *e);
void recode_tell(struct recode *r, rung_news news, void *context);

void recode_totals(const struct recode *r, struct rung_totals *ret);

#endif
