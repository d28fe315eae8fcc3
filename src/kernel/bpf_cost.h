/* SPDX-License-Identifier: MIT */
/*
 * What a run of the recorder's programs costs, from a sample.
 *
 * Timing every run would cost as much as the runs: the kernel does it for the first moments only,
 * and their mean stands for the rest.
 */
#ifndef CAIRN_KERNEL_BPF_COST_H
#define CAIRN_KERNEL_BPF_COST_H

#include <bpf/libbpf.h>
#include <stdint.h>

struct bpf_cost {
	int fd; /* while the kernel times programs, else −1 */
	uint64_t begin_ns;
	uint64_t each_ns;
};

void bpf_cost_begin(struct bpf_cost *c);
void bpf_cost_step(struct bpf_cost *c, const struct bpf_object *object); /* ends it in time */
uint64_t bpf_cost_each_ns(struct bpf_cost *c, const struct bpf_object *object);
void bpf_cost_end(struct bpf_cost *c); /* without a look */

#endif
