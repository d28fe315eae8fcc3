/* SPDX-License-Identifier: MIT */
/* LTTng-UST's description of the load's events; it includes this file several times. */
#undef TRACEPOINT_PROVIDER
#define TRACEPOINT_PROVIDER bench
#undef TRACEPOINT_INCLUDE
#define TRACEPOINT_INCLUDE "./lttng_load.h"
#if !defined(CAIRN_BENCH_LTTNG_LOAD_H) || defined(TRACEPOINT_HEADER_MULTI_READ)
#define CAIRN_BENCH_LTTNG_LOAD_H
#include <lttng/tracepoint.h>
#include <stdint.h>

TRACEPOINT_EVENT(bench, none, TP_ARGS(), TP_FIELDS())
TRACEPOINT_EVENT(bench, two, TP_ARGS(uint64_t, a, uint64_t, b),
		 TP_FIELDS(ctf_integer(uint64_t, a, a) ctf_integer(uint64_t, b, b)))
TRACEPOINT_EVENT(bench, text, TP_ARGS(int, a, const char *, s),
		 TP_FIELDS(ctf_integer(int, a, a) ctf_string(s, s)))
#endif
#include <lttng/tracepoint-event.h>
