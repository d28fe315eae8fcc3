/* SPDX-License-Identifier: MIT */
/* A leaf function keeps its values below the stack pointer; a probe in it must not write there. */
#include <cairn/marker.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) static long leaf(long a)
{
	volatile long red[12];
	for (int i = 0; i < 12; i++)
		red[i] = a * i;
	__asm__ volatile("" ::: "memory");
	CAIRN_MARK(leaf, inside, CAIRN_INT(a, a));
	long sum = 0;
	for (int i = 0; i < 12; i++)
		sum += red[i] != a * i;
	return sum;
}
int main(void)
{
	long damaged = 0;
	getchar();
	for (long i = 1; i <= 1000; i++)
		damaged += leaf(i) != 0;
	printf("%ld damaged\n", damaged);
	fflush(stdout);
	getchar(); /* until whoever traced it has looked */
	return damaged != 0;
}
