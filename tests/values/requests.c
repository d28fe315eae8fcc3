/* SPDX-License-Identifier: MIT */
/* A function with parameters, locals, followed pointers: what gdb prints of them is the judge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct conn {
	int fd;
	const char *peer;
	double load;
};
struct req {
	struct conn *conn;
	unsigned flags;
	char name[16];
};
static __attribute__((noinline)) int handle(struct req *r, int n, long scale)
{
	int total = 0;
	for (int i = 0; i < n; i++)
		total += (int)(scale * i) ^ r->conn->fd;
	return total + (int)r->flags;
}
int main(void)
{
	struct conn c = {7, "peer", 1.5};
	struct req r = {&c, 3, "get"};
	int sum = 0;
	for (int i = 0; i < 20; i++)
		sum += handle(&r, i, i * 3);
	printf("%d\n", sum);
	return 0;
}
