/* SPDX-License-Identifier: MIT */
/*
 * Events in a loop, by one tracer of several: LOAD_CAIRN, LOAD_LTTNG, LOAD_SDT.
 *
 *	load tight THREADS EVENTS   ns of cpu an event: rdtsc alone, then without fields, with two
 *	                            integers, with an integer and a string of 31
 *	load body EVENTS            the same inside 20 ns of arithmetic, less that arithmetic
 *	load off EVENTS             16 sites in such a body, less the body, for one site
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(LOAD_CAIRN)
#include <cairn/marker.h>
#define NONE() CAIRN_MARK(bench, none)
#define TWO(a, b)                                                                                  \
	CAIRN_MARK(bench, two, CAIRN_INT(first, (uint64_t)(a)), CAIRN_INT(second, (uint64_t)(b)))
#define TEXT(a, s) CAIRN_MARK(bench, text, CAIRN_INT(first, (int)(a)), CAIRN_TEXT(name, s))
#elif defined(LOAD_LTTNG)
#define TRACEPOINT_CREATE_PROBES
#define TRACEPOINT_DEFINE
#include "lttng_load.h"
#define NONE()     tracepoint(bench, none)
#define TWO(a, b)  tracepoint(bench, two, (uint64_t)(a), (uint64_t)(b))
#define TEXT(a, s) tracepoint(bench, text, (int)(a), s)
#else
#include <sys/sdt.h>
#define NONE()     DTRACE_PROBE(bench, none)
#define TWO(a, b)  DTRACE_PROBE2(bench, two, (uint64_t)(a), (uint64_t)(b))
#define TEXT(a, s) DTRACE_PROBE2(bench, text, (int)(a), s)
#endif

static const char *volatile string = "thirty-one characters of a name";
static volatile uint64_t sink;

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Some 20 ns of four independent chains. */
static inline uint64_t arithmetic(uint64_t x)
{
	uint64_t a = x, b = x + 1, c = x + 2, d = x + 3;
	for (int i = 0; i < 16; i++) {
		a = a * 5 + 1;
		b = (b ^ b >> 3) + 7;
		c = c * 3 + 9;
		d = (d ^ d << 5) + 11;
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
	}
	return a + b + c + d;
}

#define LOOP(name, work)                                                                           \
	static __attribute__((noinline)) void name(long count)                                     \
	{                                                                                          \
		const char *s = string;                                                            \
		for (long i = 0; i < count; i++) {                                                 \
			work;                                                                      \
			(void)s;                                                                   \
		}                                                                                  \
	}

LOOP(tight_rdtsc, sink = __builtin_ia32_rdtsc())
LOOP(tight_none, NONE())
LOOP(tight_two, TWO(i, count))
LOOP(tight_text, TEXT(i, s))
LOOP(body_bare, sink = arithmetic((uint64_t)i))
LOOP(body_rdtsc, sink = arithmetic((uint64_t)i) + __builtin_ia32_rdtsc())
LOOP(body_none, sink = arithmetic((uint64_t)i); NONE())
LOOP(body_two, uint64_t x = arithmetic((uint64_t)i); sink = x; TWO(i, x))
LOOP(body_text, sink = arithmetic((uint64_t)i); TEXT(i, s))
#define TWO4(x)                                                                                    \
	TWO(i, x * 3);                                                                             \
	TWO(i, x * 5);                                                                             \
	TWO(i, x * 7);                                                                             \
	TWO(i, x * 9)
LOOP(body_off, uint64_t x = arithmetic((uint64_t)i); sink = x; TWO4(x); TWO4(x + 1); TWO4(x + 2);
     TWO4(x + 3))

struct task {
	void (*loop)(long);
	long count;
	double ns;
};

static void *run_task(void *argument)
{
	struct task *t = argument;
	t->loop(t->count / 10);
	double start = cpu_ns();
	t->loop(t->count);
	t->ns = (cpu_ns() - start) / (double)t->count;
	return NULL;
}

static double measure(void (*loop)(long), long count, unsigned threads)
{
	struct task tasks[64];
	pthread_t ids[64];
	double ns = 0;
	for (unsigned i = 0; i < threads; i++) {
		tasks[i] = (struct task){loop, count / threads, 0};
		pthread_create(&ids[i], NULL, run_task, &tasks[i]);
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		ns += tasks[i].ns / threads;
	}
	return ns;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	long count = atol(argv[argc - 1]);
	if (!strcmp(mode, "tight")) {
		unsigned threads = (unsigned)atoi(argv[2]);
		printf("%.3f %.3f %.3f %.3f\n", measure(tight_rdtsc, count, threads),
		       measure(tight_none, count, threads), measure(tight_two, count, threads),
		       measure(tight_text, count, threads));
	} else if (!strcmp(mode, "body")) {
		double bare = measure(body_bare, count, 1);
		printf("%.3f %.3f %.3f %.3f\n", measure(body_rdtsc, count, 1) - bare,
		       measure(body_none, count, 1) - bare, measure(body_two, count, 1) - bare,
		       measure(body_text, count, 1) - bare);
	} else if (!strcmp(mode, "off")) {
		double bare = measure(body_bare, count, 1);
		printf("%.4f\n", (measure(body_off, count, 1) - bare) / 16);
	} else if (strcmp(mode, "start") != 0) {
		return 2;
	}
	return 0;
}
