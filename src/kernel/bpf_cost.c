/* SPDX-License-Identifier: MIT */
#include "kernel/bpf_cost.h"

#include "util/now.h"

#include <bpf/bpf.h>
#include <unistd.h>

static const uint64_t SAMPLE_NS = 100000000;

void bpf_cost_begin(struct bpf_cost *c)
{
	*c = (struct bpf_cost){.fd = bpf_enable_stats(BPF_STATS_RUN_TIME),
			       .begin_ns = now_monotonic_ns()};
}

void bpf_cost_end(struct bpf_cost *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void look(struct bpf_cost *c, const struct bpf_object *object)
{
	uint64_t run_ns = 0, runs = 0;
	struct bpf_program *program;
	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = {0};
		__u32 bytes = sizeof(info);
		int fd = bpf_program__fd(program);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &bytes))
			continue;
		run_ns += info.run_time_ns;
		runs += info.run_cnt;
	}
	c->each_ns = runs ? run_ns / runs : 0;
	bpf_cost_end(c);
}

void bpf_cost_step(struct bpf_cost *c, const struct bpf_object *object)
{
	if (c->fd >= 0 && now_monotonic_ns() - c->begin_ns >= SAMPLE_NS)
		look(c, object);
}

uint64_t bpf_cost_each_ns(struct bpf_cost *c, const struct bpf_object *object)
{
	if (c->fd >= 0)
		look(c, object);
	return c->each_ns;
}
