/* SPDX-License-Identifier: MIT */
/*
 * Functions of three arguments that differ in their first instruction, called as often as the
 * standard input says: "push 100000" gives the nanoseconds of a call.
 *
 *	push   push %rbp, one byte        nop    one byte that does nothing
 *	plain  an ordinary instruction of four bytes
 *	long   one of seven bytes, where a jump fits over it
 *	entry  five bytes left to a tracer by the compiler (only if it was told to)
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef long (*function)(long a, long b, long c);

long on_push(long a, long b, long c), on_nop(long a, long b, long c);
long on_plain(long a, long b, long c), on_long(long a, long b, long c);
long on_entry(long a, long b, long c);

#define FUNCTION(name, first, rest)                                                                \
	__asm__(".text\n.globl " name "\n.type " name ", @function\n" name ": " first "\n" rest    \
		"lea (%rdi,%rsi), %rax\nadd %rdx, %rax\nret\n.size " name ", . - " name "\n")

FUNCTION("on_push", "push %rbp", "pop %rbp\n");
FUNCTION("on_nop", "nop", "");
FUNCTION("on_plain", "lea 1(%rdi), %rcx", "");
FUNCTION("on_long", "lea 0x12345678(%rdi), %rcx", "");

__attribute__((noinline, noclone)) long on_entry(long a, long b, long c)
{
	__asm__ volatile("" : "+r"(a));
	return a + b + c;
}

static const struct {
	const char *name;
	function call;
} functions[] = {
	{"push", on_push}, {"nop", on_nop},     {"plain", on_plain},
	{"long", on_long}, {"entry", on_entry},
};

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static volatile long sink;

static double measure(function call, long count)
{
	double begin = now_ns();
	for (long i = 0; i < count; i++)
		sink = call(i, i + 1, sink);
	return (now_ns() - begin) / (double)count;
}

int main(void)
{
	char name[16];
	long count;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (scanf("%15s %ld", name, &count) == 2) {
		for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
			if (!strcmp(functions[i].name, name))
				printf("%.2f\n", measure(functions[i].call, count));
		}
	}
	return 0;
}
