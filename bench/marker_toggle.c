/* SPDX-License-Identifier: MIT */
/* Switches all markers of a process on and off: `marker_toggle PID ROUNDS` prints ms a switch. */
#include "session/user_rings.h"
#include "switchboard/board.h"
#include "util/now.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int toggle(pid_t pid, struct user_rings *rings, bool on, struct err *e)
{
	size_t count;
	uint64_t start_ns = now_monotonic_ns();
	int status = board_switch(pid, on ? user_rings_share(rings) : NULL, user_rings_file(rings),
				  &count, e);
	if (status == 0)
		printf("%.3f\n", (double)(now_monotonic_ns() - start_ns) / 1e6);
	return status;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct user_rings *rings = NULL;
	struct text patterns = {0};
	char name[32];
	if (argc != 3)
		return 2;
	snprintf(name, sizeof(name), "toggle-%d", (int)getpid());
	text_append(&patterns, "\xff*", 3);
	struct user_options options = {.name = name,
				       .patterns = &patterns,
				       .overwrite = true,
				       .ring_bytes = 1 << 20,
				       .streams = {3, 4}};
	int status = user_rings_create(&rings, &options, &e);
	for (int i = 0; i < atoi(argv[2]) && status == 0; i++) {
		status = toggle(atoi(argv[1]), rings, true, &e);
		usleep(1000);
		if (status == 0)
			status = toggle(atoi(argv[1]), rings, false, &e);
	}
	user_rings_close(rings);
	text_deinit(&patterns);
	if (status < 0)
		fprintf(stderr, "%s\n", e.text);
	return status < 0;
}
