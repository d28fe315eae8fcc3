/* SPDX-License-Identifier: MIT */
/* The rung below the ladder: nothing of the kernel, for who wants his programs' markers only. */
#include "kernel/rung.h"

#include <stdlib.h>

static int none_switch(struct rung *r, struct err *e)
{
	(void)r, (void)e;
	return 0;
}

static int none_keep(struct rung *r, const char *name, struct err *e)
{
	(void)r, (void)name, (void)e;
	return 0;
}

static int none_drain(struct rung *r, bool all, rung_sink sink, void *context, struct err *e)
{
	(void)r, (void)all, (void)sink, (void)context, (void)e;
	return 0;
}

static int none_news(struct rung *r, rung_news news, void *context, struct err *e)
{
	(void)r, (void)news, (void)context, (void)e;
	return 0;
}

static int none_snapshot(struct rung *r, rung_sink sink, void *context, struct err *e)
{
	(void)r, (void)sink, (void)context, (void)e;
	return 0;
}

static void none_totals(struct rung *r, struct rung_totals *ret)
{
	(void)r;
	*ret = (struct rung_totals){0};
}

static void none_close(struct rung *r)
{
	free(r);
}

static int none_open(struct rung **ret, const struct plan *plan, struct err *e)
{
	struct rung *r = calloc(1, sizeof(*r));
	(void)plan;
	if (!r)
		return err_set(e, ENOMEM, "no memory for the recorder");
	*r = (struct rung){.kind = &rung_none,
			   .start = none_switch,
			   .stop = none_switch,
			   .keep = none_keep,
			   .drain = none_drain,
			   .news = none_news,
			   .snapshot = none_snapshot,
			   .totals = none_totals,
			   .close = none_close};
	*ret = r;
	return 0;
}

const struct rung_kind rung_none = {"none", none_open};
