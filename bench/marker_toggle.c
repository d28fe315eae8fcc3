/* SPDX-License-Identifier: MIT */
/*
 * Switches all markers of a process: `marker_toggle PID ROUNDS` on and off, and prints ms a switch;
 * `marker_toggle PID snapshots` on, and prints of ten snapshots ms of freeze and ms in all.
 */
#include "session/user_rings.h"
#include "switchboard/board.h"
#include "util/now.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int swallow(void *context, const struct ring_packet *header, const void *body,
		   size_t body_bytes, struct err *e)
{
	(void)context, (void)header, (void)body, (void)body_bytes, (void)e;
	return 0;
}

static int take_snapshots(pid_t pid, struct user_rings *rings, struct err *e)
{
	static const struct user_streams streams = {3, 4};
	struct schema *schema;
	struct user_totals totals;
	size_t count;
	int status = schema_create(&schema, e);
	if (status < 0)
		return status;
	status = user_schema(schema, &streams, e);
	if (status == 0)
		status = board_switch(pid, user_rings_share(rings), user_rings_file(rings), &count,
				      e);
	for (int i = 0; i < 10 && status == 0; i++) {
		usleep(100000);
		uint64_t start_ns = now_monotonic_ns();
		status = user_rings_snapshot(rings, schema, swallow, NULL, e);
		user_rings_totals(rings, &totals);
		printf("%.3f %.3f\n", (double)totals.frozen_ns / 1e6,
		       (double)(now_monotonic_ns() - start_ns) / 1e6);
	}
	schema_destroy(schema);
	return status;
}

static int toggle_rounds(pid_t pid, struct user_rings *rings, int rounds, struct err *e)
{
	int status = 0;
	for (int i = 0; i < rounds && status == 0; i++) {
		status = toggle(pid, rings, true, e);
		usleep(1000);
		if (status == 0)
			status = toggle(pid, rings, false, e);
	}
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
				       .ring_bytes = 4 << 20,
				       .streams = {3, 4}};
	int status = user_rings_create(&rings, &options, &e);
	if (status == 0 && !strcmp(argv[2], "snapshots"))
		status = take_snapshots(atoi(argv[1]), rings, &e);
	else if (status == 0)
		status = toggle_rounds(atoi(argv[1]), rings, atoi(argv[2]), &e);
	user_rings_close(rings);
	text_deinit(&patterns);
	if (status < 0)
		fprintf(stderr, "%s\n", e.text);
	return status < 0;
}
