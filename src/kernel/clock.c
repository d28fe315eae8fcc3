/* SPDX-License-Identifier: MIT */
#include "kernel/clock.h"
#include "util/cleanup.h"
#include "util/now.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

/* The rate of two anchors is known no better than this, however narrow their windows look. */
static const double rate_error_min = 1e-9;

uint64_t clock_tsc(void)
{
#ifdef __x86_64__
	/* The fences keep the read where it is written: a bracket must not open late. */
	_mm_lfence();
	uint64_t tsc = __rdtsc();
	_mm_lfence();
	return tsc;
#else
	return 0;
#endif
}

static bool has_word(const char *text, const char *word)
{
	size_t bytes = strlen(word);
	for (const char *at = text; (at = strstr(at, word)); at += bytes) {
		bool begins = at == text || strchr(" \t\n", at[-1]);
		if (begins && strchr(" \t\n", at[bytes]))
			return true;
	}
	return false;
}

int clock_judge(const char *cpuinfo, const char *source, struct err *e)
{
	static const char *const needed[] = {"constant_tsc", "nonstop_tsc"};
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!has_word(cpuinfo, needed[i]))
			return err_set(e, ENOTSUP,
				       "the cpus' time-stamp counter is not %s: events of programs "
				       "carry the monotonic clock, at some 20 ns more an event",
				       needed[i]);
	if (strcmp(source, "tsc") && strcmp(source, "kvm-clock") &&
	    strcmp(source, "hyperv_clocksource_tsc_page"))
		return err_set(e, ENOTSUP,
			       "the kernel keeps time by '%s', not by the time-stamp counter, so "
			       "that is not trusted here either",
			       source);
	return 0;
}

static void read_start(const char *path, char *buffer, size_t bytes)
{
	buffer[0] = 0;
	CLEANUP(stream) FILE *in = fopen(path, "re");
	size_t got = in ? fread(buffer, 1, bytes - 1, in) : 0;
	buffer[got] = 0;
}

int clock_check(struct err *e)
{
	char cpuinfo[8192], source[64];
	read_start("/proc/cpuinfo", cpuinfo, sizeof(cpuinfo));
	read_start("/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
		   sizeof(source));
	source[strcspn(source, "\n")] = 0;
	return clock_judge(cpuinfo, source, e);
}

/* How far another clock is ahead of the monotonic one, from the tightest of some brackets. */
static int64_t clock_ahead(clockid_t clock, unsigned tries)
{
	uint64_t tightest_ns = UINT64_MAX;
	int64_t ahead_ns = 0;
	for (unsigned i = 0; i < tries; i++) {
		uint64_t before = now_monotonic_ns();
		uint64_t other = now_clock_ns(clock);
		uint64_t after = now_monotonic_ns();
		if (after - before < tightest_ns) {
			tightest_ns = after - before;
			ahead_ns = (int64_t)(other - (before + tightest_ns / 2));
		}
	}
	return ahead_ns;
}

static void anchor_by_tsc(struct clock_anchor *ret, unsigned tries)
{
	uint64_t tightest = UINT64_MAX, first_tsc = clock_tsc();
	uint64_t first_ns = now_monotonic_ns(), last_ns = first_ns, last_tsc = first_tsc;
	for (unsigned i = 0; i < tries; i++) {
		uint64_t before = clock_tsc();
		last_ns = now_monotonic_ns();
		last_tsc = clock_tsc();
		if (last_tsc - before < tightest) {
			tightest = last_tsc - before;
			ret->tsc = before + tightest / 2;
			ret->monotonic_ns = last_ns;
		}
	}
	/* The rate of so short a time is rough, which a window of 50 ns hardly feels. */
	double ns_per_tick = (double)(last_ns - first_ns) / (double)(last_tsc - first_tsc);
	ret->window_ns = (uint64_t)ceil((double)tightest * ns_per_tick);
}

void clock_anchor_take(struct clock_anchor *ret, unsigned tries, bool use_tsc)
{
	struct clock_anchor anchor = {0};
	if (use_tsc)
		anchor_by_tsc(&anchor, tries ? tries : 1);
	else
		anchor.tsc = anchor.monotonic_ns = now_monotonic_ns();
	uint64_t ns = anchor.monotonic_ns;
	anchor.monotonic_raw_ns = ns + (uint64_t)clock_ahead(CLOCK_MONOTONIC_RAW, tries);
	anchor.realtime_ns = ns + (uint64_t)clock_ahead(CLOCK_REALTIME, tries);
	*ret = anchor;
}

int clock_line_add(struct clock_line *line, const struct clock_anchor *anchor)
{
	if (line->anchors.count) {
		const struct clock_anchor *last = &line->anchors.items[line->anchors.count - 1];
		if (anchor->tsc <= last->tsc || anchor->monotonic_ns <= last->monotonic_ns)
			return 0;
	}
	return array_push(&line->anchors, *anchor);
}

void clock_line_deinit(struct clock_line *line)
{
	array_free(&line->anchors);
}

/* ns per tick between anchors i and i + 1. */
static double rate_of(const struct clock_line *line, size_t i)
{
	const struct clock_anchor *a = &line->anchors.items[i];
	return (double)(a[1].monotonic_ns - a[0].monotonic_ns) / (double)(a[1].tsc - a[0].tsc);
}

/* How much the rate changes, relative to itself, at either end of a piece. */
static double bend_at(const struct clock_line *line, size_t i)
{
	double rate = rate_of(line, i), bend = rate_error_min;
	if (i > 0)
		bend = fmax(bend, fabs(rate_of(line, i - 1) / rate - 1));
	if (i + 2 < line->anchors.count)
		bend = fmax(bend, fabs(rate_of(line, i + 1) / rate - 1));
	return bend;
}

static uint64_t error_at(const struct clock_line *line, size_t i, double ns)
{
	const struct clock_anchor *a = &line->anchors.items[i];
	double window = (double)(a[0].window_ns > a[1].window_ns ? a[0].window_ns : a[1].window_ns);
	double length = (double)(a[1].monotonic_ns - a[0].monotonic_ns);
	double bend = bend_at(line, i), error = window / 2 + 1;
	double outside = ns < 0 ? -ns : fmax(0, ns - length);
	/* Inside, a line that bends in its middle is off by no more than a quarter of its bend. */
	if (outside == 0)
		return (uint64_t)ceil(error + bend * length / 4);
	return (uint64_t)ceil(error + outside * (bend + window / length));
}

bool clock_line_find(const struct clock_line *line, uint64_t tsc, uint64_t *ns_ret,
		     uint64_t *error_ns_ret)
{
	if (line->anchors.count < 2)
		return false;
	/* The piece that ends after the moment; the outermost ones go on beyond their ends. */
	size_t low = 0, high = line->anchors.count - 2;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (line->anchors.items[middle + 1].tsc < tsc)
			low = middle + 1;
		else
			high = middle;
	}
	const struct clock_anchor *a = &line->anchors.items[low];
	double ns = (double)(int64_t)(tsc - a->tsc) * rate_of(line, low);
	*ns_ret = a->monotonic_ns + (uint64_t)(int64_t)llround(ns);
	*error_ns_ret = error_at(line, low, ns);
	return true;
}
